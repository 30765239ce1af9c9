// SPDX-License-Identifier: GPL-2.0-only
/*
 * A GET whose bitmap is not there yet. By the time it is, the mapping that was
 * in its range has given way to one that its range cuts: the part outside is
 * neither reported nor cleaned.
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

void test_late(void)
{
	log_of_a_few();
	log_of_all();
	log_of_none();
}
