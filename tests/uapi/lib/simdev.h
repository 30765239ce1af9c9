/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The simulator's devices (tests/sim, loaded as sim.ko): emulated ones, VFIO
 * devices without an IOMMU of their own, and an edu that its driver has. They
 * are opened as any other, with the calls of vfio.h; what they do beyond that
 * is here. See tests/sim/sim.h.
 */
#ifndef HWDBM_TEST_SIMDEV_H
#define HWDBM_TEST_SIMDEV_H

#include "../../sim/sim.h"
#include "vfio.h"

#define SIM_RDWR	(SIM_PROT_READ | SIM_PROT_WRITE)

/* The platform devices of that name that there are, by number. */
int sim_find_named(const char *name, struct vfio_dev *devs, int max);
/* The emulated ones. */
int sim_find(struct vfio_dev *devs, int max);
/* The first edu that the simulator's driver has; false where it has none. */
bool sim_find_edu(struct vfio_dev *dev);

/* Each returns what sim.h says, with -errno for an error. */
int sim_pin_pfns(const struct vfio_dev *dev, uint64_t iova, uint32_t npages,
		 uint32_t prot, uint64_t *pfns);
int sim_pin(const struct vfio_dev *dev, uint64_t iova, uint32_t npages,
	    uint32_t prot);
int sim_unpin(const struct vfio_dev *dev, uint64_t iova, uint32_t npages);
int sim_unpin_unchecked(const struct vfio_dev *dev, uint64_t iova,
			uint32_t npages);

/* DMA, through pages that are pinned. */
int sim_poke(const struct vfio_dev *dev, uint64_t iova, const void *data,
	     uint32_t bytes);
int sim_peek(const struct vfio_dev *dev, uint64_t iova, void *data,
	     uint32_t bytes);

/* vfio_dma_rw(); @how: SIM_COPY_* */
int sim_rw(const struct vfio_dev *dev, uint64_t iova, void *data,
	   uint32_t bytes, uint32_t how);

/* DMA of an edu, to @iova from its buffer, and back. */
int sim_store(const struct vfio_dev *dev, uint64_t iova, uint32_t bytes);
int sim_fetch(const struct vfio_dev *dev, uint64_t iova, uint32_t bytes);

int sim_behave(const struct vfio_dev *dev, uint32_t unpin_at);
/* SIM_BEHAVE_KEEP: they are left when it is closed. */
int sim_keep_pins(const struct vfio_dev *dev);
/* Bails on an error. */
void sim_state(const struct vfio_dev *dev, struct sim_state *state);
long sim_pins(const struct vfio_dev *dev);

#endif
