/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a history is played on: devices, and one container at a time. Either the
 * real thing (VFIO and the simulator), or a model in memory that can be wrong
 * on purpose.
 */
#ifndef HWDBM_HISTORY_STAGE_H
#define HWDBM_HISTORY_STAGE_H

#include "../../sim/sim.h"
#include "vfio.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAX_DEVS 12

/* @last: of its aperture. An emulated one has no IOMMU: @dma is false. */
struct stage_dev {
	bool dma;
	bool tracks;
	unsigned int iommu;
	uint64_t last;
};

/* Calls return 0, or what sim.h and vfio.h say, or -errno. */
struct stage {
	int nr_devs;
	struct stage_dev devs[MAX_DEVS];

	int (*open)(int dev);
	void (*close)(void);
	int (*attach)(int dev);
	int (*detach)(int dev);
	/* The device alone, whose group stays in. */
	void (*shut)(int dev);
	int (*reopen)(int dev);
	int (*map)(void *vaddr, uint64_t iova, uint64_t size, uint32_t flags);
	int (*unmap)(uint64_t iova, uint64_t size, uint32_t flags,
		     struct vfio_bitmap *bitmap, uint64_t *unmapped);
	int (*flag)(uint32_t flag);
	int (*range)(uint32_t flag, uint64_t iova, uint64_t size,
		     uint64_t pgsize, void *bitmap, uint64_t bytes);
	unsigned int (*policy)(void);
	/* Whether the container takes mappings there. */
	bool (*fits)(uint64_t iova, uint64_t size);
	/* Mappings that it can take. */
	long (*avail)(void);

	int (*burst)(int dev, const struct sim_write *writes, uint32_t n,
		     uint32_t *refused);
	int (*pin)(int dev, uint64_t iova, uint32_t n, uint32_t prot);
	int (*unpin)(int dev, uint64_t iova, uint32_t n);
	int (*poke)(int dev, uint64_t iova, const void *data, uint32_t n);
	int (*rw)(int dev, uint64_t iova, void *data, uint32_t n, uint32_t how);
	int (*order)(int dev, const struct sim_order *order);
	int (*watch)(int dev, struct sim_watch *watch);
	/* A write at a moment that is told by a call to an IOMMU. */
	int (*trap)(int dev, unsigned int iommu, uint32_t op, uint32_t nth,
		    uint64_t iova, uint64_t value);

	/*
	 * After close(): forgets all orders; whether nothing is left of what
	 * was there. Else @why says what is.
	 */
	bool (*clean)(char *why, size_t n);
};

extern const struct stage *stage;

/* Both set `stage`. @bug: NULL, or a name out of model.c. */
void stage_open_sim(void);
void stage_open_model(const char *bug);

#endif
