// SPDX-License-Identifier: GPL-2.0-only
/* Usage: vaddr [--type stock|claimed]. Wants two edu devices. */
#define _GNU_SOURCE
#include "balance.h"
#include "counters.h"
#include "tap.h"
#include "vaddr.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void map_slot(struct world *w, int slot)
{
	int ret = vfio_map(w->rig.container, at(w->old, slot),
			   slot_iova(slot), SIZE, MAP_RW);

	if (ret)
		tap_bail("MAP of slot %d: %s", slot, strerror(-ret));
}

void unmap_slot(struct world *w, int slot)
{
	uint64_t unmapped = 0;
	int ret = vfio_unmap(w->rig.container, slot_iova(slot), SIZE, 0,
			     &unmapped);

	if (ret || unmapped != SIZE)
		tap_bail("UNMAP of slot %d: %s, %#lx bytes", slot,
			 strerror(-ret), unmapped);
}

int invalidate(struct world *w, uint64_t iova, uint64_t size,
	       uint64_t *unmapped)
{
	return vfio_unmap(w->rig.container, iova, size,
			  VFIO_DMA_UNMAP_FLAG_VADDR, unmapped);
}

int invalidate_slot(struct world *w, int slot)
{
	return invalidate(w, slot_iova(slot), SIZE, NULL);
}

int update(struct world *w, uint64_t iova, uint64_t size, void *vaddr)
{
	return vfio_map(w->rig.container, vaddr, iova, size,
			VFIO_DMA_MAP_FLAG_VADDR);
}

int update_slot(struct world *w, int slot)
{
	return update(w, slot_iova(slot), SIZE, at(w->new, slot));
}

static void make_memory(struct world *w)
{
	w->memfd = memfd_create("vaddr", MFD_CLOEXEC);
	if (w->memfd < 0 || ftruncate(w->memfd, SLOTS * SIZE))
		tap_bail("memfd: %m");
	w->old = mmap(NULL, SLOTS * SIZE, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_POPULATE, w->memfd, 0);
	w->new = mmap(NULL, SLOTS * SIZE, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_POPULATE, w->memfd, 0);
	if (w->old == MAP_FAILED || w->new == MAP_FAILED)
		tap_bail("mmap: %m");
}

static void test_extension(struct world *w)
{
	int empty = vfio_container_open();

	tap_ok(vfio_check_extension(empty, VFIO_UPDATE_VADDR) == 0,
	       "the extension is 0 before a backend is chosen");
	close(empty);
	tap_ok(vfio_check_extension(w->rig.container, VFIO_UPDATE_VADDR) == 1,
	       "and 1 on a container with a device");
}

int main(int argc, char **argv)
{
	struct counters before;
	struct world w = { 0 };

	peer_main(argc, argv);
	puts("TAP version 13");
	backend_args(&argc, argv, VFIO_TYPE1v2_IOMMU, VFIO_TYPE1_HWDBM_IOMMU);
	make_memory(&w);
	counters_read(&before);
	peer_start(&w.early);
	backend_open(&w.rig, 0);
	balance_run(w.rig.container, test_extension, &w, "extension");
	balance_run(w.rig.container, test_calls, &w, "calls");
	balance_run(w.rig.container, test_several, &w, "several mappings");
	balance_run(w.rig.container, test_attach, &w, "a second group");
	balance_run(w.rig.container, test_owner, &w, "owners");
	balance_run(w.rig.container, test_exec, &w, "exec");
	balance_run(w.rig.container, test_log, &w, "the log");
	/* closing has to clean up what is mapped and invalid */
	map_slot(&w, 0);
	map_slot(&w, 1);
	tap_ret(invalidate_slot(&w, 1), 0, "invalid at the end");
	peer_end(&w.early);
	rig_close(&w.rig);
	counters_back(&before, "closed with an invalid mapping");
	return tap_done();
}
