// SPDX-License-Identifier: GPL-2.0-only
/* Two containers beside each other; several callers of one. */
#include "bitmap.h"
#include "dirtyops.h"
#include "tap.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define NONE	"0000000000000000"
#define NR	16

static void two_containers(struct rig *rig)
{
	struct rig other;
	void *a, *b;

	if (!rig_open(&other, 1)) {
		tap_skip("two containers", "one edu device only");
		return;
	}
	a = rig_map(rig, IOVA, NR);
	b = rig_map(&other, IOVA, NR);
	start_logging(rig);
	start_logging(&other);
	rig_write(rig, page_at(1));
	rig_write(&other, page_at(2));
	tap_ok(rig_log_is(rig, DIRTY_NOCLEAR, IOVA, PAGE_4K, "0100000000000000"),
	       "two containers: the first sees its own writes");
	tap_ok(rig_log_is(&other, DIRTY_GET, IOVA, PAGE_4K, "0010000000000000"),
	       "two containers: so does the second");
	rig_write(&other, page_at(2));
	tap_ok(rig_log_is(rig, DIRTY_GET, IOVA, PAGE_4K, "0100000000000000"),
	       "GET of the one clears nothing of the other");
	stop_logging(rig);
	tap_ok(rig_log_is(&other, DIRTY_GET, IOVA, PAGE_4K, "0010000000000000"),
	       "nor does STOP");
	start_logging(rig);
	rig_write(&other, page_at(5));
	tap_ok(rig_log_is(&other, DIRTY_GET, IOVA, PAGE_4K, "0000010000000000"),
	       "nor START");
	rig_unmap(rig, a, IOVA, NR);
	stop_logging(rig);
	tap_ok(rig_log_is(&other, DIRTY_GET, IOVA, PAGE_4K, NONE),
	       "and the other still answers");
	rig_unmap(&other, b, IOVA, NR);
	rig_close(&other);
}

#define MANY		512
#define CALLERS		4
#define MAX_CALLS	20000

struct caller {
	pthread_t thread;
	struct rig *rig;
	uint32_t flag;
	unsigned long calls;
	int error;
	uint8_t seen[MANY / 8];
};

static atomic_bool finished;

/* A call reports a page, or leaves it for another call: the union is all. */
static void *ask_all_the_time(void *arg)
{
	struct caller *c = arg;
	uint8_t map[MANY / 8];
	unsigned int i;

	while (!atomic_load(&finished) && c->calls < MAX_CALLS) {
		memset(map, 0, sizeof(map));
		c->error = vfio_dirty_range(c->rig->container, c->flag, IOVA,
					    MANY * PAGE_4K, PAGE_4K, map,
					    sizeof(map));
		if (c->error)
			break;
		for (i = 0; i < sizeof(map); i++)
			c->seen[i] |= map[i];
		c->calls++;
	}
	return NULL;
}

/* Every page that is not a multiple of three is written, once. */
static bool written(uint64_t page)
{
	return page % 3;
}

static void judge(const struct caller *callers, const uint8_t *rest)
{
	uint64_t page, lost = 0, invented = 0;
	int i;

	for (page = 0; page < MANY; page++) {
		bool taken = bit_get(rest, page), seen = taken;

		for (i = 0; i < CALLERS; i++) {
			seen |= bit_get(callers[i].seen, page);
			if (callers[i].flag == DIRTY_GET)
				taken |= bit_get(callers[i].seen, page);
		}
		lost += written(page) && !taken;
		invented += !written(page) && seen;
	}
	tap_ok(!lost, "each written page is in the answer of some GET: %lu lost",
	       lost);
	tap_ok(!invented, "and no other is in any: %lu invented", invented);
}

static void many_callers(struct rig *rig)
{
	static struct caller callers[CALLERS];
	void *mem = rig_map(rig, IOVA, MANY);
	uint8_t rest[MANY / 8] = { 0 };
	unsigned long calls = 0;
	uint64_t i, page;
	int error = 0;

	start_logging(rig);
	for (i = 0; i < CALLERS; i++) {
		callers[i].rig = rig;
		callers[i].flag = i ? DIRTY_GET : DIRTY_NOCLEAR;
		if (pthread_create(&callers[i].thread, NULL, ask_all_the_time,
				   &callers[i]))
			tap_bail("pthread_create");
	}
	for (i = 0; i < MANY; i++) {
		page = i * 37 % MANY;	/* 37 and 512 have no common factor */
		rig_read(rig, page_at(page));
		if (written(page))
			rig_write(rig, page_at(page));
	}
	atomic_store(&finished, true);
	for (i = 0; i < CALLERS; i++) {
		pthread_join(callers[i].thread, NULL);
		calls += callers[i].calls;
		if (callers[i].error)
			error = callers[i].error;
	}
	tap_ret(error, 0, "%d callers at once, %lu calls", CALLERS, calls);
	tap_ret(vfio_dirty_range(rig->container, DIRTY_GET, IOVA,
				 MANY * PAGE_4K, PAGE_4K, rest, sizeof(rest)),
		0, "a last GET");
	judge(callers, rest);
	stop_logging(rig);
	rig_unmap(rig, mem, IOVA, MANY);
}

void test_callers(struct rig *rig)
{
	two_containers(rig);
	many_callers(rig);
}
