// SPDX-License-Identifier: GPL-2.0-only
/* Several mappings in one call: all of them, or none. */
#include "tap.h"
#include "vaddr.h"

#include <errno.h>

/* A letter a slot: 'v'alid or 'i'nvalid. Leaves all of them valid. */
static bool slots_are(struct world *w, const char *want)
{
	bool good = true;
	int i, ret;

	for (i = 0; want[i]; i++) {
		ret = update_slot(w, i);
		if (ret == (want[i] == 'i' ? 0 : -EINVAL))
			continue;
		tap_diag("slot %d, %c is wanted: MAP VADDR says %d", i, want[i],
			 ret);
		good = false;
	}
	return good;
}

static int all(struct world *w, uint64_t iova, uint64_t size, uint64_t *n)
{
	return vfio_unmap(w->rig.container, iova, size,
			  VFIO_DMA_UNMAP_FLAG_VADDR | VFIO_DMA_UNMAP_FLAG_ALL,
			  n);
}

static void ranges(struct world *w)
{
	uint64_t n = 0;

	tap_ret(invalidate(w, IOVA, 3 * SIZE, &n), 0, "UNMAP VADDR of three");
	tap_ok(n == 3 * SIZE, "it says how much: %#lx", n);
	tap_ret(update(w, IOVA, 2 * SIZE, w->new), -EINVAL,
		"MAP VADDR over two at once");
	tap_ok(slots_are(w, "iii"), "each of the three was invalid");
	tap_ret(invalidate(w, IOVA + SIZE, 2 * SIZE, &n), 0, "the last two");
	tap_ok(n == 2 * SIZE && slots_are(w, "vii"), "and only those");
	tap_ret(invalidate(w, IOVA, SIZE + SIZE / 2, NULL), -EINVAL,
		"one and a half");
	tap_ok(slots_are(w, "vvv"), "no vaddr is invalid");
}

static void all_or_none(struct world *w)
{
	static const char *const before[] = { "ivv", "viv", "vvi" };
	uint64_t n;
	int i;

	for (i = 0; i < 3; i++) {
		tap_ret(invalidate_slot(w, i), 0, "UNMAP VADDR of slot %d", i);
		n = 3 * SIZE;
		tap_ret(invalidate(w, IOVA, 3 * SIZE, &n), -EINVAL,
			"then of all three");
		tap_ok(n == 3 * SIZE, "its size is as it was: %#lx", n);
		tap_ok(slots_are(w, before[i]), "only slot %d is invalid", i);
		tap_ret(invalidate_slot(w, i), 0, "UNMAP VADDR of slot %d", i);
		tap_ret(all(w, 0, 0, NULL), -EINVAL, "then with ALL");
		tap_ok(slots_are(w, before[i]), "only slot %d is invalid", i);
	}
}

static void flag_all(struct world *w)
{
	uint64_t n = 0;

	tap_ret(all(w, 0, 0, &n), 0, "UNMAP VADDR and ALL");
	tap_ok(n == 3 * SIZE, "it says how much: %#lx", n);
	tap_ok(rig_reaches(&w->rig, slot_iova(0), w->old) &&
	       rig_reaches(&w->rig, slot_iova(2), at(w->old, 2)),
	       "the device goes on");
	tap_ok(slots_are(w, "iii"), "each of the three was invalid");
	tap_ret(all(w, IOVA, 0, NULL), -EINVAL, "ALL with an IOVA");
	tap_ret(all(w, 0, SIZE, NULL), -EINVAL, "ALL with a size");
	tap_ok(slots_are(w, "vvv"), "no vaddr is invalid");
	tap_ret(all(w, 0, 0, NULL), 0, "UNMAP VADDR and ALL");
	tap_ret(vfio_unmap(w->rig.container, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL, &n),
		0, "UNMAP ALL of invalid mappings");
	tap_ok(n == 3 * SIZE, "it says how much: %#lx", n);
	tap_ret(all(w, 0, 0, &n), 0, "UNMAP VADDR and ALL where nothing is");
	tap_ok(!n, "it says 0 bytes: %#lx", n);
}

void test_several(struct world *w)
{
	int i;

	for (i = 0; i < 3; i++)
		map_slot(w, i);
	ranges(w);
	all_or_none(w);
	flag_all(w);
}
