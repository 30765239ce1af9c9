// SPDX-License-Identifier: GPL-2.0-only
/* Registers of one device mapped for another. */
#define _GNU_SOURCE
#include "bar.h"
#include "peer.h"
#include "proc.h"
#include "tap.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define RD VFIO_DMA_MAP_FLAG_READ
#define WR VFIO_DMA_MAP_FLAG_WRITE

static void peer_to_peer(struct world *w)
{
	long locked = proc_locked_kib();

	tap_ret(bar_map(w, w->small.at, IOVA, w->small.size), 0,
		"MAP of another device's registers");
	tap_ok(proc_locked_kib() == locked, "locks no memory: %+ld KiB",
	       proc_locked_kib() - locked);
	tap_ok(buffer_reached(w, IOVA + EDU_BUFFER_AT),
	       "the device reads and writes the other's buffer");
	bar_unmap(w, IOVA, w->small.size, "of it");
	tap_ok(rig_refused(&w->rig, IOVA + EDU_BUFFER_AT),
	       "and can no more");
}

static uint32_t failures(struct world *w, bool store)
{
	uint32_t failed = edu_failed(&w->rig.edu);

	if (store)
		edu_store(&w->rig.edu, IOVA + EDU_BUFFER_AT, 0, 8);
	else
		edu_fetch(&w->rig.edu, IOVA + EDU_BUFFER_AT, 0, 8);
	return edu_failed(&w->rig.edu) - failed;
}

static void directions(struct world *w)
{
	int fd = w->rig.container;
	void *ro = bar_see(&w->small, NULL, 0, w->small.size, PROT_READ);

	tap_ret(vfio_map(fd, ro, IOVA, w->small.size, RD | WR), -EFAULT,
		"MAP to be written, of what we may only read");
	tap_ret(vfio_map(fd, ro, IOVA, w->small.size, WR), -EFAULT,
		"to be written only");
	tap_ok(failures(w, false) == 1, "nothing is left of it");
	tap_ret(vfio_map(fd, ro, IOVA, w->small.size, RD), 0, "to be read");
	tap_ok(!failures(w, false) && failures(w, true) == 1,
	       "it can be read, and not written");
	bar_unmap(w, IOVA, w->small.size, "of it");
	munmap(ro, w->small.size);
	tap_ret(vfio_map(fd, w->small.at, IOVA, w->small.size, RD), 0,
		"to be read, of what we may write");
	tap_ok(!failures(w, false) && failures(w, true) == 1,
	       "it can be read, and not written");
	bar_unmap(w, IOVA, w->small.size, "of it");
}

static void pieces(struct world *w)
{
	uint64_t at = IOVA + EDU_BUFFER_AT;
	char *buffer = w->small.at + EDU_BUFFER_AT;

	tap_ret(bar_map(w, buffer, at, PAGE_4K), 0, "MAP of one page of it");
	tap_ok(buffer_reached(w, at), "the device gets at it");
	tap_ok(rig_refused(&w->rig, at + PAGE_4K), "and not beside it");
	tap_ret(bar_map(w, buffer, IOVA, PAGE_4K), 0, "of the same elsewhere");
	tap_ok(buffer_reached(w, IOVA) && buffer_reached(w, at),
	       "the device gets at both");
	bar_unmap(w, at, PAGE_4K, "of the one");
	tap_ok(buffer_reached(w, IOVA) && rig_refused(&w->rig, at),
	       "and then at the other");
	bar_unmap(w, IOVA, PAGE_4K, "of the other");
}

/* Nothing is locked, so no limit can be in the way, nor anything move. */
static long there_map(long container, long vaddr, long size)
{
	return vfio_map((int)container, (void *)vaddr, IOVA, (uint64_t)size,
			MAP_RW);
}

static long there_update(long container, long vaddr, long size)
{
	return vfio_map((int)container, (void *)vaddr, IOVA, (uint64_t)size,
			VFIO_DMA_MAP_FLAG_VADDR);
}

static void owners(struct world *w)
{
	long ret, vaddr = (long)w->small.at, size = (long)w->small.size;
	int fd = w->rig.container;
	struct peer peer;

	peer_start(&peer);
	if (peer_call(&peer, peer_drop_ipc_lock, 0, 0, 0) ||
	    peer_call(&peer, peer_memlock_bytes, 0, 0, 0))
		tap_bail("cannot give up CAP_IPC_LOCK");
	ret = peer_call(&peer, there_map, fd, vaddr, size);
	tap_ret((int)ret, 0, "MAP by a process that may lock nothing");
	tap_ok(buffer_reached(w, IOVA + EDU_BUFFER_AT), "the device gets at it");
	bar_unmap(w, IOVA, w->small.size, "of it");
	tap_ret(bar_map(w, w->small.at, IOVA, w->small.size), 0, "MAP here");
	tap_ret(vfio_unmap(fd, IOVA, w->small.size, VFIO_DMA_UNMAP_FLAG_VADDR,
			   NULL), 0, "UNMAP VADDR");
	ret = peer_call(&peer, there_update, fd, vaddr, size);
	tap_ret((int)ret, 0, "MAP VADDR by the other process");
	tap_ok(!peer_call(&peer, peer_locked_kib, 0, 0, 0),
	       "it has nothing locked");
	tap_ok(buffer_reached(w, IOVA + EDU_BUFFER_AT), "the device gets at it");
	bar_unmap(w, IOVA, w->small.size, "of it");
	peer_end(&peer);
}

void test_small(struct world *w)
{
	peer_to_peer(w);
	directions(w);
	pieces(w);
	owners(w);
}
