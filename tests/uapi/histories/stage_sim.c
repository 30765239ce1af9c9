// SPDX-License-Identifier: GPL-2.0-only
/* The stage that is real: VFIO, our backend, and the simulator's devices. */
#include "counters.h"
#include "simdma.h"
#include "stage.h"
#include "tap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ATTACH_TRIES	40	/* more than orders can be outstanding */
#define SETTLE_TRIES	100
#define SETTLE_US	20000

static struct vfio_dev devs[MAX_DEVS];
static int container = -1;
static struct counters before;

static struct stage sim;

static int attach_to(int to, int dev)
{
	int ret = vfio_group_open(&devs[dev]);

	if (ret)
		return ret;
	ret = vfio_group_attach(&devs[dev], to);
	if (ret)
		vfio_group_close(&devs[dev]);
	return ret;
}

static int sim_attach(int dev)
{
	int ret = attach_to(container, dev);

	if (ret)
		return ret;
	ret = vfio_device_open(&devs[dev]);
	if (ret)
		vfio_group_close(&devs[dev]);
	return ret;
}

static int sim_detach(int dev)
{
	vfio_group_close(&devs[dev]);
	return 0;
}

static void sim_shut(int dev)
{
	vfio_device_close(&devs[dev]);
}

static int sim_reopen(int dev)
{
	return vfio_device_open(&devs[dev]);
}

static int sim_open(int dev)
{
	int ret;

	container = vfio_container_open();
	if (container < 0)
		return container;
	ret = attach_to(container, dev);
	if (!ret)
		ret = vfio_set_iommu(container, VFIO_TYPE1_HWDBM_IOMMU);
	if (!ret)
		ret = vfio_device_open(&devs[dev]);
	return ret;
}

static void sim_close(void)
{
	int i;

	for (i = 0; i < sim.nr_devs; i++)
		vfio_group_close(&devs[i]);
	if (container >= 0)
		close(container);
	container = -1;
}

static int sim_map(void *vaddr, uint64_t iova, uint64_t size, uint32_t flags)
{
	return vfio_map(container, vaddr, iova, size, flags);
}

static int sim_unmap(uint64_t iova, uint64_t size, uint32_t flags,
		     struct vfio_bitmap *bitmap, uint64_t *unmapped)
{
	return vfio_unmap_dirty(container, iova, size, flags, bitmap, unmapped);
}

static int sim_flag(uint32_t flag)
{
	return vfio_dirty_flag(container, flag);
}

static int sim_range(uint32_t flag, uint64_t iova, uint64_t size,
		     uint64_t pgsize, void *bitmap, uint64_t bytes)
{
	return vfio_dirty_range(container, flag, iova, size, pgsize, bitmap,
				bytes);
}

static unsigned int sim_policy(void)
{
	struct vfio_iommu_type1_info_cap_hwdbm cap;

	if (!vfio_policy(container, &cap))
		tap_bail("not our backend");
	return cap.policy;
}

static bool fits(struct vfio_iommu_type1_info *info, uint64_t iova, uint64_t last)
{
	struct vfio_iommu_type1_info_cap_iova_range *cap =
		(void *)vfio_info_cap(info, VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE);
	unsigned int i;

	for (i = 0; cap && i < cap->nr_iovas; i++)
		if (iova >= cap->iova_ranges[i].start &&
		    last <= cap->iova_ranges[i].end)
			return true;
	return !cap;
}

static bool sim_fits(uint64_t iova, uint64_t size)
{
	struct vfio_iommu_type1_info *info = vfio_info(container);
	bool ret = fits(info, iova, iova + size - 1);

	free(info);
	return ret;
}

static long sim_avail(void)
{
	return vfio_dma_avail(container);
}

static int sim_do_burst(int dev, const struct sim_write *writes, uint32_t n,
			uint32_t *refused)
{
	return simdma_burst(&devs[dev], writes, n, refused);
}

static int sim_do_pin(int dev, uint64_t iova, uint32_t n, uint32_t prot)
{
	return sim_pin(&devs[dev], iova, n, prot);
}

static int sim_do_unpin(int dev, uint64_t iova, uint32_t n)
{
	return sim_unpin(&devs[dev], iova, n);
}

static int sim_do_poke(int dev, uint64_t iova, const void *data, uint32_t n)
{
	return sim_poke(&devs[dev], iova, data, n);
}

static int sim_do_rw(int dev, uint64_t iova, void *data, uint32_t n,
		     uint32_t how)
{
	return sim_rw(&devs[dev], iova, data, n, how);
}

static int sim_do_order(int dev, const struct sim_order *o)
{
	if (o->hold == SIM_HOLD)
		return simdma_hold(&devs[dev]);
	if (o->hold == SIM_RELEASE)
		return simdma_release(&devs[dev]);
	return simdma_fail(&devs[dev], o->op, (int)o->error, o->nth, o->times);
}

static int sim_do_watch(int dev, struct sim_watch *watch)
{
	if (devs[dev].fd < 0)
		return -EBADF;
	simdma_watch(&devs[dev], watch);
	return 0;
}

