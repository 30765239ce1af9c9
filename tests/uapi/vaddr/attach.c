// SPDX-License-Identifier: GPL-2.0-only
/*
 * A group that joins finds its mappings replayed, for which each vaddr must be
 * valid. So whether it may join also tells if invalid ones are counted right.
 */
#include "tap.h"
#include "vaddr.h"

#include <errno.h>
#include <string.h>

static struct rig second;

static int join(struct world *w)
{
	int ret = vfio_group_open(&second.dev);

	if (ret)
		tap_bail("group %d: %s", second.dev.group_nr, strerror(-ret));
	ret = vfio_group_attach(&second.dev, w->rig.container);
	if (ret)
		vfio_group_close(&second.dev);
	return ret;
}

static void leave(void)
{
	vfio_group_close(&second.dev);
}

/* Comes and goes, using the device of the group meanwhile. */
static void joins(struct world *w, const char *when)
{
	int ret = join(w);

	if (!tap_ret(ret, 0, "a group joins %s", when))
		return;
	if (vfio_device_open(&second.dev))
		tap_bail("the second device does not open");
	edu_open(&second.edu, second.dev.fd);
	tap_ok(rig_reaches(&second, slot_iova(1), at(w->new, 1)),
	       "and its device gets at what is mapped");
	edu_close(&second.edu);
	leave();
}

static void busy(struct world *w, const char *when)
{
	tap_ret(join(w), -EBUSY, "a group joins %s", when);
}

static void refused_while_invalid(struct world *w)
{
	joins(w, "at first");
	invalidate_slot(w, 0);
	busy(w, "while a vaddr is invalid");
	tap_ok(rig_reaches(&w->rig, slot_iova(0), w->old),
	       "the device that is there goes on");
	invalidate_slot(w, 1);
	update_slot(w, 0);
	busy(w, "while the other one is");
	update(w, slot_iova(3), SIZE, w->new);
	update(w, slot_iova(1), SIZE / 2, w->new);
	busy(w, "after a MAP VADDR that failed");
	update_slot(w, 1);
	joins(w, "when both are valid");
}

static void counted_right(struct world *w)
{
	invalidate_slot(w, 1);
	invalidate(w, slot_iova(0), 3 * SIZE, NULL);
	busy(w, "after all of nothing, one invalid");
	update_slot(w, 1);
	joins(w, "when that one is valid");
	invalidate_slot(w, 2);
	unmap_slot(w, 2);
	joins(w, "when an invalid mapping was unmapped");
	map_slot(w, 2);
	vfio_unmap(w->rig.container, 0, 0,
		   VFIO_DMA_UNMAP_FLAG_VADDR | VFIO_DMA_UNMAP_FLAG_ALL, NULL);
	busy(w, "when all are invalid");
	unmap_slot(w, 0);
	unmap_slot(w, 2);
	busy(w, "when some of them were unmapped");
	update_slot(w, 1);
	joins(w, "when the last one is valid");
}

static void leaves_while_invalid(struct world *w)
{
	tap_ret(join(w), 0, "a group joins");
	invalidate_slot(w, 1);
	leave();
	tap_ok(rig_reaches(&w->rig, slot_iova(1), at(w->new, 1)),
	       "and leaves while a vaddr is invalid; the other device goes on");
	busy(w, "again");
	update_slot(w, 1);
	joins(w, "when it is valid");
}

void test_attach(struct world *w)
{
	struct vfio_dev devs[2];
	int i;

	if (vfio_find_edus(devs, 2) < 2) {
		tap_skip("a second group", "one edu device only");
		return;
	}
	second.dev = devs[1];
	for (i = 0; i < 3; i++)
		map_slot(w, i);
	refused_while_invalid(w);
	counted_right(w);
	leaves_while_invalid(w);
	unmap_slot(w, 1);
}
