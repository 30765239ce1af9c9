// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls to an IOMMU's driver that fail, other than a read: a group that cannot
 * come in, or that comes in without its dirty bits; a MAP that fails half-way.
 */
#include "counters.h"
#include "mem.h"
#include "policy.h"
#include "tap.h"

#include <errno.h>
#include <stdio.h>

static void open_one(void)
{
	open_container(A);
	map_pages(IOVA);
	start();
	dma(A, 1);
}

/* As if nothing had been tried. */
static void nothing_happened(const char *when)
{
	is_hwdbm(1, when);
	look_is("0100000000000000", when);
	dma(A, 2);
	get_is("0110000000000000", when);
	dma(A, 1);
}

static void finish(void)
{
	stop();
	unmap_pages(IOVA);
	close_container();
}

static void cannot_join(int who, uint32_t op, int error, uint32_t nth)
{
	struct sim_watch w;
	char when[64];

	snprintf(when, sizeof(when), "call %u of kind %u fails", nth, op);
	open_container(who);
	fail(who, op, error, nth, 1);
	close_container();
	open_one();
	tap_ret(try_join(who), -error, "joining: %s", when);
	nothing_happened(when);
	join(who);
	is_hwdbm(2, "then it joins");
	w = watch(who);
	tap_ok(w.domains == 1 && w.leaves == NR,
	       "nothing was left of the first try: %llu domains, %llu leaves",
	       w.domains, w.leaves);
	get_is("0100000000000000", "joined");
	finish();
}

/* The log is full then, not wrong; the next group has its dirty bits again. */
static void joins_without(uint32_t op, int error)
{
	char when[64];

	snprintf(when, sizeof(when), "call of kind %u fails", op);
	open_container(B);
	fail(B, op, error, 1, 1);
	close_container();
	open_one();
	join(B);
	is_full(2, when);
	tap_ok(!watch(B).tracking, "%s: it does not track", when);
	dma(B, 5);
	get_is(ALL, when);
	get_is(ALL, when);
	leave(B);
	is_hwdbm(1, "it has left");
	get_is(ALL, "nobody had looked");
	join(B);
	is_hwdbm(2, "and joins again");
	dma(B, 5);
	get_is("0000010000000000", "the log is exact");
	finish();
}

/*
 * The first IOMMU of a container pins what is mapped already; where that fails,
 * all that it had pinned is let go.
 */
static void first_cannot_join(uint32_t nth)
{
	char *more = mem_alloc_scattered(NR * PAGE);
	struct counters before;
	struct vfio_dev emul;
	char when[64];

	snprintf(when, sizeof(when), "leaf %u fails", nth);
	if (sim_find(&emul, 1) != 1)
		tap_bail("wants an emulated device");
	open_container(A);
	fail(A, SIM_OP_MAP, ENOMEM, nth, 1);
	close_container();
	container = vfio_setup(&emul, VFIO_TYPE1_HWDBM_IOMMU);
	map_pages(IOVA);
	map(more, IOVA + NR * PAGE, NR * PAGE);
	counters_read(&before);
	tap_ret(try_join(A), -ENOMEM, "a first IOMMU joins: %s", when);
	counters_back(&before, when);
	join(A);
	is_hwdbm(1, "then it joins");
	tap_ok(watch(A).leaves == 2 * NR, "with all that is mapped: %llu leaves",
	       watch(A).leaves);
	dma(A, NR);
	unmap_pages(IOVA);
	unmap(IOVA + NR * PAGE, NR * PAGE);
	vfio_group_close(&emul);
	close_container();
	mem_free(more, NR * PAGE);
}

/* Bits would be hidden in a domain of the same IOMMU that does not track. */
static void keeps_apart(void)
{
	open_container(A);
	fail(A, SIM_OP_SET_DIRTY, EIO, 1, 1);
	close_container();
	open_container(A);
	map_pages(IOVA);
	start();
	is_full(1, "a domain that does not track");
	join(A2);
	tap_ok(watch(A2).tracking && !watch(A).tracking,
	       "a group that can track gets a domain of its own");
	is_full(2, "beside a domain that does not track");
	dma(A2, 3);
	leave(A);
	is_hwdbm(1, "the one that does not track has left");
	get_is(ALL, "nobody had looked");
	dma(A2, 3);
	get_is("0001000000000000", "the log is exact");
	finish();
}

/* A second group of an IOMMU, whose domain will not have it. */
static void own_domain(void)
{
	open_one();
	fail(A, SIM_OP_ATTACH, EINVAL, 2, 1);
	join(A2);
	tap_ok(watch(A).domains == 2, "a domain of its own: %llu in all",
	       watch(A).domains);
	is_hwdbm(2, "a domain of its own");
	dma(A2, 9);
	look_is("0100000001000000", "a domain of its own");
	leave(A2);
	get_is("0100000001000000", "it has left");
	get_is(NONE, "said once");
	fail(A, SIM_OP_ATTACH, EINVAL, 2, 2);
	tap_ret(try_join(A2), -EBUSY, "no domain will have it");
	dma(A, 1);
	nothing_happened("no domain will have it");
	finish();
}

