// SPDX-License-Identifier: GPL-2.0-only
#include "tap.h"
#include "v1.h"

#include <errno.h>
#include <string.h>

static void no_log(struct world *w)
{
	struct vfio_iommu_type1_dirty_bitmap tiny = { .argsz = 1 };
	uint64_t map = 0;
	struct vfio_bitmap bitmap = {
		.pgsize = PAGE_4K, .size = sizeof(map), .data = (void *)&map,
	};
	int fd = w->rig.container;

	tap_ret(vfio_dirty_flag(fd, DIRTY_START), -EACCES, "START");
	tap_ret(vfio_dirty_flag(fd, DIRTY_STOP), -EACCES, "STOP");
	tap_ret(vfio_dirty_range(fd, DIRTY_GET, IOVA, 16 * PAGE_4K, PAGE_4K,
				 &map, sizeof(map)), -EACCES, "GET");
	tap_ret(vfio_dirty_range(fd, DIRTY_NOCLEAR, IOVA, 16 * PAGE_4K, PAGE_4K,
				 &map, sizeof(map)), -EACCES, "NOCLEAR");
	tap_ret(vfio_dirty_range(fd, DIRTY_CLEAR, IOVA, 16 * PAGE_4K, PAGE_4K,
				 &map, sizeof(map)), -EACCES, "CLEAR");
	tap_ret(vfio_dirty_flag(fd, 0), -EACCES, "DIRTY_PAGES with no flag");
	tap_ret(vfio_dirty_flag(fd, 1u << 31), -EACCES, "with an unknown one");
	tap_ret(vfio_raw(fd, VFIO_IOMMU_DIRTY_PAGES, &tiny, sizeof(tiny)),
		-EACCES, "with an argsz that is too small");
	tap_ret(vfio_unmap_dirty(fd, IOVA, 16 * PAGE_4K,
				 VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP, &bitmap,
				 NULL), -EINVAL, "UNMAP with GET_DIRTY_BITMAP");
}

void test_refused(struct world *w)
{
	const int wraps = backend_is_old_stock() ? -EINVAL : -EOVERFLOW;
	int fd = w->rig.container;

	no_log(w);
	tap_ret(vfio_unmap(fd, IOVA, 0, 0, NULL), -EINVAL, "UNMAP of 0 bytes");
	tap_ret(vfio_unmap(fd, IOVA + 8, PAGE_4K, 0, NULL), -EINVAL,
		"from within a page");
	tap_ret(vfio_unmap(fd, IOVA, 100, 0, NULL), -EINVAL, "of 100 bytes");
	tap_ret(vfio_unmap(fd, IOVA, -PAGE_4K, 0, NULL), wraps, "that wraps");
	tap_ret(vfio_unmap(fd, IOVA, PAGE_4K, VFIO_DMA_UNMAP_FLAG_ALL, NULL),
		-EINVAL, "with ALL and a range");
	tap_ret(vfio_unmap(fd, IOVA, PAGE_4K, 8, NULL), -EINVAL,
		"with a flag unknown");
	tap_ret(vfio_map(fd, w->memory, IOVA, PAGE_4K, MAP_RW), -EEXIST,
		"MAP over the start of a mapping");
	tap_ret(vfio_map(fd, w->memory, IOVA + 4 * PAGE_4K, PAGE_4K, MAP_RW),
		-EEXIST, "MAP within one");
	tap_ret(vfio_map(fd, w->memory, IOVA + 60 * PAGE_4K, 8 * PAGE_4K,
			 MAP_RW), -EEXIST, "MAP from a gap into one");
	tap_ret(vfio_map(fd, w->memory, IOVA, PAGE_4K, 0), -EINVAL,
		"MAP for nothing");
	tap_ok(mapped_are(w, "mmmmm"), "and nothing has changed");
}

static int invalidate(struct world *w, uint64_t iova, uint64_t pages,
		      uint64_t *n)
{
	*n = 1;
	return vfio_unmap(w->rig.container, iova, pages * PAGE_4K,
			  VFIO_DMA_UNMAP_FLAG_VADDR, n);
}

static int update(struct world *w, uint64_t iova, uint64_t pages)
{
	return vfio_map(w->rig.container, w->memory, iova, pages * PAGE_4K,
			VFIO_DMA_MAP_FLAG_VADDR);
}

/* UNMAP with FLAG_VADDR takes ranges just as UNMAP does; MAP is exact. */
void test_vaddr(struct world *w)
{
	uint64_t n;

	tap_ret(invalidate(w, IOVA + PAGE_4K, 100, &n), 0,
		"UNMAP VADDR from within a mapping");
	tap_ok(!n, "it says 0: %#lx", n);
	tap_ret(update(w, IOVA, 16), -EINVAL, "the mapping is valid");
	tap_ret(update(w, IOVA + 16 * PAGE_4K, 8), -EINVAL, "and so is the next");
	tap_ret(invalidate(w, IOVA, 1, &n), 0, "of its first page");
	tap_ok(n == 16 * PAGE_4K, "it says all of it: %#lx", n);
	tap_ret(invalidate(w, IOVA, 17, &n), -EINVAL,
		"of it again, and the next one's first page");
	tap_ret(update(w, IOVA + 16 * PAGE_4K, 8), -EINVAL,
		"that one is valid still");
	tap_ret(update(w, IOVA, 1), -EINVAL, "MAP VADDR of the first page");
	tap_ret(update(w, IOVA, 16), 0, "of the mapping");
	tap_ret(invalidate(w, IOVA, 17, &n), 0, "UNMAP VADDR of both");
	tap_ok(n == 24 * PAGE_4K, "it says both: %#lx", n);
	tap_ok(mapped_are(w, "mmmmm"), "the device goes on");
	tap_ret(update(w, IOVA, 16), 0, "MAP VADDR of the one");
	tap_ret(update(w, IOVA + 16 * PAGE_4K, 8), 0, "and the other");
}
