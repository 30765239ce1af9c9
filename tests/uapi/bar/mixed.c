// SPDX-License-Identifier: GPL-2.0-only
/* BAR and RAM side by side for us, in one mapping for the device. */
#define _GNU_SOURCE
#include "bar.h"
#include "proc.h"
#include "tap.h"

#include <string.h>
#include <sys/mman.h>

#define PAGES 24ULL

/* Where BAR is, RAM is not: 'B' and 'R', a letter a page, repeated. */
static char *lay_out(struct world *w, const char *pattern)
{
	char *p = mmap(NULL, PAGES * PAGE_4K, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	size_t n = strlen(pattern);
	uint64_t i;

	if (p == MAP_FAILED)
		tap_bail("mmap: %m");
	for (i = 0; i < PAGES; i++)
		if (pattern[i % n] == 'B')
			bar_see(&w->big, p + i * PAGE_4K, i * PAGE_4K, PAGE_4K,
				PROT_READ | PROT_WRITE);
	return p;
}

static long ram_kib(const char *pattern)
{
	size_t n = strlen(pattern), i;
	long kib = 0;

	for (i = 0; i < PAGES; i++)
		kib += pattern[i % n] == 'R' ? 4 : 0;
	return kib;
}

static void one(struct world *w, const char *pattern)
{
	char *p = lay_out(w, pattern);
	long locked = proc_locked_kib();
	bool good = true;
	uint64_t i;

	tap_ret(bar_map(w, p, IOVA, PAGES * PAGE_4K), 0, "MAP of %s", pattern);
	tap_ok(proc_locked_kib() == locked + ram_kib(pattern),
	       "locked is what is RAM: %ld KiB, want %ld",
	       proc_locked_kib() - locked, ram_kib(pattern));
	for (i = 0; i < PAGES; i++)
		good &= rig_reaches(&w->rig, IOVA + i * PAGE_4K,
				    p + i * PAGE_4K);
	tap_ok(good, "the device gets at each page");
	bar_unmap(w, IOVA, PAGES * PAGE_4K, "of it");
	tap_ok(proc_locked_kib() == locked, "all unlocked");
	munmap(p, PAGES * PAGE_4K);
}

/* A page is not there: what was mapped before it must go again. */
static void with_a_hole(struct world *w, const char *pattern)
{
	char *p = lay_out(w, pattern);
	long locked = proc_locked_kib();
	int ret;

	munmap(p + (PAGES - 1) * PAGE_4K, PAGE_4K);
	ret = bar_map(w, p, IOVA, PAGES * PAGE_4K);
	tap_ok(ret < 0, "MAP of %s without its last page: %s", pattern,
	       strerror(-ret));
	tap_ok(proc_locked_kib() == locked, "nothing is locked of it");
	tap_ok(rig_refused(&w->rig, IOVA), "and nothing mapped");
	munmap(p, PAGES * PAGE_4K);
}

void test_mixed(struct world *w)
{
	static const char *const patterns[] = {
		"RRRRRRRRRRRRBBBBBBBBBBBB", "BBBBBBBBBBBBRRRRRRRRRRRR",
		"RB", "BR", "RRBBB", "BRRR", "RRRRRRRB",
	};
	size_t i;

	for (i = 0; i < sizeof(patterns) / sizeof(*patterns); i++)
		one(w, patterns[i]);
	with_a_hole(w, "RRRB");
	with_a_hole(w, "BR");
	with_a_hole(w, "B");
}
