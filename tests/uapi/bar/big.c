// SPDX-License-Identifier: GPL-2.0-only
/* A BAR of many megabytes, as GPUs have them. */
#include "bar.h"
#include "bitmap.h"
#include "proc.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

#define WINDOW 64ULL	/* pages: a word of the log */

static bool ends_reached(struct world *w)
{
	uint64_t size = w->big.size, half = size / 2;

	return rig_reaches(&w->rig, IOVA, w->big.at) &&
	       rig_reaches(&w->rig, IOVA + half, w->big.at + half) &&
	       rig_reaches(&w->rig, IOVA + size - PAGE_4K,
			   w->big.at + size - PAGE_4K);
}

void test_big(struct world *w)
{
	uint64_t off = 3 * PAGE_4K, size = w->big.size - 7 * PAGE_4K;
	long locked = proc_locked_kib();

	tap_ret(bar_map(w, w->big.at, IOVA, w->big.size), 0,
		"MAP of %lu MiB at once", w->big.size >> 20);
	tap_ok(proc_locked_kib() == locked, "locks no memory: %+ld KiB",
	       proc_locked_kib() - locked);
	tap_ok(ends_reached(w), "the device gets at its ends and its middle");
	bar_unmap(w, IOVA, w->big.size, "of it, at once");
	tap_ok(rig_refused(&w->rig, IOVA + w->big.size / 2), "it is gone");
	tap_ret(bar_map(w, w->big.at + off, IOVA + PAGE_4K, size), 0,
		"MAP of most of it, nothing aligned");
	tap_ok(rig_reaches(&w->rig, IOVA + size, w->big.at + off + size -
			   PAGE_4K), "the device gets at its last page");
	bar_unmap(w, IOVA + PAGE_4K, size, "of it");
}

static bool log_is(struct world *w, uint64_t size, uint64_t first_word,
		   const char *when)
{
	uint64_t bits = size / PAGE_4K, bytes = bit_bytes(bits), word, i;
	uint8_t *map = malloc(bytes);
	bool good;
	int ret;

	if (!map)
		tap_bail("no memory");
	memset(map, 0xa5, bytes);
	ret = vfio_dirty_range(w->rig.container, DIRTY_GET, IOVA, size, PAGE_4K,
			       map, bytes);
	memcpy(&word, map, sizeof(word));
	good = !ret && word == (backend_all_dirty() ? ~0ULL : first_word);
	for (i = sizeof(word); good && i < bytes; i++)
		good = map[i] == (backend_all_dirty() ? 0xff : 0);
	free(map);
	return tap_ok(good, "GET %s: %s, %#lx", when, strerror(-ret), word);
}

static void write_page(struct world *w, int page)
{
	rig_write(&w->rig, IOVA + (uint64_t)page * PAGE_4K);
}

static void window(struct world *w, uint64_t size)
{
	uint64_t map = 0, n = 0;
	struct vfio_bitmap bitmap = {
		.pgsize = PAGE_4K, .size = sizeof(map), .data = (void *)&map,
	};
	int ret;

	tap_ret(bar_map(w, w->big.at, IOVA, size), 0, "MAP of %lu KiB",
		size >> 10);
	log_is(w, size, 0, "of what nobody wrote");
	write_page(w, 3);
	write_page(w, 60);
	rig_read(&w->rig, IOVA + 5 * PAGE_4K);
	log_is(w, size, 1ULL << 3 | 1ULL << 60, "of what a device wrote");
	write_page(w, 3);
	write_page(w, 4);
	log_is(w, size, 1ULL << 3 | 1ULL << 4, "again");
	write_page(w, 7);
	if (size > WINDOW * PAGE_4K) {
		bar_unmap(w, IOVA, size, "of it");
		return;
	}
	ret = vfio_unmap_dirty(w->rig.container, IOVA, size,
			       VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP, &bitmap,
			       &n);
	tap_ok(!ret && n == size && map == (backend_all_dirty() ? ~0ULL : 1ULL << 7),
	       "UNMAP with GET_DIRTY_BITMAP: %s, %#lx bytes, %#lx",
	       strerror(-ret), n, map);
}

/*
 * RAM is copied by a migration, a BAR hardly; but the log does not care. Pages
 * are told apart where leaves are small.
 */
void test_log(struct world *w)
{
	bool small = backend.stock || rig_4k_leaves();
	char path[128];

	backend_param("disable_hugepages", path, sizeof(path));
	if (!small && proc_write(path, "Y"))
		tap_bail("%s cannot be written", path);
	tap_ret(vfio_dirty_flag(w->rig.container, DIRTY_START), 0, "START");
	window(w, WINDOW * PAGE_4K);
	window(w, w->big.size);
	tap_ret(vfio_dirty_flag(w->rig.container, DIRTY_STOP), 0, "STOP");
	if (!small)
		proc_write(path, "N");
}
