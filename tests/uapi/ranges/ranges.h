/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A container with groups that differ in what they reserve: one has a hole,
 * which the module of tests/vm/split makes. And the IOVA ranges that a container
 * tells, as they are and as they should be.
 */
#ifndef HWDBM_TEST_RANGES_H
#define HWDBM_TEST_RANGES_H

#include "backend.h"

#include <stdbool.h>
#include <stdint.h>

/* Which of the groups. SIM has no IOMMU (tests/sim). */
#define PLAIN		0
#define HOLED		1
#define SIM		2

/* Where the hole is unless a test says else. */
#define HOLE		0x200000000ULL
#define HOLE_PAGES	16ULL
#define HOLE_BYTES	(HOLE_PAGES * PAGE_4K)
#define HOLE_END	(HOLE + HOLE_BYTES)

#define MAX_RANGES	32

struct ranges {
	uint32_t nr;		/* 0: the container does not tell any */
	struct vfio_iova_range at[MAX_RANGES];
};

/* ---- groups.c */

extern int container;

/* Finds the devices, and tells the module which of them is HOLED; or bails. */
void groups_find(void);
/* For when HOLED joins next; 0 bytes for none. */
void set_hole(uint64_t first, uint64_t bytes);

/* An empty container. Whoever joins first makes it the backend's. */
void container_begin(void);
/* 0, and its device is open; or the -errno of what refused it. */
int try_join(int dev);
/* These bail. */
void join(int dev);
void leave(int dev);
/* Nobody may be in any more. */
void container_end(void);

/* Whether PLAIN's or HOLED's device gets at @iova, where @seen is mapped. */
bool reaches(int dev, uint64_t iova, void *seen);
const struct vfio_dev *the_sim(void);

/* MAP, and a UNMAP that must take all of it. 0 or -errno. */
int map(void *mem, uint64_t iova, uint64_t pages);
int unmap(uint64_t iova, uint64_t pages);

/* ---- ranges.c */

void read_ranges(struct ranges *r);
/* @r without @first to @last. */
void exclude(struct ranges *r, uint64_t first, uint64_t last);
bool same_ranges(const struct ranges *a, const struct ranges *b);
/* Test point: the container tells exactly @want. */
bool ranges_are(const struct ranges *want, const char *when);

/* ---- the tests; each leaves nothing behind */

void test_comes_and_goes(void);	/* moves.c */
void test_other_order(void);
void test_holed_alone(void);
void test_conflict(void);	/* conflict.c */
void test_all_taken(void);
void test_edges(void);		/* edges.c */
void test_overlap(void);
void test_emulated(void);	/* emulated.c */

#endif
