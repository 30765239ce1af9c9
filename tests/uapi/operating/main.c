// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an operator is told of memory (README.md, "Operating it"), measured: what
 * our memory cgroup is charged, as START is called, pages get dirty, the log is
 * read and cleaned, and STOP is called.
 *
 * Wants an edu and the module sim.
 */
#define _GNU_SOURCE
#include "bitmap.h"
#include "proc.h"
#include "simdev.h"
#include "stranger.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE		4096UL
#define GIB		(1ULL << 30)
#define TIB		(1ULL << 40)
#define CHUNK		(128ULL << 20)
#define START_PER_TIB	(64L << 10)
#define LOG_PER_TIB	(32L << 20)
/* What each processor has charged in advance, and what else comes and goes. */
#define SLACK		MIB

static struct cgroup cg;

static long charged(void)
{
	return cgroup_number(&cg, "memory.current", NULL);
}

/* @what took @want bytes since @before, more or less. */
static void took(long before, long want, const char *what)
{
	long bytes = charged() - before;

	tap_ok(bytes > want - SLACK && bytes < want + SLACK,
	       "%s: %ld KiB, of %ld expected", what, bytes >> 10, want >> 10);
}

static void enter_cgroup(void)
{
	char path[160];

	cgroup_mount();
	cgroup_make(&cg, "operating", 900 * MIB);
	snprintf(path, sizeof(path), "%s/cgroup.procs", cg.path);
	if (proc_write(path, "0"))
		tap_bail("cannot enter %s", path);
}

/* A write that fails counts as dirty, so that no memory is needed behind it. */
static bool write_chunks(struct vfio_dev *sim, unsigned int nr)
{
	char data[8] = "written";
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (sim_rw(sim, i * CHUNK, data, sizeof(data),
			   SIM_COPY_WRITE) >= 0)
			return false;
	return true;
}

/* Large mappings, of which no page need be there. */
static void software_log(void)
{
	const long tib = 64, dirty_tib_8th = 2;
	unsigned int chunks = dirty_tib_8th * (TIB / 8 / CHUNK);
	size_t bitmap_bytes = TIB / PAGE / 8;
	uint8_t *bitmap = mmap(NULL, bitmap_bytes, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	struct vfio_dev sim;
	int container, i;
	long before, filled;

	if (!sim_find(&sim, 1))
		tap_bail("this test wants the module sim");
	container = vfio_setup(&sim, VFIO_TYPE1_HWDBM_IOMMU);
	for (i = 0; i < tib; i++)
		if (vfio_map(container, (void *)TIB, i * TIB, TIB, MAP_RW))
			tap_bail("MAP of TiB %d", i);
	before = charged();
	tap_ret(vfio_dirty_flag(container, DIRTY_START), 0, "START with 64 TiB");
	took(before, tib * START_PER_TIB, "START takes 64 KiB per TiB");
	filled = charged();
	tap_ok(write_chunks(&sim, chunks), "a page of each 128 MiB of 256 GiB");
	took(filled, dirty_tib_8th * LOG_PER_TIB / 8,
	     "what is dirty takes 32 MiB per TiB at most");
	tap_ret(vfio_dirty_range(container, DIRTY_GET, 0, TIB, PAGE, bitmap,
				 bitmap_bytes), 0, "GET of a TiB");
	tap_ok(bit_get(bitmap, 0) && bit_get(bitmap, CHUNK / PAGE) &&
	       !bit_get(bitmap, 1), "it reports these pages");
	took(filled, dirty_tib_8th * LOG_PER_TIB / 8, "kept though all is clean");
	tap_ret(vfio_dirty_flag(container, DIRTY_STOP), 0, "STOP");
	took(before, 0, "nothing is left of it after STOP");
	vfio_teardown(&sim, container);
	munmap(bitmap, bitmap_bytes);
}

/* A GiB that is the same huge page all over. */
static void *folded_gib(void)
{
	const size_t piece = 2UL << 20;
	int fd = memfd_create("piece", MFD_HUGETLB);
	char *p = mmap(NULL, GIB, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	size_t at;

	if (fd < 0 || ftruncate(fd, piece) || p == MAP_FAILED)
		tap_bail("no huge page to be had");
	for (at = 0; at < GIB; at += piece)
		if (mmap(p + at, piece, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED)
			tap_bail("mmap: %m");
	close(fd);
	return p;
}

/* The hardware's log: its leaves stay as large as they are. */
static void hardware_log(void)
{
	const uint64_t first = 4 * GIB, gib = 32;
	uint8_t *bitmap = mmap(NULL, MIB, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	struct vfio_dev edu;
	int container;
	void *mem;
	uint64_t i;
	long before;

	if (vfio_find_edus(&edu, 1) < 1)
		tap_bail("this test wants an edu at vfio-pci");
	proc_write("/proc/sys/vm/nr_hugepages", "1");
	mem = folded_gib();
	container = vfio_setup(&edu, VFIO_TYPE1_HWDBM_IOMMU);
	vfio_expect_policy(container, VFIO_HWDBM_POLICY_HWDBM);
	for (i = 0; i < gib; i++)
		if (vfio_map(container, mem, first + i * GIB, GIB, MAP_RW))
			tap_bail("MAP of GiB %lu", i);
	before = charged();
	tap_ret(vfio_dirty_flag(container, DIRTY_START), 0,
		"START with 32 GiB behind an IOMMU");
	took(before, 0, "START takes no memory of size");
	tap_ret(vfio_dirty_range(container, DIRTY_GET, first, gib * GIB, PAGE,
				 bitmap, gib * GIB / PAGE / 8), 0, "GET of it");
	took(before, 0, "nor does GET keep any");
	tap_ret(vfio_dirty_flag(container, DIRTY_STOP), 0, "STOP");
	took(before, 0, "nothing is left of it after STOP");
	vfio_teardown(&edu, container);
	munmap(mem, GIB);
	munmap(bitmap, MIB);
	proc_write("/proc/sys/vm/nr_hugepages", "0");
}

int main(void)
{
	puts("TAP version 13");
	enter_cgroup();
	software_log();
	hardware_log();
	return tap_done();
}
