// SPDX-License-Identifier: GPL-2.0-only
/* Holes that are not just in the middle of a range. */
#include "ranges.h"
#include "tap.h"

#include <errno.h>

#define EDGE	0x100000ULL	/* bytes at the end of what can be mapped */
#define MSI	0xfee00000ULL
#define MSI_END	0xfef00000ULL

/*
 * Stock of 6.12 takes the ends of what is left for the ends of all there is,
 * until a domain goes. Ours gives back what was taken.
 */
static void gone(const struct ranges *plain, const struct ranges *holed,
		 uint64_t iova, char *mem)
{
	int want = backend.stock ? -EINVAL : 0;

	ranges_are(backend.stock ? holed : plain, "it has left");
	tap_ret(map(mem, iova, 1), want, "MAP where it was%s",
		want ? " (stock's way)" : "");
	if (want)
		return;
	tap_ok(reaches(PLAIN, iova, mem), "the device gets at it");
	tap_ret(unmap(iova, 1), 0, "UNMAP");
}

static void edge(const char *name, uint64_t first, char *mem)
{
	struct ranges plain, holed;

	tap_diag("a hole at the %s", name);
	set_hole(first, EDGE);
	container_begin();
	join(PLAIN);
	read_ranges(&plain);
	holed = plain;
	exclude(&holed, first, first + (EDGE - 1));
	tap_ok(holed.nr == plain.nr && !same_ranges(&holed, &plain),
	       "a range gets shorter");
	join(HOLED);
	ranges_are(&holed, "a group with the hole has come");
	tap_ret(map(mem, first, 1), -EINVAL, "MAP in it");
	leave(HOLED);
	gone(&plain, &holed, first, mem);
	leave(PLAIN);
	join(PLAIN);
	ranges_are(&plain, "a container as good as new");
	leave(PLAIN);
	container_end();
}

void test_edges(void)
{
	char *mem = mem_alloc(PAGE_4K, LEAF_4K);
	struct ranges r;

	container_begin();
	join(PLAIN);
	read_ranges(&r);
	leave(PLAIN);
	container_end();
	edge("start", r.at[0].start, mem);
	edge("end", r.at[r.nr - 1].end - (EDGE - 1), mem);
	mem_free(mem, PAGE_4K);
}

/* What both groups reserve must not come back with the first that leaves. */
void test_overlap(void)
{
	static const struct {
		const char *what;
		uint64_t first, bytes;
	} holes[] = {
		{ "over the start of the MSI window", MSI - 0x8000, 0x10000 },
		{ "over its end", MSI_END - 0x8000, 0x10000 },
		{ "inside of it", MSI + 0x8000, 0x1000 },
		{ "over all of it", MSI - 0x8000, 0x110000 },
		{ "right below it", MSI - 0x8000, 0x8000 },
		{ "right above it", MSI_END, 0x8000 },
	};
	struct ranges plain, holed;
	unsigned int i;

	container_begin();
	join(PLAIN);
	read_ranges(&plain);
	for (i = 0; i < sizeof(holes) / sizeof(*holes); i++) {
		set_hole(holes[i].first, holes[i].bytes);
		holed = plain;
		exclude(&holed, holes[i].first,
			holes[i].first + holes[i].bytes - 1);
		join(HOLED);
		ranges_are(&holed, holes[i].what);
		leave(HOLED);
		ranges_are(&plain, "it has left");
	}
	leave(PLAIN);
	container_end();
}
