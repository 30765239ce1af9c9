// SPDX-License-Identifier: GPL-2.0-only
/* Where a page's dirtiness comes from; see dirty_policy.h. */
#include "dirty_policy.h"

static u32 obstacle(const struct hwdbm_policy_facts *facts)
{
	/* Before incapability: it happened now, and STOP may mend it. */
	if (facts->domains_failed)
		return VFIO_HWDBM_REASON_HW_ERROR;
	if (!facts->domains)
		return VFIO_HWDBM_REASON_NO_DOMAIN;
	if (facts->domains_tracking != facts->domains)
		return VFIO_HWDBM_REASON_INCAPABLE;
	return VFIO_HWDBM_REASON_NONE;
}

enum hwdbm_policy
hwdbm_dirty_policy_choose(const struct hwdbm_policy_facts *facts, u32 *reason)
{
	*reason = obstacle(facts);
	if (!facts->groups_unpinned)
		return HWDBM_POLICY_PINNED;
	if (*reason == VFIO_HWDBM_REASON_NONE)
		return HWDBM_POLICY_HWDBM;
	return HWDBM_POLICY_FULL;
}

enum hwdbm_policy_step
hwdbm_dirty_policy_step(enum hwdbm_policy from, enum hwdbm_policy to,
			bool domain_leaves)
{
	switch (from) {
	case HWDBM_POLICY_PINNED:
		/*
		 * Pins and dma_rw record in software as they happen, so all
		 * that this policy knows is there already. Bits that a domain
		 * of pinning groups has set add nothing to it.
		 */
		return HWDBM_STEP_NONE;
	case HWDBM_POLICY_HWDBM:
		if (to != from || domain_leaves)
			return HWDBM_STEP_HARVEST;
		return HWDBM_STEP_NONE;
	case HWDBM_POLICY_FULL:
		/*
		 * Nobody looked at the hardware, and a domain that cannot
		 * track has nothing to look at: only "everything" is true.
		 * A domain that leaves while FULL stays needs nothing: every
		 * mapped page is reported until FULL ends, whatever the log
		 * says, and when it ends everything is recorded, so bits
		 * harvested now could never make a difference.
		 */
		return to == from ? HWDBM_STEP_NONE : HWDBM_STEP_POPULATE;
	}
	return HWDBM_STEP_POPULATE;
}

const char *hwdbm_dirty_policy_name(enum hwdbm_policy policy)
{
	switch (policy) {
	case HWDBM_POLICY_PINNED:
		return "pinned";
	case HWDBM_POLICY_HWDBM:
		return "hwdbm";
	case HWDBM_POLICY_FULL:
		return "full";
	}
	return "unknown";
}

const char *hwdbm_dirty_policy_reason_name(u32 reason)
{
	switch (reason) {
	case VFIO_HWDBM_REASON_NONE:
		return "nothing stands against hardware tracking";
	case VFIO_HWDBM_REASON_NO_DOMAIN:
		return "no IOMMU domain is attached";
	case VFIO_HWDBM_REASON_INCAPABLE:
		return "an IOMMU domain cannot track dirty pages";
	case VFIO_HWDBM_REASON_HW_ERROR:
		return "an IOMMU failed while tracking dirty pages";
	}
	return "unknown";
}
