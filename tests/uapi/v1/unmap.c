// SPDX-License-Identifier: GPL-2.0-only
#include "tap.h"
#include "v1.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define AT(page) (IOVA + (page) * PAGE_4K)
#define LONG(pages) ((pages) * PAGE_4K)

void test_unmap(struct world *w)
{
	unmap_gives(w, AT(0), LONG(16), 16, "-mmmm", "of just a mapping");
	unmap_gives(w, AT(0), LONG(1), 16, "-mmmm", "of its first page");
	unmap_gives(w, AT(0), LONG(15), 16, "-mmmm", "of all but its last page");
	unmap_gives(w, AT(1), LONG(1), 0, "mmmmm", "of its second page");
	unmap_gives(w, AT(15), LONG(1), 0, "mmmmm", "of its last page");
	unmap_gives(w, AT(1), LONG(15), 0, "mmmmm", "of all but its first page");
	unmap_gives(w, AT(8), LONG(9), 0, "mmmmm",
		    "from its middle to the next one's first page");
	unmap_gives(w, AT(8), LONG(80), 0, "mmmmm",
		    "from its middle to beyond four");
	unmap_gives(w, AT(0), LONG(17), 24, "--mmm",
		    "of it and the next one's first page");
	unmap_gives(w, AT(16), LONG(9), 40, "m--mm",
		    "of the second and the third one's first page");
	unmap_gives(w, AT(60), LONG(5), 16, "mmm-m",
		    "from the gap to the first page behind it");
	unmap_gives(w, AT(60), LONG(4), 0, "mmmmm", "in the gap");
	unmap_gives(w, AT(24), LONG(60), 48, "mm--m",
		    "from the third, over the gap, into the fourth");
	unmap_gives(w, AT(0) - LONG(8), LONG(9), 16, "-mmmm",
		    "from before all, to the first page");
	unmap_gives(w, 0, LONG(1), 0, "mmmmm", "of nothing, at 0");
}

/* As QEMU's block driver ends: all from a mark upward, at once. */
void test_many(struct world *w)
{
	const int nr = 1000;
	uint64_t top = 1ULL << 39, base = FAR + LONG(1024), n = 0;
	int i, ret = 0;

	unmap_gives(w, AT(0), top - AT(0), 76, "-----", "[mark, 2^39)");
	unmap_gives(w, AT(16), top - AT(16), 60, "m----",
		    "[mark, 2^39) from the second on");
	unmap_gives(w, AT(17), top - AT(17), 0, "mmmmm",
		    "[mark, 2^39) from within the second on");
	unmap_gives(w, AT(63), top - AT(63), 20, "mmm--",
		    "[mark, 2^39) from the gap on");
	for (i = 0; i < nr && !ret; i++)
		ret = vfio_map(w->rig.container, w->memory,
			       base + (uint64_t)i * 2 * PAGE_4K, PAGE_4K,
			       MAP_RW);
	tap_ret(ret, 0, "MAP %d times", nr);
	ret = vfio_unmap(w->rig.container, base, top - base, 0, &n);
	tap_ret(ret, 0, "UNMAP [mark, 2^39)");
	tap_ok(n == (uint64_t)nr * PAGE_4K, "it says how much: %#lx", n);
	tap_ok(mapped_are(w, "mmmmm"), "what was below the mark is left");
	ret = vfio_unmap(w->rig.container, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL, &n);
	tap_ret(ret, 0, "UNMAP with ALL");
	tap_ok(n == LONG(76), "it says how much: %#lx", n);
	tap_ok(mapped_are(w, "-----"), "nothing is left");
	ret = vfio_unmap(w->rig.container, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL, &n);
	tap_ret(ret, 0, "UNMAP with ALL of nothing");
	tap_ok(!n, "it says 0: %#lx", n);
}
