// SPDX-License-Identifier: GPL-2.0-only
#include "proc.h"
#include "ranges.h"
#include "simdev.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PARAMETERS "/sys/module/split/parameters/"

int container = -1;

static struct vfio_dev devs[3];
static struct edu edus[2];
static bool is_in[3];

static void set_parameter(const char *name, const char *value)
{
	char path[64];
	int ret;

	snprintf(path, sizeof(path), PARAMETERS "%s", name);
	ret = proc_write(path, value);
	if (ret)
		tap_bail("%s: %s", path, strerror(-ret));
}

void groups_find(void)
{
	if (access(PARAMETERS "hole", F_OK))
		tap_bail("load the module split first");
	if (vfio_find_edus(devs, 2) != 2)
		tap_bail("two edu devices must be bound to vfio-pci");
	if (!sim_find(&devs[SIM], 1))
		tap_bail("load the module sim first");
	set_parameter("only", devs[HOLED].bdf);
	tap_diag("%s has no hole, %s has one", devs[PLAIN].bdf,
		 devs[HOLED].bdf);
}

void set_hole(uint64_t first, uint64_t bytes)
{
	char text[32];

	snprintf(text, sizeof(text), "%#lx", first);
	set_parameter("hole", text);
	snprintf(text, sizeof(text), "%#lx", bytes);
	set_parameter("hole_bytes", text);
}

void container_begin(void)
{
	container = vfio_container_open();
	if (container < 0)
		tap_bail("/dev/vfio/vfio: %s", strerror(-container));
}

/* VFIO forgets the backend with the last group. */
static bool is_unset(void)
{
	return !is_in[PLAIN] && !is_in[HOLED] && !is_in[SIM];
}

int try_join(int dev)
{
	int ret = vfio_group_open(&devs[dev]);

	if (ret)
		tap_bail("group of %s: %s", devs[dev].bdf, strerror(-ret));
	ret = vfio_group_attach(&devs[dev], container);
	if (!ret && is_unset())
		ret = vfio_set_iommu(container, backend.type);
	if (!ret)
		ret = vfio_device_open(&devs[dev]);
	if (ret) {
		vfio_group_close(&devs[dev]);
		return ret;
	}
	backend_expect(container);
	if (dev != SIM)
		edu_open(&edus[dev], devs[dev].fd);
	is_in[dev] = true;
	return 0;
}

void join(int dev)
{
	int ret = try_join(dev);

	if (ret)
		tap_bail("%s cannot join: %s", devs[dev].bdf, strerror(-ret));
}

void leave(int dev)
{
	int ret;

	if (dev != SIM)
		edu_close(&edus[dev]);
	vfio_device_close(&devs[dev]);
	ret = vfio_group_detach(&devs[dev]);
	if (ret)
		tap_bail("%s cannot leave: %s", devs[dev].bdf, strerror(-ret));
	vfio_group_close(&devs[dev]);
	is_in[dev] = false;
}

void container_end(void)
{
	if (!is_unset())
		tap_bail("a test has left its groups in");
	close(container);
	container = -1;
}

bool reaches(int dev, uint64_t iova, void *seen)
{
	struct rig rig = {
		.dev = devs[dev],
		.edu = edus[dev],
		.container = container,
	};

	return rig_reaches(&rig, iova, seen);
}

const struct vfio_dev *the_sim(void)
{
	return &devs[SIM];
}

int map(void *mem, uint64_t iova, uint64_t pages)
{
	return vfio_map(container, mem, iova, pages * PAGE_4K, MAP_RW);
}

int unmap(uint64_t iova, uint64_t pages)
{
	uint64_t bytes = 0;
	int ret = vfio_unmap(container, iova, pages * PAGE_4K, 0, &bytes);

	if (!ret && bytes != pages * PAGE_4K)
		tap_bail("UNMAP at %#lx takes %#lx bytes of %#llx", iova, bytes,
			 pages * PAGE_4K);
	return ret;
}
