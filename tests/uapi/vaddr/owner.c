// SPDX-License-Identifier: GPL-2.0-only
/*
 * Another process takes a mapping over: the locked memory moves with it, and
 * it is the new owner's limit that counts.
 */
#define _GNU_SOURCE
#include "balance.h"
#include "proc.h"
#include "tap.h"
#include "vaddr.h"

#include <errno.h>
#include <sys/mman.h>

long there_map(long container, long slot, long vaddr)
{
	return vfio_map((int)container, (void *)vaddr, slot_iova((int)slot),
			SIZE, MAP_RW);
}

long there_unmap(long container, long slot, long c)
{
	uint64_t n = 0;
	int ret = vfio_unmap((int)container, slot_iova((int)slot), SIZE, 0, &n);

	(void)c;
	return ret ? ret : (long)n;
}

long there_invalidate(long container, long slot, long c)
{
	(void)c;
	return vfio_unmap((int)container, slot_iova((int)slot), SIZE,
			  VFIO_DMA_UNMAP_FLAG_VADDR, NULL);
}

long there_update(long container, long slot, long vaddr)
{
	return vfio_map((int)container, (void *)vaddr, slot_iova((int)slot),
			SIZE, VFIO_DMA_MAP_FLAG_VADDR);
}

long there_see(long memfd, long b, long c)
{
	void *p = mmap(NULL, SLOTS * SIZE, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_POPULATE, (int)memfd, 0);

	(void)b, (void)c;
	return p == MAP_FAILED ? -errno : (long)p;
}

static int take_over(struct world *w, struct peer *peer, int slot)
{
	return (int)peer_call(peer, there_update, w->rig.container, slot,
			      (long)(at(w->new, slot)));
}

/* KiB locked, above what was: ours and theirs. */
static bool locked_are(struct peer *peer, long base, long ours, long theirs)
{
	long here = proc_locked_kib() - base;
	long there = peer_call(peer, peer_locked_kib, 0, 0, 0);

	if (here == ours && there == theirs)
		return true;
	tap_diag("locked: %ld KiB here, want %ld; %ld there, want %ld", here,
		 ours, there, theirs);
	return false;
}

static void there_and_back(struct world *w, struct peer *peer, const char *who)
{
	long base = proc_locked_kib();

	map_slot(w, 0);
	tap_ok(locked_are(peer, base, KIB, 0), "%s: locked here at first", who);
	tap_ret(take_over(w, peer, 0), -EINVAL, "no taking over while it is valid");
	tap_ret(invalidate_slot(w, 0), 0, "UNMAP VADDR here");
	tap_ok(locked_are(peer, base, KIB, 0), "locked here still");
	tap_ret(take_over(w, peer, 0), 0, "MAP VADDR there");
	tap_ok(locked_are(peer, base, 0, KIB), "locked there");
	tap_ok(rig_reaches(&w->rig, slot_iova(0), w->new), "the device goes on");
	tap_ret((int)peer_call(peer, there_invalidate, w->rig.container, 0, 0),
		0, "UNMAP VADDR there");
	tap_ret(take_over(w, peer, 0), 0, "MAP VADDR there again");
	tap_ok(locked_are(peer, base, 0, KIB), "locked there once");
	tap_ret(invalidate_slot(w, 0), 0, "UNMAP VADDR here, of theirs");
	tap_ret(update_slot(w, 0), 0, "MAP VADDR back here");
	tap_ok(locked_are(peer, base, KIB, 0), "locked here");
	tap_ret(invalidate_slot(w, 0), 0, "UNMAP VADDR");
	tap_ret(take_over(w, peer, 0), 0, "MAP VADDR there");
	unmap_slot(w, 0);
	tap_ok(locked_are(peer, base, 0, 0), "UNMAP here unlocks it there");
}

/* Over a socket, to a process that has not even seen the container opened. */
static void by_socket(struct world *w)
{
	int there = peer_send_fd(&w->early, w->rig.container);
	long base = proc_locked_kib(), ret;

	map_slot(w, 3);
	tap_ret(invalidate_slot(w, 3), 0, "UNMAP VADDR here");
	ret = peer_call(&w->early, there_update, there, 3,
			(long)(at(w->new, 3)));
	tap_ret((int)ret, 0, "MAP VADDR with an fd from a socket");
	tap_ok(locked_are(&w->early, base, 0, KIB), "locked there");
	tap_ok(rig_reaches(&w->rig, slot_iova(3), at(w->old, 3)),
	       "the device goes on");
	ret = peer_call(&w->early, there_unmap, there, 3, 0);
	tap_ok(ret == (long)SIZE, "UNMAP there says how much: %ld", ret);
	tap_ok(locked_are(&w->early, base, 0, 0), "and unlocks it there");
}

/* Each its own, whoever makes the call. */
static void two_owners(struct world *w, struct peer *peer)
{
	long base = proc_locked_kib();
	uint64_t n = 0;

	map_slot(w, 0);
	peer_call(peer, there_map, w->rig.container, 1, (long)(at(w->old, 1)));
	tap_ok(locked_are(peer, base, KIB, KIB), "a mapping each");
	tap_ret(vfio_unmap(w->rig.container, 0, 0, VFIO_DMA_UNMAP_FLAG_VADDR |
			   VFIO_DMA_UNMAP_FLAG_ALL, &n), 0,
		"UNMAP VADDR and ALL here");
	tap_ok(n == 2 * SIZE, "both of them: %#lx", n);
	tap_ret(update_slot(w, 1), 0, "MAP VADDR here, of theirs");
	tap_ok(locked_are(peer, base, 2 * KIB, 0), "two here");
	tap_ret(take_over(w, peer, 0), 0, "MAP VADDR there, of ours");
	tap_ok(locked_are(peer, base, KIB, KIB), "exchanged");
	tap_ret(vfio_unmap(w->rig.container, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL, &n),
		0, "UNMAP ALL here");
	tap_ok(locked_are(peer, base, 0, 0), "each gets back what is its own");
}

