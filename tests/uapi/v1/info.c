// SPDX-License-Identifier: GPL-2.0-only
#include "tap.h"
#include "v1.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static void extension(int container, const char *when, unsigned long what,
		      int want)
{
	int got = vfio_check_extension(container, what);

	tap_ok(got == want, "%s: extension %#lx is %d, want %d", when, what, got,
	       want);
}

/* Before SET_IOMMU, with a group or without: any backend may come to serve. */
void test_before(struct world *w)
{
	const char *when = "nothing chosen";
	int fd = vfio_container_open();

	(void)w;
	extension(fd, when, VFIO_TYPE1_IOMMU, 1);
	extension(fd, when, VFIO_TYPE1v2_IOMMU, 1);
	extension(fd, when, VFIO_UNMAP_ALL, 1);
	extension(fd, when, VFIO_DMA_CC_IOMMU, 0);
	extension(fd, when, VFIO_UPDATE_VADDR, 0);
	extension(fd, when, VFIO_DIRTY_LOG_MANUAL_CLEAR, 0);
	close(fd);
}

static void check_extensions(struct world *w)
{
	int fd = w->rig.container;
	const char *when = "type 1";

	extension(fd, when, VFIO_TYPE1_IOMMU, 1);
	extension(fd, when, VFIO_TYPE1v2_IOMMU, 1);
	/* stock said that it can nest until 7.0; ours never did */
	extension(fd, when, VFIO_TYPE1_NESTING_IOMMU, backend_is_old_stock());
	extension(fd, when, VFIO_SPAPR_TCE_v2_IOMMU, 0);
	extension(fd, when, VFIO_NOIOMMU_IOMMU, 0);
	extension(fd, when, VFIO_UNMAP_ALL, 1);
	extension(fd, when, VFIO_UPDATE_VADDR, 1);
	extension(fd, when, VFIO_DMA_CC_IOMMU, 1);
	extension(fd, when, VFIO_DIRTY_LOG_MANUAL_CLEAR, 0);
	extension(fd, when, 12, 0);
	tap_ret(vfio_set_iommu(fd, VFIO_TYPE1_IOMMU), -EINVAL,
		"SET_IOMMU a second time");
}

void test_info(struct world *w)
{
	struct vfio_iommu_type1_info *info = vfio_info(w->rig.container);
	struct vfio_iommu_type1_info_cap_migration *migration;
	struct vfio_iommu_type1_info_cap_iova_range *ranges;

	check_extensions(w);
	ranges = (void *)vfio_info_cap(info,
				       VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE);
	migration = (void *)vfio_info_cap(info,
					  VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION);
	tap_ok(info->flags & VFIO_IOMMU_INFO_PGSIZES &&
	       info->iova_pgsizes & PAGE_4K, "page sizes %#llx",
	       info->iova_pgsizes);
	tap_ok(ranges && ranges->nr_iovas, "IOVA_RANGE is there");
	tap_ok(migration && migration->pgsize_bitmap & PAGE_4K,
	       "MIGRATION is there, as with stock, log or not");
	tap_ok(vfio_dma_avail(w->rig.container) == w->avail - SLOTS,
	       "DMA_AVAIL counts: %ld of %ld",
	       vfio_dma_avail(w->rig.container), w->avail);
	free(info);
	tap_ok(mapped_are(w, "mmmmm"), "and the device gets at all");
}
