// SPDX-License-Identifier: GPL-2.0-only
/*
 * The log of a container without an IOMMU: what its devices have pinned, and
 * what they wrote by vfio_dma_rw(), is dirty; nothing else is.
 */
#include "pins.h"
#include "tap.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

static char bytes[2 * 4096];

static void writes(struct cage *cage, uint64_t iova, uint32_t n, uint32_t how)
{
	int ret = sim_rw(&cage->sims[0], iova, bytes, n, SIM_COPY_WRITE | how);

	if (ret)
		tap_bail("write of %u bytes at %#lx: %s", n, iova, strerror(-ret));
}

void test_log_rw(void)
{
	struct cage cage;
	char *ram = ram_alloc(16);

	cage_open(&cage, 1);
	cage_map(&cage, ram, IOVA, 6);
	tap_ret(vfio_dirty_range(cage.container, DIRTY_GET, IOVA, 6 * PAGE, PAGE,
				 bytes, 8),
		-EINVAL, "GET before START");
	writes(&cage, IOVA, 1, 0);
	start_logging(&cage);
	cage_map(&cage, ram + 6 * PAGE, IOVA + 6 * PAGE, 10);
	policy_is(&cage, VFIO_HWDBM_POLICY_PINNED, "logging");
	log_is(&cage, DIRTY_GET, IOVA, "0000000000000000", "nothing done");
	writes(&cage, IOVA + PAGE + 5, 1, 0);
	writes(&cage, IOVA + 4 * PAGE - 1, 2, SIM_COPY_KTHREAD);
	writes(&cage, IOVA + 6 * PAGE - 8, 16, 0);	/* both mappings */
	writes(&cage, IOVA + 10 * PAGE, 2 * PAGE, 0);
	sim_rw(&cage.sims[0], IOVA + 14 * PAGE, bytes, 8, 0);
	log_is(&cage, DIRTY_GET, IOVA, "0101111000110000", "written, and read");
	log_is(&cage, DIRTY_GET, IOVA, "0000000000000000", "not since");

	munmap(ram + 9 * PAGE, PAGE);
	tap_ret(sim_rw(&cage.sims[0], IOVA + 8 * PAGE, bytes, 2 * PAGE,
		       SIM_COPY_WRITE),
		-EFAULT, "a write that fails half-way");
	log_is(&cage, DIRTY_GET, IOVA,
	       backend.stock ? "0000000000000000" : "000000001?000000",
	       "half-way");
	tap_ret(sim_rw(&cage.sims[0], IOVA + 15 * PAGE, bytes, 2 * PAGE,
		       SIM_COPY_WRITE),
		-EINVAL, "a write that runs into a hole");
	log_is(&cage, DIRTY_GET, IOVA, "0000000000000001", "into a hole");
	tap_ret(vfio_dirty_flag(cage.container, DIRTY_STOP), 0, "STOP");
	writes(&cage, IOVA, 1, 0);
	start_logging(&cage);
	log_is(&cage, DIRTY_GET, IOVA, "0000000000000000",
	       "written while logging was off");
	cage_close(&cage);
	ram_free(ram, 16);
}

void test_log_pins(void)
{
	struct cage cage;
	char *ram = ram_alloc(16);

	cage_open(&cage, 2);
	cage_map(&cage, ram, IOVA, 8);
	cage_map(&cage, ram + 8 * PAGE, IOVA + 8 * PAGE, 8);
	sim_pin(&cage.sims[0], IOVA + 2 * PAGE, 1, SIM_RDWR);
	start_logging(&cage);
	log_is(&cage, DIRTY_GET, IOVA, "0010000000000000", "pinned before START");
	sim_pin(&cage.sims[0], IOVA + 7 * PAGE, 2, SIM_RDWR);
	log_is(&cage, DIRTY_GET, IOVA, "0010000110000000", "pinned since");
	log_is(&cage, DIRTY_GET, IOVA, "0010000110000000", "still pinned");
	sim_pin(&cage.sims[1], IOVA + 2 * PAGE, 1, SIM_RDWR);
	sim_unpin(&cage.sims[0], IOVA + 2 * PAGE, 1);
	sim_unpin(&cage.sims[0], IOVA + 8 * PAGE, 1);
	log_is(&cage, DIRTY_GET, IOVA, "0010000110000000", "once after the unpin");
	log_is(&cage, DIRTY_GET, IOVA, "0010000100000000",
	       "but one of two pins counts on");
	sim_pin(&cage.sims[0], IOVA + 11 * PAGE, 1, SIM_RDWR);
	sim_unpin(&cage.sims[0], IOVA + 11 * PAGE, 1);
	log_is(&cage, DIRTY_GET, IOVA, "0010000100010000", "pinned and unpinned");
	log_is(&cage, DIRTY_GET, IOVA, "0010000100000000", "and then no more");
	/* what was pinned by a call that failed has not been written */
	sim_pin(&cage.sims[0], IOVA + 14 * PAGE, 3, SIM_RDWR);
	log_is(&cage, DIRTY_GET, IOVA, "00100001000000??", "a PIN that failed");
	log_is(&cage, DIRTY_GET, IOVA, "0010000100000000", "a PIN that failed");
	sim_unpin(&cage.sims[1], IOVA + 2 * PAGE, 1);
	sim_unpin(&cage.sims[0], IOVA + 7 * PAGE, 1);
	log_is(&cage, DIRTY_GET, IOVA, "0010000100000000", "all unpinned");
	log_is(&cage, DIRTY_GET, IOVA, "0000000000000000", "all is quiet");
	cage_close(&cage);
	ram_free(ram, 16);
}

