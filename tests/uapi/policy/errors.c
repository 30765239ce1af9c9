// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dirty bits that cannot be read, wherever that is: from then on everything is
 * dirty, until STOP or until the domain is gone, and one warning says whose.
 */
#include "mem.h"
#include "policy.h"
#include "tap.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>

static int before, before_of[DEVICES];

static void begin(void)
{
	int i;

	before = warnings();
	for (i = 0; i < DEVICES; i++)
		before_of[i] = warnings_of(i);
}

static void one_warning(int who, const char *when)
{
	int all = warnings() - before, of = warnings_of(who) - before_of[who];

	tap_ok(all == 1 && of == 1, "%s: one warning, of %s (%d, %d)", when,
	       dev[who].bdf, all, of);
}

static void open_two(void)
{
	open_container(A);
	join(B);
	map_pages(IOVA);
	start();
	begin();
}

static void restart_heals(uint32_t domains)
{
	stop();
	start();
	is_hwdbm(domains, "STOP and START");
	get_is(NONE, "START forgets");
	dma(A, 7);
	get_is("0000000100000000", "the log is exact");
	stop();
}

static void finish(void)
{
	unmap_pages(IOVA);
	close_container();
}

/* The @nth leaf that is read in B fails; what was cleaned before it is kept. */
static void in_get(uint32_t flag, const char *name, uint32_t nth)
{
	char when[64];

	open_two();
	dma(A, 1);
	dma(B, 2);
	fail(B, SIM_OP_READ, EIO, nth, 1);
	snprintf(when, sizeof(when), "read %u fails in %s", nth, name);
	if (flag == DIRTY_GET)
		get_is(ALL, when);
	else
		look_is(ALL, when);
	tap_ok(watch(B).failed[SIM_OP_READ] > 0, "%s: it did", when);
	is_error(2, when);
	look_is(ALL, "and again");
	get_is(ALL, "and again");
	get_is(ALL, "and again");
	clear(ALL);
	get_is(ALL, "after CLEAR too");
	one_warning(B, when);
	restart_heals(2);
	finish();
}

static void in_clear(void)
{
	open_two();
	dma(A, 1);
	fail(B, SIM_OP_READ, EIO, 1, 1);
	clear("0100000000000000");
	is_error(2, "a read fails in CLEAR");
	get_is(ALL, "a read fails in CLEAR");
	one_warning(B, "a read fails in CLEAR");
	restart_heals(2);
	finish();
}

static void in_unmap(void)
{
	open_two();
	fail(A, SIM_OP_READ, EIO, 1, 1);
	unmap_is(false, ALL, "a read fails in UNMAP");
	is_error(2, "a read fails in UNMAP");
	one_warning(A, "a read fails in UNMAP");
	map_again();
	get_is(ALL, "what is mapped then is dirty too");
	restart_heals(2);
	finish();
}

static void in_start(void)
{
	open_container(A);
	join(B);
	map_pages(IOVA);
	begin();
	fail(B, SIM_OP_READ, EIO, 3, 1);
	start();
	is_error(2, "a read fails in START");
	get_is(ALL, "a read fails in START");
	get_is(ALL, "and again");
	one_warning(B, "a read fails in START");
	restart_heals(2);
	finish();
}

/* All of it is told once; then there is nothing but the truth. */
static void only_a_is_left(const char *when)
{
	is_hwdbm(1, when);
	get_is(ALL, "nobody had looked");
	get_is(NONE, "said once");
	dma(A, 1);
	get_is("0100000000000000", "the log is exact");
	stop();
	finish();
}

/* The domain that failed leaves: what is left tells the truth again. */
static void failed_one_leaves(void)
{
	open_two();
	fail(B, SIM_OP_READ, EIO, 1, 1);
	get_is(ALL, "a read fails");
	dma(A, 1);
	dma(B, 2);
	leave(B);
	only_a_is_left("the one that failed has left");
}

/* A second failure, when the first is gone with its domain, is news. */
static void next_one_fails(void)
{
	open_two();
	fail(B, SIM_OP_READ, EIO, 1, 1);
	get_is(ALL, "a read fails");
	leave(B);
	get_is(ALL, "nobody had looked");
	begin();
	fail(A, SIM_OP_READ, EIO, 1, 1);
	get_is(ALL, "then one of the other domain");
	is_error(1, "then one of the other domain");
	one_warning(A, "then one of the other domain");
	stop();
	finish();
}

/* The domain that did not fail leaves: nothing is better. */
static void other_one_leaves(void)
{
	open_two();
	fail(B, SIM_OP_READ, EIO, 1, 1);
	get_is(ALL, "a read fails");
	leave(A);
	is_error(1, "another one has left");
	get_is(ALL, "another one has left");
	one_warning(B, "another one has left");
	stop();
	start();
	is_hwdbm(1, "STOP and START");
	get_is(NONE, "START forgets");
	stop();
	finish();
}

/* What the leaving domain knew cannot be had. */
static void at_leave(void)
{
	open_two();
	dma(B, 2);
	fail(B, SIM_OP_READ, EIO, 2, 1);
	leave(B);
	is_hwdbm(1, "a read fails as its domain leaves");
	get_is(ALL, "all of it, then");
	get_is(NONE, "said once");
	dma(A, 4);
	get_is("0000100000000000", "the log is exact");
	one_warning(B, "a read fails as its domain leaves");
	stop();
	finish();
}

