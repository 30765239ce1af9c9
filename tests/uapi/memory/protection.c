// SPDX-License-Identifier: GPL-2.0-only
/* What the process may not do, its devices may not. */
#define _GNU_SOURCE
#include "memory.h"
#include "tap.h"

#include <errno.h>
#include <sys/mman.h>

static uint32_t failures(struct world *w, bool store)
{
	uint32_t failed = edu_failed(&w->rig.edu);

	if (store)
		edu_store(&w->rig.edu, IOVA, 0, 64);
	else
		edu_fetch(&w->rig.edu, IOVA, 0, 64);
	return edu_failed(&w->rig.edu) - failed;
}

static void directions(struct world *w)
{
	char *p = mem_alloc(SIZE, LEAF_4K);

	map_is(w, p, IOVA, SIZE, RD, 0, KIB, "to be read");
	tap_ok(!failures(w, false) && failures(w, true),
	       "the device may read, and not write");
	unmap_is(w, IOVA, SIZE, KIB, "of it");
	map_is(w, p, IOVA, SIZE, WR, 0, KIB, "to be written");
	tap_ok(!failures(w, true), "the device may write");
	unmap_is(w, IOVA, SIZE, KIB, "of it");
	map_is(w, p, IOVA, SIZE, 0, -EINVAL, 0, "for neither");
	mem_free(p, SIZE);
}

/* Refused, and as if never asked. */
static void refused(struct world *w, char *p, uint32_t flags, const char *what)
{
	map_is(w, p, IOVA, SIZE, flags, -EFAULT, 0, what);
	tap_ok(rig_refused(&w->rig, IOVA), "nothing is left mapped");
}

static void not_allowed(struct world *w)
{
	char *p = mem_alloc(SIZE, LEAF_4K);

	mprotect(p, SIZE, PROT_READ);
	refused(w, p, MAP_RW, "to be written, of what we may only read");
	refused(w, p, WR, "to be written only, of the same");
	map_is(w, p, IOVA, SIZE, RD, 0, KIB, "to be read, of the same");
	unmap_is(w, IOVA, SIZE, KIB, "of it");
	mprotect(p, SIZE, PROT_NONE);
	refused(w, p, RD, "to be read, of what we may not");
	mprotect(p, SIZE, PROT_READ | PROT_WRITE);
	mprotect(p + SIZE - PAGE_4K, PAGE_4K, PROT_READ);
	refused(w, p, MAP_RW, "to be written, the last page only to be read");
	mprotect(p + SIZE - PAGE_4K, PAGE_4K, PROT_READ | PROT_WRITE);
	map_is(w, p, IOVA, SIZE, MAP_RW, 0, KIB, "when we may do all of it");
	unmap_is(w, IOVA, SIZE, KIB, "of it");
	mem_free(p, SIZE);
}

static void not_there(struct world *w)
{
	char *p = mem_alloc(SIZE, LEAF_4K);

	munmap(p + SIZE / 2, PAGE_4K);
	refused(w, p, MAP_RW, "of memory with a hole");
	refused(w, p, RD, "to be read, the same");
	munmap(p, SIZE / 2);
	refused(w, p, MAP_RW, "of memory that starts with a hole");
	mem_free(p, SIZE);
	refused(w, p, MAP_RW, "of no memory");
	refused(w, (char *)0xffff800000000000, RD, "of the kernel's addresses");
}

void test_protection(struct world *w)
{
	directions(w);
	not_allowed(w);
	not_there(w);
}