static int sim_do_trap(int dev, unsigned int iommu, uint32_t op, uint32_t nth,
		       uint64_t iova, uint64_t value)
{
	return simdma_trap(&devs[dev], iommu, op, nth, iova, value);
}

/* An order that bites now bites here. */
static int attach_at_last(int to, int dev, bool first)
{
	int i, ret = -EAGAIN;

	for (i = 0; i < ATTACH_TRIES && ret; i++) {
		ret = attach_to(to, dev);
		if (ret || !first)
			continue;
		ret = vfio_set_iommu(to, VFIO_TYPE1_HWDBM_IOMMU);
		if (ret)
			vfio_group_close(&devs[dev]);
	}
	return ret ? ret : vfio_device_open(&devs[dev]);
}

static bool look_at(int dev, char *why, size_t n)
{
	struct sim_watch w;
	uint32_t op;

	for (op = 0; op < SIM_OPS; op++)
		simdma_heal(&devs[dev], op);
	simdma_watch(&devs[dev], &w);
	/* the domain is the one that we look with */
	if (w.domains == 1 && !w.leaves && !w.entries && !w.late && !w.stale &&
	    !w.held)
		return true;
	snprintf(why, n, "IOMMU %u: %llu domains, 1 of them ours, %llu leaves, %llu IOTLB entries, %llu held; late %llu, stale %llu",
		 w.iommu, w.domains, w.leaves, w.entries, w.held, w.late,
		 w.stale);
	return false;
}

/* One device of each IOMMU, in a container of their own. */
static bool look_at_iommus(char *why, size_t n)
{
	int i, to = vfio_container_open();
	bool good = to >= 0, first = true;
	unsigned int seen = 0;

	for (i = 0; i < sim.nr_devs && good; i++) {
		if (!sim.devs[i].dma || seen >> sim.devs[i].iommu & 1)
			continue;
		seen |= 1u << sim.devs[i].iommu;
		good = !attach_at_last(to, i, first) && look_at(i, why, n);
		if (!good && !*why)
			snprintf(why, n, "%s cannot be opened", devs[i].bdf);
		first = false;
	}
	for (i = 0; i < sim.nr_devs; i++)
		vfio_group_close(&devs[i]);
	if (to >= 0)
		close(to);
	return good;
}

static bool sim_clean(char *why, size_t n)
{
	bool good = look_at_iommus(why, n);
	struct counters now;
	int i;

	for (i = 0; i < SETTLE_TRIES && good; i++) {
		counters_read(&now);
		if (now.pins == before.pins && now.locked == before.locked)
			return true;
		usleep(SETTLE_US);
	}
	if (good)
		snprintf(why, n, "%ld pinned pages, %ld KiB locked",
			 now.pins - before.pins, now.locked - before.locked);
	return false;
}

/* What a device and its IOMMU can, seen from a container of its own. */
static void learn(int dev)
{
	struct stage_dev *d = &sim.devs[dev];
	struct vfio_iommu_type1_info_cap_iova_range *cap;
	struct vfio_iommu_type1_info *info;
	struct sim_watch watch;
	int ret = sim_open(dev);

	if (ret)
		tap_bail("%s: %s", devs[dev].bdf, strerror(-ret));
	simdma_watch(&devs[dev], &watch);
	info = vfio_info(container);
	cap = (void *)vfio_info_cap(info, VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE);
	d->dma = true;
	d->iommu = watch.iommu;
	d->tracks = sim_policy() == VFIO_HWDBM_POLICY_HWDBM;
	d->last = cap ? cap->iova_ranges[cap->nr_iovas - 1].end : ~0ULL;
	free(info);
	sim_close();
	tap_diag("device %d: IOMMU %u, %s dirty bits, up to %#lx", dev, d->iommu,
		 d->tracks ? "with" : "without", d->last);
}

void stage_open_sim(void)
{
	int i, dma = simdma_find(devs, MAX_DEVS - 2);

	if (!dma)
		tap_bail("no simulated IOMMU: load sim.ko with iommus=");
	sim.nr_devs = dma + sim_find(devs + dma, MAX_DEVS - dma);
	for (i = 0; i < dma; i++)
		learn(i);
	counters_baseline(&before);
	stage = &sim;
}

static struct stage sim = {
	.open = sim_open,
	.close = sim_close,
	.attach = sim_attach,
	.detach = sim_detach,
	.shut = sim_shut,
	.reopen = sim_reopen,
	.map = sim_map,
	.unmap = sim_unmap,
	.flag = sim_flag,
	.range = sim_range,
	.policy = sim_policy,
	.fits = sim_fits,
	.avail = sim_avail,
	.burst = sim_do_burst,
	.pin = sim_do_pin,
	.unpin = sim_do_unpin,
	.poke = sim_do_poke,
	.rw = sim_do_rw,
	.order = sim_do_order,
	.watch = sim_do_watch,
	.trap = sim_do_trap,
	.clean = sim_clean,
};
