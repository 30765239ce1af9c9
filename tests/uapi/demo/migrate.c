// SPDX-License-Identifier: GPL-2.0-only
#include "bitmap.h"
#include "demo.h"
#include "rng.h"
#include "tap.h"
#include "target.h"
#include "vfio.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define IOVA		0x100000000ULL
#define SOURCE_IOVA	0x20000000ULL
#define PIECE		512ULL		/* pages a CLEAR, right before they go */
#define MAX_BYTES	64
#define BITMAP		(PAGES / 8)

struct run {
	struct column *col;
	struct target *target;
	struct rng rng;			/* the device's */
	char *mem, *mirror;
	unsigned char *source;
	uint8_t pending[BITMAP];	/* to be sent */
	_Atomic uint8_t written[PAGES];	/* since the last call */
	_Atomic uint64_t budget, done;	/* device writes: allowed, done */
	atomic_bool stop;
};

static void write_once(struct run *r)
{
	uint64_t page = rng_below(&r->rng, PAGES), kind = rng_below(&r->rng, 4);
	uint32_t n = 1 + (uint32_t)rng_below(&r->rng, MAX_BYTES);
	uint32_t at = (uint32_t)rng_below(&r->rng, PAGE_4K - n);

	if (kind < 2)
		page = HOT_FIRST + page % HOT_PAGES;
	else if (kind == 2)
		page = WARM_FIRST + page % WARM_PAGES;
	r->target->ops->store(r->target, IOVA + page * PAGE_4K + at,
			      (uint32_t)rng_below(&r->rng, 4096 - n), n);
	atomic_store(&r->written[page], 1);
	atomic_fetch_add(&r->done, 1);
}

static void *device(void *run)
{
	struct run *r = run;

	while (!atomic_load(&r->stop)) {
		if (atomic_load(&r->done) >= atomic_load(&r->budget))
			sched_yield();
		else
			write_once(r);
	}
	return NULL;
}

static int range(struct run *r, uint32_t flag, uint64_t first, uint64_t nr,
		 void *bitmap)
{
	int ret = r->target->ops->range(r->target, flag, IOVA + first * PAGE_4K,
					nr * PAGE_4K, PAGE_4K, bitmap,
					bit_bytes(nr));

	if (ret)
		tap_bail("%s: flag %#x: %s", r->col->name, flag, strerror(-ret));
	return ret;
}

/*
 * Whatever was written since the last time, for the truth beside the report.
 * A page that is written during the call counts here; the call reports it, or
 * the next does.
 */
static void count_written(struct run *r)
{
	uint64_t page;

	for (page = 0; page < PAGES; page++) {
		if (!atomic_exchange(&r->written[page], 0))
			continue;
		r->col->written++;
		r->col->writes[page]++;
	}
}

/* Which pages are dirty? Returns how many; they are what is to be sent next. */
static uint64_t ask(struct run *r)
{
	bool get = r->col->how == HOW_GET;
	uint64_t page, n = 0;

	atomic_fetch_add(&r->budget, WRITES_A_CALL);
	range(r, get ? DIRTY_GET : DIRTY_NOCLEAR, 0, PAGES, r->pending);
	count_written(r);
	for (page = 0; page < PAGES; page++) {
		if (!bit_get(r->pending, page))
			continue;
		r->col->reports[page]++;
		n++;
	}
	r->col->reported += n;
	return n;
}

static bool any(const struct run *r, uint64_t first)
{
	uint64_t i;

	for (i = 0; i < PIECE / 8; i++)
		if (r->pending[first / 8 + i])
			return true;
	return false;
}

/* Clean first, THEN copy: what the device writes in between is seen again. */
static void send_piece(struct run *r, uint64_t first)
{
	uint64_t page;

	if (r->col->how == HOW_CLEAR)
		range(r, DIRTY_CLEAR, first, PIECE, r->pending + first / 8);
	for (page = first; page < first + PIECE; page++) {
		if (!bit_get(r->pending, page))
			continue;
		memcpy(r->mirror + page * PAGE_4K, r->mem + page * PAGE_4K,
		       PAGE_4K);
		r->col->sent++;
		/* the device's pace is counted in pages sent, not in time */
		if (r->col->sent % PAGES_A_WRITE == 0)
			atomic_fetch_add(&r->budget, 1);
	}
}

static void send(struct run *r)
{
	uint64_t first;

	for (first = 0; first < PAGES; first += PIECE)
		if (any(r, first))
			send_piece(r, first);
	/* a slow device would not be one that keeps writing */
	while (!atomic_load(&r->stop) &&
	       atomic_load(&r->done) < atomic_load(&r->budget))
		sched_yield();
}

/* What the last call said, and what was written since: each page once. */
static void send_rest(struct run *r)
{
	uint8_t since[BITMAP];
	size_t i;

	range(r, r->col->how == HOW_GET ? DIRTY_GET : DIRTY_NOCLEAR, 0, PAGES,
	      since);
	for (i = 0; i < BITMAP; i++)
		r->pending[i] |= since[i];
	send(r);
}

static void rounds(struct run *r)
{
	struct column *col = r->col;
	pthread_t thread;
	uint64_t dirty;

	if (pthread_create(&thread, NULL, device, r))
		tap_bail("pthread_create");
	if (r->target->ops->flag(r->target, DIRTY_START))
		tap_bail("START");
	memset(r->pending, 0xff, BITMAP);
	do {
		send(r);
		dirty = ask(r);
		col->rounds++;
		col->converged = dirty <= DOWNTIME_PAGES;
	} while (!col->converged && col->rounds < MAX_ROUNDS);

	/* the downtime: nothing writes any more, the rest is sent */
	atomic_store(&r->stop, true);
	pthread_join(thread, NULL);
	dirty = col->sent;
	send_rest(r);
	col->left = col->sent - dirty;
}

static void set_up(struct run *r, uint64_t seed)
{
	int ret;

	r->target = target_open_vfio(r->col->type, VFIO_HWDBM_POLICY_HWDBM);
	rng_init(&r->rng, seed);
	r->mem = mem_alloc(PAGES * PAGE_4K, LEAF_4K);
	r->mirror = mem_alloc(PAGES * PAGE_4K, LEAF_4K);
	r->source = mem_alloc(PAGE_2M, LEAF_4K);
	rng_fill(&r->rng, r->source, 4096);
	ret = r->target->ops->map(r->target, r->mem, IOVA, PAGES * PAGE_4K);
	if (!ret)
		ret = r->target->ops->map(r->target, r->source, SOURCE_IOVA, 4096);
	if (ret)
		tap_bail("MAP: %s", strerror(-ret));
	r->target->ops->fetch(r->target, SOURCE_IOVA, 0, 4096);
}

void migrate(struct column *col, uint64_t seed)
{
	struct run *r = calloc(1, sizeof(*r));

	col->reports = calloc(1, PAGES);
	col->writes = calloc(1, PAGES);
	if (!r || !col->reports || !col->writes)
		tap_bail("no memory");
	r->col = col;
	set_up(r, seed);
	rounds(r);
	col->device_writes = atomic_load(&r->done);
	col->failed = r->target->ops->failed(r->target);
	col->equal = !memcmp(r->mem, r->mirror, PAGES * PAGE_4K);
	r->target->ops->close(r->target);
	mem_free(r->mem, PAGES * PAGE_4K);
	mem_free(r->mirror, PAGES * PAGE_4K);
	mem_free(r->source, PAGE_2M);
	free(r);
}
