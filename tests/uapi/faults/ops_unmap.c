// SPDX-License-Identifier: GPL-2.0-only
/*
 * UNMAP in all its forms. Where the size that was unmapped cannot be written
 * back, the call did all that it was to do: the only failure that does.
 */
#include "faults.h"
#include "simdev.h"

#include <errno.h>
#include <string.h>

#define MAIN_BYTES	(MAIN_PAGES * PAGE)
#define ALL_BYTES	((SIDE_IOVA / PAGE + SIDE_PAGES + 63) / 64 * 8)
#define GET		VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP
#define ALL		VFIO_DMA_UNMAP_FLAG_ALL

static uint8_t all_bits[ALL_BYTES];
static long room;

static void before(void)
{
	log_dirty();
	memset(all_bits, 0xa5, sizeof(all_bits));
	room = vfio_dma_avail(w.container);
}

static int unmap(uint64_t iova, uint64_t size, uint32_t flags, void *map,
		 uint64_t bytes)
{
	struct vfio_bitmap bitmap = {
		.pgsize = PAGE, .size = bytes, .data = map,
	};

	return vfio_unmap_dirty(w.container, iova, size, flags,
				map ? &bitmap : NULL, NULL);
}

static int run_plain(void)
{
	return unmap(MAIN_IOVA, MAIN_BYTES, 0, NULL, 0);
}

static int run_span(void)
{
	return unmap(MAIN_IOVA, SPAN, 0, NULL, 0);
}

static int run_all(void)
{
	return unmap(0, 0, ALL, NULL, 0);
}

static int run_bitmap(void)
{
	return unmap(MAIN_IOVA, SPAN, GET, w.bits, SPAN_BYTES);
}

static int run_all_bitmap(void)
{
	return unmap(0, 0, GET | ALL, all_bits, sizeof(all_bits));
}

/* How many went, or -1 where that is no number for this result. */
static long gone(int ret, long want)
{
	long n = vfio_dma_avail(w.container) - room;

	if (!ret || (ret == -EFAULT && n))
		return expect(n == want, "all of it is unmapped") ? n : -1;
	return expect(!n, "nothing is unmapped") ? 0 : -1;
}

static enum verdict judge(int ret, long want, bool (*reported)(void))
{
	long n = gone(ret, want);

	if (n < 0)
		return WRONG;
	if (!n)
		return still_dirty() && bits_untouched() ? AS_BEFORE : WRONG;
	must(map_main(), "MAP");
	if (want > 1)
		must(map_side(), "MAP");
	return !reported || reported() ? DONE : WRONG;
}

static enum verdict after_one(int ret)
{
	return judge(ret, 1, NULL);
}

static enum verdict after_two(int ret)
{
	return judge(ret, 2, NULL);
}

static bool in_bits(void)
{
	return has_main(w.bits) & has_side(w.bits + SIDE_BIT / 8);
}

static enum verdict after_bitmap(int ret)
{
	return judge(ret, 2, in_bits);
}

static bool in_all_bits(void)
{
	return has_main(all_bits + MAIN_IOVA / PAGE / 8) &
	       has_side(all_bits + SIDE_IOVA / PAGE / 8);
}

static enum verdict after_all_bitmap(int ret)
{
	return judge(ret, 2, in_all_bits);
}

/* The device unpins as it is told of the unmap. */
static void before_pinned(void)
{
	before();
	must(sim_pin(&w.emul, MAIN_IOVA, 8, SIM_RDWR), "SIM_PIN");
	must(sim_behave(&w.emul, 1), "SIM_BEHAVE");
}

/* What is to be told again is not: the pins are gone with the first call. */
static enum verdict after_pinned(int ret)
{
	enum verdict v = after_bitmap(ret);

	if (v == AS_BEFORE && sim_pins(&w.emul))
		must(sim_unpin(&w.emul, MAIN_IOVA, 8), "SIM_UNPIN");
	return v;
}

const struct op ops_unmap[] = {
	{ "UNMAP", world_dma, before, run_plain, after_one, { 0 } },
	{ "UNMAP of several", world_dma, before, run_span, after_two, { 0 } },
	{ "UNMAP of ALL", world_dma, before, run_all, after_two, { 0 } },
	{ "UNMAP with bitmap", world_dma, before, run_bitmap, after_bitmap,
	  { READS } },
	{ "UNMAP of ALL with bitmap", world_dma, before, run_all_bitmap,
	  after_all_bitmap, { READS } },
	{ "UNMAP of pinned pages", world_emul, before_pinned, run_bitmap,
	  after_pinned, { 0 } },
	{ .name = NULL },
};
