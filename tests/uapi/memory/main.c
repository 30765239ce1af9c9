// SPDX-License-Identifier: GPL-2.0-only
/* Usage: memory [--type stock|claimed]. Wants an edu device, better two. */
#define _GNU_SOURCE
#include "balance.h"
#include "counters.h"
#include "memory.h"
#include "peer.h"
#include "proc.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PROBE 64

void *fresh(size_t size, int prot)
{
	void *p = mmap(NULL, size, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		tap_bail("mmap: %m");
	return p;
}

void *shared(size_t size, int *fd)
{
	void *p;

	*fd = memfd_create("memory", MFD_CLOEXEC);
	if (*fd < 0 || ftruncate(*fd, (off_t)size))
		tap_bail("memfd: %m");
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
	if (p == MAP_FAILED)
		tap_bail("mmap: %m");
	return p;
}

void map_is(struct world *w, void *p, uint64_t iova, uint64_t size,
	    uint32_t flags, int want, long kib, const char *what)
{
	long locked = proc_locked_kib();
	int ret = vfio_map(w->rig.container, p, iova, size, flags);

	tap_ret(ret, want, "MAP %s", what);
	locked = proc_locked_kib() - locked;
	tap_ok(locked == kib, "it locks %ld KiB, want %ld", locked, kib);
}

void unmap_is(struct world *w, uint64_t iova, uint64_t size, long kib,
	      const char *what)
{
	long locked = proc_locked_kib();
	uint64_t n = 0;
	int ret = vfio_unmap(w->rig.container, iova, size, 0, &n);

	locked -= proc_locked_kib();
	tap_ok(!ret && n == size && locked == kib,
	       "UNMAP %s: %s, %#lx bytes of %#lx, %ld KiB unlocked of %ld",
	       what, strerror(-ret), n, size, locked, kib);
}

/*
 * What the device fetched goes where the device can write, at the end of a
 * page that is mapped for nothing else.
 */
bool device_sees(struct world *w, uint64_t iova, const void *want)
{
	const uint64_t back = IOVA - PAGE_2M;
	uint32_t failed = edu_failed(&w->rig.edu);
	static char *page;
	int ret;

	if (!page)
		page = mem_alloc(PAGE_4K, LEAF_4K);
	ret = vfio_map(w->rig.container, page, back, PAGE_4K, MAP_RW);
	if (ret)
		tap_bail("MAP of a page to look at: %s", strerror(-ret));
	memset(page, ~*(const char *)want, PROBE);
	edu_fetch(&w->rig.edu, iova, 0, PROBE);
	edu_store(&w->rig.edu, back, 0, PROBE);
	vfio_unmap(w->rig.container, back, PAGE_4K, 0, NULL);
	return edu_failed(&w->rig.edu) == failed && !memcmp(page, want, PROBE);
}

static void run_alone(void (*test)(void), const char *name)
{
	struct counters before;

	counters_read(&before);
	test();
	counters_back(&before, name);
}

int main(int argc, char **argv)
{
	struct counters before;
	struct world w = { 0 };

	peer_main(argc, argv);
	puts("TAP version 13");
	backend_args(&argc, argv, VFIO_TYPE1v2_IOMMU, VFIO_TYPE1_HWDBM_IOMMU);
	run_alone(test_params, "parameters");
	run_alone(test_as_stock, "as stock");
	counters_read(&before);
	backend_open(&w.rig, 0);
	balance_run(w.rig.container, test_backings, &w, "backings");
	balance_run(w.rig.container, test_protection, &w, "protection");
	balance_run(w.rig.container, test_changes, &w, "changes");
	balance_run(w.rig.container, test_limits, &w, "limits");
	balance_run(w.rig.container, test_ranges, &w, "IOVA ranges");
	rig_close(&w.rig);
	counters_back(&before, "closed");
	run_alone(test_left_behind, "what processes leave behind");
	return tap_done();
}
