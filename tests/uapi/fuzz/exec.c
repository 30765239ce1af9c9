// SPDX-License-Identifier: GPL-2.0-only
/* What the calls of a program do. */
#define _GNU_SOURCE
#include "fuzz.h"
#include "proc.h"
#include "simdma.h"
#include "tap.h"
#include "values.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define MAX_DEVICES	8
#define CONTAINERS	2
#define HEAL_TRIES	64	/* orders are for less than 16 calls of each kind */
#define COUNT(a)	(sizeof(a) / sizeof(*(a)))

enum kind { KIND_EMUL, KIND_SIMDMA, KIND_EDU };

/* Both threads use, and close, all of it. */
struct device {
	struct vfio_dev dev;
	enum kind kind;
	atomic_int group, fd;
	atomic_bool ordered;	/* an error that may be still to come */
};

static struct device devices[MAX_DEVICES];
static unsigned int nr_devices;
static atomic_int containers[CONTAINERS];
static atomic_ulong nr_calls, nr_worked;
static bool no_orders;

/* ---- which of them ---- */

static int container_of_arg(uint32_t a)
{
	return atomic_load(&containers[a % 8 == 7]);
}

static struct device *device_of(uint32_t a)
{
	return &devices[a % nr_devices];
}

static int call(int fd, unsigned long cmd, void *arg)
{
	int ret = ioctl(fd, cmd, arg);

	return ret < 0 ? -errno : ret;
}

static void close_at(atomic_int *fd)
{
	int old = atomic_exchange(fd, -1);

	if (old >= 0)
		close(old);
}

/* Where there is one already, the new one goes again. */
static int keep(atomic_int *at, int fd)
{
	int none = -1;

	if (fd < 0)
		return -errno;
	if (!atomic_compare_exchange_strong(at, &none, fd))
		close(fd);
	return 0;
}

/* ---- containers, groups, devices ---- */

static int op_container(const uint32_t *a)
{
	return keep(&containers[a[0] % 8 == 7],
		    open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC));
}

static int op_join(const uint32_t *a)
{
	struct device *d = device_of(a[0]);
	int container = container_of_arg(a[1]);
	char path[32];

	if (atomic_load(&d->group) < 0) {
		snprintf(path, sizeof(path), "/dev/vfio/%d", d->dev.group_nr);
		keep(&d->group, open(path, O_RDWR | O_CLOEXEC));
	}
	return call(atomic_load(&d->group), VFIO_GROUP_SET_CONTAINER, &container);
}

static int op_set_iommu(const uint32_t *a)
{
	static const unsigned long types[] = {
		VFIO_TYPE1_HWDBM_IOMMU, VFIO_TYPE1_HWDBM_IOMMU,
		VFIO_TYPE1_HWDBM_IOMMU, VFIO_TYPE1_HWDBM_IOMMU,
		VFIO_TYPE1v2_IOMMU, VFIO_TYPE1_IOMMU, 6, ~0UL,
	};

	return call(container_of_arg(a[0]), VFIO_SET_IOMMU,
		    (void *)types[a[1] % COUNT(types)]);
}

static int op_open(const uint32_t *a)
{
	struct device *d = device_of(a[0]);
	char name[sizeof(d->dev.bdf)];

	strcpy(name, d->dev.bdf);
	/* vfio-pci resets its device for each of them: seldom */
	if (d->kind == KIND_EDU && a[1] % 16)
		return -EAGAIN;
	return keep(&d->fd, ioctl(atomic_load(&d->group),
				  VFIO_GROUP_GET_DEVICE_FD, name));
}

static int op_leave(const uint32_t *a)
{
	return call(atomic_load(&device_of(a[0])->group),
		    VFIO_GROUP_UNSET_CONTAINER, NULL);
}

static int op_close_device(const uint32_t *a)
{
	close_at(&device_of(a[0])->fd);
	return 0;
}

static int op_close_group(const uint32_t *a)
{
	close_at(&device_of(a[0])->group);
	return 0;
}

static int op_close_container(const uint32_t *a)
{
	if (a[1] % 4)
		return -EAGAIN;
	close_at(&containers[a[0] % 8 == 7]);
	return 0;
}

