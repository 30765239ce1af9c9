// SPDX-License-Identifier: GPL-2.0-only
/*
 * The log works in chunks of 128 MiB of a mapping, one after the other. Here a
 * mapping of two lies across a border of 1 GiB, which cuts its first chunk: a
 * coarse bit has a part of one chunk, or parts of both.
 */
#include "bitmap.h"
#include "dirtyops.h"
#include "guard.h"
#include "mem.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK	32768ULL		/* pages */
#define NR	40000ULL
#define BELOW	20000ULL		/* of them below the border */
#define BORDER	(IOVA + (1ULL << 30))
#define FIRST	(BORDER - BELOW * PAGE_4K)
#define BYTES	(NR / 8)
#define STEP	61

static void write_page(struct rig *rig, uint64_t page)
{
	rig_write(rig, FIRST + page * PAGE_4K);
}

/* The bit of @pgsize below the border, and the one above. */
static bool two_bits_are(struct rig *rig, uint64_t pgsize, const char *want)
{
	return rig_log_is(rig, DIRTY_NOCLEAR, BORDER - pgsize, pgsize, want);
}

static bool coarse_bits(struct rig *rig, uint64_t pgsize)
{
	static const struct {
		uint64_t page;
		const char *bits;
	} spots[] = {
		{ 0, "10" },
		{ BELOW - 1, "10" },
		{ BELOW, "01" },
		{ CHUNK - 1, "01" },
		{ CHUNK, "01" },
		{ NR - 1, "01" },
	};
	bool good = two_bits_are(rig, pgsize, "00");
	unsigned int i;

	for (i = 0; i < sizeof(spots) / sizeof(*spots); i++) {
		const char *bits = spots[i].bits;

		write_page(rig, spots[i].page);
		good &= two_bits_are(rig, pgsize, bits);
		/* the other bit, then this one */
		good &= !rig_clear(rig, BORDER - pgsize, pgsize,
				   bits[0] == '1' ? "01" : "10");
		good &= two_bits_are(rig, pgsize, bits);
		good &= !rig_clear(rig, BORDER - pgsize, pgsize, bits);
		good &= two_bits_are(rig, pgsize, "00");
	}
	/* one bit, dirty in both chunks: cleared in both */
	write_page(rig, CHUNK - 1);
	write_page(rig, CHUNK);
	good &= rig_log_is(rig, DIRTY_GET, BORDER - pgsize, pgsize, "01");
	good &= two_bits_are(rig, pgsize, "00");
	return good;
}

static bool agrees(struct rig *rig, uint32_t flag, const uint8_t *twin,
		   uint8_t *map)
{
	uint64_t page;

	memset(map, 0xa5, BYTES);
	if (vfio_dirty_range(rig->container, flag, FIRST, NR * PAGE_4K, PAGE_4K,
			     map, BYTES))
		return false;
	for (page = 0; page < NR; page++) {
		if (bit_get(map, page) == bit_get(twin, page))
			continue;
		tap_diag("page %lu: %d", page, bit_get(map, page));
		return false;
	}
	return true;
}

/* CLEAR of the pages that are set in @map, @nr from @page on. */
static bool clear_pages(struct rig *rig, uint64_t page, uint64_t nr,
			const uint8_t *map, uint8_t *twin)
{
	uint64_t i;

	for (i = 0; i < nr; i++)
		if (bit_get(map, i))
			bit_put(twin, page + i, false);
	return !vfio_dirty_range(rig->container, DIRTY_CLEAR,
				 FIRST + page * PAGE_4K, nr * PAGE_4K, PAGE_4K,
				 (void *)map, bit_bytes(nr));
}

static void write_some(struct rig *rig, uint8_t *twin)
{
	uint64_t page;

	for (page = CHUNK % STEP; page < NR; page += STEP) {
		write_page(rig, page);
		bit_put(twin, page, true);
	}
}

static void single_pages(struct rig *rig)
{
	uint8_t *twin = calloc(1, BYTES), *map = guard_alloc(BYTES);

	write_some(rig, twin);
	tap_ok(agrees(rig, DIRTY_NOCLEAR, twin, map), "NOCLEAR of two chunks");
	memset(map, 0x55, BYTES);
	tap_ok(clear_pages(rig, 0, NR, map, twin) &&
	       agrees(rig, DIRTY_NOCLEAR, twin, map),
	       "CLEAR of every other page of two chunks");
	write_some(rig, twin);
	memset(map, 0xff, BYTES);
	tap_ok(clear_pages(rig, CHUNK - 131, 300, map, twin) &&
	       agrees(rig, DIRTY_NOCLEAR, twin, map),
	       "CLEAR of 300 pages around the end of a chunk");
	write_some(rig, twin);
	tap_ok(agrees(rig, DIRTY_GET, twin, map), "GET of two chunks");
	memset(twin, 0, BYTES);
	tap_ok(agrees(rig, DIRTY_GET, twin, map), "has cleared both");
	write_some(rig, twin);
	memset(map, 0xff, BYTES);
	tap_ok(clear_pages(rig, 0, NR, map, twin) &&
	       agrees(rig, DIRTY_NOCLEAR, twin, map), "CLEAR of all");
	guard_free(map, BYTES);
	free(twin);
}

static void unmap(struct rig *rig)
{
	uint8_t *map = guard_alloc(BYTES), *twin = calloc(1, BYTES);
	struct vfio_bitmap out = {
		.pgsize = PAGE_4K,
		.size = BYTES,
		.data = (void *)map,
	};
	int ret;

	write_some(rig, twin);
	memset(map, 0xa5, BYTES);
	ret = vfio_unmap_dirty(rig->container, FIRST, NR * PAGE_4K,
			       VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP, &out, NULL);
	tap_ok(!ret && !memcmp(map, twin, BYTES),
	       "UNMAP with bitmap of two chunks: %d", ret);
	guard_free(map, BYTES);
	free(twin);
}

void test_chunks(struct rig *rig)
{
	void *mem = rig_map(rig, FIRST, NR);

	start_logging(rig);
	tap_ok(coarse_bits(rig, 1ULL << 30), "bits of 1 GiB, two chunks");
	tap_ok(coarse_bits(rig, 256ULL << 20), "bits of 256 MiB, two chunks");
	single_pages(rig);
	unmap(rig);
	stop_logging(rig);
	mem_free(mem, NR * PAGE_4K);
}
