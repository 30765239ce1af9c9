// SPDX-License-Identifier: GPL-2.0-only
/*
 * Groups that come and go, of one container: what they report must not get
 * lost with them. Usage: attach [full] [split]: the policy to be expected is
 * full, not hwdbm; each group has a domain of its own, not all of them one.
 * Wants three edu devices; does with fewer what it can.
 */
#define _GNU_SOURCE
#include "edu.h"
#include "guard.h"
#include "kernel.h"
#include "msi.h"
#include "proc.h"
#include "rig.h"
#include "tap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define IOVA	0x100000000ULL
#define NR	16ULL
#define MAX	3

static struct vfio_dev devs[MAX];
static struct edu edus[MAX];
static int nr_devs, container;
static bool full, split;
static char *mem;

static struct rig rig_of(int i)
{
	return (struct rig){
		.dev = devs[i], .edu = edus[i], .container = container,
	};
}

/* What the log must say; under the full policy that is always everything. */
static bool log_is(uint32_t flag, const char *want)
{
	struct rig rig = rig_of(0);

	return rig_log_is(&rig, flag, IOVA, PAGE_4K,
			  full ? "1111111111111111" : want);
}

static void write_page(int dev, uint64_t page)
{
	struct rig rig = rig_of(dev);

	rig_write(&rig, IOVA + page * PAGE_4K);
}

static void attach(int i)
{
	int ret = vfio_group_open(&devs[i]);

	if (!ret)
		ret = vfio_group_attach(&devs[i], container);
	tap_ret(ret, 0, "attach group %d", i);
}

static void open_device(int i)
{
	int ret = vfio_device_open(&devs[i]);

	if (ret)
		tap_bail("device %d: %s", i, strerror(-ret));
	edu_open(&edus[i], devs[i].fd);
}

/* The device first: VFIO refuses to detach a group whose device is open. */
static void detach(int i)
{
	tap_ret(vfio_group_detach(&devs[i]), -EBUSY,
		"detach group %d, its device is open", i);
	edu_close(&edus[i]);
	vfio_device_close(&devs[i]);
	tap_ret(vfio_group_detach(&devs[i]), 0, "detach group %d", i);
	vfio_group_close(&devs[i]);
}

static void check_ranges(struct vfio_info_cap_header *header)
{
	struct vfio_iommu_type1_info_cap_iova_range *cap = (void *)header;
	bool good = cap->nr_iovas > 0;
	uint32_t i;

	for (i = 0; i < cap->nr_iovas; i++) {
		good &= cap->iova_ranges[i].start < cap->iova_ranges[i].end;
		if (i)
			good &= cap->iova_ranges[i].start >
				cap->iova_ranges[i - 1].end;
		good &= !(cap->iova_ranges[i].start <= MSI_LAST &&
			  cap->iova_ranges[i].end >= MSI_FIRST);
	}
	tap_ok(good, "IOVA ranges rise, and leave the MSI window out");
}

/* The gather, but by the page tables where x86's drivers no longer fill that. */
static uint32_t wanted_reader(void)
{
#ifdef __x86_64__
	if (kernel_since(7, 0))
		return VFIO_HWDBM_READER_TABLES;
#endif
	return VFIO_HWDBM_READER_GATHER;
}

static void check_policy(struct vfio_info_cap_header *header, uint32_t domains,
			 bool logging)
{
	struct vfio_iommu_type1_info_cap_hwdbm *cap = (void *)header;
	uint32_t i, want = VFIO_HWDBM_DOMAIN_CAPABLE;
	bool good = true;

	tap_ok(cap->header.version == 1 && cap->granule == PAGE_4K,
	       "own capability: version 1, granule %llu", cap->granule);
	tap_ok(cap->policy == (full ? VFIO_HWDBM_POLICY_FULL :
				      VFIO_HWDBM_POLICY_HWDBM) &&
	       cap->reason == (full ? VFIO_HWDBM_REASON_INCAPABLE :
				      VFIO_HWDBM_REASON_NONE),
	       "policy %u, reason %u", cap->policy, cap->reason);
	tap_ok(!(cap->flags & VFIO_HWDBM_INFO_LOGGING) == !logging,
	       "logging: %d", logging);
	tap_ok(cap->nr_domains == domains, "%u domains, want %u",
	       cap->nr_domains, domains);
	if (logging)
		want |= VFIO_HWDBM_DOMAIN_TRACKING;
	for (i = 0; i < cap->nr_domains; i++) {
		tap_diag("domain %u: flags %#x, reader %u, leaves %#llx", i,
			 cap->domains[i].flags, cap->domains[i].reader,
			 cap->domains[i].pgsize_bitmap);
		good &= (cap->domains[i].flags & want) == (full ? 0 : want);
		good &= cap->domains[i].reader == (full ?
			VFIO_HWDBM_READER_NONE : wanted_reader());
	}
	tap_ok(good, "each domain %s", full ? "cannot track" : "tracks");
}

