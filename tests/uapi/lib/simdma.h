/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Devices behind the simulator's IOMMUs (tests/sim, sim.ko with iommus=). They
 * are opened as any other, with the calls of vfio.h, and do all that simdev.h
 * has, too. See tests/sim/sim.h.
 */
#ifndef HWDBM_TEST_SIMDMA_H
#define HWDBM_TEST_SIMDMA_H

#include "simdev.h"

/* All that there are, by number, which is the order of their IOMMUs. */
int simdma_find(struct vfio_dev *devs, int max);

/* Each returns what sim.h says, with -errno for an error. */
int simdma_write(const struct vfio_dev *dev, uint64_t iova, const void *data,
		 uint32_t bytes);
int simdma_read(const struct vfio_dev *dev, uint64_t iova, void *data,
		uint32_t bytes);
/* @refused, where not NULL, gets how many were. */
int simdma_burst(const struct vfio_dev *dev, const struct sim_write *writes,
		 uint32_t count, uint32_t *refused);

/* The @nth call from now on and those after it fail, @times in all. */
int simdma_fail(const struct vfio_dev *dev, uint32_t op, int error,
		uint32_t nth, uint32_t times);
/* No more errors of that kind. */
int simdma_heal(const struct vfio_dev *dev, uint32_t op);
/* Invalidations of the device's IOMMU wait, and go on. */
int simdma_hold(const struct vfio_dev *dev);
int simdma_release(const struct vfio_dev *dev);

/*
 * @dev writes @value to @iova with the @nth call to @op (SIM_OP_MAP, SIM_OP_READ,
 * SIM_TRAP_SYNC) of the IOMMU with that number.
 */
int simdma_trap(const struct vfio_dev *dev, uint32_t iommu, uint32_t op,
		uint32_t nth, uint64_t iova, uint64_t value);

/* Bails on an error. */
void simdma_watch(const struct vfio_dev *dev, struct sim_watch *watch);

#endif
