/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every row of the table of bad input: the errno, and after each refused call
 * the proof that nothing has changed.
 */
#ifndef HWDBM_TEST_BADINPUT_H
#define HWDBM_TEST_BADINPUT_H

#include "rig.h"

/* One mapping of 16 pages, some of them dirty; one of 4 pages, clean. */
#define IOVA		0x100000000ULL
#define NR		16ULL
#define DIRTY_SET	"0100010000011001"
#define OTHER		(IOVA + 32 * PAGE_4K)
#define NR_OTHER	4ULL

#define KERNEL_ADDRESS	((void *)0xffff888000001000UL)

struct bad {
	struct rig rig;
	unsigned char *mem, *other;
	bool logging;
	long dma_avail, locked;
};

void note_state(struct bad *b);

/* A test point: @got is @want, and the state is what was noted. */
void refused(struct bad *b, int got, int want, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

void test_setup(struct vfio_dev *dev);	/* setup.c: before SET_IOMMU, after */
void test_info(struct bad *b);		/* setup.c */
void test_flags(struct bad *b);		/* dirty.c */
void test_ranges(struct bad *b);	/* dirty.c: GET, NOCLEAR, CLEAR, UNMAP */
void test_logging_off(struct bad *b);	/* dirty.c */
void test_pointers(struct bad *b);	/* pointers.c: buffers that are not */
void test_half_mapped(struct bad *b);	/* pointers.c */
void test_unmap(struct bad *b);		/* unmap.c */
void test_map(struct bad *b);		/* map.c */

#endif
