// SPDX-License-Identifier: GPL-2.0-only
/* What the device writes while the owner changes is in the log as ever. */
#include "balance.h"
#include "tap.h"
#include "vaddr.h"

#include <errno.h>
#include <string.h>

#define PAGE(n) (1ULL << (n))

/* Exactly @pages are dirty, or all, always. */
static bool log_is(struct world *w, uint32_t flag, uint64_t pages)
{
	uint64_t map = 0x5a5a5a5a5a5a5a5aULL;
	uint64_t want = backend_all_dirty() ? ~0ULL : pages;
	int ret = vfio_dirty_range(w->rig.container, flag, IOVA, SIZE, PAGE_4K,
				   &map, sizeof(map));

	if (ret || map != want)
		tap_diag("flag %#x: %s, %#lx where %#lx is wanted", flag,
			 strerror(-ret), map, want);
	return !ret && map == want;
}

static int clear(struct world *w, uint64_t pages)
{
	return vfio_dirty_range(w->rig.container, DIRTY_CLEAR, IOVA, SIZE,
				PAGE_4K, &pages, sizeof(pages));
}

static void write_page(struct world *w, int page)
{
	rig_write(&w->rig, IOVA + (uint64_t)page * PAGE_4K);
}

static void reported(struct world *w)
{
	write_page(w, 1);
	tap_ret(invalidate_slot(w, 0), 0, "UNMAP VADDR");
	write_page(w, 2);
	tap_ok(log_is(w, DIRTY_GET, PAGE(1) | PAGE(2)),
	       "GET while it is invalid: from before and from now");
	write_page(w, 2);
	write_page(w, 3);
	tap_ret(update_slot(w, 0), 0, "MAP VADDR");
	write_page(w, 4);
	tap_ok(log_is(w, DIRTY_GET, PAGE(2) | PAGE(3) | PAGE(4)),
	       "GET when it is valid: what was written since the last");
	tap_ok(log_is(w, DIRTY_GET, 0), "and then nothing");
}

/* What only ours can. */
static void cleared(struct world *w)
{
	write_page(w, 5);
	write_page(w, 6);
	tap_ret(invalidate_slot(w, 0), 0, "UNMAP VADDR");
	write_page(w, 7);
	tap_ok(log_is(w, DIRTY_NOCLEAR, PAGE(5) | PAGE(6) | PAGE(7)),
	       "NOCLEAR while it is invalid");
	tap_ret(clear(w, PAGE(5) | PAGE(7)), 0, "CLEAR while it is invalid");
	tap_ok(log_is(w, DIRTY_NOCLEAR, PAGE(6)), "and NOCLEAR after it");
	write_page(w, 5);
	tap_ret(update_slot(w, 0), 0, "MAP VADDR");
	tap_ok(log_is(w, DIRTY_NOCLEAR, PAGE(5) | PAGE(6)),
	       "NOCLEAR when it is valid");
	tap_ret(clear(w, PAGE(6)), 0, "CLEAR");
	tap_ok(log_is(w, DIRTY_GET, PAGE(5)), "and GET after it");
}

static void handed_over(struct world *w)
{
	struct peer peer;
	long ret;

	peer_start(&peer);
	write_page(w, 8);
	tap_ret(invalidate_slot(w, 0), 0, "UNMAP VADDR");
	write_page(w, 9);
	ret = peer_call(&peer, there_update, w->rig.container, 0, (long)w->new);
	tap_ret((int)ret, 0, "MAP VADDR there");
	write_page(w, 10);
	tap_ok(log_is(w, DIRTY_GET, PAGE(8) | PAGE(9) | PAGE(10)),
	       "GET reports what was written under either owner");
	write_page(w, 11);
	peer_end(&peer);
	write_page(w, 12);
	tap_ok(log_is(w, DIRTY_GET, PAGE(11) | PAGE(12)),
	       "and when there is none any more");
}

static void started_while_invalid(struct world *w)
{
	tap_ret(invalidate_slot(w, 0), 0, "UNMAP VADDR");
	tap_ret(vfio_dirty_flag(w->rig.container, DIRTY_STOP), 0,
		"STOP while it is invalid");
	write_page(w, 13);
	tap_ret(vfio_dirty_flag(w->rig.container, DIRTY_START), 0,
		"START while it is invalid");
	tap_ok(log_is(w, DIRTY_GET, 0), "and nothing old is dirty");
	write_page(w, 14);
	tap_ok(log_is(w, DIRTY_GET, PAGE(14)), "what is new is");
}

static void unmapped(struct world *w)
{
	uint64_t map = 0x5a5a5a5a5a5a5a5aULL, n = 0;
	uint64_t want = backend_all_dirty() ? ~0ULL : PAGE(20) | PAGE(21);
	struct vfio_bitmap bitmap = {
		.pgsize = PAGE_4K, .size = sizeof(map), .data = (void *)&map,
	};
	int ret;

	write_page(w, 20);
	write_page(w, 21);
	ret = vfio_unmap_dirty(w->rig.container, IOVA, SIZE,
			       VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP, &bitmap,
			       &n);
	tap_ret(ret, 0, "UNMAP with GET_DIRTY_BITMAP of an invalid mapping");
	tap_ok(n == SIZE && map == want, "size %#lx, bitmap %#lx", n, map);
}

void test_log(struct world *w)
{
	if (!backend.stock && !rig_4k_leaves())
		tap_bail("load the module with disable_hugepages=1");
	map_slot(w, 0);
	tap_ret(vfio_dirty_flag(w->rig.container, DIRTY_START), 0, "START");
	reported(w);
	if (!backend.stock)
		cleared(w);
	handed_over(w);
	started_while_invalid(w);
	unmapped(w);
	tap_ret(vfio_dirty_flag(w->rig.container, DIRTY_STOP), 0, "STOP");
}
