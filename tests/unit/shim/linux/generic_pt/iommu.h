/* SPDX-License-Identifier: GPL-2.0-only */
/* Of the kernel's generic page tables what tells where they are. */
#ifndef SHIM_LINUX_GENERIC_PT_IOMMU_H
#define SHIM_LINUX_GENERIC_PT_IOMMU_H

#include <linux/iommu.h>

/* Numbers of bits in features; in the kernel they are others. */
enum {
	PT_FEAT_DMA_INCOHERENT = 1,
	PT_FEAT_AMDV1_ENCRYPT_TABLES = 4,
};

struct pt_common {
	unsigned int features;
};

struct pt_iommu {
	int before;
	struct iommu_domain domain;
};

struct pt_amdv1 {
	int before;
	struct pt_common common;
};

struct pt_vtdss {
	long before[2];
	struct pt_common common;
};

struct pt_iommu_amdv1 {
	struct pt_iommu iommu;
	struct pt_amdv1 amdpt;
};

struct pt_iommu_vtdss {
	struct pt_iommu iommu;
	struct pt_vtdss vtdss_pt;
};

struct pt_iommu_amdv1_hw_info {
	u64 host_pt_root;
	u8 mode;
};

struct pt_iommu_vtdss_hw_info {
	u64 ssptptr;
	u8 aw;
};

#define SHIM_FORMAT(fmt)							\
	phys_addr_t pt_iommu_##fmt##_iova_to_phys(struct iommu_domain *domain,	\
						  u64 iova);			\
	int pt_iommu_##fmt##_read_and_clear_dirty(struct iommu_domain *domain,	\
						  unsigned long iova,		\
						  size_t size,			\
						  unsigned long flags,		\
						  struct iommu_dirty_bitmap *dirty); \
	void pt_iommu_##fmt##_hw_info(struct pt_iommu_##fmt *table,		\
				      struct pt_iommu_##fmt##_hw_info *info)

SHIM_FORMAT(amdv1);
SHIM_FORMAT(vtdss);

#endif
