// SPDX-License-Identifier: GPL-2.0-only
/* A group that cannot come in: nothing may change for those that are. */
#include "balance.h"
#include "ranges.h"
#include "tap.h"

#include <errno.h>

static const struct {
	const char *what;
	uint64_t iova;
	uint64_t pages;
	int want;
} mappings[] = {
	{ "inside the hole", HOLE + 2 * PAGE_4K, 4, -EINVAL },
	{ "on its first page", HOLE, 1, -EINVAL },
	{ "on its last page", HOLE_END - PAGE_4K, 1, -EINVAL },
	{ "over its start", HOLE - PAGE_4K, 2, -EINVAL },
	{ "over its end", HOLE_END - PAGE_4K, 2, -EINVAL },
	{ "over all of it", HOLE - PAGE_4K, HOLE_PAGES + 2, -EINVAL },
	{ "up to it", HOLE - PAGE_4K, 1, 0 },
	{ "from its end on", HOLE_END, 1, 0 },
};

static void one(unsigned int i, char *mem, const struct ranges *plain)
{
	uint64_t iova = mappings[i].iova, pages = mappings[i].pages;
	uint64_t last = (pages - 1) * PAGE_4K;
	struct balance before;
	int ret;

	tap_ret(map(mem, iova, pages), 0, "MAP %s", mappings[i].what);
	balance_take(&before, container);
	ret = try_join(HOLED);
	tap_ret(ret, mappings[i].want, "then a group with it comes");
	if (!ret)
		leave(HOLED);
	ranges_are(plain, ret ? "refused" : "gone again");
	balance_same(&before, ret ? "refused" : "gone again");
	tap_ok(reaches(PLAIN, iova, mem) &&
		       reaches(PLAIN, iova + last, mem + last),
	       "the first device gets at the mapping still");
	tap_ret(map(mem, iova, 1), -EEXIST, "which is there");
	tap_ret(unmap(iova, pages), 0, "and can be unmapped");
}

void test_conflict(void)
{
	char *mem = mem_alloc((HOLE_PAGES + 2) * PAGE_4K, LEAF_4K);
	struct ranges plain, holed;
	unsigned int i;

	set_hole(HOLE, HOLE_BYTES);
	container_begin();
	join(PLAIN);
	read_ranges(&plain);
	for (i = 0; i < sizeof(mappings) / sizeof(*mappings); i++)
		one(i, mem, &plain);
	join(HOLED);
	holed = plain;
	exclude(&holed, HOLE, HOLE_END - 1);
	ranges_are(&holed, "without a mapping there it can come");
	leave(HOLED);
	leave(PLAIN);
	container_end();
	mem_free(mem, (HOLE_PAGES + 2) * PAGE_4K);
}

/* A group that reserves all that there is. */
void test_all_taken(void)
{
	struct ranges plain;

	container_begin();
	join(PLAIN);
	read_ranges(&plain);
	/* The last byte of all cannot be in a region that begins with 0. */
	if (plain.at[plain.nr - 1].end == UINT64_MAX) {
		tap_skip("a group that leaves no IOVA",
			 "this IOMMU has all of 64 bits");
	} else {
		set_hole(0, UINT64_MAX);
		tap_ret(try_join(HOLED), -EINVAL, "a group that leaves no IOVA");
		ranges_are(&plain, "refused");
	}
	leave(PLAIN);
	container_end();
}
