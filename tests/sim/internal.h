/* SPDX-License-Identifier: GPL-2.0-only */
/* What the simulator's files want of each other. */
#ifndef HWDBM_SIM_INTERNAL_H
#define HWDBM_SIM_INTERNAL_H

#include "compat.h"
#include "sim.h"

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/vfio.h>
#include <linux/wait.h>
#include <linux/xarray.h>

/*
 * What a device does by pinning pages: all of an emulated device, a part of an
 * edu. @lock is never held in a call to VFIO: its backend may hold locks of its
 * own while it notifies us, and dma_unmap takes @lock.
 */
struct emul_device {
	struct vfio_device vfio;
	struct mutex lock;
	struct xarray pins;		/* page number to struct emul_pin; @lock */
	struct list_head calls;		/* struct emul_call; @lock */
	u64 turn;			/* of the latest of @calls; @lock */
	wait_queue_head_t call_ended;
	u32 unpin_at;			/* @lock */
	bool keeps;			/* SIM_BEHAVE_KEEP; @lock */
	struct sim_state state;		/* @lock */
};

static inline struct emul_device *to_emul(struct vfio_device *vfio)
{
	return container_of(vfio, struct emul_device, vfio);
}

/* emul_device.c; the first five are for all devices that pin */
int emul_init(struct vfio_device *vfio);
void emul_release(struct vfio_device *vfio);
int emul_open(struct vfio_device *vfio);
void emul_close(struct vfio_device *vfio);
long emul_ioctl(struct vfio_device *vfio, unsigned int cmd, unsigned long arg);
int emul_devices_add(unsigned int count);
void emul_devices_remove(void);

/* edu_device.c: QEMU's edu, which does DMA besides */
int edu_driver_add(void);
void edu_driver_remove(void);

/* emul_pins.c: pages that the device has pinned */
void emul_pins_init(struct emul_device *emul);
/*
 * Nobody is at it, and what is pinned still was kept from a container that is
 * gone.
 */
void emul_pins_reset(struct emul_device *emul);
/* Unpins all, however often, or keeps it; for when no call can be under way. */
void emul_pins_drop(struct emul_device *emul);

long emul_pin(struct emul_device *emul, const struct sim_pin *arg);
long emul_unpin(struct emul_device *emul, const struct sim_unpin *arg);
/* Between pinned pages and a buffer of the kernel. */
int emul_copy(struct emul_device *emul, u64 iova, void *buf, size_t bytes,
	      bool write);
/* VFIO's notification. */
void emul_unmapped(struct vfio_device *vfio, u64 iova, u64 bytes);

#endif
