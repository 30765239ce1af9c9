// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "demo.h"
#include "rig.h"
#include "rng.h"
#include "tap.h"
#include "vfio.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct column columns[] = {
	{ .name = "stock GET", .type = VFIO_TYPE1v2_IOMMU, .how = HOW_GET },
	{ .name = "hwdbm GET", .type = VFIO_TYPE1_HWDBM_IOMMU, .how = HOW_GET },
	{ .name = "hwdbm CLEAR", .type = VFIO_TYPE1_HWDBM_IOMMU,
	  .how = HOW_CLEAR },
};

#define NR	3

static void head(const char *name)
{
	printf("  %-34s", name);
}

static double mib_of(uint64_t pages)
{
	return (double)(pages * PAGE_4K) / (1 << 20);
}

static void number(const char *name, uint64_t a, uint64_t b, uint64_t c)
{
	head(name);
	printf("%13" PRIu64 "%13" PRIu64 "%13" PRIu64 "\n", a, b, c);
}

static void mebibytes(const char *name, uint64_t a, uint64_t b, uint64_t c)
{
	head(name);
	printf("%13.1f%13.1f%13.1f\n", mib_of(a), mib_of(b), mib_of(c));
}

static void answer(const char *name, bool a, bool b, bool c)
{
	head(name);
	printf("%13s%13s%13s\n", a ? "yes" : "NO", b ? "yes" : "NO",
	       c ? "yes" : "NO");
}

#define ROW(print, name, field) \
	print(name, columns[0].field, columns[1].field, columns[2].field)

static void table(void)
{
	int i;

	printf("\n");
	head("");
	for (i = 0; i < NR; i++)
		printf("%13s", columns[i].name);
	printf("\n");
	ROW(number, "rounds", rounds);
	ROW(number, "bytes sent", sent * PAGE_4K);
	ROW(mebibytes, "  in MiB", sent);
	ROW(number, "pages reported dirty, all rounds", reported);
	ROW(number, "pages truly written, all rounds", written);
	ROW(number, "pages sent with the device stopped", left);
	ROW(number, "device writes", device_writes);
	ROW(answer, "converged", converged);
	ROW(answer, "mirror equal to memory", equal);
}

static void legend(uint64_t seed)
{
	printf("A page that is written after it was copied must be copied again; the dirty log\n"
	       "says which pages these are. A round: ask the log, copy what it names.\n\n"
	       "A device writes at random to %llu MiB that are being migrated: half of its\n"
	       "writes to %llu hot pages, a quarter to %llu warm ones, the others anywhere; 1\n"
	       "write for every %d pages sent and %d during each call for the log, counted, not\n"
	       "timed, so that a slow machine gives the same figures. At most %d rounds;\n"
	       "converged: at most %d pages are dirty, then the device stops and the rest is\n"
	       "sent. Seed %#" PRIx64 ".\n"
	       "  stock GET    vfio_iommu_type1 of this kernel\n"
	       "  hwdbm GET    this module, GET_BITMAP\n"
	       "  hwdbm CLEAR  this module, GET_BITMAP_NOCLEAR, and CLEAR_BITMAP of each 2 MiB\n"
	       "               right before they are sent: what was written until then is\n"
	       "               sent along, and need not be reported\n"
	       "Reported and truly written differ a little: a page that is written during a\n"
	       "call is counted in that round, and reported by that call or by the next.\n",
	       PAGES * PAGE_4K >> 20, HOT_PAGES, WARM_PAGES, PAGES_A_WRITE,
	       WRITES_A_CALL, MAX_ROUNDS, DOWNTIME_PAGES, seed);
}

static void maps(bool color)
{
	printf("\n");
	heat_map("dirty as stock GET reports it", columns[0].reports,
		 columns[0].rounds, color);
	heat_map("dirty as hwdbm GET reports it", columns[1].reports,
		 columns[1].rounds, color);
	heat_map("truly written, in the same run", columns[1].writes,
		 columns[1].rounds, color);
	heat_legend(color);
}

static void one_result(const struct column *col)
{
	if (col->converged)
		printf("%s sent %.1f MiB and converged in %d rounds", col->name,
		       mib_of(col->sent), col->rounds);
	else
		printf("%s sent %.1f MiB and had not converged after %d rounds",
		       col->name, mib_of(col->sent), col->rounds);
}

/* The numbers of the table in one sentence. */
static void result(void)
{
	const struct column *stock = &columns[0], *ours = &columns[1];

	printf("\n");
	one_result(stock);
	printf(";\n");
	one_result(ours);
	printf(": %.1f times less.\n",
	       (double)stock->sent / (double)(ours->sent ? ours->sent : 1));
}

static bool right(const struct column *col)
{
	return col->converged && col->equal && !col->failed &&
	       col->device_writes;
}

/* Usage: demo [--color|--plain] */
int main(int argc, char **argv)
{
	uint64_t seed = rng_default_seed();
	bool color = isatty(STDOUT_FILENO);
	int i;

	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--color"))
			color = true;
		else if (!strcmp(argv[i], "--plain"))
			color = false;
		else
			tap_bail("usage: demo [--color|--plain]");
	}
	if (!rig_4k_leaves())
		printf("The module maps leaves as large as it can; with disable_hugepages=1 it would\n"
		       "see single pages.\n");
	legend(seed);
	for (i = 0; i < NR; i++)
		migrate(&columns[i], seed);
	table();
	maps(color);
	result();
	return right(&columns[1]) && right(&columns[2]) ? 0 : 1;
}
