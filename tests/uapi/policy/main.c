// SPDX-License-Identifier: GPL-2.0-only
/*
 * The policy's transition table, row by row, on simulated IOMMUs: those that
 * scripts/vm has by --iommu sim, with --sim-param iommus=4, behind=2,1,1,2,
 * paired=n,n,n,y, born_dirty=n,n,n,y, coherent=y,n,y,y and shared=n,y,n,y. Our
 * module is loaded with disable_hugepages=1.
 * Arguments: the names of tests to run, else all but apart, which wants page sizes
 * that no two IOMMUs share: pgsizes=0x1000,0x10000.
 */
#include "policy.h"
#include "rig.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

static const int first_of[] = { A, B, C, D };
static uint64_t stale[4];

/* What a program before this one has left in the simulator, if it was killed. */
static void forget_others(void)
{
	unsigned int i, op;

	for (i = 0; i < 4; i++) {
		open_container(first_of[i]);
		for (op = 0; op < SIM_OPS; op++)
			heal(first_of[i], op);
		stale[i] = watch(first_of[i]).stale;
		close_container();
	}
}

/* Whatever came and went: nobody's page was within reach any more. */
static void nothing_is_stale(void)
{
	unsigned int i;

	for (i = 0; i < 4; i++) {
		struct sim_watch w;

		open_container(first_of[i]);
		w = watch(first_of[i]);
		tap_ok(w.iommu == i && w.stale == stale[i],
		       "IOMMU %u: no DMA reached a page that nobody held: %llu",
		       i, w.stale - stale[i]);
		tap_ok(w.domains == 1 && !w.leaves && !w.entries,
		       "and nothing is left: %llu domains, %llu leaves, %llu cached",
		       w.domains, w.leaves, w.entries);
		close_container();
	}
}

static const struct {
	const char *name;
	void (*run)(void);
} tests[] = {
	{ "start", test_start },
	{ "moves", test_moves },
	{ "pinned", test_pinned },
	{ "errors", test_errors },
	{ "refused", test_refused },
	{ "leaves", test_leaves },
	{ "traps", test_traps },
	{ "held", test_held },
	{ "late", test_late },
	{ "vaddr", test_vaddr },
	{ "gone", test_gone },
	{ "apart", test_apart },
};

static bool named(const char *name, char **list)
{
	while (*list)
		if (!strcmp(*list++, name))
			return true;
	return false;
}

/* A name that nobody has would run nothing, and pass. */
static void check_names(char **list)
{
	unsigned int i;

	for (; *list; list++) {
		for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
			if (!strcmp(tests[i].name, *list))
				break;
		if (i == sizeof(tests) / sizeof(tests[0]))
			tap_bail("no test is named '%s'", *list);
	}
}

int main(int argc, char **argv)
{
	unsigned int i;

	puts("TAP version 13");
	check_names(argv + 1);
	if (!rig_4k_leaves())
		tap_bail("load the module with disable_hugepages=1");
	if (simdma_find(dev, DEVICES) != DEVICES)
		tap_bail("wants --iommu sim with iommus=4 behind=2,1,1,2");
	forget_others();
	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		if (argc < 2 ? tests[i].run != test_apart :
			       named(tests[i].name, argv + 1))
			tests[i].run();
	nothing_is_stale();
	return tap_done();
}
