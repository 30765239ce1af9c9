// SPDX-License-Identifier: GPL-2.0-only
/*
 * The page tables behind a domain, where the kernel lets others see them.
 */
#include <linux/bits.h>
#include <linux/iommu.h>
#include <linux/mem_encrypt.h>
#include <linux/module.h>

#include "compat.h"
#include "probes.h"

#if HWDBM_HAS_PT_AMDV1 || HWDBM_HAS_PT_VTDSS
#include <linux/generic_pt/iommu.h>

MODULE_IMPORT_NS("GENERIC_PT_IOMMU");

/*
 * A domain whose operations are those of a format lies in that format's struct:
 * they find it by the same arithmetic. Another driver's domain, or the simulator
 * of iommufd's tests, has others.
 */
#define IS_FORMAT(domain, fmt) \
	((domain)->ops->iova_to_phys == pt_iommu_##fmt##_iova_to_phys && \
	 (domain)->dirty_ops && \
	 (domain)->dirty_ops->read_and_clear_dirty == \
		 pt_iommu_##fmt##_read_and_clear_dirty)

/* What is cached has to be flushed there, as the driver only knows how. */
static bool coherent(const struct pt_common *common)
{
	return !(common->features & BIT(PT_FEAT_DMA_INCOHERENT));
}
#endif

#if HWDBM_HAS_PT_AMDV1
static bool find_amdv1(const struct iommu_domain *domain,
		       struct hwdbm_compat_iopt *iopt)
{
	struct pt_iommu_amdv1_hw_info info;
	struct pt_iommu_amdv1 *pt;

	if (!IS_FORMAT(domain, amdv1))
		return false;
	pt = container_of((struct iommu_domain *)domain, struct pt_iommu_amdv1,
			  iommu.domain);
	if (!coherent(&pt->amdpt.common))
		return false;
	pt_iommu_amdv1_hw_info(pt, &info);
	iopt->format = HWDBM_COMPAT_IOPT_AMDV1;
	iopt->levels = info.mode;
	iopt->top = info.host_pt_root;
	if (pt->amdpt.common.features & BIT(PT_FEAT_AMDV1_ENCRYPT_TABLES))
		iopt->encrypted = __sme_set(0ULL);
	return true;
}
#else
static bool find_amdv1(const struct iommu_domain *domain,
		       struct hwdbm_compat_iopt *iopt)
{
	return false;
}
#endif

#if HWDBM_HAS_PT_VTDSS
/* Address widths 1, 2 and 3 stand for 3, 4 and 5 levels. */
#define AW_TO_LEVELS	2

static bool find_vtdss(const struct iommu_domain *domain,
		       struct hwdbm_compat_iopt *iopt)
{
	struct pt_iommu_vtdss_hw_info info;
	struct pt_iommu_vtdss *pt;

	if (!IS_FORMAT(domain, vtdss))
		return false;
	pt = container_of((struct iommu_domain *)domain, struct pt_iommu_vtdss,
			  iommu.domain);
	if (!coherent(&pt->vtdss_pt.common))
		return false;
	pt_iommu_vtdss_hw_info(pt, &info);
	iopt->format = HWDBM_COMPAT_IOPT_VTDSS;
	iopt->levels = info.aw + AW_TO_LEVELS;
	iopt->top = info.ssptptr;
	return true;
}
#else
static bool find_vtdss(const struct iommu_domain *domain,
		       struct hwdbm_compat_iopt *iopt)
{
	return false;
}
#endif

bool hwdbm_compat_iopt(const struct iommu_domain *domain,
		       struct hwdbm_compat_iopt *iopt)
{
	*iopt = (struct hwdbm_compat_iopt){};
	return find_amdv1(domain, iopt) || find_vtdss(domain, iopt);
}
