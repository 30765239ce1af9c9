// SPDX-License-Identifier: GPL-2.0-only
/* The end of the address space, and drivers that are closed with pins held. */
#include "counters.h"
#include "pins.h"
#include "tap.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define TOP	(-2 * PAGE)	/* the last two pages that there are */

/*
 * What would go on at address 0 goes nowhere: that is another's memory. Stock
 * goes on.
 */
void test_edge_wrap(void)
{
	struct cage cage;
	char *top, *bottom, text[32] = "over the edge";

	if (backend.stock) {
		tap_skip("the end of the address space", "stock goes on at 0");
		return;
	}
	top = ram_alloc(2);
	bottom = ram_alloc(2);
	memset(bottom, 'b', 2 * PAGE);
	memset(top, 't', 2 * PAGE);
	cage_open(&cage, 1);
	cage_map(&cage, top, TOP, 2);
	cage_map(&cage, bottom, 0, 2);
	tap_ret(sim_rw(&cage.sims[0], -16ULL, text, 32, SIM_COPY_WRITE), -EINVAL,
		"dma_rw that writes beyond the end");
	tap_ok(bottom[0] == 'b' && top[2 * PAGE - 1] == 't', "nothing is written");
	tap_ret(sim_rw(&cage.sims[0], -16ULL, text, 32, 0), -EINVAL,
		"dma_rw that reads beyond the end");
	tap_ret(sim_rw(&cage.sims[0], -16ULL, text, 16, SIM_COPY_WRITE), 0,
		"dma_rw of the last bytes");
	tap_ok(!memcmp(top + 2 * PAGE - 16, text, 16), "they are written");
	tap_ret(sim_pin(&cage.sims[0], TOP, 4, SIM_RDWR), -EINVAL,
		"a pin beyond the end");
	tap_ret(sim_pin(&cage.sims[0], TOP, 2, SIM_RDWR), 2,
		"a pin of the last pages");
	holds(&cage, 2, 2, "to the end");
	tap_ret(sim_unpin(&cage.sims[0], TOP, 2), 0, "and unpinned");
	cage_unmap(&cage, 0, 2);
	tap_ret(vfio_unmap(cage.container, TOP, 2 * PAGE, 0, NULL), 0, "UNMAP");
	cage_close(&cage);
	ram_free(top, 2);
	ram_free(bottom, 2);
}

/*
 * Its driver was closed and has kept pins: nobody is left to be told, and UNMAP of
 * that mapping and its neighbour does nothing at all.
 */
void test_edge_kept(void)
{
	struct counters before;
	struct cage cage;
	uint64_t gone = 0;
	char *ram;

	if (backend.stock) {
		tap_skip("UNMAP of what a closed driver has kept",
			 "stock's warning stops the kernel");
		return;
	}
	ram = ram_alloc(4);
	counters_read(&before);
	cage_open(&cage, 1);
	cage_map(&cage, ram, IOVA, 2);
	cage_map(&cage, ram + 2 * PAGE, IOVA + 2 * PAGE, 2);
	sim_pin(&cage.sims[0], IOVA + 2 * PAGE, 1, SIM_RDWR);
	tap_ret(sim_keep_pins(&cage.sims[0]), 0, "a driver that keeps its pins");
	vfio_device_close(&cage.sims[0]);
	tap_ret(vfio_unmap(cage.container, IOVA, 4 * PAGE, 0, NULL), -EBUSY,
		"UNMAP, once it is closed");
	tap_ret(vfio_unmap(cage.container, IOVA, 2 * PAGE, 0, &gone), 0,
		"UNMAP of the neighbour");
	tap_ok(gone == 2 * PAGE, "which was still there: %lu bytes", gone);
	vfio_group_close(&cage.sims[0]);
	close(cage.container);
	/* opened anew, the driver gives them back */
	cage_open(&cage, 1);
	cage_close(&cage);
	counters_back(&before, "given back");
	ram_free(ram, 4);
}
