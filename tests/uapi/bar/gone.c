// SPDX-License-Identifier: GPL-2.0-only
/* Groups that join find BARs mapped; devices go while their BARs are. */
#define _GNU_SOURCE
#include "bar.h"
#include "tap.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

/* The device whose BAR we had: now it does DMA itself. */
static void join(struct world *w, const char *when)
{
	struct rig second = { .dev = w->small.dev };
	uint64_t last = w->big.size - PAGE_4K;

	if (vfio_group_open(&second.dev))
		tap_bail("group %d: %m", second.dev.group_nr);
	tap_ret(vfio_group_attach(&second.dev, w->rig.container), 0,
		"a group joins %s", when);
	if (vfio_device_open(&second.dev))
		tap_bail("the second device does not open");
	edu_open(&second.edu, second.dev.fd);
	tap_ok(rig_reaches(&second, IOVA, w->big.at) &&
	       rig_reaches(&second, IOVA + last, w->big.at + last),
	       "and its device gets at the BAR");
	tap_ok(rig_reaches(&w->rig, IOVA, w->big.at), "as does the first");
	edu_close(&second.edu);
	vfio_group_close(&second.dev);
	tap_ok(rig_reaches(&w->rig, IOVA + last, w->big.at + last),
	       "also when the second has left");
}

void test_join(struct world *w)
{
	tap_ret(bar_map(w, w->big.at, IOVA, w->big.size), 0, "MAP");
	join(w, "a BAR being mapped");
	tap_ret(vfio_dirty_flag(w->rig.container, DIRTY_START), 0, "START");
	join(w, "a BAR being mapped and the log on");
	tap_ret(vfio_dirty_flag(w->rig.container, DIRTY_STOP), 0, "STOP");
	bar_unmap(w, IOVA, w->big.size, "of it");
}

/* DMA to nowhere: what comes back is not ours to say, but the host lives. */
static void poke(struct world *w)
{
	edu_fetch(&w->rig.edu, IOVA, 0, 64);
	edu_store(&w->rig.edu, IOVA, 0, 64);
	edu_fetch(&w->rig.edu, IOVA + w->big.size - PAGE_4K, 0, 64);
}

static void switched_off(struct world *w)
{
	tap_ret(bar_map(w, w->big.at, IOVA, w->big.size), 0, "MAP");
	bar_memory(&w->big, false);
	poke(w);
	tap_ret(bar_map(w, w->big.at, IOVA + 2 * w->big.size, w->big.size),
		-EFAULT, "MAP while the device's memory is off");
	bar_memory(&w->big, true);
	tap_ok(rig_reaches(&w->rig, IOVA, w->big.at),
	       "when it is on again, the first mapping is as it was");
	bar_memory(&w->big, false);
	bar_unmap(w, IOVA, w->big.size, "while it is off");
	bar_memory(&w->big, true);
	tap_ok(rig_refused(&w->rig, IOVA), "it is gone");
}

static void closed(struct world *w)
{
	tap_ret(bar_map(w, w->big.at, IOVA, w->big.size), 0, "MAP");
	munmap(w->big.at, w->big.size);
	w->big.at = bar_see(&w->big, NULL, 0, w->big.size,
			    PROT_READ | PROT_WRITE);
	tap_ok(rig_reaches(&w->rig, IOVA, w->big.at),
	       "the device goes on when we see the BAR elsewhere");
	bar_close(&w->big);
	poke(w);
	tap_ok(true, "DMA to a device that is closed");
	bar_open(&w->big, "0x1110", 0, VFIO_PCI_BAR2_REGION_INDEX);
	tap_ok(rig_reaches(&w->rig, IOVA, w->big.at),
	       "the mapping outlives close and open");
	bar_close(&w->big);
	bar_unmap(w, IOVA, w->big.size, "while it is closed");
	bar_open(&w->big, "0x1110", 0, VFIO_PCI_BAR2_REGION_INDEX);
	tap_ok(rig_refused(&w->rig, IOVA), "it is gone");
}

void test_gone(struct world *w)
{
	switched_off(w);
	closed(w);
}
