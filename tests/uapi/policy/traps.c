// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes at the worst moment: by a device, right before the n-th leaf is looked
 * at or right after it has been made, for every n. None may be lost.
 */
#include "bitmap.h"
#include "policy.h"
#include "tap.h"

#include <string.h>

#define FIRST	3
#define MIDDLE	6
#define LAST	9

static uint64_t trapped(int iommu_of)
{
	return watch(iommu_of).trapped;
}

static void trap(int who, uint32_t op, uint32_t nth, uint64_t page)
{
	must(simdma_trap(&dev[who], watch(who).iommu, op, nth,
			 IOVA + page * PAGE, nth), "SIM_TRAP");
}

/*
 * The look finds the first page and the last; what is written in between, from
 * then on, must be in this answer or in the next. CLEAR leaves that page out.
 */
static void between_look_and_clear(int who, bool by_clear)
{
	uint64_t was, lost = 0;
	uint32_t nth = 0;

	open_container(who);
	map_pages(IOVA);
	start();
	do {
		uint64_t all = 1ULL << FIRST | 1ULL << LAST;
		uint64_t now = 0, next = 0;

		dma(who, FIRST);
		dma(who, LAST);
		was = trapped(who);
		trap(who, SIM_OP_READ, ++nth, MIDDLE);
		if (by_clear) {
			/* all but the middle; its caller copies them now */
			clear("1111110111111111");
			now = ~(1ULL << MIDDLE);
		} else {
			ask(DIRTY_GET, IOVA, NR, &now);
		}
		was = trapped(who) - was;
		trap(who, SIM_OP_READ, 0, 0);
		ask(DIRTY_GET, IOVA, NR, &next);
		all |= was << MIDDLE;
		lost += (all & ~(now | next)) != 0;
	} while (was);
	tap_ok(!lost && nth > NR,
	       "a page written between look and clear (%s, %u moments): %lu lost",
	       by_clear ? "CLEAR" : "GET", nth, lost);
	stop();
	unmap_pages(IOVA);
	close_container();
}

/* As the page that was cleaned is written again, before the answer is there. */
static void behind_the_clear(int who)
{
	uint64_t was, lost = 0;
	uint32_t nth = 0;

	open_container(who);
	map_pages(IOVA);
	start();
	do {
		uint64_t now = 0, next = 0;

		dma(who, FIRST);
		dma(who, LAST);
		was = trapped(who);
		/* the first page is clean by the time the last is looked at */
		trap(who, SIM_OP_READ, ++nth, FIRST);
		ask(DIRTY_GET, IOVA, NR, &now);
		was = trapped(who) - was;
		trap(who, SIM_OP_READ, 0, 0);
		dma(who, FIRST);
		ask(DIRTY_GET, IOVA, NR, &next);
		lost += !bit_get(&now, FIRST) || !bit_get(&next, FIRST);
	} while (was);
	tap_ok(!lost, "written again behind the walk, and then once more: %lu lost",
	       lost);
	stop();
	unmap_pages(IOVA);
	close_container();
}

/* As soon as a leaf is there, a device may write: before MAP has returned. */
static void during_map(int who)
{
	uint64_t was, lost = 0;
	uint32_t nth = 0;

	open_container(A);
	join(B);
	start();
	do {
		uint64_t log = 0;

		was = trapped(who);
		trap(who, SIM_OP_MAP, nth + 1, nth);
		nth++;
		map_pages(IOVA);
		was = trapped(who) - was;
		trap(who, SIM_OP_MAP, 0, 0);
		ask(DIRTY_GET, IOVA, NR, &log);
		lost += (log & 0xffff) != was << (nth - 1);
		unmap_pages(IOVA);
	} while (was);
	tap_ok(!lost && nth == NR + 1,
	       "a page written before MAP has returned (%u moments): %lu lost",
	       nth, lost);
	stop();
	close_container();
}

/* What the others write while the bits of one that leaves are saved. */
static void during_leave(void)
{
	uint32_t nth = 0;
	uint64_t was, lost = 0;
	int i;

	open_container(A);
	join(B);
	map_pages(IOVA);
	start();
	do {
		uint64_t log = 0;

		dma(B, FIRST);
		dma(B, LAST);
		i = watch(B).iommu;
		was = trapped(B);
		nth++;
		must(simdma_trap(&dev[A], i, SIM_OP_READ, nth,
				 IOVA + MIDDLE * PAGE, nth), "SIM_TRAP");
		leave(B);
		must(simdma_trap(&dev[A], i, SIM_OP_READ, 0, 0, 0), "SIM_TRAP");
		join(B);
		was = trapped(B) - was;
		ask(DIRTY_GET, IOVA, NR, &log);
		lost += (log & 0xffff) !=
			(1ULL << FIRST | 1ULL << LAST | was << MIDDLE);
	} while (was);
	tap_ok(!lost && nth > NR,
	       "a page written while another domain leaves (%u moments): %lu lost",
	       nth, lost);
	stop();
	unmap_pages(IOVA);
	close_container();
}

void test_traps(void)
{
	between_look_and_clear(A, false);
	between_look_and_clear(B, false);
	between_look_and_clear(A, true);
	behind_the_clear(A);
	behind_the_clear(B);
	during_map(A);
	during_map(B);
	during_leave();
}
