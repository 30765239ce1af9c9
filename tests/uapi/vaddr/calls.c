// SPDX-License-Identifier: GPL-2.0-only
/* One mapping, one process: what each call says, and what it changes. */
#define _GNU_SOURCE
#include "proc.h"
#include "tap.h"
#include "vaddr.h"

#include <errno.h>
#include <sys/mman.h>

#define RD VFIO_DMA_MAP_FLAG_READ
#define WR VFIO_DMA_MAP_FLAG_WRITE
#define VADDR VFIO_DMA_MAP_FLAG_VADDR

static void nothing_mapped(struct world *w)
{
	uint64_t n = 0;

	tap_ret(invalidate(w, IOVA, SIZE, &n), 0, "UNMAP VADDR where nothing is");
	tap_ok(!n, "it says 0 bytes: %#lx", n);
	tap_ret(update_slot(w, 0), -ENOENT, "MAP VADDR where nothing is");
}

static void once(struct world *w)
{
	long locked = proc_locked_kib(), avail;
	uint64_t n = 0;

	map_slot(w, 0);
	avail = vfio_dma_avail(w->rig.container);
	tap_ret(update_slot(w, 0), -EINVAL, "MAP VADDR of a valid mapping");
	tap_ret(invalidate(w, IOVA, SIZE, &n), 0, "UNMAP VADDR");
	tap_ok(n == SIZE, "it says how much: %#lx", n);
	tap_ok(rig_reaches(&w->rig, IOVA, w->old),
	       "the device goes on, the vaddr being invalid");
	tap_ok(proc_locked_kib() == locked + KIB, "the memory stays locked");
	tap_ok(vfio_dma_avail(w->rig.container) == avail,
	       "the mapping still counts");
	n = SIZE;
	tap_ret(invalidate(w, IOVA, SIZE, &n), -EINVAL, "UNMAP VADDR again");
	tap_ok(n == SIZE, "and its size is as it was: %#lx", n);
	tap_ret(update_slot(w, 0), 0, "MAP VADDR");
	tap_ok(rig_reaches(&w->rig, IOVA, w->new), "the device goes on after it");
	tap_ok(proc_locked_kib() == locked + KIB, "locked once, not twice");
	tap_ret(update_slot(w, 0), -EINVAL, "MAP VADDR again");
	tap_ret(invalidate_slot(w, 0), 0, "UNMAP VADDR for the second time");
	tap_ret(update(w, IOVA, SIZE, w->old), 0, "MAP VADDR, back");
}

static int map_flags(struct world *w, uint32_t flags)
{
	return vfio_map(w->rig.container, w->new, IOVA, SIZE, flags);
}

/* None of these may make an invalid vaddr valid. */
static void wrong_maps(struct world *w)
{
	/* the last pages of the address space, and then some */
	void *top = (void *)-(uintptr_t)PAGE_4K;

	tap_ret(invalidate_slot(w, 0), 0, "UNMAP VADDR");
	tap_ret(map_flags(w, VADDR | RD), -EINVAL, "MAP VADDR and READ");
	tap_ret(map_flags(w, VADDR | WR), -EINVAL, "MAP VADDR and WRITE");
	tap_ret(map_flags(w, VADDR | RD | WR), -EINVAL,
		"MAP VADDR, READ and WRITE");
	tap_ret(map_flags(w, VADDR | 8), -EINVAL, "MAP VADDR and a flag unknown");
	tap_ret(update(w, IOVA, SIZE / 2, w->new), -EINVAL, "of its first half");
	tap_ret(update(w, IOVA + SIZE / 2, SIZE / 2, w->new), -EINVAL,
		"of its second half");
	tap_ret(update(w, IOVA, 2 * SIZE, w->new), -EINVAL, "of more than it");
	tap_ret(update(w, IOVA - SIZE, 2 * SIZE, w->new), -EINVAL,
		"from before it");
	tap_ret(update(w, IOVA - SIZE, SIZE, w->new), -ENOENT, "beside it");
	tap_ret(update(w, IOVA, 0, w->new), -EINVAL, "of nothing");
	tap_ret(update(w, IOVA, SIZE, w->new + 8), -EINVAL,
		"to an address within a page");
	tap_ret(update(w, IOVA, SIZE, top),
		backend_is_old_stock() ? -EINVAL : -EOVERFLOW,
		"to addresses that wrap");
	tap_ret(map_flags(w, RD | WR), -EEXIST, "plain MAP over it");
	tap_ret(invalidate_slot(w, 0), -EINVAL, "it is invalid all the time");
	tap_ok(rig_reaches(&w->rig, IOVA, w->old), "the device does not care");
	tap_ret(update_slot(w, 0), 0, "and the right MAP VADDR works");
}

