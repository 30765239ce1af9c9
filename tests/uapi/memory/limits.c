// SPDX-License-Identifier: GPL-2.0-only
/* RLIMIT_MEMLOCK, seen by a process without CAP_IPC_LOCK and by one with it. */
#define _GNU_SOURCE
#include "memory.h"
#include "peer.h"
#include "tap.h"

#include <errno.h>
#include <sys/mman.h>

static char *memory;
static struct peer peer;

static long there_map(long container, long slot, long pages)
{
	return vfio_map((int)container, memory,
			IOVA + (uint64_t)slot * 16 * SIZE,
			(uint64_t)pages * PAGE_4K, MAP_RW);
}

static long there_unmap(long container, long slot, long pages)
{
	uint64_t n = 0;
	int ret = vfio_unmap((int)container, IOVA + (uint64_t)slot * 16 * SIZE,
			     (uint64_t)pages * PAGE_4K, 0, &n);

	return ret ? ret : (long)(n / PAGE_4K);
}

static long there_mlock(long pages, long on, long c)
{
	(void)c;
	if (on)
		return mlock(memory, (size_t)pages * PAGE_4K) ? -errno : 0;
	return munlock(memory, (size_t)pages * PAGE_4K) ? -errno : 0;
}

static void limit(long pages)
{
	if (peer_call(&peer, peer_memlock_bytes, pages * (long)PAGE_4K, 0, 0))
		tap_bail("setrlimit");
}

static void maps(struct world *w, int slot, long pages, int want, long locked,
		 const char *what)
{
	long ret = peer_call(&peer, there_map, w->rig.container, slot, pages);
	long kib = peer_call(&peer, peer_locked_kib, 0, 0, 0);

	tap_ret((int)ret, want, "MAP %s", what);
	tap_ok(kib == locked * 4, "locked are %ld pages: %ld KiB", locked, kib);
	if (want)
		tap_ok(rig_refused(&w->rig, IOVA + (uint64_t)slot * 16 * SIZE),
		       "nothing is left mapped");
}

static void unmaps(struct world *w, int slot, long pages, long locked)
{
	long n = peer_call(&peer, there_unmap, w->rig.container, slot, pages);
	long kib = peer_call(&peer, peer_locked_kib, 0, 0, 0);

	tap_ok(n == pages && kib == locked * 4,
	       "UNMAP of %ld pages: %ld; locked are %ld pages: %ld KiB", pages,
	       n, locked, kib);
}

static void at_the_limit(struct world *w)
{
	long pages = (long)PAGES;

	limit(pages);
	maps(w, 0, pages + 1, -ENOMEM, 0, "one page over the limit");
	maps(w, 0, 8 * pages, -ENOMEM, 0, "far over it");
	maps(w, 0, pages, 0, pages, "at the limit");
	maps(w, 1, 1, -ENOMEM, pages, "of one page more");
	unmaps(w, 0, pages, 0);
	maps(w, 0, pages - 1, 0, pages - 1, "one page below the limit");
	maps(w, 1, 2, -ENOMEM, pages - 1, "of two pages more");
	maps(w, 1, 1, 0, pages, "of one page more");
	limit(pages / 2);
	maps(w, 2, 1, -ENOMEM, pages, "when the limit was lowered");
	unmaps(w, 0, pages - 1, 1);
	maps(w, 0, pages / 2, -ENOMEM, 1, "to one page over it");
	maps(w, 0, pages / 2 - 1, 0, pages / 2, "to the limit");
	unmaps(w, 0, pages / 2 - 1, 1);
	unmaps(w, 1, 1, 0);
	limit(0);
	maps(w, 0, 1, -ENOMEM, 0, "where nothing may be locked");
}

/* One count for what mlock() locks and what devices have. */
static void beside_mlock(struct world *w)
{
	long pages = (long)PAGES;

	limit(pages);
	if (peer_call(&peer, there_mlock, 4, 1, 0))
		tap_bail("mlock in the other process");
	maps(w, 0, pages - 3, -ENOMEM, 4, "beside mlock, over the limit");
	maps(w, 0, pages - 4, 0, pages, "beside mlock, at it");
	tap_ret((int)peer_call(&peer, there_mlock, 5, 1, 0), -ENOMEM,
		"mlock beside MAP, over the limit");
	peer_call(&peer, there_mlock, 4, 0, 0);
	unmaps(w, 0, pages - 4, 0);
}

void test_limits(struct world *w)
{
	memory = mem_alloc(16 * SIZE, LEAF_4K);
	peer_start(&peer);
	limit(0);
	maps(w, 0, (long)PAGES, 0, (long)PAGES,
	     "with CAP_IPC_LOCK and no limit to speak of");
	unmaps(w, 0, (long)PAGES, 0);
	if (peer_call(&peer, peer_drop_ipc_lock, 0, 0, 0))
		tap_bail("cannot give up CAP_IPC_LOCK");
	at_the_limit(w);
	beside_mlock(w);
	peer_end(&peer);
	mem_free(memory, 16 * SIZE);
}