/* ---- the container's own calls ---- */

static int op_map(const uint32_t *a)
{
	static const uint32_t flags[] = { 3, 3, 3, 3, 1, 2, 4, 4, 0, 7, 5, 8 };
	struct vfio_iommu_type1_dma_map map = {
		.argsz = a[4] >> 24 == 255 ? a[4] & 63 : sizeof(map),
		.flags = flags[a[4] % COUNT(flags)],
		.vaddr = (uintptr_t)address_of(a[1]),
		.iova = iova_of(a[2]),
		.size = size_of(a[3]),
	};

	return call(container_of_arg(a[0]), VFIO_IOMMU_MAP_DMA, &map);
}

static int op_unmap(const uint32_t *a)
{
	static const uint32_t flags[] = { 0, 0, 0, 1, 1, 2, 3, 4, 4, 6, 5, 8 };
	struct {
		struct vfio_iommu_type1_dma_unmap unmap;
		struct vfio_bitmap bitmap;
	} arg = {
		.unmap.argsz = a[3] >> 24 == 255 ? a[3] & 63 : sizeof(arg),
		.unmap.flags = flags[a[3] % COUNT(flags)],
		.unmap.iova = iova_of(a[1]),
		.unmap.size = size_of(a[2]),
		.bitmap.pgsize = pgsize_of(a[4]),
		.bitmap.size = a[4] >> 24 == 254 ? a[4] & 0xff : BITMAP,
		.bitmap.data = (void *)bitmap_of(a[4] >> 16),
	};

	if (arg.unmap.flags & 2 && a[3] >> 23 & 15)
		arg.unmap.iova = arg.unmap.size = 0;
	return call(container_of_arg(a[0]), VFIO_IOMMU_UNMAP_DMA, &arg);
}

static int dirty_flag(int container, uint32_t flags)
{
	struct vfio_iommu_type1_dirty_bitmap arg = {
		.argsz = sizeof(arg), .flags = flags,
	};

	return call(container, VFIO_IOMMU_DIRTY_PAGES, &arg);
}

static int op_start(const uint32_t *a)
{
	return dirty_flag(container_of_arg(a[0]), 1);
}

static int op_flag(const uint32_t *a)
{
	static const uint32_t flags[] = { 1, 1, 2, 2, 2, 0, 3, 4, 1u << 16 };

	return dirty_flag(container_of_arg(a[0]), flags[a[1] % COUNT(flags)]);
}

static int op_range(const uint32_t *a)
{
	static const uint32_t flags[] = { 4, 4, 8, 8, 16, 16, 16, 12 };
	struct {
		struct vfio_iommu_type1_dirty_bitmap head;
		struct vfio_iommu_type1_dirty_bitmap_get range;
	} arg = {
		.head.argsz = a[1] >> 24 == 255 ? a[1] & 63 : sizeof(arg),
		.head.flags = flags[a[1] % COUNT(flags)],
		.range.iova = iova_of(a[2]),
		.range.size = size_of(a[3]),
		.range.bitmap.pgsize = pgsize_of(a[4]),
		.range.bitmap.size = a[4] >> 24 == 254 ? a[4] & 0xff : BITMAP,
		.range.bitmap.data = (void *)bitmap_of(a[4] >> 16),
	};

	/* half of them over all of the usual place, coarse bits or not */
	if (a[3] & 0x100) {
		arg.range.iova = 0x10000000;
		arg.range.size = 1024 * PAGE;
	}
	return call(container_of_arg(a[0]), VFIO_IOMMU_DIRTY_PAGES, &arg);
}

static int op_info(const uint32_t *a)
{
	struct {
		struct vfio_iommu_type1_info info;
		char more[512];
	} arg = { .info.argsz = a[1] % 4 ? sizeof(arg) : a[1] >> 8 & 0xff };

	return call(container_of_arg(a[0]), VFIO_IOMMU_GET_INFO, &arg);
}

static int op_extension(const uint32_t *a)
{
	unsigned long what = a[1] % 4 ? a[1] >> 8 & 15 : a[1];

	return call(container_of_arg(a[0]), VFIO_CHECK_EXTENSION, (void *)what);
}