/* Each size that a bit may stand for, from the smallest page to 1 GiB. */
static uint64_t report_sizes(const struct vfio_iommu_type1_info *info)
{
	uint64_t smallest = info->iova_pgsizes & -info->iova_pgsizes;

	return ((2ULL << 30) - 1) & -smallest;
}

/* The whole chain: each capability once, and what stands in it. */
static void check_info(uint32_t groups, bool logging)
{
	static const unsigned int ids[] = {
		VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE,
		VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION,
		VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL,
		VFIO_IOMMU_TYPE1_INFO_CAP_HWDBM,
	};
	struct vfio_iommu_type1_info *info = vfio_info(container);
	struct vfio_iommu_type1_info_cap_migration *migration;
	struct vfio_info_cap_header *caps[4];
	int i;

	for (i = 0; i < 4; i++) {
		caps[i] = vfio_info_cap(info, ids[i]);
		if (!tap_ok(caps[i], "GET_INFO has capability %#x", ids[i]))
			tap_bail("no use going on");
	}
	migration = (void *)caps[1];
	tap_ok(info->flags & VFIO_IOMMU_INFO_PGSIZES &&
	       info->iova_pgsizes & PAGE_4K, "page sizes %#llx",
	       info->iova_pgsizes);
	tap_ok(migration->pgsize_bitmap == report_sizes(info) &&
	       migration->max_dirty_bitmap_size == UINT64_MAX,
	       "reports in %#llx, bitmaps up to %#llx bytes",
	       migration->pgsize_bitmap, migration->max_dirty_bitmap_size);
	check_ranges(caps[0]);
	check_policy(caps[3], split ? groups : 1, logging);
	free(info);
}

static void start(void)
{
	tap_ret(vfio_dirty_flag(container, DIRTY_START), 0, "START");
}

static void first_group(void)
{
	int ret;

	container = vfio_container_open();
	if (container < 0)
		tap_bail("/dev/vfio/vfio: %s", strerror(-container));
	attach(0);
	tap_ret(vfio_set_iommu(container, VFIO_TYPE1_HWDBM_IOMMU), 0,
		"SET_IOMMU");
	check_info(1, false);
	ret = vfio_map(container, mem, IOVA, NR * PAGE_4K, MAP_RW);
	tap_ret(ret, 0, "MAP");
	tap_ok(proc_locked_kib() == (long)NR * 4, "locked: %ld KiB",
	       proc_locked_kib());
	open_device(0);
}

/* The second group finds the mappings of the first, while logging. */
static void join_while_logging(void)
{
	uint32_t failed;

	start();
	write_page(0, 1);
	attach(1);
	open_device(1);
	check_info(2, true);
	tap_ok(proc_locked_kib() == (long)NR * 4,
	       "joining locks no more memory: %ld KiB", proc_locked_kib());
	tap_ok(log_is(DIRTY_NOCLEAR, "0100000000000000"),
	       "joining loses nothing and dirties nothing");
	/* The devices count from power on, and other programs ran before. */
	failed = edu_failed(&edus[0]) + edu_failed(&edus[1]);
	write_page(1, 2);
	write_page(0, 3);
	tap_ok(edu_failed(&edus[0]) + edu_failed(&edus[1]) == failed,
	       "both devices can write");
	tap_ok(log_is(DIRTY_GET, "0111000000000000"),
	       "GET reports what either wrote");
	write_page(1, 3);
	tap_ok(log_is(DIRTY_GET, "0001000000000000"),
	       "the one's page written by the other");
}

