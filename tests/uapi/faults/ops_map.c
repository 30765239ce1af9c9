// SPDX-License-Identifier: GPL-2.0-only
/*
 * MAP of each kind of memory. Each goes to a place of its own, so that tables
 * of the IOMMU have to be made: a driver may keep those that it has.
 */
#define _GNU_SOURCE
#include "faults.h"
#include "proc.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define FIRST		(8ULL << 30)
#define APART		(1ULL << 30)
#define TURNS		480
#define MAPPED		(8 * PAGE)
#define HUGE		(2UL << 20)
#define HUGE_PAGES	"/proc/sys/vm/nr_hugepages"

static char *at;
static size_t bytes = MAPPED;
static uint64_t iova;
static uint32_t rights = MAP_RW;

static void next_place(void)
{
	static unsigned int turn;

	iova = FIRST + (turn++ % TURNS) * APART;
}

static void *map_memory(size_t n, int flags, int fd)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (p == MAP_FAILED)
		tap_bail("mmap: %m");
	return p;
}

/* ---- kinds of memory: at, bytes and rights are set, pages there or not ---- */

static void use(char *p, size_t n)
{
	at = p;
	bytes = n;
	rights = MAP_RW;
	next_place();
}

static void before_there(void)
{
	static char *p;

	if (!p)
		p = map_memory(MAPPED, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	memset(p, 1, MAPPED);
	use(p, MAPPED);
}

/* Each page is a fault of its own, in the middle of the pinning. */
static void before_absent(void)
{
	before_there();
	madvise(at, bytes, MADV_DONTNEED);
}

static void before_logging(void)
{
	log_dirty();
	before_there();
}

/* No memory, but the zero page: nobody's locked memory. */
static void before_zero(void)
{
	before_absent();
	rights = VFIO_DMA_MAP_FLAG_READ;
}

static void before_shared(void)
{
	static char *p;

	if (!p) {
		int fd = memfd_create("shared", 0);

		if (fd < 0 || ftruncate(fd, (off_t)MAPPED))
			tap_bail("memfd: %m");
		p = map_memory(MAPPED, MAP_SHARED, fd);
	}
	madvise(p, MAPPED, MADV_REMOVE);
	use(p, MAPPED);
}

/* More than is pinned at once. */
static void before_large(void)
{
	static char *p;
	size_t n = (2UL << 20) + 4 * PAGE, i;

	if (!p) {
		p = map_memory(n, MAP_PRIVATE | MAP_ANONYMOUS, -1);
		madvise(p, n, MADV_NOHUGEPAGE);
		for (i = 0; i < n; i += PAGE)
			p[i] = 1;
	}
	use(p, n);
}

static void before_huge(void)
{
	static char *p;

	if (!p) {
		if (proc_write(HUGE_PAGES, "1") ||
		    proc_file_number(HUGE_PAGES) != 1)
			tap_bail("no huge page to be had");
		p = map_memory(HUGE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB,
			       -1);
	}
	madvise(p, HUGE, MADV_DONTNEED);
	use(p, HUGE);
}

#define SINGLE	"/sys/module/" MODULE "/parameters/disable_hugepages"

/* One run of several leaves: a driver may fail behind some of them. */
static void before_run(void)
{
	before_huge();
	memset(at, 1, bytes);
	use(at + PAGE, MAPPED);
	must(proc_write(SINGLE, "0"), SINGLE);
}

static char *device_memory;

/* It holds the device, and so the container. */
static void forget_device_memory(void)
{
	if (device_memory)
		munmap(device_memory, 3 * MAPPED);
	device_memory = NULL;
}

/* Device memory, between pages that are memory: an edu's registers. */
static void before_device(void)
{
	struct vfio_region_info info = {
		.argsz = sizeof(info), .index = 0,
	};
	char *p;

	forget_device_memory();
	p = map_memory(3 * MAPPED, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	memset(p, 1, 3 * MAPPED);
	if (ioctl(w.dma[0].fd, VFIO_DEVICE_GET_REGION_INFO, &info))
		tap_bail("GET_REGION_INFO: %m");
	if (mmap(p + MAPPED, MAPPED, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_FIXED, w.dma[0].fd, (off_t)info.offset) ==
	    MAP_FAILED)
		tap_bail("mmap of a BAR: %m");
	device_memory = p;
	use(p, 3 * MAPPED);
}

/* Of the simulator each leaf is an allocation, of which 500 take long. */
static bool world_real(void)
{
	return !w.simulated && world_dma();
}

static int run_map(void)
{
	return vfio_map(w.container, at, iova, bytes, rights);
}

static enum verdict after_map(int ret)
{
	uint64_t unmapped = 0;
	bool good;

	must(vfio_unmap(w.container, iova, bytes, 0, &unmapped), "UNMAP");
	if (ret)
		return expect(!unmapped, "nothing is mapped") ? AS_BEFORE : WRONG;
	good = expect(unmapped == bytes, "all of it was mapped");
	forget_device_memory();
	next_place();
	return good ? DONE : WRONG;
}

static enum verdict after_run(int ret)
{
	enum verdict v = after_map(ret);

	if (v != AS_BEFORE)
		must(proc_write(SINGLE, "1"), SINGLE);
	return v;
}

static enum verdict after_map_logging(int ret)
{
	return still_dirty() ? after_map(ret) : WRONG;
}

/* ---- addresses that move ---- */

#define MAIN_BYTES	(MAIN_PAGES * PAGE)

static int run_invalidate(void)
{
	return vfio_unmap(w.container, MAIN_IOVA, MAIN_BYTES,
			  VFIO_DMA_UNMAP_FLAG_VADDR, NULL);
}

static int run_update(void)
{
	return vfio_map(w.container, w.main, MAIN_IOVA, MAIN_BYTES,
			VFIO_DMA_MAP_FLAG_VADDR);
}

/* EFAULT of the size that cannot be written back comes when all is done. */
static enum verdict after_invalidate(int ret)
{
	int update = run_update();

	if (ret && update)
		return still_dirty() ? AS_BEFORE : WRONG;
	if (!expect(!update, "the address can be given anew"))
		return WRONG;
	return still_dirty() ? DONE : WRONG;
}

static void before_update(void)
{
	log_dirty();
	must(run_invalidate(), "UNMAP of an address");
}

static enum verdict after_update(int ret)
{
	if (ret)
		return AS_BEFORE;
	return still_dirty() ? DONE : WRONG;
}

const struct op ops_map[] = {
	{ "MAP of memory", world_dma, before_there, run_map, after_map, { MAPS } },
	{ "MAP of absent memory", world_dma, before_absent, run_map, after_map,
	  { MAPS } },
	{ "MAP while logging", world_dma, before_logging, run_map,
	  after_map_logging, { MAPS } },
	{ "MAP of the zero page", world_dma, before_zero, run_map, after_map,
	  { MAPS } },
	{ "MAP of shared memory", world_dma, before_shared, run_map, after_map,
	  { MAPS } },
	{ "MAP in two batches", world_real, before_large, run_map, after_map,
	  { 0 } },
	{ "MAP of a huge page", world_dma, before_huge, run_map, after_map,
	  { MAPS } },
	{ "MAP of a run", world_dma, before_run, run_map, after_run, { MAPS } },
	{ "MAP of device memory", world_real, before_device, run_map, after_map,
	  { 0 } },
	{ "MAP without an IOMMU", world_emul, before_logging, run_map,
	  after_map_logging, { 0 } },
	{ "UNMAP with VADDR", world_dma, log_dirty, run_invalidate,
	  after_invalidate, { 0 } },
	{ "MAP with VADDR", world_dma, before_update, run_update, after_update,
	  { 0 } },
	{ .name = NULL },
};
