// SPDX-License-Identifier: GPL-2.0-only
#include "guard.h"
#include "kernel.h"
#include "tap.h"
#include "vfio.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

int vfio_map(int container, void *vaddr, uint64_t iova, uint64_t size,
	     uint32_t flags)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = flags,
		.vaddr = (uintptr_t)vaddr,
		.iova = iova,
		.size = size,
	};

	return vfio_raw(container, VFIO_IOMMU_MAP_DMA, &map, sizeof(map));
}

int vfio_unmap_dirty(int container, uint64_t iova, uint64_t size,
		     uint32_t flags, struct vfio_bitmap *bitmap,
		     uint64_t *unmapped)
{
	struct {
		struct vfio_iommu_type1_dma_unmap unmap;
		struct vfio_bitmap bitmap;
	} arg = {
		.unmap.flags = flags,
		.unmap.iova = iova,
		.unmap.size = size,
	};
	size_t have = sizeof(arg.unmap);
	int ret;

	if (bitmap) {
		arg.bitmap = *bitmap;
		have = sizeof(arg);
	}
	arg.unmap.argsz = (uint32_t)have;
	ret = vfio_raw(container, VFIO_IOMMU_UNMAP_DMA, &arg, have);
	if (unmapped)
		*unmapped = arg.unmap.size;
	return ret;
}

int vfio_unmap(int container, uint64_t iova, uint64_t size, uint32_t flags,
	       uint64_t *unmapped)
{
	return vfio_unmap_dirty(container, iova, size, flags, NULL, unmapped);
}

struct vfio_iommu_type1_info *vfio_info(int container)
{
	struct vfio_iommu_type1_info *info, head = { .argsz = sizeof(head) };
	int ret;

	ret = vfio_raw(container, VFIO_IOMMU_GET_INFO, &head, sizeof(head));
	if (ret)
		tap_bail("GET_INFO: %s", strerror(-ret));
	info = calloc(1, head.argsz);
	if (!info)
		tap_bail("no memory");
	info->argsz = head.argsz;
	ret = vfio_raw(container, VFIO_IOMMU_GET_INFO, info, head.argsz);
	if (ret)
		tap_bail("GET_INFO of %u bytes: %s", head.argsz, strerror(-ret));
	return info;
}

struct vfio_info_cap_header *vfio_info_cap(struct vfio_iommu_type1_info *info,
					   unsigned int id)
{
	uint32_t at = info->flags & VFIO_IOMMU_INFO_CAPS ? info->cap_offset : 0;
	/* VFIO aligns them since 6.6 */
	uint32_t align = kernel_since(6, 6) ? 8 : 4;

	while (at) {
		struct vfio_info_cap_header *cap;

		if (at + sizeof(*cap) > info->argsz || at % align)
			tap_bail("capability at %u of %u bytes", at, info->argsz);
		cap = (void *)((char *)info + at);
		if (cap->id == id)
			return cap;
		if (cap->next && cap->next <= at)
			tap_bail("capability chain goes backward at %u", at);
		at = cap->next;
	}
	return NULL;
}

long vfio_dma_avail(int container)
{
	struct vfio_iommu_type1_info *info = vfio_info(container);
	struct vfio_iommu_type1_info_dma_avail *cap =
		(void *)vfio_info_cap(info, VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL);
	long avail = cap ? (long)cap->avail : -1;

	free(info);
	return avail;
}

bool vfio_policy(int container, struct vfio_iommu_type1_info_cap_hwdbm *cap)
{
	struct vfio_iommu_type1_info *info = vfio_info(container);
	struct vfio_info_cap_header *found =
		vfio_info_cap(info, VFIO_IOMMU_TYPE1_INFO_CAP_HWDBM);

	if (found)
		memcpy(cap, found, sizeof(*cap));
	free(info);
	return found;
}

void vfio_expect_policy(int container, unsigned int policy)
{
	struct vfio_iommu_type1_info_cap_hwdbm cap;

	if (!vfio_policy(container, &cap))
		tap_bail("GET_INFO has no capability %#x: not our backend",
			 VFIO_IOMMU_TYPE1_INFO_CAP_HWDBM);
	if (cap.policy != policy)
		tap_bail("the policy is %u (reason %u), this test is for %u",
			 cap.policy, cap.reason, policy);
}
