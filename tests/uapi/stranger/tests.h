/* SPDX-License-Identifier: GPL-2.0-only */
/* What the tests of a stranger share; see main.c. */
#ifndef HWDBM_TEST_STRANGER_TESTS_H
#define HWDBM_TEST_STRANGER_TESTS_H

#include "counters.h"
#include "stranger.h"

#define PAGE	4096UL

struct world {
	struct vfio_dev edu;	/* closed; its group's node is NOBODY's */
	struct vfio_dev sim;	/* likewise, without an IOMMU */
	int others_group;	/* a group whose node is root's */
	struct counters idle;
};

/* A container of ours with @dev in it, device open; bails. */
int stranger_container(struct vfio_dev *dev);

void test_alone(struct world *w);		/* alone.c */
void test_limits(struct world *w);		/* limits.c */
void test_mappings(struct world *w);		/* memory.c: and below */
void test_start(struct world *w);
void test_tables(struct world *w);
void test_log(struct world *w);			/* lasting.c: and below */
void test_bitmap(struct world *w);
void test_pins(struct world *w);
void test_ghosts(struct world *w);

#endif