static int op_raw(const uint32_t *a)
{
	char arg[256];
	unsigned int i;

	for (i = 0; i < sizeof(arg); i++)
		arg[i] = (char)(a[2] >> i % 32);
	return call(container_of_arg(a[0]),
		    _IO(VFIO_TYPE, VFIO_BASE + a[1] % 32),
		    a[3] % 4 ? arg : address_of(a[3]));
}

/* ---- devices that pin, copy, write ---- */

/* A copy of it for simdev.h's calls, which take what cannot be closed. */
static struct vfio_dev open_device(uint32_t a)
{
	struct device *d = device_of(a);
	struct vfio_dev dev = d->dev;

	dev.fd = d->kind == KIND_EDU ? -1 : atomic_load(&d->fd);
	return dev;
}

static int op_pin(const uint32_t *a)
{
	struct vfio_dev dev = open_device(a[0]);

	return sim_pin(&dev, iova_of(a[1]) & ~(PAGE - 1), a[2] % 20,
		       a[3] % 8 ? 3 : a[3] >> 8 & 3);
}

static int op_unpin(const uint32_t *a)
{
	struct vfio_dev dev = open_device(a[0]);

	return sim_unpin(&dev, iova_of(a[1]) & ~(PAGE - 1), a[2] % 20);
}

static int op_rw(const uint32_t *a)
{
	struct vfio_dev dev = open_device(a[0]);
	char data[3 * PAGE];

	memset(data, (int)a[3], sizeof(data));
	return sim_rw(&dev, iova_of(a[1]) + (a[2] >> 16 & 0xfff), data,
		      1 + a[2] % sizeof(data), a[3] % 4);
}

static int op_copy(const uint32_t *a)
{
	struct vfio_dev dev = open_device(a[0]);
	char data[256];

	memset(data, (int)a[3], sizeof(data));
	return a[3] % 2 ? sim_peek(&dev, iova_of(a[1]), data, sizeof(data)) :
			  sim_poke(&dev, iova_of(a[1]), data, sizeof(data));
}

static int op_dma(const uint32_t *a)
{
	struct vfio_dev dev = open_device(a[0]);
	char data[256];

	memset(data, (int)a[3], sizeof(data));
	return simdma_write(&dev, iova_of(a[1]), data, sizeof(data));
}

static int op_behave(const uint32_t *a)
{
	struct vfio_dev dev = open_device(a[0]);

	return sim_behave(&dev, a[1] % 8 ? 1 : a[1] >> 8 & 15);
}

static int op_order(const uint32_t *a)
{
	static const int errors[] = { EIO, ENOMEM, EINVAL, EBUSY };
	struct vfio_dev dev = open_device(a[0]);

	if (no_orders)
		return -EPERM;
	if (device_of(a[0])->kind == KIND_SIMDMA)
		atomic_store(&device_of(a[0])->ordered, true);
	return simdma_fail(&dev, a[1] % SIM_OPS, errors[a[2] % COUNT(errors)],
			   a[3] % 12, 1 + (a[3] >> 8 & 1));
}

static int (*const ops[NR_OPS])(const uint32_t *a) = {
	[OP_CONTAINER] = op_container, [OP_JOIN] = op_join,
	[OP_SET_IOMMU] = op_set_iommu, [OP_OPEN] = op_open, [OP_MAP] = op_map,
	[OP_START] = op_start, [OP_UNMAP] = op_unmap, [OP_RANGE] = op_range,
	[OP_FLAG] = op_flag, [OP_INFO] = op_info,
	[OP_EXTENSION] = op_extension, [OP_LEAVE] = op_leave,
	[OP_CLOSE_DEVICE] = op_close_device,
	[OP_CLOSE_GROUP] = op_close_group,
	[OP_CLOSE_CONTAINER] = op_close_container, [OP_PIN] = op_pin,
	[OP_UNPIN] = op_unpin, [OP_RW] = op_rw, [OP_COPY] = op_copy,
	[OP_DMA] = op_dma, [OP_BEHAVE] = op_behave, [OP_ORDER] = op_order,
	[OP_RAW] = op_raw, [OP_MEMORY] = change_memory,
};

static struct {
	struct call call;
	unsigned long took;
} slowest;

