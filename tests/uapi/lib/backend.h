/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which backend a program talks to. What stock can do too is asked of stock
 * first: a point that fails there is wrong, whatever ours says.
 */
#ifndef HWDBM_TEST_BACKEND_H
#define HWDBM_TEST_BACKEND_H

#include "rig.h"

#include <stdbool.h>
#include <stdint.h>

struct backend {
	bool stock;		/* the kernel's own serves us */
	unsigned long type;	/* for SET_IOMMU */
};

extern struct backend backend;

/*
 * Reads `--type NAME` and takes it out of @argv:
 *   stock    the kernel's own, as VFIO's @type
 *   claimed  ours, as VFIO's @type (needs claim=all)
 * Without it: @ours.
 */
void backend_args(int *argc, char **argv, unsigned long type,
		  unsigned long ours);

/* As rig_open(), in a container of that backend; bails, also on another. */
void backend_open(struct rig *rig, int index);

/* The backend's module parameter @name, as a path; for the caller's @buf. */
const char *backend_param(const char *name, char *buf, size_t n);

/* Stock of before 7.0: it answers EINVAL to a range that wraps, and so on. */
bool backend_is_old_stock(void);

/* Whether every mapped page is dirty: with stock, and before 6.7 with ours too. */
bool backend_all_dirty(void);

/* Bails unless @container is served by whom it should be. */
void backend_expect(int container);

/*
 * Whether the device gets at the memory that is at @iova for it and at @seen
 * for us: fetches what we put there, and stores it where we look for it.
 */
bool rig_reaches(struct rig *rig, uint64_t iova, void *seen);

/* Whether the IOMMU refuses a read, and a write, of the page at @iova. */
bool rig_refused(struct rig *rig, uint64_t iova);

#endif
