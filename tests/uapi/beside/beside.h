/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef HWDBM_TEST_BESIDE_H
#define HWDBM_TEST_BESIDE_H

#include "rig.h"
#include "simdma.h"

#define SIMS 2

/* An edu in a container, and devices of the simulator outside of it. */
extern struct rig rig;
extern struct vfio_dev sims[SIMS];

/* Bails if @ret is -errno. */
void must(int ret, const char *what);
void join(struct vfio_dev *dev);
void leave(struct vfio_dev *dev);

/* leaves.c */
void unlike_leaves(void);

#endif
