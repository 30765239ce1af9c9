// SPDX-License-Identifier: GPL-2.0-only
/*
 * What fails. The kernel's fault injection counts, in one thread and where our
 * module is on the stack: allocations of slab and of pages (user pages of a
 * fault included), and copies from and to user space. Told so, it also counts
 * what may sleep and what is for user space; out of its reach are only
 * allocations that must not fail, and get_user() and put_user(), of which this
 * module has none.
 */
#define _GNU_SOURCE
#include "faults.h"
#include "proc.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEBUGFS	"/sys/kernel/debug/"
#define NTH	"/proc/thread-self/fail-nth"
#define TRIES	3

static int nth_fd = -1;

static void knob(const char *path, const char *value)
{
	int ret = proc_write(path, value);

	if (ret && ret != -ENOENT)
		tap_bail("%s: %s", path, strerror(-ret));
}

#define SYMBOLS	"/proc/kallsyms"
#define SLACK	4096UL	/* behind the start of the last function */

/* The module's code, from its first function to the end of its last. */
static void find_text(unsigned long *start, unsigned long *end)
{
	FILE *f = fopen(SYMBOLS, "re");
	unsigned long at;
	char line[512], kind;

	*start = ~0UL;
	*end = 0;
	if (!f)
		tap_bail(SYMBOLS ": %m");
	while (fgets(line, sizeof(line), f)) {
		if (!strstr(line, "[" MODULE "]") ||
		    sscanf(line, "%lx %c", &at, &kind) != 2 ||
		    (kind != 't' && kind != 'T'))
			continue;
		*start = at < *start ? at : *start;
		*end = at > *end ? at : *end;
	}
	fclose(f);
	*end += SLACK;
	if (*start > *end)
		tap_bail(SYMBOLS " does not know our module");
}

/*
 * Only what fails with our module on the stack: VFIO itself fares no better
 * with less memory than with us, and where a group goes back to the kernel the
 * IOMMU's core warns that it must not fail.
 */
static void filter(const char *folder, unsigned long start, unsigned long end)
{
	char path[96], value[32];

	snprintf(path, sizeof(path), DEBUGFS "%s/require-start", folder);
	snprintf(value, sizeof(value), "%#lx", start);
	knob(path, value);
	snprintf(path, sizeof(path), DEBUGFS "%s/require-end", folder);
	snprintf(value, sizeof(value), "%#lx", end);
	knob(path, value);
}

static void filter_all(void)
{
	unsigned long start, end;

	find_text(&start, &end);
	filter("failslab", start, end);
	filter("fail_page_alloc", start, end);
	filter("fail_usercopy", start, end);
}

static const char *nth_open(void)
{
	if (access(DEBUGFS "failslab", F_OK) ||
	    access(DEBUGFS "fail_page_alloc", F_OK) ||
	    access(DEBUGFS "fail_usercopy", F_OK))
		return "this kernel has no fault injection";
	nth_fd = open(NTH, O_RDWR | O_CLOEXEC);
	if (nth_fd < 0)
		return "this kernel has no " NTH;
	knob(DEBUGFS "failslab/ignore-gfp-wait", "N");
	knob(DEBUGFS "fail_page_alloc/ignore-gfp-wait", "N");
	knob(DEBUGFS "fail_page_alloc/ignore-gfp-highmem", "N");
	knob(DEBUGFS "fail_page_alloc/min-order", "0");
	knob(DEBUGFS "failslab/verbose", "0");
	knob(DEBUGFS "fail_page_alloc/verbose", "0");
	knob(DEBUGFS "fail_usercopy/verbose", "0");
	filter_all();
	return NULL;
}

const char *nth_missing(void)
{
	static const char *missing;
	static bool asked;

	if (!asked)
		missing = nth_open();
	asked = true;
	return missing;
}

/* The write itself copies from user space: what is armed may strike there. */
static void nth_set(unsigned int n)
{
	char text[16];
	int i, len = snprintf(text, sizeof(text), "%u", n);

	for (i = 0; i < TRIES; i++)
		if (pwrite(nth_fd, text, (size_t)len, 0) == len)
			return;
	tap_bail(NTH ": %m");
}

static void nth_arm(const struct source *s, unsigned int n)
{
	(void)s;
	nth_set(n);
}

/* 0 is left of a count that has struck; reading it counts, too. */
static bool nth_struck(const struct source *s)
{
	char text[16] = "";
	bool struck = pread(nth_fd, text, sizeof(text) - 1, 0) > 0 &&
		      atoi(text) == 0;

	(void)s;
	nth_set(0);
	return struck;
}

const struct source nth_source = {
	.name = "memory and copies", .arm = nth_arm, .struck = nth_struck,
};

static uint64_t failed_before;

static uint64_t failed_now(const struct source *s)
{
	struct sim_watch watch;

	simdma_watch(orders_of(s->iommu), &watch);
	return watch.failed[s->op];
}

static void order_arm(const struct source *s, unsigned int n)
{
	failed_before = failed_now(s);
	must(simdma_fail(orders_of(s->iommu), s->op,
			 s->op == SIM_OP_READ ? EIO : ENOMEM, n, 1),
	     "SIM_ORDER");
}

static bool order_struck(const struct source *s)
{
	must(simdma_heal(orders_of(s->iommu), s->op), "SIM_ORDER");
	return failed_now(s) != failed_before;
}

#define ORDER(what, of, number)						\
	{								\
		.name = what, .iommu = of, .op = number,		\
		.arm = order_arm, .struck = order_struck,		\
	}

const struct source iommu_sources[] = {
	ORDER("IOMMU map", FIRST_IOMMU, SIM_OP_MAP),
	ORDER("IOMMU read", FIRST_IOMMU, SIM_OP_READ),
	ORDER("IOMMU tracking", FIRST_IOMMU, SIM_OP_SET_DIRTY),
	ORDER("IOMMU attach", FIRST_IOMMU, SIM_OP_ATTACH),
	ORDER("IOMMU alloc", FIRST_IOMMU, SIM_OP_ALLOC),
	ORDER("second IOMMU map", SECOND_IOMMU, SIM_OP_MAP),
	ORDER("second IOMMU read", SECOND_IOMMU, SIM_OP_READ),
	ORDER("second IOMMU tracking", SECOND_IOMMU, SIM_OP_SET_DIRTY),
	ORDER("second IOMMU attach", SECOND_IOMMU, SIM_OP_ATTACH),
	ORDER("second IOMMU alloc", SECOND_IOMMU, SIM_OP_ALLOC),
	{ .name = NULL },
};