/* NOCLEAR and CLEAR, which stock has not. */
void test_log_manual(void)
{
	struct cage cage;
	char *ram;

	if (backend.stock) {
		tap_skip("NOCLEAR and CLEAR", "stock has none");
		return;
	}
	ram = ram_alloc(8);
	cage_open(&cage, 1);
	cage_map(&cage, ram, IOVA, 8);
	start_logging(&cage);
	sim_pin(&cage.sims[0], IOVA + PAGE, 2, SIM_RDWR);
	writes(&cage, IOVA + 5 * PAGE, 8, 0);
	log_is(&cage, DIRTY_NOCLEAR, IOVA, "01100100", "pinned and written");
	log_is(&cage, DIRTY_NOCLEAR, IOVA, "01100100", "asked again");
	tap_ret(log_clear(&cage, IOVA, "11111111"), 0, "CLEAR of all");
	log_is(&cage, DIRTY_NOCLEAR, IOVA, "01100000", "pinned stays dirty");
	tap_ret(log_clear(&cage, IOVA, "11111111"), 0, "CLEAR of all");
	log_is(&cage, DIRTY_NOCLEAR, IOVA, "01100000", "pinned stays dirty");
	sim_unpin(&cage.sims[0], IOVA + PAGE, 2);
	log_is(&cage, DIRTY_NOCLEAR, IOVA, "01100000", "unpinned");
	log_is(&cage, DIRTY_NOCLEAR, IOVA, "01100000", "NOCLEAR cleans nothing");
	tap_ret(log_clear(&cage, IOVA, "01000000"), 0, "CLEAR of one");
	log_is(&cage, DIRTY_NOCLEAR, IOVA, "00100000", "the other is left");
	sim_pin(&cage.sims[0], IOVA + PAGE, 1, SIM_RDWR);
	log_is(&cage, DIRTY_GET, IOVA, "01100000", "pinned again");
	log_is(&cage, DIRTY_NOCLEAR, IOVA, "01000000", "GET has cleaned the other");
	sim_unpin(&cage.sims[0], IOVA + PAGE, 1);
	log_is(&cage, DIRTY_GET, IOVA, "01000000", "once after the unpin");
	log_is(&cage, DIRTY_NOCLEAR, IOVA, "00000000", "all is quiet");
	cage_close(&cage);
	ram_free(ram, 8);
}

void test_log_unmap(void)
{
	uint64_t word = 0, size = 0;
	struct vfio_bitmap map = {
		.pgsize = PAGE, .size = sizeof(word), .data = (void *)&word,
	};
	struct cage cage;
	char *ram = ram_alloc(8);
	int ret;

	cage_open(&cage, 1);
	cage_map(&cage, ram, IOVA, 8);
	start_logging(&cage);
	sim_pin(&cage.sims[0], IOVA + PAGE, 2, SIM_RDWR);
	writes(&cage, IOVA + 6 * PAGE, 8, 0);
	ret = vfio_unmap_dirty(cage.container, IOVA, 8 * PAGE,
			       VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP, &map, &size);
	tap_ok(!ret && size == 8 * PAGE && word == 0x46,
	       "UNMAP with pins: %d, %#lx bytes, log %#lx", ret, size, word);
	holds(&cage, 0, 0, "unmapped");
	cage_map(&cage, ram, IOVA, 8);
	log_is(&cage, DIRTY_GET, IOVA, "00000000", "mapped again");
	cage_close(&cage);
	ram_free(ram, 8);
}
