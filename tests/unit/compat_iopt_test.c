// SPDX-License-Identifier: GPL-2.0-only
/*
 * src/compat/iopt.c: which domains' tables it tells of, and where they are. The
 * kernel's structs are a shim's, with holes where the kernel's have other members.
 */
#include "cmocka_shim.h"

#include <linux/bits.h>
#include <linux/generic_pt/iommu.h>
#include <linux/mem_encrypt.h>

#include "compat/compat.h"

u64 shim_sme_mask;

static struct pt_iommu_amdv1 amd;
static struct pt_iommu_vtdss intel;

/* Never called; but each has an address of its own. */
#define FORMAT(fmt, number)							\
	phys_addr_t pt_iommu_##fmt##_iova_to_phys(struct iommu_domain *domain,	\
						  u64 iova)			\
	{									\
		fail_msg("called");						\
		return (u64)domain->ops + iova + (number);			\
	}									\
	int pt_iommu_##fmt##_read_and_clear_dirty(struct iommu_domain *domain,	\
						  unsigned long iova,		\
						  size_t size,			\
						  unsigned long flags,		\
						  struct iommu_dirty_bitmap *dirty) \
	{									\
		fail_msg("called");						\
		return !domain + iova + size + flags + !dirty + (number);	\
	}									\
	static const struct iommu_domain_ops fmt##_ops = {			\
		pt_iommu_##fmt##_iova_to_phys					\
	};									\
	static const struct iommu_dirty_ops fmt##_dirty_ops = {			\
		pt_iommu_##fmt##_read_and_clear_dirty				\
	}

FORMAT(amdv1, 1);
FORMAT(vtdss, 2);

void pt_iommu_amdv1_hw_info(struct pt_iommu_amdv1 *table,
			    struct pt_iommu_amdv1_hw_info *info)
{
	assert_ptr_equal(table, &amd);
	info->host_pt_root = 0x123456789000;
	info->mode = 4;
}

void pt_iommu_vtdss_hw_info(struct pt_iommu_vtdss *table,
			    struct pt_iommu_vtdss_hw_info *info)
{
	assert_ptr_equal(table, &intel);
	info->ssptptr = 0x987654321000;
	info->aw = 2;
}

static int fresh(void **state)
{
	(void)state;
	amd = (struct pt_iommu_amdv1){
		.iommu.domain = { &amdv1_ops, &amdv1_dirty_ops, 0 },
	};
	intel = (struct pt_iommu_vtdss){
		.iommu.domain = { &vtdss_ops, &vtdss_dirty_ops, 0 },
	};
	shim_sme_mask = 0;
	return 0;
}

static struct hwdbm_compat_iopt found(const struct iommu_domain *domain)
{
	struct hwdbm_compat_iopt iopt;

	memset(&iopt, 0xa5, sizeof(iopt));
	assert_true(hwdbm_compat_iopt(domain, &iopt));
	return iopt;
}

static void not_found(const struct iommu_domain *domain)
{
	struct hwdbm_compat_iopt iopt;

	memset(&iopt, 0xa5, sizeof(iopt));
	assert_false(hwdbm_compat_iopt(domain, &iopt));
}

static void both_formats(void **state)
{
	struct hwdbm_compat_iopt iopt = found(&amd.iommu.domain);

	(void)state;
	assert_int_equal(iopt.format, HWDBM_COMPAT_IOPT_AMDV1);
	assert_int_equal(iopt.levels, 4);
	assert_int_equal(iopt.top, 0x123456789000);
	assert_int_equal(iopt.encrypted, 0);
	iopt = found(&intel.iommu.domain);
	assert_int_equal(iopt.format, HWDBM_COMPAT_IOPT_VTDSS);
	/* Address width 2: 48 bits. */
	assert_int_equal(iopt.levels, 4);
	assert_int_equal(iopt.top, 0x987654321000);
	assert_int_equal(iopt.encrypted, 0);
}

/* The machine's bit is in the tables only if they were made so. */
static void encryption(void **state)
{
	(void)state;
	shim_sme_mask = 1ull << 47;
	assert_int_equal(found(&amd.iommu.domain).encrypted, 0);
	amd.amdpt.common.features = BIT(PT_FEAT_AMDV1_ENCRYPT_TABLES);
	assert_int_equal(found(&amd.iommu.domain).encrypted, 1ull << 47);
	assert_int_equal(found(&intel.iommu.domain).encrypted, 0);
}

static void incoherent(void **state)
{
	(void)state;
	amd.amdpt.common.features = BIT(PT_FEAT_DMA_INCOHERENT);
	intel.vtdss_pt.common.features = BIT(PT_FEAT_DMA_INCOHERENT);
	not_found(&amd.iommu.domain);
	not_found(&intel.iommu.domain);
	amd.amdpt.common.features = ~(1u << PT_FEAT_DMA_INCOHERENT);
	intel.vtdss_pt.common.features = ~(1u << PT_FEAT_DMA_INCOHERENT);
	found(&amd.iommu.domain);
	found(&intel.iommu.domain);
}

static phys_addr_t other_iova_to_phys(struct iommu_domain *domain, u64 iova)
{
	return (u64)domain + iova;
}

static int other_read_and_clear_dirty(struct iommu_domain *domain,
				      unsigned long iova, size_t size,
				      unsigned long flags,
				      struct iommu_dirty_bitmap *dirty)
{
	return !domain + iova + size + flags + !dirty;
}

/* A domain that another driver made lies in another struct. */
static void of_others(struct iommu_domain *domain, const struct iommu_dirty_ops *foreign)
{
	static const struct iommu_domain_ops other_ops = { other_iova_to_phys };
	static const struct iommu_dirty_ops other_dirty_ops = {
		other_read_and_clear_dirty
	};
	const struct iommu_domain_ops *ops = domain->ops;
	const struct iommu_dirty_ops *dirty_ops = domain->dirty_ops;

	domain->ops = &other_ops;
	not_found(domain);
	domain->ops = ops;
	domain->dirty_ops = NULL;
	not_found(domain);
	domain->dirty_ops = &other_dirty_ops;
	not_found(domain);
	domain->dirty_ops = foreign;
	not_found(domain);
	domain->dirty_ops = dirty_ops;
	found(domain);
}

static void other_domains(void **state)
{
	(void)state;
	of_others(&amd.iommu.domain, &vtdss_dirty_ops);
	of_others(&intel.iommu.domain, &amdv1_dirty_ops);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(both_formats, fresh),
		cmocka_unit_test_setup(encryption, fresh),
		cmocka_unit_test_setup(incoherent, fresh),
		cmocka_unit_test_setup(other_domains, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