static unsigned long milliseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (unsigned long)(t.tv_sec * 1000 + t.tv_nsec / 1000000);
}

/* For people to look at: two threads may be at it. */
static void note_time(const struct call *c, unsigned long took)
{
	if (took <= slowest.took)
		return;
	slowest.call = *c;
	slowest.took = took;
}

void exec_run(const struct prog *p, void (*trace)(const struct call *c))
{
	unsigned long start;
	unsigned int i;

	for (i = 0; i < p->nr; i++) {
		const struct call *c = &p->calls[i];

		if (trace)
			trace(c);
		start = milliseconds();
		atomic_fetch_add(&nr_calls, 1);
		if (ops[c->op](c->arg) >= 0)
			atomic_fetch_add(&nr_worked, 1);
		note_time(c, milliseconds() - start);
	}
}

const struct call *exec_slowest(unsigned long *took)
{
	*took = slowest.took;
	return &slowest.call;
}

/* Orders outlive the device's fd. */
static bool heal(const struct vfio_dev *dev)
{
	uint32_t op;

	for (op = 0; op < SIM_OPS; op++)
		if (simdma_heal(dev, op))
			return false;
	return true;
}

static bool heal_opened(struct vfio_dev *dev)
{
	int container = vfio_container_open();
	bool healed = !vfio_group_open(dev) &&
		      !vfio_group_attach(dev, container) &&
		      !vfio_set_iommu(container, VFIO_TYPE1_HWDBM_IOMMU) &&
		      !vfio_device_open(dev) && heal(dev);

	vfio_teardown(dev, container);
	return healed;
}

/*
 * Errors that were ordered are not for the next program. They may keep the
 * device from being opened, and are used up by that.
 */
static void forget_orders(struct device *d)
{
	struct vfio_dev dev = d->dev;
	int i;

	for (i = 0; i < HEAL_TRIES && !heal_opened(&dev); i++)
		;
	if (i == HEAL_TRIES)
		tap_bail("%s cannot be opened, nor its orders be forgotten",
			 dev.bdf);
}

static void heal_open(struct device *d)
{
	struct vfio_dev dev = d->dev;

	dev.fd = atomic_load(&d->fd);
	if (atomic_load(&d->ordered) && dev.fd >= 0 && heal(&dev))
		atomic_store(&d->ordered, false);
}

bool exec_clean(void)
{
	unsigned int i;

	for (i = 0; i < nr_devices; i++) {
		heal_open(&devices[i]);
		close_at(&devices[i].fd);
	}
	for (i = 0; i < nr_devices; i++)
		close_at(&devices[i].group);
	for (i = 0; i < CONTAINERS; i++)
		close_at(&containers[i]);
	for (i = 0; i < nr_devices; i++)
		if (atomic_exchange(&devices[i].ordered, false))
			forget_orders(&devices[i]);
	return !proc_locked_kib();
}

void exec_no_orders(void)
{
	no_orders = true;
}

void exec_counts(unsigned long *calls, unsigned long *worked)
{
	*calls = atomic_load(&nr_calls);
	*worked = atomic_load(&nr_worked);
}

/* ---- what there is ---- */

static void add_devices(const struct vfio_dev *devs, int n, enum kind kind,
			const char *name)
{
	int i;

	tap_diag("%d %s", n, name);
	for (i = 0; i < n && nr_devices < MAX_DEVICES; i++) {
		struct device *d = &devices[nr_devices++];

		d->dev = devs[i];
		d->kind = kind;
		atomic_store(&d->group, -1);
		atomic_store(&d->fd, -1);
	}
}

void exec_init(void)
{
	struct vfio_dev devs[MAX_DEVICES];
	unsigned int i;

	add_devices(devs, simdma_find(devs, 4), KIND_SIMDMA,
		    "devices of simulated IOMMUs");
	add_devices(devs, sim_find(devs, 2), KIND_EMUL,
		    "devices without an IOMMU");
	add_devices(devs, vfio_find_edus(devs, 2), KIND_EDU, "edus");
	if (!nr_devices)
		tap_bail("no device that this could use");
	for (i = 0; i < CONTAINERS; i++)
		atomic_store(&containers[i], -1);
	values_init();
}
