// SPDX-License-Identifier: GPL-2.0-only
/*
 * To pinned scope and back: by the first pin of the last driver that had not
 * pinned yet, and because those who do not pin have left.
 */
#include "mem.h"
#include "policy.h"
#include "tap.h"

#include <unistd.h>

static void pin(int who, uint64_t page)
{
	if (sim_pin(&dev[who], IOVA + page * PAGE, 1, SIM_RDWR) != 1)
		tap_bail("cannot pin");
}

static void unpin(int who, uint64_t page)
{
	must(sim_unpin(&dev[who], IOVA + page * PAGE, 1), "UNPIN");
}

static void finish(void)
{
	stop();
	unmap_pages(IOVA);
	close_container();
}

static void hwdbm_to_pinned_by_pin(void)
{
	open_container(A);
	join(B);
	map_pages(IOVA);
	start();
	dma(A, 1);
	dma(B, 2);
	pin(A, 5);
	is_hwdbm(2, "one of two pins");
	look_is("0110010000000000", "the pinned page counts too");
	dma(A, 3);
	pin(B, 6);
	is_pinned(2, "both pin");
	look_is("0111011000000000", "what either domain knew is kept");
	get_is("0111011000000000", "what either domain knew is kept");
	get_is("0000011000000000", "then only what is pinned");
	unpin(B, 6);
	unpin(A, 5);
	get_is("0000011000000000", "once after the unpin");
	get_is(NONE, "then nothing");
	finish();
}

static void full_to_pinned_by_pin(void)
{
	open_container(A);
	join(C);
	map_pages(IOVA);
	start();
	pin(A, 5);
	is_full(2, "one of two pins, the other cannot track");
	dma(C, 2);
	pin(C, 6);
	is_pinned(2, "both pin");
	get_is(ALL, "nobody had looked");
	get_is("0000011000000000", "then only what is pinned");
	unpin(A, 5);
	unpin(C, 6);
	get_is("0000011000000000", "once after the unpin");
	get_is(NONE, "then nothing");
	finish();
}

static void hwdbm_to_pinned_by_leave(void)
{
	open_container(A);
	join(B);
	map_pages(IOVA);
	start();
	pin(A, 5);
	dma(A, 1);
	dma(B, 2);
	dma(B, 8);
	clear("0000000010000000");
	leave(B);
	is_pinned(1, "who does not pin has left");
	look_is("0110010000000000", "what either domain knew is kept");
	get_is("0110010000000000", "what either domain knew is kept");
	get_is("0000010000000000", "then only what is pinned");
	unpin(A, 5);
	finish();
}

static void full_to_pinned_by_leave(void)
{
	open_container(A);
	join(C);
	map_pages(IOVA);
	start();
	pin(A, 5);
	dma(C, 2);
	leave(C);
	is_pinned(1, "who cannot track has left");
	get_is(ALL, "nobody had looked");
	get_is("0000010000000000", "then only what is pinned");
	unpin(A, 5);
	finish();
}

/* From pinned scope: what is written then counts, whoever writes it. */
static void pinned_to_hwdbm(void)
{
	open_container(A);
	map_pages(IOVA);
	start();
	pin(A, 5);
	is_pinned(1, "the only one pins");
	get_is("0000010000000000", "pinned");
	join(B);
	is_hwdbm(2, "one that does not pin joins");
	dma(B, 7);
	dma(A, 8);
	get_is("0000010110000000", "all are asked");
	dma(B, 7);
	leave(B);
	is_pinned(1, "it has left");
	get_is("0000010100000000", "what it knew is kept");
	vfio_device_close(&dev[A]);
	is_hwdbm(1, "a device that is closed does not pin");
	get_is("0000010000000000", "once after its pins are gone");
	must(vfio_device_open(&dev[A]), "GET_DEVICE_FD");
	dma(A, 9);
	get_is("0000000001000000", "the hardware is asked");
	finish();
}

/* Pinned pages of a group that cannot track do not make it full. */
static void pinned_and_incapable(void)
{
	open_container(C);
	map_pages(IOVA);
	start();
	is_full(1, "the only one cannot track");
	get_is(ALL, "full");
	pin(C, 4);
	is_pinned(1, "but pins");
	get_is(ALL, "nobody had looked");
	get_is("0000100000000000", "then only what is pinned");
	join(B);
	is_full(2, "one joins that does not pin");
	get_is(ALL, "full");
	leave(B);
	is_pinned(1, "it has left");
	get_is(ALL, "nobody had looked");
	get_is("0000100000000000", "then only what is pinned");
	unpin(C, 4);
	finish();
}

/* Of two devices in a group one pins: the other may write what nobody pins. */
static void pair(void)
{
	uint64_t unit = 16 * PAGE, log = 0;
	char *mem = mem_alloc(PAGE_2M, LEAF_2M);

	if (dev[D].group_nr != dev[D2].group_nr)
		tap_bail("wants --sim-param paired=n,n,n,y");
	small_leaves(false);
	open_container(D);
	dev[D2].group = dup(dev[D].group);
	must(vfio_device_open(&dev[D2]), "GET_DEVICE_FD");
	map(mem + unit, IOVA + unit, unit);
	small_leaves(true);
	start();
	dma_at(D2, IOVA + unit);
	pin(D, 16);
	is_hwdbm(1, "one of a group's two devices pins");
	must(vfio_dirty_range(container, DIRTY_GET, IOVA + unit, unit, unit,
			      &log, sizeof(log)), "GET");
	tap_ok(log & 1, "the other's writes are seen");
	unpin(D, 16);
	must(vfio_dirty_range(container, DIRTY_GET, IOVA + unit, unit, unit,
			      &log, sizeof(log)), "GET");
	dma_at(D2, IOVA + unit);
	must(vfio_dirty_range(container, DIRTY_GET, IOVA + unit, unit, unit,
			      &log, sizeof(log)), "GET");
	tap_ok(log & 1, "and seen again");
	pin(D2, 16);
	is_hwdbm(1, "then the other pins too");
	unpin(D2, 16);
	stop();
	unmap(IOVA + unit, unit);
	close_container();
	mem_free(mem, PAGE_2M);
}

void test_pinned(void)
{
	hwdbm_to_pinned_by_pin();
	full_to_pinned_by_pin();
	hwdbm_to_pinned_by_leave();
	full_to_pinned_by_leave();
	pinned_to_hwdbm();
	pinned_and_incapable();
	pair();
}