static void at_join(void)
{
	open_two();
	dma(B, 2);
	fail(B, SIM_OP_READ, EIO, 2, 1);
	join(C);
	is_error(3, "a read fails as one joins that cannot track");
	get_is(ALL, "full");
	leave(C);
	is_error(2, "it has left");
	get_is(ALL, "full still");
	one_warning(B, "a read fails as one joins");
	restart_heals(2);
	finish();
}

/*
 * What its bits were before it joined has to be cleared first. Its device is in
 * a container of its own while the error is ordered.
 */
static void as_it_joins(uint32_t nth)
{
	open_container(B);
	fail(B, SIM_OP_READ, EIO, nth, 1);
	close_container();
	open_container(A);
	map_pages(IOVA);
	start();
	begin();
	dma(A, 1);
	join(B);
	is_error(2, "a read fails in the domain that joins");
	get_is(ALL, "a read fails in the domain that joins");
	get_is(ALL, "and again");
	one_warning(B, "a read fails in the domain that joins");
	leave(B);
	only_a_is_left("it has left");
}

static void to_pinned(bool by_pin)
{
	const char *when = by_pin ? "a read fails at the first pin" :
				    "a read fails as who does not pin leaves";

	open_two();
	dma(A, 1);
	sim_pin(&dev[A], IOVA + 5 * PAGE, 1, SIM_RDWR);
	fail(A, SIM_OP_READ, EIO, 1, 1);
	if (by_pin)
		sim_pin(&dev[B], IOVA + 6 * PAGE, 1, SIM_RDWR);
	else
		leave(B);
	is_pinned(by_pin ? 2 : 1, when);
	get_is(ALL, when);
	get_is(by_pin ? "0000011000000000" : "0000010000000000", "said once");
	one_warning(A, when);
	sim_unpin(&dev[A], IOVA + 5 * PAGE, 1);
	if (by_pin)
		sim_unpin(&dev[B], IOVA + 6 * PAGE, 1);
	stop();
	finish();
}

static uint64_t under_way;
static atomic_bool has_asked;

static void *get_word(void *arg)
{
	(void)arg;
	ask(DIRTY_GET, IOVA, NR, &under_way);
	atomic_store(&has_asked, true);
	return NULL;
}

/*
 * One GET has asked A, and is going to ask B, when another finds out that B fails.
 * A read of B would go well again, but what was cleaned there is unknown.
 */
static void found_by_another(void)
{
	char *more = mem_alloc_scattered(NR * PAGE);
	uint64_t other = 0;
	pthread_t asker;

	open_two();
	map(more, IOVA + NR * PAGE, NR * PAGE);
	dma(A, 1);
	must(simdma_hold(&dev[A]), "SIM_HOLD");
	atomic_store(&has_asked, false);
	if (pthread_create(&asker, NULL, get_word, NULL))
		tap_bail("no thread");
	tap_ok(wait_until_held(A, &has_asked), "a GET is at A");
	fail(B, SIM_OP_READ, EIO, 1, 1);
	ask(DIRTY_GET, IOVA + NR * PAGE, NR, &other);
	must(simdma_release(&dev[A]), "SIM_RELEASE");
	pthread_join(asker, NULL);
	tap_ok((other & 0xffff) == 0xffff,
	       "a read of B fails in a GET of another mapping: %#lx", other);
	tap_ok((under_way & 0xffff) == 0xffff, "all, says the first one too: %#lx",
	       under_way);
	one_warning(B, "a read fails in one of two GETs");
	unmap(IOVA + NR * PAGE, NR * PAGE);
	restart_heals(2);
	finish();
	mem_free(more, NR * PAGE);
}

/* Each that fails is named, and none twice. */
static void all_fail(void)
{
	open_two();
	fail(A, SIM_OP_READ, EIO, 1, ~0U);
	fail(B, SIM_OP_READ, EIO, 1, ~0U);
	get_is(ALL, "all reads fail");
	get_is(ALL, "and again");
	one_warning(A, "all reads fail");
	stop();
	begin();
	start();
	is_error(2, "START reads too");
	get_is(ALL, "all reads fail");
	tap_ok(warnings() == before + 2 &&
		       warnings_of(A) == before_of[A] + 1 &&
		       warnings_of(B) == before_of[B] + 1, "each is named");
	heal(A, SIM_OP_READ);
	heal(B, SIM_OP_READ);
	get_is(ALL, "until STOP");
	restart_heals(2);
	finish();
}

void test_errors(void)
{
	/* all leaves are looked at, then the dirty one is cleaned */
	in_get(DIRTY_GET, "GET", 1);
	in_get(DIRTY_GET, "GET", NR);
	in_get(DIRTY_GET, "GET", NR + 1);
	in_get(DIRTY_NOCLEAR, "NOCLEAR", 1);
	in_get(DIRTY_NOCLEAR, "NOCLEAR", NR);
	in_clear();
	in_unmap();
	in_start();
	failed_one_leaves();
	next_one_fails();
	other_one_leaves();
	at_leave();
	at_join();
	as_it_joins(1);
	as_it_joins(NR);
	to_pinned(true);
	to_pinned(false);
	found_by_another();
	all_fail();
}
