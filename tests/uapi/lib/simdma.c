// SPDX-License-Identifier: GPL-2.0-only
#include "simdma.h"
#include "tap.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

int simdma_find(struct vfio_dev *devs, int max)
{
	return sim_find_named(SIM_DMA_DEVICE_NAME, devs, max);
}

static int call(const struct vfio_dev *dev, unsigned long cmd, void *arg)
{
	int ret = ioctl(dev->fd, cmd, arg);

	return ret < 0 ? -errno : ret;
}

static int dma(const struct vfio_dev *dev, uint64_t iova, void *data,
	       uint32_t bytes, uint32_t flags)
{
	struct sim_copy arg = {
		.iova = iova,
		.data = (uintptr_t)data,
		.bytes = bytes,
		.flags = flags,
	};

	return call(dev, SIM_DMA, &arg);
}

int simdma_write(const struct vfio_dev *dev, uint64_t iova, const void *data,
		 uint32_t bytes)
{
	return dma(dev, iova, (void *)data, bytes, SIM_COPY_WRITE);
}

int simdma_read(const struct vfio_dev *dev, uint64_t iova, void *data,
		uint32_t bytes)
{
	return dma(dev, iova, data, bytes, 0);
}

int simdma_burst(const struct vfio_dev *dev, const struct sim_write *writes,
		 uint32_t count, uint32_t *refused)
{
	struct sim_burst arg = {
		.writes = (uintptr_t)writes,
		.count = count,
	};
	int ret = call(dev, SIM_BURST, &arg);

	if (refused)
		*refused = arg.refused;
	return ret;
}

int simdma_fail(const struct vfio_dev *dev, uint32_t op, int error,
		uint32_t nth, uint32_t times)
{
	struct sim_order arg = {
		.op = op,
		.error = error,
		.nth = nth,
		.times = times,
		.hold = SIM_HOLD_KEEP,
	};

	return call(dev, SIM_ORDER, &arg);
}

int simdma_heal(const struct vfio_dev *dev, uint32_t op)
{
	return simdma_fail(dev, op, 0, 0, 0);
}

static int hold(const struct vfio_dev *dev, uint32_t what)
{
	struct sim_order arg = { .hold = what };

	return call(dev, SIM_ORDER, &arg);
}

int simdma_hold(const struct vfio_dev *dev)
{
	return hold(dev, SIM_HOLD);
}

int simdma_release(const struct vfio_dev *dev)
{
	return hold(dev, SIM_RELEASE);
}

int simdma_trap(const struct vfio_dev *dev, uint32_t iommu, uint32_t op,
		uint32_t nth, uint64_t iova, uint64_t value)
{
	struct sim_trap arg = {
		.iova = iova,
		.value = value,
		.iommu = iommu,
		.op = op,
		.nth = nth,
	};

	return call(dev, SIM_TRAP, &arg);
}

void simdma_watch(const struct vfio_dev *dev, struct sim_watch *watch)
{
	int ret = call(dev, SIM_WATCH, watch);

	if (ret)
		tap_bail("SIM_WATCH of %s: %s", dev->bdf, strerror(-ret));
}
