// SPDX-License-Identifier: GPL-2.0-only
/* UNMAP asks the drivers to give their pins back. */
#include "pins.h"
#include "tap.h"

#include <errno.h>

static void unmapped(struct cage *cage, uint64_t iova, uint64_t pages,
		     const char *what)
{
	uint64_t size = ~0ull;
	int ret = vfio_unmap(cage->container, iova, pages * PAGE, 0, &size);

	tap_ok(!ret && size == pages * PAGE, "%s: UNMAP says %d, %#lx bytes",
	       what, ret, size);
}

static void notified(const struct vfio_dev *sim, unsigned long times,
		     const char *what)
{
	struct sim_state state;

	sim_state(sim, &state);
	tap_ok(state.notified == times, "%s: notified %llu times, want %lu",
	       what, state.notified, times);
}

static void notice_is(const struct vfio_dev *sim, int nth, uint64_t iova,
		      uint64_t pages)
{
	struct sim_state state;

	sim_state(sim, &state);
	tap_ok(state.notices[nth].iova == iova &&
		       state.notices[nth].bytes == pages * PAGE,
	       "notification %d is of the mapping: %#llx, %#llx bytes", nth,
	       state.notices[nth].iova, state.notices[nth].bytes);
}

void test_unmap(void)
{
	struct cage cage;
	char *ram = ram_alloc(16);

	cage_open(&cage, 1);
	cage_map(&cage, ram, IOVA, 16);
	unmapped(&cage, IOVA, 16, "nothing pinned");
	notified(&cage.sims[0], 0, "nothing pinned");

	cage_map(&cage, ram, IOVA, 16);
	sim_pin(&cage.sims[0], IOVA + 3 * PAGE, 2, SIM_RDWR);
	sim_pin(&cage.sims[0], IOVA + 3 * PAGE, 1, SIM_RDWR);
	sim_pin(&cage.sims[0], IOVA + 15 * PAGE, 1, SIM_RDWR);
	holds(&cage, 4, 3, "pinned");
	unmapped(&cage, IOVA, 16, "three pages pinned");
	notified(&cage.sims[0], 1, "three pages pinned");
	notice_is(&cage.sims[0], 0, IOVA, 16);
	holds(&cage, 0, 0, "unmapped");
	locked_is(&cage, 0, "unmapped");
	tap_ret(sim_pin(&cage.sims[0], IOVA, 1, SIM_RDWR), -EINVAL,
		"PIN of what was unmapped");
	cage_close(&cage);
	ram_free(ram, 16);
}

/* Four mappings, two with pins; two devices. */
void test_unmap_several(void)
{
	struct cage cage;
	char *ram = ram_alloc(16);
	uint64_t i, size = 0;

	cage_open(&cage, 2);
	for (i = 0; i < 4; i++)
		cage_map(&cage, ram + i * 4 * PAGE, IOVA + i * 4 * PAGE, 4);
	sim_pin(&cage.sims[0], IOVA + 5 * PAGE, 1, SIM_RDWR);
	sim_pin(&cage.sims[1], IOVA + 5 * PAGE, 2, SIM_RDWR);
	sim_pin(&cage.sims[1], IOVA + 12 * PAGE, 4, SIM_RDWR);
	locked_is(&cage, 6, "pinned");
	unmapped(&cage, IOVA, 8, "two mappings");
	notified(&cage.sims[0], 1, "of one with pins");
	notified(&cage.sims[1], 1, "of one with pins");
	notice_is(&cage.sims[1], 0, IOVA + 4 * PAGE, 4);
	locked_is(&cage, 4, "two mappings less");
	tap_ret(vfio_unmap(cage.container, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL, &size),
		0, "UNMAP of all");
	tap_ok(size == 8 * PAGE, "%#lx bytes unmapped", size);
	notice_is(&cage.sims[1], 1, IOVA + 12 * PAGE, 4);
	tap_ok(!sim_pins(&cage.sims[0]) && !sim_pins(&cage.sims[1]),
	       "neither device has pins");
	locked_is(&cage, 0, "all unmapped");
	cage_close(&cage);
	ram_free(ram, 16);
}

void test_unmap_late(void)
{
	struct cage cage;
	char *ram = ram_alloc(4);

	cage_open(&cage, 1);
	cage_map(&cage, ram, IOVA, 4);
	sim_pin(&cage.sims[0], IOVA, 4, SIM_RDWR);
	sim_behave(&cage.sims[0], 3);
	unmapped(&cage, IOVA, 4, "a driver that waits for the third call");
	notified(&cage.sims[0], 3, "a slow driver");
	notice_is(&cage.sims[0], 2, IOVA, 4);
	holds(&cage, 0, 0, "unmapped");
	locked_is(&cage, 0, "unmapped");
	cage_close(&cage);
	ram_free(ram, 4);
}

