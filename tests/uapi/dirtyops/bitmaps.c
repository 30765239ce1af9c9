// SPDX-License-Identifier: GPL-2.0-only
/* Shapes of bitmaps: holes, coarse bits, any alignment. */
#include "bitmap.h"
#include "dirtyops.h"
#include "guard.h"
#include "tap.h"

#include <string.h>

/* Two mappings of four pages with a hole of three between; holes around. */
#define AT_A	2
#define AT_B	9
#define SPAN	"..0000...0000..."
#define MIXED	"..0110...1001..."

static void holes(struct rig *rig)
{
	start_logging(rig);
	tap_ok(rig_log_is(rig, DIRTY_NOCLEAR, IOVA, PAGE_4K, SPAN),
	       "NOCLEAR leaves bits outside mappings as they are");
	rig_write(rig, page_at(3));
	rig_write(rig, page_at(4));
	rig_write(rig, page_at(9));
	rig_write(rig, page_at(12));
	/* four times: rig_log_is() has four kinds of rubbish */
	tap_ok(rig_log_is(rig, DIRTY_NOCLEAR, IOVA, PAGE_4K, MIXED) &&
	       rig_log_is(rig, DIRTY_NOCLEAR, IOVA, PAGE_4K, MIXED) &&
	       rig_log_is(rig, DIRTY_NOCLEAR, IOVA, PAGE_4K, MIXED) &&
	       rig_log_is(rig, DIRTY_NOCLEAR, IOVA, PAGE_4K, MIXED),
	       "a range with holes, whatever the buffer held");
	tap_ok(rig_log_is(rig, DIRTY_NOCLEAR, page_at(AT_A), PAGE_4K, "0110") &&
	       rig_log_is(rig, DIRTY_NOCLEAR, page_at(AT_B), PAGE_4K, "1001"),
	       "each mapping alone");
	tap_ret(rig_clear(rig, IOVA, PAGE_4K, "1111011111101111"), 0,
		"CLEAR over mappings and holes");
	tap_ok(rig_log_is(rig, DIRTY_GET, IOVA, PAGE_4K, "..0010...0000..."),
	       "clears just the set bits");
	stop_logging(rig);
}

/* Bits are pages 0,1 | 2,3 | 4,5 | 6,7 | 8,9 | 10,11 | 12,13 | ... */
static void coarse(struct rig *rig)
{
	start_logging(rig);
	rig_write(rig, page_at(3));
	rig_write(rig, page_at(9));
	rig_write(rig, page_at(12));
	tap_ok(rig_log_is(rig, DIRTY_NOCLEAR, IOVA, 2 * PAGE_4K, ".10.101."),
	       "bits of 8 KiB");
	tap_ok(rig_log_is(rig, DIRTY_NOCLEAR, IOVA, 4 * PAGE_4K, "1011"),
	       "bits of 16 KiB");
	tap_ok(rig_log_is(rig, DIRTY_NOCLEAR, IOVA, 8 * PAGE_4K, "11"),
	       "bits of 32 KiB");
	tap_ok(rig_log_is(rig, DIRTY_NOCLEAR, IOVA, 16 * PAGE_4K, "1"),
	       "a bit that two mappings share");
	tap_ok(rig_log_is(rig, DIRTY_NOCLEAR, IOVA, 1ULL << 30, "1."),
	       "bits of 1 GiB");
	tap_ret(rig_clear(rig, IOVA, 8 * PAGE_4K, "10"), 0,
		"CLEAR of a coarse bit");
	tap_ok(rig_log_is(rig, DIRTY_NOCLEAR, IOVA, PAGE_4K, "..0000...1001..."),
	       "clears its pages");
	rig_write(rig, page_at(2));
	tap_ret(rig_clear(rig, IOVA, 1ULL << 30, "0"), 0, "CLEAR of no bit");
	tap_ok(rig_log_is(rig, DIRTY_NOCLEAR, IOVA, 16 * PAGE_4K, "1"),
	       "clears nothing");
	tap_ret(rig_clear(rig, IOVA, 16 * PAGE_4K, "1"), 0,
		"CLEAR of a bit that two mappings share");
	tap_ok(rig_log_is(rig, DIRTY_NOCLEAR, IOVA, PAGE_4K, SPAN),
	       "clears in both");
	rig_write(rig, page_at(2));
	tap_ok(rig_log_is(rig, DIRTY_GET, IOVA, 16 * PAGE_4K, "1"),
	       "only the first mapping of a shared bit is dirty");
	rig_write(rig, page_at(12));
	tap_ok(rig_log_is(rig, DIRTY_GET, IOVA, 16 * PAGE_4K, "1"),
	       "only the last one is");
	tap_ok(rig_log_is(rig, DIRTY_GET, IOVA, 16 * PAGE_4K, "0"),
	       "a coarse GET has cleared both");
	stop_logging(rig);
}

