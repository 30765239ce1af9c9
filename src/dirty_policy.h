/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a page's dirtiness comes from, and what has to be saved when that
 * changes. Pure: facts in, decision out.
 */
#ifndef HWDBM_DIRTY_POLICY_H
#define HWDBM_DIRTY_POLICY_H

#include <linux/types.h>
#include <linux/vfio_iommu_type1_hwdbm.h>

/**
 * enum hwdbm_policy - the source of dirtiness; values of the uapi
 * @HWDBM_POLICY_PINNED: pages that drivers pinned or wrote
 * @HWDBM_POLICY_HWDBM: the IOMMU's dirty bits, and the pinned-scope rule
 * @HWDBM_POLICY_FULL: every mapped page
 */
enum hwdbm_policy {
	HWDBM_POLICY_PINNED	= VFIO_HWDBM_POLICY_PINNED,
	HWDBM_POLICY_HWDBM	= VFIO_HWDBM_POLICY_HWDBM,
	HWDBM_POLICY_FULL	= VFIO_HWDBM_POLICY_FULL,
};

/**
 * struct hwdbm_policy_facts - what a container has now
 * @groups_unpinned: groups whose driver does not pin what it touches
 * @domains: IOMMU domains
 * @domains_tracking: of them, those that are able to track, switched on (or
 *	would be at START) and not failed
 * @domains_failed: of them, those whose hardware failed while tracking
 *
 * Count them from the lists each time; kept counters go wrong.
 */
struct hwdbm_policy_facts {
	unsigned int	groups_unpinned;
	unsigned int	domains;
	unsigned int	domains_tracking;
	unsigned int	domains_failed;
};

/**
 * enum hwdbm_policy_step - what the software log needs before a change
 * @HWDBM_STEP_NONE: nothing
 * @HWDBM_STEP_HARVEST: move the hardware's dirty bits into it, of all domains
 *	when the policy changes, of the leaving one when it does not
 * @HWDBM_STEP_POPULATE: record every page that is mapped now as dirty
 */
enum hwdbm_policy_step {
	HWDBM_STEP_NONE,
	HWDBM_STEP_HARVEST,
	HWDBM_STEP_POPULATE,
};

/**
 * hwdbm_dirty_policy_choose() - the policy for these facts
 * @facts: what the container has now
 * @reason: set to VFIO_HWDBM_REASON_*: what stands against HWDBM, whichever
 *	policy is chosen. A failure outranks incapability. Must not be NULL
 *
 * Facts that contradict each other give FULL, never less than the truth.
 *
 * Return: the policy.
 */
enum hwdbm_policy
hwdbm_dirty_policy_choose(const struct hwdbm_policy_facts *facts, u32 *reason);

/**
 * hwdbm_dirty_policy_step() - what must happen before @to is in force
 * @from: policy in force
 * @to: policy to come; may equal @from
 * @domain_leaves: an IOMMU domain goes away in this change
 *
 * The step is done after the device can no longer write through what leaves,
 * and before its tables go. Where a HARVEST fails, POPULATE instead.
 *
 * Return: the step.
 */
enum hwdbm_policy_step
hwdbm_dirty_policy_step(enum hwdbm_policy from, enum hwdbm_policy to,
			bool domain_leaves);

/**
 * hwdbm_dirty_policy_name() - name for logs
 * @policy: a policy
 *
 * Return: a constant string, "unknown" for anything else.
 */
const char *hwdbm_dirty_policy_name(enum hwdbm_policy policy);

/**
 * hwdbm_dirty_policy_reason_name() - explanation for logs
 * @reason: VFIO_HWDBM_REASON_*
 *
 * Return: a constant string, "unknown" for anything else.
 */
const char *hwdbm_dirty_policy_reason_name(u32 reason);

#endif /* HWDBM_DIRTY_POLICY_H */
