// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's dirty tracking of IOMMU domains, as drivers offer it.
 */
#include <linux/iommu.h>
#include <linux/kallsyms.h>
#include <linux/overflow.h>
#include <linux/string.h>

#include "compat.h"
#include "probes.h"

#if HWDBM_HAS_IOMMU_DIRTY_OPS

bool hwdbm_compat_has_dirty_ops(const struct iommu_domain *domain)
{
	const struct iommu_dirty_ops *ops = domain->dirty_ops;

	return ops && ops->set_dirty_tracking && ops->read_and_clear_dirty;
}

int hwdbm_compat_set_dirty_tracking(struct iommu_domain *domain, bool enable)
{
	if (!hwdbm_compat_has_dirty_ops(domain))
		return -EOPNOTSUPP;
	return domain->dirty_ops->set_dirty_tracking(domain, enable);
}

/*
 * Until drivers came to use generic_pt, which never fills the gather or answers
 * -EOPNOTSUPP, all did. Since then one that does has to be known by name.
 */
static bool fills_gather(const struct iommu_dirty_ops *ops)
{
#if HWDBM_HAS_GENERIC_PT
	static const char smmu_v3[] = "arm_smmu_read_and_clear_dirty";
	char name[KSYM_SYMBOL_LEN];

	/* " [MODULE]" follows if it is in one. */
	sprint_symbol_no_offset(name, (unsigned long)ops->read_and_clear_dirty);
	name[strcspn(name, " ")] = '\0';
	return !strcmp(name, smmu_v3);
#else
	return true;
#endif
}

bool hwdbm_compat_gather_reader_works(const struct iommu_domain *domain)
{
	return hwdbm_compat_has_dirty_ops(domain) &&
	       fills_gather(domain->dirty_ops);
}

int hwdbm_compat_read_dirty(struct iommu_domain *domain, unsigned long iova,
			    size_t size, bool clear,
			    struct iommu_iotlb_gather *found)
{
	struct iommu_dirty_bitmap dirty;
	unsigned long last;
	int ret;

	iommu_dirty_bitmap_init(&dirty, NULL, found);
	if (!hwdbm_compat_has_dirty_ops(domain))
		return -EOPNOTSUPP;
	if (!size || check_add_overflow(iova, size - 1, &last))
		return -EINVAL;

	ret = domain->dirty_ops->read_and_clear_dirty(domain, iova, size,
						      clear ? 0 : IOMMU_DIRTY_NO_CLEAR,
						      &dirty);
	if (ret)
		iommu_iotlb_gather_init(found);
	return ret;
}

#else /* no dirty tracking in this kernel */

bool hwdbm_compat_has_dirty_ops(const struct iommu_domain *domain)
{
	return false;
}

int hwdbm_compat_set_dirty_tracking(struct iommu_domain *domain, bool enable)
{
	return -EOPNOTSUPP;
}

bool hwdbm_compat_gather_reader_works(const struct iommu_domain *domain)
{
	return false;
}

int hwdbm_compat_read_dirty(struct iommu_domain *domain, unsigned long iova,
			    size_t size, bool clear,
			    struct iommu_iotlb_gather *found)
{
	iommu_iotlb_gather_init(found);
	return -EOPNOTSUPP;
}

#endif