static int invalidate_dirty(struct world *w, uint32_t more)
{
	uint64_t map = 0;
	struct vfio_bitmap bitmap = {
		.pgsize = PAGE_4K, .size = sizeof(map), .data = (void *)&map,
	};

	return vfio_unmap_dirty(w->rig.container, more ? 0 : IOVA,
				more ? 0 : SIZE,
				VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP |
				VFIO_DMA_UNMAP_FLAG_VADDR | more, &bitmap, NULL);
}

/* None of these may make a valid vaddr invalid. */
static void wrong_unmaps(struct world *w)
{
	int fd = w->rig.container;

	tap_ret(invalidate(w, IOVA, SIZE / 2, NULL), -EINVAL,
		"UNMAP VADDR of the first half");
	tap_ret(invalidate(w, IOVA + SIZE / 2, SIZE / 2, NULL), -EINVAL,
		"of the second half");
	tap_ret(invalidate(w, IOVA + SIZE / 2, SIZE, NULL), -EINVAL,
		"from the middle to beyond");
	tap_ret(invalidate(w, IOVA - SIZE, SIZE + SIZE / 2, NULL), -EINVAL,
		"from before to the middle");
	tap_ret(invalidate(w, IOVA, 0, NULL), -EINVAL, "of nothing");
	tap_ret(invalidate(w, IOVA + 8, SIZE, NULL), -EINVAL,
		"from within a page");
	tap_ret(vfio_unmap(fd, IOVA, SIZE, VFIO_DMA_UNMAP_FLAG_VADDR | 8, NULL),
		-EINVAL, "with a flag unknown");
	tap_ret(invalidate_dirty(w, 0), -EINVAL, "with GET_DIRTY_BITMAP");
	tap_ret(vfio_dirty_flag(fd, DIRTY_START), 0, "START");
	tap_ret(invalidate_dirty(w, 0), -EINVAL,
		"with GET_DIRTY_BITMAP, logging");
	tap_ret(invalidate_dirty(w, VFIO_DMA_UNMAP_FLAG_ALL), -EINVAL,
		"with GET_DIRTY_BITMAP and ALL, logging");
	tap_ret(vfio_dirty_flag(fd, DIRTY_STOP), 0, "STOP");
	tap_ret(update_slot(w, 0), -EINVAL, "it is valid all the time");
	tap_ok(rig_reaches(&w->rig, IOVA, w->new), "and mapped");
}

static void beside_invalid(struct world *w)
{
	uint64_t n = 0;
	int ret;

	tap_ret(invalidate(w, IOVA - SIZE, 3 * SIZE, &n), 0,
		"UNMAP VADDR of more than is mapped");
	tap_ok(n == SIZE, "it says what is: %#lx", n);
	map_slot(w, 1);
	tap_ok(rig_reaches(&w->rig, slot_iova(1), at(w->old, 1)),
	       "MAP beside an invalid mapping works");
	unmap_slot(w, 1);
	tap_ret(vfio_unmap(w->rig.container, IOVA, SIZE, 0, &n), 0,
		"UNMAP of an invalid mapping");
	tap_ok(n == SIZE, "it says how much: %#lx", n);
	tap_ok(rig_refused(&w->rig, IOVA), "the device gets at it no more");
	tap_ret(update_slot(w, 0), -ENOENT, "MAP VADDR of what was unmapped");
	ret = vfio_map(w->rig.container, w->new, IOVA, SIZE, MAP_RW);
	tap_ret(ret, 0, "plain MAP there");
	tap_ret(update_slot(w, 0), -EINVAL, "it is valid from the start");
	unmap_slot(w, 0);
}

/* What a program does: the old address is gone before the new one is there. */
static void moved(struct world *w)
{
	void *old = at(w->old, 2), *again;

	map_slot(w, 2);
	tap_ok(rig_reaches(&w->rig, slot_iova(2), old), "mapped");
	tap_ret(invalidate_slot(w, 2), 0, "UNMAP VADDR");
	munmap(old, SIZE);
	tap_ok(rig_reaches(&w->rig, slot_iova(2), at(w->new, 2)),
	       "the device goes on without an address of ours");
	tap_ret(update_slot(w, 2), 0, "MAP VADDR");
	tap_ok(rig_reaches(&w->rig, slot_iova(2), at(w->new, 2)),
	       "and with the new one");
	unmap_slot(w, 2);
	again = mmap(old, SIZE, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_FIXED | MAP_POPULATE, w->memfd,
		     2 * SIZE);
	if (again != old)
		tap_bail("mmap at the same address: %m");
}

void test_calls(struct world *w)
{
	nothing_mapped(w);
	once(w);
	wrong_maps(w);
	wrong_unmaps(w);
	beside_invalid(w);
	moved(w);
}
