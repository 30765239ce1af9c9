// SPDX-License-Identifier: GPL-2.0-only
/*
 * Several domains in one container, those that cannot track dirty pages and
 * those whose hardware fails among them: what one of them knows must not get
 * lost with it. Wants two edu devices and the module of tests/vm/split.
 */
#define _GNU_SOURCE
#include "domains.h"
#include "edu.h"
#include "mem.h"
#include "proc.h"
#include "rig.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PARAMETERS "/sys/module/split/parameters/"

int container;
char *mem;

static struct vfio_dev devs[2];
static struct edu edus[2];

struct rig rig_of(int i)
{
	return (struct rig){
		.dev = devs[i],
		.edu = edus[i],
		.container = container,
	};
}

void join(int dev)
{
	int ret = vfio_group_open(&devs[dev]);

	if (!ret)
		ret = vfio_group_attach(&devs[dev], container);
	if (!ret && !dev && !mem)
		ret = vfio_set_iommu(container, VFIO_TYPE1_HWDBM_IOMMU);
	if (!ret)
		ret = vfio_device_open(&devs[dev]);
	if (ret)
		tap_bail("group %d cannot join: %s", dev, strerror(-ret));
	edu_open(&edus[dev], devs[dev].fd);
}

void leave(int dev)
{
	int ret;

	edu_close(&edus[dev]);
	vfio_device_close(&devs[dev]);
	ret = vfio_group_detach(&devs[dev]);
	if (ret)
		tap_bail("group %d cannot leave: %s", dev, strerror(-ret));
	vfio_group_close(&devs[dev]);
}

void write_page(int dev, uint64_t page)
{
	struct rig rig = rig_of(dev);

	rig_write(&rig, IOVA + page * PAGE_4K);
}

const char *name_of(int dev)
{
	return devs[dev].bdf;
}

bool log_is(uint32_t flag, const char *want)
{
	struct rig rig = rig_of(0);

	return rig_log_is(&rig, flag, IOVA, PAGE_4K, want);
}

void start(void)
{
	int ret = vfio_dirty_flag(container, DIRTY_START);

	if (ret)
		tap_bail("START: %s", strerror(-ret));
}

void stop(void)
{
	int ret = vfio_dirty_flag(container, DIRTY_STOP);

	if (ret)
		tap_bail("STOP: %s", strerror(-ret));
}

static void set_parameter(const char *path, const char *value)
{
	int ret = proc_write(path, value);

	if (ret)
		tap_bail("%s: %s", path, strerror(-ret));
}

void devices_incapable(bool on)
{
	set_parameter(PARAMETERS "incapable", on ? "1" : "0");
}

void fail_next_read(void)
{
	set_parameter(PARAMETERS "eio", "1");
}

bool read_has_failed(void)
{
	return !proc_file_number(PARAMETERS "eio");
}

void policy_is(uint32_t policy, uint32_t reason, uint32_t domains,
	       const char *when)
{
	struct rig rig = { .container = container };

	rig_policy_is(&rig, policy, reason, domains, when);
}

void policy_is_hwdbm(uint32_t domains, const char *when)
{
	policy_is(VFIO_HWDBM_POLICY_HWDBM, VFIO_HWDBM_REASON_NONE, domains, when);
}

int main(void)
{
	int ret;

	puts("TAP version 13");
	if (!rig_4k_leaves())
		tap_bail("load the module with disable_hugepages=1");
	if (access(PARAMETERS, F_OK))
		tap_bail("load the module split first");
	if (vfio_find_edus(devs, 2) != 2)
		tap_bail("two edu devices must be bound to vfio-pci");
	container = vfio_container_open();
	if (container < 0)
		tap_bail("/dev/vfio/vfio: %s", strerror(-container));
	join(0);
	mem = mem_alloc_scattered(NR * PAGE_4K);
	ret = vfio_map(container, mem, IOVA, NR * PAGE_4K, MAP_RW);
	tap_ret(ret, 0, "MAP");
	test_moves();
	test_errors();
	test_replay();
	leave(0);
	tap_ok(!proc_locked_kib(), "the last group takes the mappings with it");
	return tap_done();
}
