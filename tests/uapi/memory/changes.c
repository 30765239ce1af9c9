// SPDX-License-Identifier: GPL-2.0-only
/*
 * The process changes its memory while a device has it: the pages stay, until
 * UNMAP. Locked memory is told by what was mapped, not by what is there.
 */
#define _GNU_SOURCE
#include "memory.h"
#include "peer.h"
#include "proc.h"
#include "tap.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static bool dma_works(struct world *w)
{
	uint32_t failed = edu_failed(&w->rig.edu);

	edu_fetch(&w->rig.edu, IOVA, 0, 64);
	edu_store(&w->rig.edu, IOVA + SIZE - PAGE_4K, 0, 64);
	return edu_failed(&w->rig.edu) == failed;
}

static void unmapped(struct world *w)
{
	char *p = mem_alloc(SIZE, LEAF_4K), *q, *again;
	int fd;

	map_is(w, p, IOVA, SIZE, MAP_RW, 0, KIB, "of private memory");
	mem_free(p, SIZE);
	tap_ok(dma_works(w), "its pages stay when we unmap them");
	unmap_is(w, IOVA, SIZE, KIB, "of it");

	q = shared(SIZE, &fd);
	again = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	map_is(w, q, IOVA, SIZE, MAP_RW, 0, KIB, "of shared memory");
	munmap(q, SIZE);
	tap_ok(rig_reaches(&w->rig, IOVA, again),
	       "they are the same, seen elsewhere");
	if (ftruncate(fd, 0))
		tap_bail("ftruncate: %m");
	tap_ok(dma_works(w), "and stay when the file is cut");
	unmap_is(w, IOVA, SIZE, KIB, "of it");
	munmap(again, SIZE);
	close(fd);
}

/* The address stands for another page now, for us, not for the device. */
static void replaced(struct world *w)
{
	char *p = mem_alloc(SIZE, LEAF_4K);

	memset(p, 0x11, SIZE);
	map_is(w, p, IOVA, SIZE, MAP_RW, 0, KIB, "of private memory");
	madvise(p, SIZE, MADV_DONTNEED);
	tap_ok(!p[0] && !p[SIZE - 1], "after MADV_DONTNEED we see zeros");
	edu_fetch(&w->rig.edu, IOVA, 0, 64);
	edu_store(&w->rig.edu, IOVA + PAGE_4K, 0, 64);
	tap_ok(dma_works(w) && !p[PAGE_4K],
	       "the device has the pages of before");
	memset(p, 0x22, SIZE);
	tap_ok(!device_sees(w, IOVA, p), "and does not see ours");
	unmap_is(w, IOVA, SIZE, KIB, "of it");
	map_is(w, p, IOVA, SIZE, MAP_RW, 0, KIB, "again");
	tap_ok(rig_reaches(&w->rig, IOVA, p), "the device has what we see");
	mprotect(p, SIZE, PROT_NONE);
	tap_ok(dma_works(w), "also when we may see it no more");
	unmap_is(w, IOVA, SIZE, KIB, "of it");
	mem_free(p, SIZE);
}

static long peek(long p, long b, long c)
{
	(void)b, (void)c;
	return *(volatile char *)p;
}

static long poke(long p, long value, long c)
{
	(void)c;
	*(volatile char *)p = (char)value;
	return 0;
}

/* A child has copies: the pages themselves stay with the parent. */
static void forked(struct world *w)
{
	char *p = mem_alloc(SIZE, LEAF_4K);
	char *last = p + SIZE - PAGE_4K;
	struct peer peer;

	memset(p, 0x33, SIZE);
	map_is(w, p, IOVA, SIZE, MAP_RW, 0, KIB, "of private memory");
	peer_start(&peer);
	tap_ok(!peer_call(&peer, peer_locked_kib, 0, 0, 0),
	       "a child has nothing locked");
	tap_ok(rig_reaches(&w->rig, IOVA, p), "the device has the parent's page");
	tap_ok(peer_call(&peer, peek, (long)p, 0, 0) == 0x33,
	       "the child that of before");
	peer_call(&peer, poke, (long)last, 0x44, 0);
	tap_ok(*last == 0x33 && device_sees(w, IOVA + SIZE - PAGE_4K, last),
	       "what the child writes only the child sees");
	peer_end(&peer);
	tap_ok(rig_reaches(&w->rig, IOVA + SIZE - PAGE_4K, last),
	       "also when the child has gone");
	unmap_is(w, IOVA, SIZE, KIB, "of it");
	mem_free(p, SIZE);
}

static void moved(struct world *w)
{
	char *p = mem_alloc(SIZE, LEAF_4K), *q;

	map_is(w, p, IOVA, SIZE, MAP_RW, 0, KIB, "of private memory");
	q = mmap(NULL, SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	q = mremap(p, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, q);
	if (q == MAP_FAILED)
		tap_bail("mremap: %m");
	tap_ok(rig_reaches(&w->rig, IOVA, q), "moved, it is the same");
	unmap_is(w, IOVA, SIZE, KIB, "of it");
	munmap(q, SIZE);
}

/* Somebody who looks at a page for a moment keeps it, for good: then again. */
static bool can_be_dropped(char *page)
{
	int tries;

	for (tries = 0; page[0] && tries < 20; tries++) {
		mem_give_up(page, PAGE_4K);
		mem_reclaim(page, PAGE_4K);
	}
	return !page[0];
}

/*
 * Pages that we give up, and that the device then writes, are wanted again. One
 * that nobody writes shows that the kernel does drop such pages.
 */
static void given_up(struct world *w)
{
	char *p = mem_alloc(SIZE, LEAF_4K), *other = mem_alloc(PAGE_4K, LEAF_4K);

	memset(p, 0x55, SIZE);
	memset(other, 0x55, PAGE_4K);
	map_is(w, p, IOVA, SIZE, MAP_RW, 0, KIB, "of private memory");
	edu_fetch(&w->rig.edu, IOVA, 0, 64);
	memset(p, 0x66, SIZE);
	mem_give_up(p, SIZE);
	edu_store(&w->rig.edu, IOVA + PAGE_4K, 0, 64);
	unmap_is(w, IOVA, SIZE, KIB, "of it");
	mem_reclaim(p, SIZE);
	tap_ok(p[PAGE_4K] == 0x55,
	       "given up, then written by the device: kept (%#x)", p[PAGE_4K]);
	tap_ok(can_be_dropped(other),
	       "given up and written by nobody: dropped (%#x)", other[0]);
	mem_free(p, SIZE);
	mem_free(other, PAGE_4K);
}

void test_changes(struct world *w)
{
	unmapped(w);
	replaced(w);
	forked(w);
	moved(w);
	given_up(w);
}
