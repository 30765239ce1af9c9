// SPDX-License-Identifier: GPL-2.0-only
/*
 * exec: the process is the same, its memory is not. This is how QEMU replaces
 * itself under a running guest.
 */
#include "balance.h"
#include "tap.h"
#include "vaddr.h"

#include <errno.h>

static void exec(struct world *w, struct peer *peer)
{
	int keep[] = { w->rig.container, w->memfd };

	peer_exec(peer, keep, 2);
}

static long locked(struct peer *peer)
{
	return peer_call(peer, peer_locked_kib, 0, 0, 0);
}

static void start(struct world *w, struct peer *peer)
{
	long ret;

	peer_start(peer);
	ret = peer_call(peer, there_map, w->rig.container, 1,
			(long)(at(w->old, 1)));
	tap_ret((int)ret, 0, "MAP there");
	tap_ok(locked(peer) == KIB, "locked there: %ld KiB", locked(peer));
}

/* The new program maps the memory again, where it likes. */
static long see(struct world *w, struct peer *peer)
{
	long seen = peer_call(peer, there_see, w->memfd, 0, 0);

	if (seen < 0)
		tap_bail("mmap after exec");
	return seen + (long)SIZE;
}

static void goes_on(struct world *w, struct peer *peer, bool before)
{
	struct balance balance;
	long ret;

	balance_take(&balance, w->rig.container);
	start(w, peer);
	if (before)
		peer_call(peer, there_invalidate, w->rig.container, 1, 0);
	exec(w, peer);
	tap_ok(!locked(peer), "after exec nothing is locked: %ld KiB",
	       locked(peer));
	tap_ok(rig_reaches(&w->rig, slot_iova(1), at(w->old, 1)),
	       "and the device goes on");
	ret = peer_call(peer, there_invalidate, w->rig.container, 1, 0);
	tap_ret((int)ret, before ? -EINVAL : 0, "UNMAP VADDR after exec");
	ret = peer_call(peer, there_update, w->rig.container, 1, see(w, peer));
	tap_ret((int)ret, 0, "MAP VADDR after exec");
	tap_ok(locked(peer) == KIB, "locked there: %ld KiB", locked(peer));
	tap_ok(rig_reaches(&w->rig, slot_iova(1), at(w->new, 1)),
	       "the device goes on");
	exec(w, peer);
	tap_ok(!locked(peer), "after one more exec: %ld KiB", locked(peer));
	peer_call(peer, there_invalidate, w->rig.container, 1, 0);
	ret = peer_call(peer, there_update, w->rig.container, 1, see(w, peer));
	tap_ret((int)ret, 0, "MAP VADDR");
	tap_ok(locked(peer) == KIB, "locked there: %ld KiB", locked(peer));
	ret = peer_call(peer, there_unmap, w->rig.container, 1, 0);
	tap_ok(ret == (long)SIZE, "UNMAP says how much: %ld", ret);
	tap_ok(!locked(peer), "and unlocks it: %ld KiB", locked(peer));
	peer_end(peer);
	balance_same(&balance, "exec");
}

/* Nothing is locked in the new memory, so nothing may be taken from it. */
static void only_unmaps(struct world *w, struct peer *peer)
{
	struct balance balance;
	long ret;

	balance_take(&balance, w->rig.container);
	start(w, peer);
	exec(w, peer);
	ret = peer_call(peer, there_map, w->rig.container, 2, see(w, peer));
	tap_ret((int)ret, 0, "MAP after exec");
	ret = peer_call(peer, there_unmap, w->rig.container, 1, 0);
	tap_ok(ret == (long)SIZE, "UNMAP of what was mapped before: %ld", ret);
	tap_ok(locked(peer) == KIB, "locked stays what was mapped after: %ld KiB",
	       locked(peer));
	ret = peer_call(peer, there_unmap, w->rig.container, 2, 0);
	tap_ok(!locked(peer), "UNMAP of that: %ld KiB", locked(peer));
	peer_end(peer);
	balance_same(&balance, "exec and UNMAP");
}

/* The limit is that of the process, the locked memory that of its new mm. */
static void limits(struct world *w, struct peer *peer)
{
	struct balance balance;
	long ret, vaddr;

	balance_take(&balance, w->rig.container);
	start(w, peer);
	/* root gets its capabilities back by exec */
	exec(w, peer);
	peer_call(peer, peer_drop_ipc_lock, 0, 0, 0);
	peer_call(peer, peer_memlock_bytes, (long)(SIZE - PAGE_4K), 0, 0);
	vaddr = see(w, peer);
	peer_call(peer, there_invalidate, w->rig.container, 1, 0);
	ret = peer_call(peer, there_update, w->rig.container, 1, vaddr);
	tap_ret((int)ret, -ENOMEM, "MAP VADDR after exec, over the limit");
	tap_ok(!locked(peer), "nothing is locked: %ld KiB", locked(peer));
	peer_call(peer, peer_memlock_bytes, (long)SIZE, 0, 0);
	ret = peer_call(peer, there_update, w->rig.container, 1, vaddr);
	tap_ret((int)ret, 0, "and at it");
	peer_call(peer, there_unmap, w->rig.container, 1, 0);
	tap_ok(!locked(peer), "unlocked: %ld KiB", locked(peer));
	peer_end(peer);
	balance_same(&balance, "exec with a limit");
}

void test_exec(struct world *w)
{
	struct peer peer;

	goes_on(w, &peer, false);
	goes_on(w, &peer, true);
	only_unmaps(w, &peer);
	limits(w, &peer);
}