static void limits(struct world *w, struct peer *peer)
{
	long base = proc_locked_kib(), bytes = (long)SIZE;

	map_slot(w, 0);
	map_slot(w, 1);
	if (peer_call(peer, peer_drop_ipc_lock, 0, 0, 0) ||
	    peer_call(peer, peer_memlock_bytes, bytes - 1, 0, 0))
		tap_bail("cannot give up CAP_IPC_LOCK");
	tap_ret(invalidate_slot(w, 0), 0, "UNMAP VADDR");
	tap_ret(take_over(w, peer, 0), -ENOMEM, "MAP VADDR one page over the limit");
	tap_ok(locked_are(peer, base, 2 * KIB, 0), "locked here still");
	tap_ret(invalidate_slot(w, 0), -EINVAL, "invalid still");
	tap_ok(rig_reaches(&w->rig, slot_iova(0), w->old), "the device goes on");
	peer_call(peer, peer_memlock_bytes, bytes, 0, 0);
	tap_ret(take_over(w, peer, 0), 0, "MAP VADDR at the limit");
	tap_ok(locked_are(peer, base, KIB, KIB), "locked there");
	tap_ret(invalidate_slot(w, 0), 0, "UNMAP VADDR");
	tap_ret(take_over(w, peer, 0), 0, "its owner needs no more for it");
	tap_ret(invalidate_slot(w, 1), 0, "UNMAP VADDR of another");
	tap_ret(take_over(w, peer, 1), -ENOMEM, "for which there is no room");
	unmap_slot(w, 0);
	tap_ret(take_over(w, peer, 1), 0, "until the first is unmapped");
	tap_ok(locked_are(peer, base, 0, KIB), "locked there");
	unmap_slot(w, 1);
	tap_ok(locked_are(peer, base, 0, 0), "all unlocked");
}

/* With CAP_IPC_LOCK no limit counts. */
static void no_limits(struct world *w, struct peer *peer)
{
	long base = proc_locked_kib();

	map_slot(w, 0);
	peer_call(peer, peer_memlock_bytes, 0, 0, 0);
	tap_ret(invalidate_slot(w, 0), 0, "UNMAP VADDR");
	tap_ret(take_over(w, peer, 0), 0,
		"MAP VADDR with CAP_IPC_LOCK and no limit to speak of");
	tap_ok(locked_are(peer, base, 0, KIB), "locked there");
	unmap_slot(w, 0);
	tap_ok(locked_are(peer, base, 0, 0), "unlocked there");
}

/* The owner is gone; @how says whether it had invalidated the vaddr. */
static void orphan(struct world *w, bool invalidated)
{
	long base = proc_locked_kib();
	struct peer peer;

	peer_start(&peer);
	peer_call(&peer, there_map, w->rig.container, 0, (long)w->old);
	if (invalidated)
		peer_call(&peer, there_invalidate, w->rig.container, 0, 0);
	peer_end(&peer);
	tap_ok(rig_reaches(&w->rig, slot_iova(0), w->old),
	       "its owner gone, the device goes on with the mapping");
	tap_ret(invalidate_slot(w, 0), invalidated ? -EINVAL : 0,
		"UNMAP VADDR here");
	tap_ok(proc_locked_kib() == base, "nothing locked here");
	tap_ret(update_slot(w, 0), 0, "MAP VADDR here");
	tap_ok(proc_locked_kib() == base + KIB, "locked here");
	unmap_slot(w, 0);
	tap_ok(proc_locked_kib() == base, "unlocked here");
}

static void orphan_unmapped(struct world *w)
{
	long base = proc_locked_kib();
	struct peer peer;

	peer_start(&peer);
	peer_call(&peer, there_map, w->rig.container, 0, (long)w->old);
	peer_end(&peer);
	unmap_slot(w, 0);
	tap_ok(proc_locked_kib() == base,
	       "UNMAP of what a process left costs us no locked memory: %+ld",
	       proc_locked_kib() - base);
}

/* The old owner goes only after it was relieved. */
static void relieved(struct world *w)
{
	long base = proc_locked_kib();
	struct peer peer;

	peer_start(&peer);
	peer_call(&peer, there_map, w->rig.container, 0, (long)w->old);
	peer_call(&peer, there_invalidate, w->rig.container, 0, 0);
	tap_ret(update_slot(w, 0), 0, "MAP VADDR here, of theirs");
	peer_end(&peer);
	tap_ok(proc_locked_kib() == base + KIB,
	       "locked here when the old owner has gone");
	tap_ok(rig_reaches(&w->rig, slot_iova(0), w->new), "the device goes on");
	unmap_slot(w, 0);
	tap_ok(proc_locked_kib() == base, "unlocked here");
}

static void with_peer(struct world *w,
		      void (*test)(struct world *, struct peer *),
		      const char *name)
{
	struct balance before;
	struct peer peer;

	balance_take(&before, w->rig.container);
	peer_start(&peer);
	test(w, &peer);
	peer_end(&peer);
	balance_same(&before, name);
}

static void by_fork(struct world *w, struct peer *peer)
{
	there_and_back(w, peer, "forked");
}

void test_owner(struct world *w)
{
	with_peer(w, by_fork, "to a child and back");
	by_socket(w);
	with_peer(w, two_owners, "two owners");
	with_peer(w, limits, "limits");
	with_peer(w, no_limits, "no limits");
	orphan(w, false);
	orphan(w, true);
	orphan_unmapped(w);
	relieved(w);
}
