/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One edu device in a container of ours, and what small tests do with it:
 * write a page, read a page, say what the dirty log of a few pages must be.
 */
#ifndef HWDBM_TEST_RIG_H
#define HWDBM_TEST_RIG_H

#include "edu.h"
#include "mem.h"
#include "vfio.h"

#include <stdbool.h>
#include <stdint.h>

struct rig {
	struct vfio_dev dev;
	struct edu edu;
	int container;
};

/* The @index-th edu device (from 0); false where there are fewer. */
bool rig_open(struct rig *rig, int index);
void rig_close(struct rig *rig);

/*
 * Whether the module was loaded with disable_hugepages=1: tests that name
 * single 4 KiB pages need leaves of that size, whatever memory looks like.
 */
bool rig_4k_leaves(void);

/* Fresh memory of @pages small pages mapped at @iova, or bail. */
void *rig_map(struct rig *rig, uint64_t iova, uint64_t pages);
void rig_unmap(struct rig *rig, void *mem, uint64_t iova, uint64_t pages);

/*
 * SMMUv3 has no bit for a new leaf that nobody wrote: what is mapped while the log
 * is on is reported once. Elsewhere nothing is, and this does nothing.
 */
void rig_report_once(struct rig *rig, uint64_t iova, uint64_t pages);

/* A small DMA in the middle of the page at @iova. */
void rig_write(struct rig *rig, uint64_t iova);
void rig_read(struct rig *rig, uint64_t iova);

/*
 * The log as text, a character a bit: '0', '1', and '.' for a bit that must
 * be left as it was. Asks with @flag (GET or NOCLEAR) for strlen(@want) bits
 * of @pgsize from @iova, in a buffer full of rubbish.
 */
bool rig_log_is(struct rig *rig, uint32_t flag, uint64_t iova, uint64_t pgsize,
		const char *want);

/* A point: the policy that GET_INFO tells (VFIO_HWDBM_*). */
void rig_policy_is(const struct rig *rig, uint32_t policy, uint32_t reason,
		   uint32_t domains, const char *when);

/* CLEAR with a bitmap written the same way. */
int rig_clear(struct rig *rig, uint64_t iova, uint64_t pgsize, const char *bits);

#endif
