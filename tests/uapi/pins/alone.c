// SPDX-License-Identifier: GPL-2.0-only
/* No IOMMU in the container: a mapping is a promise, and costs nothing. */
#include "bitmap.h"
#include "pins.h"
#include "tap.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#define TIB (1ULL << 40)

void test_alone(void)
{
	struct vfio_iommu_type1_info *info;
	struct cage cage;
	uint64_t size = ~0ull;
	char *ram = ram_alloc(16);
	int ret;

	cage_open(&cage, 1);
	info = vfio_info(cage.container);
	tap_ok(!vfio_info_cap(info, VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE),
	       "GET_INFO knows of no IOVA ranges");
	tap_ok(info->flags & VFIO_IOMMU_INFO_PGSIZES &&
		       info->iova_pgsizes == ~(PAGE - 1),
	       "any page size from 4 KiB: %#llx", info->iova_pgsizes);
	free(info);
	policy_is(&cage, VFIO_HWDBM_POLICY_PINNED, "an emulated group alone");
	tap_ret(vfio_check_extension(cage.container, VFIO_UPDATE_VADDR), 0,
		"extension UPDATE_VADDR");
	ret = vfio_check_extension(cage.container, VFIO_DMA_CC_IOMMU);
	tap_ok(ret == 1, "extension DMA_CC: %d", ret);

	tap_ret(vfio_map(cage.container, ram, IOVA, 16 * PAGE, MAP_RW), 0, "MAP");
	locked_is(&cage, 0, "a MAP");
	tap_ret(vfio_map(cage.container, ram, IOVA + 15 * PAGE, PAGE, MAP_RW),
		-EEXIST, "MAP over it");
	tap_ret(vfio_unmap(cage.container, IOVA, 16 * PAGE,
			   VFIO_DMA_UNMAP_FLAG_VADDR, NULL),
		-EBUSY, "UNMAP with VADDR");
	tap_ret(vfio_unmap(cage.container, IOVA, 16 * PAGE, 0, &size), 0, "UNMAP");
	tap_ok(size == 16 * PAGE, "%#lx bytes unmapped", size);
	cage_close(&cage);
	ram_free(ram, 16);
}

/* Bits of one page in the log of a mapping of 1 TiB. */
static void log_of_a_tib(struct cage *cage, uint64_t iova, uint64_t page)
{
	uint64_t bits = TIB / PAGE, bytes = bit_bytes(bits);
	uint64_t *map = calloc(1, bytes);
	uint64_t i, others = 0;
	int ret;

	if (!map)
		tap_bail("no memory");
	ret = vfio_dirty_range(cage->container, DIRTY_GET, iova, TIB, PAGE, map,
			       bytes);
	for (i = 0; i < bits / 64; i++)
		others += i != page / 64 && map[i];
	tap_ok(!ret && !others && map[page / 64] == 1ull << page % 64,
	       "the log of 1 TiB has one page");
	free(map);
}

static void one_tib(void)
{
	char *hole = mmap(NULL, TIB, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	const uint64_t page = TIB / PAGE - 12345;
	struct cage cage;
	uint64_t size = 0;

	if (hole == MAP_FAILED ||
	    mprotect(hole + page * PAGE, PAGE, PROT_READ | PROT_WRITE))
		tap_bail("1 TiB of addresses: %m");
	cage_open(&cage, 1);
	tap_ret(vfio_map(cage.container, hole, TIB, TIB, MAP_RW), 0,
		"MAP of 1 TiB without memory");
	locked_is(&cage, 0, "1 TiB");
	start_logging(&cage);
	sim_pin(&cage.sims[0], TIB + page * PAGE, 1, SIM_RDWR);
	reaches(&cage, TIB + page * PAGE, hole + page * PAGE, "in 1 TiB");
	log_of_a_tib(&cage, TIB, page);
	tap_ret(sim_pin(&cage.sims[0], TIB, 1, SIM_RDWR), -EFAULT,
		"PIN where there is no memory");
	tap_ret(vfio_unmap(cage.container, TIB, TIB, 0, &size), 0, "UNMAP of it");
	tap_ok(size == TIB, "%#lx bytes unmapped", size);
	cage_close(&cage);
	munmap(hole, TIB);
}

/* The owner's whole address space, each address its own IOVA. */
static void everything(void)
{
	struct cage cage;
	char *ram = ram_alloc(1);
	uint64_t iova = (uintptr_t)ram, size = 0;
	int ret;

	cage_open(&cage, 1);
	ret = vfio_map(cage.container, NULL, 0, -PAGE, MAP_RW);
	tap_ret(ret, 0, "MAP of all addresses but the last page");
	sim_pin(&cage.sims[0], iova, 1, SIM_RDWR);
	reaches(&cage, iova, ram, "in all addresses");
	/* stock has a limit, and ours may lack the memory for the log */
	ret = vfio_dirty_flag(cage.container, DIRTY_START);
	if (backend.stock)
		tap_ret(ret, -EINVAL, "START with all addresses mapped");
	else
		tap_ok(!ret || ret == -ENOMEM,
		       "START with all addresses mapped: %d", ret);
	ret = vfio_unmap(cage.container, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL, &size);
	tap_ret(ret, 0, "UNMAP of them all");
	tap_ok(size == -PAGE, "%#lx bytes unmapped", size);
	cage_close(&cage);
	ram_free(ram, 1);
}

void test_huge(void)
{
	one_tib();
	everything();
}
