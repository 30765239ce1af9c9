// SPDX-License-Identifier: GPL-2.0-only
/* START, STOP, MAP and UNMAP. */
#include "mem.h"
#include "policy.h"
#include "tap.h"

#define UNIT	(16 * PAGE)

/* Bits that are old, and translations cached as dirty, which START invalidates. */
static void start_forgets(int who)
{
	open_container(who);
	map_pages(IOVA);
	dma(who, 1);
	dma(who, 4);
	start();
	tap_ok(watch(who).tracking, "START: %s tracks", dev[who].bdf);
	is_hwdbm(1, "START");
	look_is(NONE, "written before START");
	dma(who, 4);
	look_is("0000100000000000", "written again");
	get_is("0000100000000000", "written again");
	get_is(NONE, "quiet");
	dma(who, 4);
	dma(who, 5);
	stop();
	dma(who, 6);
	start();
	look_is(NONE, "STOP and START");
	dma(who, 6);
	dma(who, 5);
	get_is("0000011000000000", "written again after that");
	stop();
	unmap_pages(IOVA);
	close_container();
}

static void start_in_two_domains(void)
{
	open_container(A);
	join(B);
	map_pages(IOVA);
	dma(A, 1);
	dma(B, 2);
	start();
	is_hwdbm(2, "START with two domains");
	look_is(NONE, "written before START by either");
	dma(A, 1);
	dma(B, 2);
	dma(A, 3);
	look_is("0111000000000000", "written by both");
	clear("0100000000000000");
	look_is("0011000000000000", "CLEAR of one page");
	dma(A, 1);
	get_is("0111000000000000", "written again");
	get_is(NONE, "quiet");
	stop();
	unmap_pages(IOVA);
	close_container();
}

/* Of each domain and of the log, before anything is taken down. */
static void unmap_reports(bool all)
{
	open_container(A);
	join(B);
	map_pages(IOVA);
	start();
	dma(A, 1);
	dma(B, 2);
	look_is("0110000000000000", "written by both");
	clear("0100000000000000");
	dma(A, 7);
	dma(B, 7);
	dma(B, 15);
	unmap_is(all, "0010000100000001", all ? "ALL" : "two domains");
	tap_ok(!watch(A).leaves && !watch(B).leaves &&
	       !watch(A).entries && !watch(B).entries,
	       "nothing is mapped or cached");
	map_again();
	look_is(NONE, "mapped again");
	dma(B, 7);
	dma(A, 1);
	get_is("0100000100000000", "and logged again");
	join(C);
	is_full(3, "with one that cannot track");
	unmap_is(all, ALL, "full");
	map_again();
	leave(C);
	look_is(ALL, "mapped under full, which has ended");
	unmap_is(all, ALL, "and not asked for before");
	stop();
	close_container();
}

static void map_while_logging(void)
{
	open_container(A);
	join(B);
	start();
	map_pages(IOVA);
	look_is(NONE, "MAP while logging");
	dma(A, 0);
	dma(B, 15);
	get_is("1000000000000001", "written at once");
	unmap_pages(IOVA);
	stop();
	close_container();
}

static uint64_t get_unit(void)
{
	uint64_t log = 0;

	must(vfio_dirty_range(container, DIRTY_GET, IOVA, UNIT, UNIT, &log,
			      sizeof(log)), "GET");
	return log & 1;
}

/*
 * Leaves that are dirty when they are new: those of a MAP are reported once, as
 * a write that came at once would be; those that were there before are not.
 */
static void born_dirty(void)
{
	char *mem = mem_alloc(PAGE_2M, LEAF_2M);

	small_leaves(false);
	open_container(D);
	map(mem, IOVA, UNIT);
	start();
	tap_ok(!get_unit(), "START forgets what new leaves say");
	unmap(IOVA, UNIT);
	map(mem, IOVA, UNIT);
	tap_ok(get_unit(), "MAP while logging: dirty as they are new");
	tap_ok(!get_unit(), "once");
	dma_at(D, IOVA);
	tap_ok(get_unit(), "and then as they are written");
	join(B);
	leave(D);
	tap_ok(!get_unit(), "another group joins and takes over");
	join(D);
	tap_ok(!get_unit(), "a group with such leaves joins");
	dma_at(D, IOVA);
	tap_ok(get_unit(), "they count when they are written");
	small_leaves(true);
	unmap(IOVA, UNIT);
	stop();
	close_container();
	mem_free(mem, PAGE_2M);
}

void test_start(void)
{
	start_forgets(A);
	start_forgets(B);
	start_in_two_domains();
	unmap_reports(false);
	unmap_reports(true);
	map_while_logging();
	born_dirty();
}
