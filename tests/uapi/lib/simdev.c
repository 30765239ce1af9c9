// SPDX-License-Identifier: GPL-2.0-only
#include "simdev.h"
#include "tap.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

int sim_find_named(const char *name, struct vfio_dev *devs, int max)
{
	char path[PATH_MAX], link[PATH_MAX];
	int n;

	for (n = 0; n < max && n < 10; n++) {
		ssize_t len;

		snprintf(devs[n].bdf, sizeof(devs[n].bdf), "%.13s.%u", name,
			 (unsigned int)n % 10);
		snprintf(path, sizeof(path),
			 "/sys/bus/platform/devices/%s/iommu_group", devs[n].bdf);
		len = readlink(path, link, sizeof(link) - 1);
		if (len < 0)
			break;
		link[len] = 0;
		devs[n].group_nr = atoi(strrchr(link, '/') + 1);
		devs[n].group = -1;
		devs[n].fd = -1;
	}
	return n;
}

int sim_find(struct vfio_dev *devs, int max)
{
	return sim_find_named(SIM_DEVICE_NAME, devs, max);
}

bool sim_find_edu(struct vfio_dev *dev)
{
	return vfio_find_bound(SIM_PCI_DRIVER, VFIO_EDU_ID, dev, 1) == 1;
}

static int call(const struct vfio_dev *dev, unsigned long cmd, void *arg)
{
	int ret = ioctl(dev->fd, cmd, arg);

	return ret < 0 ? -errno : ret;
}

int sim_pin_pfns(const struct vfio_dev *dev, uint64_t iova, uint32_t npages,
		 uint32_t prot, uint64_t *pfns)
{
	struct sim_pin arg = {
		.iova = iova,
		.npages = npages,
		.prot = prot,
		.pfns = (uintptr_t)pfns,
	};

	return call(dev, SIM_PIN, &arg);
}

int sim_pin(const struct vfio_dev *dev, uint64_t iova, uint32_t npages,
	    uint32_t prot)
{
	return sim_pin_pfns(dev, iova, npages, prot, NULL);
}

static int unpin(const struct vfio_dev *dev, uint64_t iova, uint32_t npages,
		 uint32_t flags)
{
	struct sim_unpin arg = { .iova = iova, .npages = npages, .flags = flags };

	return call(dev, SIM_UNPIN, &arg);
}

int sim_unpin(const struct vfio_dev *dev, uint64_t iova, uint32_t npages)
{
	return unpin(dev, iova, npages, 0);
}

int sim_unpin_unchecked(const struct vfio_dev *dev, uint64_t iova,
			uint32_t npages)
{
	return unpin(dev, iova, npages, SIM_UNPIN_UNCHECKED);
}

static int copy(const struct vfio_dev *dev, unsigned long cmd, uint64_t iova,
		void *data, uint32_t bytes, uint32_t flags)
{
	struct sim_copy arg = {
		.iova = iova,
		.data = (uintptr_t)data,
		.bytes = bytes,
		.flags = flags,
	};

	return call(dev, cmd, &arg);
}

int sim_poke(const struct vfio_dev *dev, uint64_t iova, const void *data,
	     uint32_t bytes)
{
	return copy(dev, SIM_COPY, iova, (void *)data, bytes, SIM_COPY_WRITE);
}

int sim_peek(const struct vfio_dev *dev, uint64_t iova, void *data,
	     uint32_t bytes)
{
	return copy(dev, SIM_COPY, iova, data, bytes, 0);
}

int sim_rw(const struct vfio_dev *dev, uint64_t iova, void *data,
	   uint32_t bytes, uint32_t how)
{
	return copy(dev, SIM_RW, iova, data, bytes, how);
}

static int dma(const struct vfio_dev *dev, unsigned long cmd, uint64_t iova,
	       uint32_t bytes)
{
	struct sim_dma arg = { .iova = iova, .bytes = bytes };

	return call(dev, cmd, &arg);
}

int sim_store(const struct vfio_dev *dev, uint64_t iova, uint32_t bytes)
{
	return dma(dev, SIM_STORE, iova, bytes);
}

int sim_fetch(const struct vfio_dev *dev, uint64_t iova, uint32_t bytes)
{
	return dma(dev, SIM_FETCH, iova, bytes);
}

static int behave(const struct vfio_dev *dev, uint32_t unpin_at, uint32_t flags)
{
	struct sim_behave arg = { .unpin_at = unpin_at, .flags = flags };

	return call(dev, SIM_BEHAVE, &arg);
}

int sim_behave(const struct vfio_dev *dev, uint32_t unpin_at)
{
	return behave(dev, unpin_at, 0);
}

int sim_keep_pins(const struct vfio_dev *dev)
{
	return behave(dev, 1, SIM_BEHAVE_KEEP);
}

void sim_state(const struct vfio_dev *dev, struct sim_state *state)
{
	int ret = call(dev, SIM_STATE, state);

	if (ret)
		tap_bail("SIM_STATE of %s: %s", dev->bdf, strerror(-ret));
}

long sim_pins(const struct vfio_dev *dev)
{
	struct sim_state state;

	sim_state(dev, &state);
	return (long)state.pins;
}
