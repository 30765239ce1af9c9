// SPDX-License-Identifier: GPL-2.0-only
/*
 * IOMMUs of two drivers in one container: the vendor's, and simulated ones beside
 * it. Domains that no driver would take for each other's, unlike leaves, and
 * a log that is the sum of what each knows.
 *
 * Wants an edu, and the module sim with iommus=2 tracking=y,n behind=1,1; and ours
 * with disable_hugepages=1. "leaves": tracking=y,y pgsizes=0x11000,0x1000, and ours
 * without.
 */
#include "beside.h"
#include "counters.h"
#include "tap.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define IOVA	0x10000000ULL
#define NR	8
#define NONE	"00000000"
#define ALL	"11111111"

enum { TRACKS, BLIND };

struct rig rig;
struct vfio_dev sims[SIMS];

void must(int ret, const char *what)
{
	if (ret)
		tap_bail("%s: %s", what, strerror(-ret));
}

void join(struct vfio_dev *dev)
{
	must(vfio_group_open(dev), "opening a group");
	must(vfio_group_attach(dev, rig.container), "GROUP_SET_CONTAINER");
	must(vfio_device_open(dev), "GET_DEVICE_FD");
}

void leave(struct vfio_dev *dev)
{
	vfio_device_close(dev);
	must(vfio_group_detach(dev), "GROUP_UNSET_CONTAINER");
	vfio_group_close(dev);
}

static void sim_writes(int page)
{
	char text[] = "by the simulator";

	must(simdma_write(&sims[TRACKS], IOVA + (uint64_t)page * PAGE_4K, text,
			  sizeof(text)), "DMA");
}

static void edu_writes(int page)
{
	rig_write(&rig, IOVA + (uint64_t)page * PAGE_4K);
}

static void get_is(const char *want, const char *when)
{
	tap_ok(rig_log_is(&rig, DIRTY_GET, IOVA, PAGE_4K, want), "%s: GET is %s",
	       when, want);
}

static void is_hwdbm(uint32_t domains, const char *when)
{
	rig_policy_is(&rig, VFIO_HWDBM_POLICY_HWDBM, VFIO_HWDBM_REASON_NONE,
		      domains, when);
}

static void is_full(uint32_t reason, const char *when)
{
	rig_policy_is(&rig, VFIO_HWDBM_POLICY_FULL, reason, 2, when);
}

static void start(void)
{
	must(vfio_dirty_flag(rig.container, DIRTY_START), "START");
}

static void stop(void)
{
	must(vfio_dirty_flag(rig.container, DIRTY_STOP), "STOP");
}

/* What both write, in every way to ask. */
static void both_write(void)
{
	join(&sims[TRACKS]);
	is_hwdbm(2, "both");
	edu_writes(1);
	sim_writes(2);
	sim_writes(1);
	get_is("01100000", "both have written");
	get_is(NONE, "said once");
	sim_writes(4);
	edu_writes(5);
	must(rig_clear(&rig, IOVA, PAGE_4K, "00001000"), "CLEAR");
	get_is("00000100", "one is cleared");
	sim_writes(4);
	edu_writes(5);
	get_is("00001100", "written again");
	leave(&sims[TRACKS]);
}

/* One goes with what only it knows, and comes back clean. */
static void one_leaves(void)
{
	join(&sims[TRACKS]);
	edu_writes(1);
	sim_writes(6);
	leave(&sims[TRACKS]);
	is_hwdbm(1, "the simulated one has left");
	get_is("01000010", "what it knew is kept");
	join(&sims[TRACKS]);
	get_is(NONE, "back");
	sim_writes(3);
	edu_writes(7);
	edu_close(&rig.edu);
	leave(&rig.dev);
	is_hwdbm(1, "the vendor's has left");
	get_is("00010001", "what it knew is kept");
	join(&rig.dev);
	edu_open(&rig.edu, rig.dev.fd);
	get_is(NONE, "both again");
	leave(&sims[TRACKS]);
}

/* One that cannot tell: everything is dirty for as long, and once after. */
static void blind_one(void)
{
	edu_writes(2);
	join(&sims[BLIND]);
	is_full(VFIO_HWDBM_REASON_INCAPABLE, "beside one that cannot track");
	get_is(ALL, "nobody knows");
	leave(&sims[BLIND]);
	is_hwdbm(1, "it has left");
	get_is(ALL, "nobody has looked");
	edu_writes(2);
	get_is("00100000", "the log is exact");
}

/* One whose bits cannot be read. */
static void failing_one(void)
{
	join(&sims[TRACKS]);
	edu_writes(2);
	must(simdma_fail(&sims[TRACKS], SIM_OP_READ, EIO, 3, 1), "SIM_ORDER");
	get_is(ALL, "a read of the simulated one fails");
	is_full(VFIO_HWDBM_REASON_HW_ERROR, "until STOP");
	leave(&sims[TRACKS]);
	is_hwdbm(1, "or until it has left");
	get_is(ALL, "nobody has looked");
	get_is(NONE, "said once");
}

/* Pages stay pinned until neither reaches them. */
static void unmap_both(void *mem)
{
	char data[8] = "late";
	void *again;

	join(&sims[TRACKS]);
	sim_writes(1);
	edu_writes(2);
	rig_unmap(&rig, mem, IOVA, NR);
	tap_ok(simdma_write(&sims[TRACKS], IOVA, data, sizeof(data)) != 0,
	       "after UNMAP the simulated device reaches nothing");
	again = rig_map(&rig, IOVA, NR);
	get_is(NONE, "mapped anew");
	sim_writes(1);
	edu_writes(2);
	get_is("01100000", "both reach it");
	rig_unmap(&rig, again, IOVA, NR);
	leave(&sims[TRACKS]);
}

static void unlike_kinds(void)
{
	void *mem = rig_map(&rig, IOVA, NR);

	start();
	both_write();
	one_leaves();
	blind_one();
	failing_one();
	unmap_both(mem);
	stop();
}

int main(int argc, char **argv)
{
	bool leaves = argc == 2 && !strcmp(argv[1], "leaves");
	struct counters idle;

	puts("TAP version 13");
	if (argc > 1 && !leaves)
		tap_bail("unknown: %s", argv[1]);
	if (rig_4k_leaves() == leaves)
		tap_bail("load the module with disable_hugepages=%d", !leaves);
	counters_baseline(&idle);
	if (!rig_open(&rig, 0))
		tap_bail("wants an edu at vfio-pci");
	if (simdma_find(sims, SIMS) != SIMS)
		tap_bail("wants the module sim with iommus=2 behind=1,1");
	if (leaves)
		unlike_leaves();
	else
		unlike_kinds();
	rig_close(&rig);
	counters_back(&idle, "all of it");
	return tap_done();
}