/* @run: all pages are handed to the IOMMU in one call, else each for itself. */
static void map_fails(int who, uint32_t nth, bool run)
{
	size_t bytes = run ? PAGE_2M : NR * PAGE;
	char *mem = run ? mem_alloc(bytes, LEAF_2M) : mem_alloc_scattered(bytes);

	small_leaves(!run);
	open_container(A);
	join(B);
	start();
	fail(who, SIM_OP_MAP, ENOMEM, nth, 1);
	tap_ret(vfio_map(container, mem, IOVA, NR * PAGE, MAP_RW), -ENOMEM,
		"leaf %u of %s cannot be made", nth, dev[who].bdf);
	tap_ok(!watch(A).leaves && !watch(B).leaves &&
	       simdma_write(&dev[A], IOVA, mem, 8) == -EIO,
	       "nothing is mapped: %llu and %llu leaves", watch(A).leaves,
	       watch(B).leaves);
	map(mem, IOVA, NR * PAGE);
	look_is(NONE, "mapped then");
	dma(A, 3);
	if (!run)
		dma(B, 4);
	get_is(run ? "0001000000000000" : "0001100000000000", "and logged");
	unmap(IOVA, NR * PAGE);
	mem_free(mem, bytes);
	small_leaves(true);
	stop();
	close_container();
}

#define CUT	(1ULL << 30)

/* No leaf lies across a gigabyte's start: what comes before it goes too. */
static void map_fails_behind_a_cut(void)
{
	char *mem = mem_alloc(PAGE_2M, LEAF_2M);
	uint64_t iova = CUT - NR / 2 * PAGE;

	small_leaves(false);
	open_container(A);
	fail(A, SIM_OP_MAP, ENOMEM, NR / 2 + 3, 1);
	tap_ret(vfio_map(container, mem, iova, NR * PAGE, MAP_RW), -ENOMEM,
		"a leaf cannot be made behind %#llx", CUT);
	tap_ok(!watch(A).leaves &&
	       simdma_write(&dev[A], iova, mem, 8) == -EIO,
	       "nothing is mapped before it: %llu leaves", watch(A).leaves);
	map(mem, iova, NR * PAGE);
	dma_at(A, CUT - 8);
	dma_at(A, CUT);
	tap_ok(mem[NR / 2 * PAGE - 8] && mem[NR / 2 * PAGE],
	       "mapped then, and within reach");
	unmap(iova, NR * PAGE);
	close_container();
	small_leaves(true);
	mem_free(mem, PAGE_2M);
}

/* A group whose IOMMU cannot reach what is mapped, and the other way round. */
static void apertures(void)
{
	uint64_t far = 1ULL << 41;
	char *mem = mem_alloc_scattered(PAGE);

	open_one();
	map(mem, far, PAGE);
	tap_ret(try_join(B), -EINVAL, "what is mapped is out of its reach");
	nothing_happened("what is mapped is out of its reach");
	unmap(far, PAGE);
	join(B);
	tap_ret(vfio_map(container, mem, far, PAGE, MAP_RW), -EINVAL,
		"MAP out of its reach");
	map(mem, far >> 2, PAGE);
	tap_ret(try_join(C), -EINVAL, "one that reaches less");
	dma(B, 4);
	look_is("0100100000000000", "nothing happened");
	leave(B);
	get_is("0100100000000000", "it has left");
	tap_ret(vfio_map(container, mem, far, PAGE, MAP_RW), 0,
		"then MAP succeeds");
	unmap(far, PAGE);
	unmap(far >> 2, PAGE);
	mem_free(mem, PAGE);
	finish();
}

void test_refused(void)
{
	cannot_join(B, SIM_OP_ALLOC, ENOMEM, 1);
	cannot_join(B, SIM_OP_ATTACH, EBUSY, 1);
	cannot_join(B, SIM_OP_MAP, ENOMEM, 1);
	cannot_join(B, SIM_OP_MAP, ENOMEM, 9);
	cannot_join(B, SIM_OP_MAP, ENOSPC, NR);
	first_cannot_join(3);
	first_cannot_join(NR + 3);
	joins_without(SIM_OP_ALLOC, EOPNOTSUPP);
	joins_without(SIM_OP_SET_DIRTY, EIO);
	keeps_apart();
	own_domain();
	map_fails(A, 1, false);
	map_fails(A, 7, false);
	map_fails(B, 7, false);
	map_fails(B, NR, false);
	map_fails(A, 7, true);
	map_fails(A, NR, true);
	map_fails_behind_a_cut();
	apertures();
}

/* There would be no unit in which to MAP, or to ask the log. */
void test_apart(void)
{
	open_container(A);
	start();
	tap_ret(try_join(B), -EINVAL, "no page size in common");
	is_hwdbm(1, "it stays out");
	map_pages(IOVA);
	dma(A, 1);
	get_is("0100000000000000", "and changes nothing");
	stop();
	unmap_pages(IOVA);
	close_container();
	open_container(B);
	is_hwdbm(1, "in a container of its own it is served");
	close_container();
}
