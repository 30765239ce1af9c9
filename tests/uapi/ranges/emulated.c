// SPDX-License-Identifier: GPL-2.0-only
/* IOMMU groups come and go in a container whose other group has no IOMMU. */
#include "balance.h"
#include "ranges.h"
#include "simdev.h"
#include "tap.h"

#include <errno.h>

static const struct ranges none;
static const struct ranges all = {
	.nr = 1,
	.at = { { .start = 0, .end = UINT64_MAX } },
};

static struct ranges plain, holed;

static void groups_come_and_go(void)
{
	join(SIM);
	ranges_are(&none, "an emulated group alone");
	join(PLAIN);
	read_ranges(&plain);
	tap_ok(plain.nr, "an IOMMU group has come: %u IOVA ranges", plain.nr);
	holed = plain;
	exclude(&holed, HOLE, HOLE_END - 1);
	join(HOLED);
	ranges_are(&holed, "one with a hole too");
	leave(PLAIN);
	ranges_are(&holed, "the one without a hole has left");
	leave(HOLED);
	/* As stock has it: not what it was, but to the same effect. */
	ranges_are(&all, "no IOMMU is left");
}

/* A mapping where nothing but an emulated device can have one. */
static void a_mapping_in_the_hole(char *mem)
{
	const struct vfio_dev *sim = the_sim();
	struct balance before;

	tap_ret(map(mem, HOLE, HOLE_PAGES), 0, "MAP in what is no hole now");
	tap_ok(sim_pin(sim, HOLE, 1, SIM_RDWR) == 1, "pinned");
	balance_take(&before, container);
	tap_ret(try_join(HOLED), -EINVAL, "a group with the hole comes");
	ranges_are(&all, "refused");
	balance_same(&before, "refused");
	join(PLAIN);
	ranges_are(&plain, "one without a hole has come");
	tap_ok(reaches(PLAIN, HOLE_END - PAGE_4K, mem + HOLE_BYTES - PAGE_4K),
	       "its device gets at the mapping");
	tap_ret(try_join(HOLED), -EINVAL, "the one with the hole comes again");
	ranges_are(&plain, "refused");
	tap_ok(sim_pins(sim) == 1 && !sim_unpin(sim, HOLE, 1),
	       "the pin has been there all the time");
	tap_ret(unmap(HOLE, HOLE_PAGES), 0, "UNMAP");
	join(HOLED);
	ranges_are(&holed, "then it can come");
	tap_ret(map(mem, HOLE, 1), -EINVAL, "MAP in the hole");
}

static void in_the_end(char *mem)
{
	leave(HOLED);
	ranges_are(&plain, "it has left");
	leave(SIM);
	ranges_are(&plain, "the emulated group has left");
	join(SIM);
	ranges_are(&plain, "it is back");
	leave(PLAIN);
	ranges_are(&all, "no IOMMU is left");
	tap_ret(map(mem, HOLE, 1), 0, "MAP where the hole was");
	tap_ret(unmap(HOLE, 1), 0, "UNMAP");
	leave(SIM);
	join(SIM);
	ranges_are(&none, "a container as good as new");
	leave(SIM);
}

void test_emulated(void)
{
	char *mem = mem_alloc(HOLE_BYTES, LEAF_4K);

	set_hole(HOLE, HOLE_BYTES);
	container_begin();
	groups_come_and_go();
	a_mapping_in_the_hole(mem);
	in_the_end(mem);
	container_end();
	mem_free(mem, HOLE_BYTES);
}
