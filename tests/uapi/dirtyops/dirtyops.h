/* SPDX-License-Identifier: GPL-2.0-only */
/* What START, STOP, GET, NOCLEAR, CLEAR and UNMAP mean, call by call. */
#ifndef HWDBM_TEST_DIRTYOPS_H
#define HWDBM_TEST_DIRTYOPS_H

#include "rig.h"

#define IOVA	0x100000000ULL

static inline uint64_t page_at(uint64_t n)
{
	return IOVA + n * PAGE_4K;
}

void start_logging(struct rig *rig);
void stop_logging(struct rig *rig);

/* Writes the pages that are '1' in @pages, counted from IOVA. */
void write_pages(struct rig *rig, const char *pages);

/*
 * UNMAP with @flags of @pages from @iova on, of which @mapped are; its bitmap must
 * be @want, as in rig_log_is().
 */
bool unmap_reports(struct rig *rig, uint64_t iova, uint64_t pages, uint32_t flags,
		   const char *want, uint64_t mapped);

void test_basics(struct rig *rig);	/* basics.c */
void test_bitmaps(struct rig *rig);	/* bitmaps.c: shapes of bitmaps */
void test_chunks(struct rig *rig);	/* chunks.c: a mapping of two */
void test_mappings(struct rig *rig);	/* mappings.c: MAP and UNMAP */
void test_leaves(struct rig *rig);	/* leaves.c: huge pages */
void test_contiguous(struct rig *rig);	/* contiguous.c: leaves of other sizes */
void test_callers(struct rig *rig);	/* callers.c: several at once */
void test_taller(void);			/* taller.c: tables that grow */

#endif
