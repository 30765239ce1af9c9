// SPDX-License-Identifier: GPL-2.0-only
/* The group with the hole comes and goes, and the hole with it. */
#include "balance.h"
#include "proc.h"
#include "ranges.h"
#include "tap.h"

#include <errno.h>

#define AROUND	2ULL	/* pages mapped on each side of the hole */
#define PAGES	(HOLE_PAGES + 2 * AROUND)

static char *mem;	/* for the hole and what is around it, in this order */

static void in_the_hole(const char *when)
{
	long locked = proc_locked_kib();

	tap_diag("MAP with a hole: %s", when);
	tap_ret(map(mem, HOLE, 1), -EINVAL, "its first page");
	tap_ret(map(mem, HOLE_END - PAGE_4K, 1), -EINVAL, "its last page");
	tap_ret(map(mem, HOLE, HOLE_PAGES), -EINVAL, "all of it");
	tap_ret(map(mem, HOLE - PAGE_4K, 2), -EINVAL, "into it");
	tap_ret(map(mem, HOLE_END - PAGE_4K, 2), -EINVAL, "out of it");
	tap_ret(map(mem, HOLE - PAGE_4K, HOLE_PAGES + 2), -EINVAL, "over it");
	tap_ok(proc_locked_kib() == locked, "nothing is locked by that");
}

static char *at(uint64_t iova)
{
	return mem + (iova - (HOLE - AROUND * PAGE_4K));
}

static void around_the_hole(void)
{
	tap_ret(map(mem, HOLE - AROUND * PAGE_4K, AROUND), 0, "MAP up to it");
	tap_ret(map(at(HOLE_END), HOLE_END, AROUND), 0, "MAP from its end on");
}

static void unmap_around(void)
{
	tap_ret(unmap(HOLE - AROUND * PAGE_4K, AROUND), 0, "UNMAP below it");
	tap_ret(unmap(HOLE_END, AROUND), 0, "UNMAP above it");
}

static void both_sides_reached(int dev, const char *who)
{
	tap_ok(reaches(dev, HOLE - PAGE_4K, at(HOLE - PAGE_4K)) &&
		       reaches(dev, HOLE_END, at(HOLE_END)),
	       "%s gets at the pages next to it", who);
}

/* What is around it is mapped. */
static void no_hole(int dev)
{
	tap_ret(map(at(HOLE), HOLE, HOLE_PAGES), 0, "MAP where it was");
	tap_ok(reaches(dev, HOLE, at(HOLE)) &&
		       reaches(dev, HOLE_END - PAGE_4K, at(HOLE_END - PAGE_4K)),
	       "the device gets at its first and last page");
	tap_ok(reaches(dev, HOLE - 32, at(HOLE - 32)),
	       "and over its border");
	tap_ret(unmap(HOLE, HOLE_PAGES), 0, "UNMAP where it was");
}

static void comes(const struct ranges *plain, const struct ranges *holed)
{
	ranges_are(plain, "one group");
	join(HOLED);
	ranges_are(holed, "one with a hole has come");
	in_the_hole("two groups");
	around_the_hole();
	both_sides_reached(PLAIN, "the first device");
	both_sides_reached(HOLED, "the second one");
}

static void goes(const struct ranges *plain)
{
	leave(HOLED);
	ranges_are(plain, "it has left");
	both_sides_reached(PLAIN, "the first device");
	no_hole(PLAIN);
}

static void begin(void)
{
	mem = mem_alloc(PAGES * PAGE_4K, LEAF_4K);
	set_hole(HOLE, HOLE_BYTES);
	container_begin();
}

/* @holed: what will be left of its ranges. */
static void plain_joins(struct ranges *plain, struct ranges *holed)
{
	join(PLAIN);
	read_ranges(plain);
	*holed = *plain;
	exclude(holed, HOLE, HOLE_END - 1);
}

/* PLAIN is alone again. */
static void end(void)
{
	leave(PLAIN);
	container_end();
	mem_free(mem, PAGES * PAGE_4K);
}

void test_comes_and_goes(void)
{
	struct ranges plain, holed;
	struct balance before;
	int i;

	begin();
	plain_joins(&plain, &holed);
	tap_ok(holed.nr == plain.nr + 1, "the hole is inside a range");
	balance_take(&before, container);
	for (i = 0; i < 2; i++) {
		comes(&plain, &holed);
		goes(&plain);
		unmap_around();
		balance_same(&before, i ? "came and went again" : "came and went");
	}
	end();
}

/* The one that came first leaves first, with mappings around the hole. */
void test_other_order(void)
{
	struct ranges plain, holed;

	begin();
	plain_joins(&plain, &holed);
	comes(&plain, &holed);
	leave(PLAIN);
	ranges_are(&holed, "the one without a hole has left");
	both_sides_reached(HOLED, "the device with a hole");
	unmap_around();
	in_the_hole("the one with it is alone");
	around_the_hole();
	join(PLAIN);
	ranges_are(&holed, "it is back");
	both_sides_reached(PLAIN, "its device");
	goes(&plain);
	unmap_around();
	end();
}

/* As the first group of a container, and gone before another comes. */
void test_holed_alone(void)
{
	struct ranges plain, holed;

	begin();
	join(HOLED);
	read_ranges(&holed);
	in_the_hole("a first group");
	join(PLAIN);
	ranges_are(&holed, "one without a hole joins one with it");
	leave(HOLED);
	read_ranges(&plain);
	exclude(&plain, HOLE, HOLE_END - 1);
	tap_ok(same_ranges(&plain, &holed), "the hole is all that leaves with it");
	around_the_hole();
	no_hole(PLAIN);
	end();
}