/* What a device wrote before its group left is still reported after. */
static void leave_while_logging(void)
{
	write_page(1, 5);
	write_page(0, 6);
	detach(1);
	check_info(1, true);
	tap_ok(log_is(DIRTY_NOCLEAR, "0000011000000000"),
	       "what the leaving device wrote is reported");
	write_page(0, 7);
	tap_ok(log_is(DIRTY_GET, "0000011100000000"),
	       "and what the other writes");
	attach(1);
	open_device(1);
	write_page(1, 9);
	write_page(0, 10);
	detach(0);
	tap_ok(log_is(DIRTY_NOCLEAR, "0000000001100000"),
	       "also when the first of the two leaves");
	write_page(1, 11);
	tap_ok(log_is(DIRTY_GET, "0000000001110000"),
	       "and the second goes on");
	attach(0);
	open_device(0);
}

static void three(void)
{
	attach(2);
	open_device(2);
	write_page(0, 0);
	write_page(1, 4);
	write_page(2, 8);
	detach(1);
	detach(2);
	tap_ok(log_is(DIRTY_GET, "1000100010000000"),
	       "three groups, two leave: nothing is lost");
}

/* Leave in all orders, again and again, with the log on. */
static void storm(void)
{
	struct rig rig = rig_of(0);
	bool good = true;
	int i, ret;

	for (i = 0; i < 40; i++) {
		ret = vfio_group_open(&devs[1]);
		ret = ret ? ret : vfio_group_attach(&devs[1], container);
		if (ret)
			tap_bail("attach, time %d: %s", i, strerror(-ret));
		if (i % 2)
			open_device(1);
		rig_write(&rig, IOVA + 2 * PAGE_4K);
		if (i % 2)
			write_page(1, 13);
		edu_close(&edus[1]);
		vfio_device_close(&devs[1]);
		if (i % 3)
			vfio_group_detach(&devs[1]);
		vfio_group_close(&devs[1]);
		good &= log_is(DIRTY_GET, i % 2 ? "0010000000000100" :
						  "0010000000000000");
	}
	tap_ok(good, "a group comes and goes 40 times, the log stays exact");
}

static void last_group(void)
{
	struct vfio_iommu_type1_info head = { .argsz = sizeof(head) };
	long avail;
	int ret;

	detach(0);
	tap_ok(!proc_locked_kib(),
	       "with the last group the mappings are gone: %ld KiB locked",
	       proc_locked_kib());
	ret = vfio_raw(container, VFIO_IOMMU_GET_INFO, &head, sizeof(head));
	tap_ret(ret, -EINVAL, "the container has no IOMMU any more");
	attach(0);
	tap_ret(vfio_set_iommu(container, VFIO_TYPE1_HWDBM_IOMMU), 0,
		"SET_IOMMU again");
	avail = vfio_dma_avail(container);
	ret = vfio_map(container, mem, IOVA, NR * PAGE_4K, MAP_RW);
	tap_ret(ret, 0, "MAP where a mapping was");
	tap_ok(vfio_dma_avail(container) == avail - 1, "DMA_AVAIL counts it");
	open_device(0);
	start();
	tap_ok(log_is(DIRTY_GET, "0000000000000000"), "nothing old is dirty");
	/* mapped and logging: closing has to clean up */
	edu_close(&edus[0]);
	vfio_teardown(&devs[0], container);
	tap_ok(!proc_locked_kib(), "closing unlocks all memory");
}

int main(int argc, char **argv)
{
	int i;

	puts("TAP version 13");
	for (i = 1; i < argc; i++) {
		full |= !strcmp(argv[i], "full");
		split |= !strcmp(argv[i], "split");
	}
	if (!rig_4k_leaves())
		tap_bail("load the module with disable_hugepages=1");
	nr_devs = vfio_find_edus(devs, MAX);
	if (!nr_devs)
		tap_bail("no edu device is bound to vfio-pci");
	mem = mem_alloc_scattered(NR * PAGE_4K);
	first_group();
	if (nr_devs < 2) {
		tap_skip("several groups", "one edu device only");
		start();
	} else {
		join_while_logging();
		leave_while_logging();
		if (nr_devs > 2) {
			three();
			attach(1);
			open_device(1);
		} else {
			tap_skip("three groups", "two edu devices only");
		}
		detach(1);
		storm();
	}
	last_group();
	return tap_done();
}