static int unmap_four(struct cage *cage, uint32_t flags, uint64_t *word,
		      uint64_t *size)
{
	struct vfio_bitmap map = {
		.pgsize = PAGE, .size = sizeof(*word), .data = (void *)word,
	};
	bool all = flags & VFIO_DMA_UNMAP_FLAG_ALL;
	bool dirty = flags & VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP;

	*word = 0;
	return vfio_unmap_dirty(cage->container, all ? 0 : IOVA,
				all ? 0 : 8 * PAGE, flags, dirty ? &map : NULL,
				size);
}

/*
 * Four mappings, the third with a pin that the driver does not give back: UNMAP
 * of all four, with @flags, does nothing, however often. Then the driver gives
 * way.
 */
static void never(char *ram, uint32_t flags, const char *what)
{
	uint64_t had = flags & VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP ? ~0ull : 0;
	uint64_t word, size = 0, i;
	struct cage cage;
	int ret;

	cage_open(&cage, 1);
	for (i = 0; i < 4; i++)
		cage_map(&cage, ram + i * 2 * PAGE, IOVA + i * 2 * PAGE, 2);
	start_logging(&cage);
	sim_pin(&cage.sims[0], IOVA + 5 * PAGE, 1, SIM_RDWR);
	sim_rw(&cage.sims[0], IOVA + 10, ram + 2 * PAGE, 10, SIM_COPY_WRITE);
	sim_rw(&cage.sims[0], IOVA + 7 * PAGE, ram, 10, SIM_COPY_WRITE);
	sim_behave(&cage.sims[0], 0);
	for (i = 0; i < 2; i++) {
		ret = unmap_four(&cage, flags, &word, &size);
		tap_ret(ret, -EBUSY, "%s of what a driver keeps", what);
		tap_ok(cage.avail - vfio_dma_avail(cage.container) == 4,
		       "all are left, of %ld",
		       cage.avail - vfio_dma_avail(cage.container));
		holds(&cage, 1, 1, "refused");
		locked_is(&cage, 1, "refused");
	}
	reaches(&cage, IOVA + 5 * PAGE, ram + 5 * PAGE, "refused");
	log_is(&cage, DIRTY_NOCLEAR, IOVA, "10000101", "refused");
	sim_behave(&cage.sims[0], 1);
	ret = unmap_four(&cage, flags, &word, &size);
	tap_ok(!ret && size == 8 * PAGE && word == (0xa1 & had),
	       "the driver behaves again: %s says %d, %#lx bytes, log %#lx",
	       what, ret, size, word);
	holds(&cage, 0, 0, "unmapped");
	locked_is(&cage, 0, "unmapped");
	cage_close(&cage);
}

/* The same with one mapping: nothing has happened. */
static void never_one(char *ram)
{
	struct cage cage;
	int i;

	cage_open(&cage, 1);
	cage_map(&cage, ram, IOVA, 8);
	sim_pin(&cage.sims[0], IOVA + 5 * PAGE, 1, SIM_RDWR);
	sim_behave(&cage.sims[0], 0);
	for (i = 0; i < 2; i++)
		tap_ret(vfio_unmap(cage.container, IOVA, 8 * PAGE, 0, NULL),
			-EBUSY, "UNMAP of one mapping that a driver keeps");
	reaches(&cage, IOVA + 5 * PAGE, ram + 5 * PAGE, "refused");
	tap_ok(sim_pin(&cage.sims[0], IOVA, 1, SIM_RDWR) == 1,
	       "more of it may be pinned");
	locked_is(&cage, 2, "refused");
	sim_unpin(&cage.sims[0], IOVA, 1);
	sim_unpin(&cage.sims[0], IOVA + 5 * PAGE, 1);
	unmapped(&cage, IOVA, 8, "the driver has unpinned");
	cage_close(&cage);
}

void test_unmap_never(void)
{
	char *ram;

	if (backend.stock) {
		tap_skip("a driver that never unpins",
			 "stock stops the kernel at its tenth call");
		return;
	}
	ram = ram_alloc(8);
	never_one(ram);
	never(ram, 0, "UNMAP");
	never(ram, VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP, "UNMAP with its log");
	never(ram, VFIO_DMA_UNMAP_FLAG_ALL, "UNMAP of all");
	ram_free(ram, 8);
}