static void every_size(struct rig *rig)
{
	bool clean = true, dirty = true, again = true;
	uint64_t pgsize;

	start_logging(rig);
	for (pgsize = PAGE_4K * 4; pgsize <= 1ULL << 30; pgsize *= 2) {
		/* the range must not cut a mapping: first bits end in holes */
		uint64_t size = pgsize < 8 * PAGE_4K ? 8 * PAGE_4K : pgsize;
		const char *no = size == pgsize ? "0" : "00";
		const char *yes = size == pgsize ? "1" : "10";

		clean &= rig_log_is(rig, DIRTY_GET, IOVA, pgsize, no);
		rig_write(rig, page_at(AT_A));
		dirty &= rig_log_is(rig, DIRTY_NOCLEAR, IOVA, pgsize, yes);
		dirty &= !rig_clear(rig, IOVA, pgsize, "1");
		again &= rig_log_is(rig, DIRTY_NOCLEAR, IOVA, pgsize, no);
	}
	tap_ok(clean, "16 KiB to 1 GiB: a clean bit");
	tap_ok(dirty, "16 KiB to 1 GiB: a dirty bit");
	tap_ok(again, "16 KiB to 1 GiB: clean after CLEAR");
	stop_logging(rig);
}

/* A bitmap may start at any byte; what is around it is not ours. */
static void alignment(struct rig *rig)
{
	bool good = true;
	uint64_t shift;

	start_logging(rig);
	for (shift = 0; shift < 16; shift++) {
		uint8_t *page = guard_alloc(64);
		uint8_t *map = page + shift;
		int ret;

		memset(page, 0xee, 64);
		rig_write(rig, page_at(AT_B + 1));
		ret = vfio_dirty_range(rig->container, DIRTY_GET, page_at(AT_B),
				       4 * PAGE_4K, PAGE_4K, map, 8);
		good &= !ret && *map == (0xe0 | 0x02);
		*map = 0xee;
		for (ret = 0; ret < 64; ret++)
			good &= page[ret] == 0xee;
		/* and read from there */
		rig_write(rig, page_at(AT_B + 1));
		memset(map, 0, 8);
		*map = 0x02;
		good &= !vfio_dirty_range(rig->container, DIRTY_CLEAR,
					  page_at(AT_B), 4 * PAGE_4K, PAGE_4K,
					  map, 8);
		good &= rig_log_is(rig, DIRTY_NOCLEAR, page_at(AT_B), PAGE_4K,
				   "0000");
		guard_free(page, 64);
	}
	tap_ok(good, "bitmaps at any byte, and nothing written beside");
	stop_logging(rig);
}

/* The bitmap of 300 pages straddles pages of memory at every offset. */
static void straddling(struct rig *rig)
{
	uint64_t iova = IOVA + (64ULL << 20), nr = 300, i, at;
	void *mem = rig_map(rig, iova, nr);
	uint8_t *buf = guard_alloc(3 * PAGE_4K), *map;
	bool good = true;

	start_logging(rig);
	for (at = 0; at < 48; at += 5) {
		map = buf + PAGE_4K - at;
		for (i = at % 3; i < nr; i += 7)
			rig_write(rig, iova + i * PAGE_4K);
		memset(buf, 0xff, 3 * PAGE_4K);
		good &= !vfio_dirty_range(rig->container, DIRTY_GET, iova,
					  nr * PAGE_4K, PAGE_4K, map, 40);
		for (i = 0; i < nr; i++)
			good &= bit_get(map, i) == (i % 7 == at % 3);
		good &= bit_get(map, nr) && map[-1] == 0xff && map[40] == 0xff;
	}
	tap_ok(good, "bitmaps across the end of a page of memory");
	stop_logging(rig);
	guard_free(buf, 3 * PAGE_4K);
	rig_unmap(rig, mem, iova, nr);
}

void test_bitmaps(struct rig *rig)
{
	void *a = rig_map(rig, page_at(AT_A), 4);
	void *b = rig_map(rig, page_at(AT_B), 4);

	holes(rig);
	coarse(rig);
	every_size(rig);
	alignment(rig);
	straddling(rig);
	rig_unmap(rig, a, page_at(AT_A), 4);
	rig_unmap(rig, b, page_at(AT_B), 4);
}
