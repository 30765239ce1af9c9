/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the mirror test drives: a container with a device behind it. Either
 * the real thing (VFIO and an edu device), or a model in memory whose IOMMU
 * can be told to be wrong, so that the test itself can be tested.
 */
#ifndef HWDBM_TEST_TARGET_H
#define HWDBM_TEST_TARGET_H

#include "mem.h"

#include <stdint.h>

struct target;

/* Calls to the container return 0 or -errno, as those of vfio.h do. */
struct target_ops {
	int (*map)(struct target *t, void *vaddr, uint64_t iova, uint64_t size);
	int (*unmap)(struct target *t, uint64_t iova, uint64_t size);
	int (*unmap_dirty)(struct target *t, uint64_t iova, uint64_t size,
			   uint64_t pgsize, void *bitmap, uint64_t bytes);
	int (*flag)(struct target *t, uint32_t flag);
	int (*range)(struct target *t, uint32_t flag, uint64_t iova,
		     uint64_t size, uint64_t pgsize, void *bitmap,
		     uint64_t bytes);
	void (*fetch)(struct target *t, uint64_t iova, uint32_t offset,
		      uint32_t n);
	void (*store)(struct target *t, uint64_t iova, uint32_t offset,
		      uint32_t n);
	uint32_t (*failed)(struct target *t);
	void (*close)(struct target *t);
};

struct target {
	const struct target_ops *ops;
};

/* First edu device in a container of @type; bails when there is none. */
struct target *target_open_vfio(unsigned long type, int policy);

/* @bug: NULL, or a name out of model.c; bails on another name. */
struct target *target_open_model(enum leaf leaf, const char *bug);

#endif
