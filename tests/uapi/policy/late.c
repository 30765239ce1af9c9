// SPDX-License-Identifier: GPL-2.0-only
/*
 * A GET whose bitmap is not there yet. By the time it is, the mapping that was
 * in its range has given way to one that its range cuts: the part outside is
 * neither reported nor cleaned. Or a new one has come.
 */
#include "late.h"
#include "mem.h"
#include "policy.h"
#include "tap.h"

#include <pthread.h>

#define FIRST	4ULL		/* pages of the range, counted from IOVA */
#define WIDE	8ULL

static struct late late;
static char *small;

static void *ask_for_range(void *arg)
{
	(void)arg;
	return (void *)(intptr_t)vfio_dirty_range(container, DIRTY_GET,
						  IOVA + FIRST * PAGE,
						  WIDE * PAGE, PAGE, late.mem,
						  sizeof(uint64_t));
}

/* A GET of WIDE pages is on its way, and NR pages are mapped in their place. */
static pthread_t begin(void)
{
	pthread_t asker;

	late_alloc(&late, 1);
	small = mem_alloc(WIDE * PAGE, LEAF_4K);
	map(small, IOVA + FIRST * PAGE, WIDE * PAGE);
	start();
	if (pthread_create(&asker, NULL, ask_for_range, NULL))
		tap_bail("no thread");
	tap_ok(late_is_wanted(&late), "a GET waits for its bitmap");
	unmap(IOVA + FIRST * PAGE, WIDE * PAGE);
	map_pages(IOVA);
	return asker;
}

static void says(pthread_t asker, uint64_t want, const char *what)
{
	uint64_t got;
	void *ret;

	late_give(&late, 0);
	pthread_join(asker, &ret);
	got = *(uint64_t *)late.mem;
	tap_ok(!ret && got == want, "%s: it says %ld, %#lx", what,
	       (long)(intptr_t)ret, got);
}

static void finish(void)
{
	stop();
	unmap_pages(IOVA);
	close_container();
	mem_free(small, WIDE * PAGE);
	late_free(&late);
}

/* What B has written has gone to the log, what A has is in its tables. */
static void log_of_a_few(void)
{
	pthread_t asker;

	open_container(A);
	join(B);
	asker = begin();
	dma(B, 1);
	dma(B, 4);
	dma(B, 6);
	dma(B, 14);
	leave(B);
	dma(A, 2);
	dma(A, 6);
	dma(A, 11);
	dma(A, 12);
	says(asker, 0x85, "a larger mapping in its place");
	look_is("0110000000001010", "what lies outside is left");
	get_is("0110000000001010", "what lies outside is left");
	get_is(NONE, "said once");
	dma(A, 5);
	get_is("0000010000000000", "the log is exact");
	finish();
}

/* The log says "all", of which the range is a part. */
static void log_of_all(void)
{
	pthread_t asker;

	open_container(A);
	asker = begin();
	join(C);
	leave(C);
	says(asker, 0xff, "full for a moment");
	get_is("1111000000001111", "what lies outside is dirty still");
	get_is(NONE, "said once");
	finish();
}

/* A log without a dirty page has none to clean. */
static void log_of_none(void)
{
	pthread_t asker;

	open_container(A);
	asker = begin();
	dma(A, 3);
	says(asker, 0, "nothing written there");
	get_is("0001000000000000", "only outside");
	finish();
}

#define CHUNK	32768ULL	/* pages whose bits are a page of the bitmap */
#define BYTES	(2 * CHUNK / 8)

static uint64_t unmapped;

static void *unmap_range(void *arg)
{
	struct vfio_bitmap out = {
		.pgsize = PAGE,
		.size = BYTES,
		.data = (void *)late.mem,
	};

	(void)arg;
	return (void *)(intptr_t)vfio_unmap_dirty(
		container, IOVA, 2 * CHUNK * PAGE,
		VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP, &out, &unmapped);
}

static void *get_range(void *arg)
{
	(void)arg;
	return (void *)(intptr_t)vfio_dirty_range(container, DIRTY_GET, IOVA,
						  2 * CHUNK * PAGE, PAGE,
						  late.mem, BYTES);
}

/*
 * A mapping comes where the call has looked already, and there is no bitmap for
 * it: it is not the call's, and keeps its log.
 */
static void came_behind(void *(*call)(void *), const char *name)
{
	uint64_t far = IOVA + CHUNK * PAGE;
	pthread_t caller;
	void *ret;

	open_container(A);
	late_alloc(&late, 2);
	small = mem_alloc(WIDE * PAGE, LEAF_4K);
	map(small, far, WIDE * PAGE);
	start();
	dma_at(A, far + 2 * PAGE);
	if (pthread_create(&caller, NULL, call, NULL))
		tap_bail("no thread");
	tap_ok(late_is_wanted(&late), "%s waits for its bitmap", name);
	map_pages(IOVA);
	dma(A, 3);
	late_give(&late, 1);
	pthread_join(caller, &ret);
	tap_ok(!ret && late.mem[CHUNK / 8] == 4, "it says %ld, %#x",
	       (long)(intptr_t)ret, late.mem[CHUNK / 8]);
	get_is("0001000000000000", "what came meanwhile");
	if (call == unmap_range)
		tap_ok(unmapped == WIDE * PAGE, "UNMAP took %#lx bytes",
		       unmapped);
	else
		unmap(far, WIDE * PAGE);
	finish();
}

void test_late(void)
{
	log_of_a_few();
	log_of_all();
	log_of_none();
	came_behind(get_range, "GET");
	came_behind(unmap_range, "UNMAP");
}
