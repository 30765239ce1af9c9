// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tables that get taller while the log is read. AMD's begin with three levels, so
 * the first mapping behind 2^39 gives them a new top, and so do those behind 2^48
 * and 2^57. Whoever reads meanwhile has begun at the old one. A top never goes
 * away again, so each round has a new container.
 *
 * The reader keeps account: of each page of the low mapping it knows how many
 * writes had begun, and how many were finished, when it asked last.
 */
#include "bitmap.h"
#include "dirtyops.h"
#include "rng.h"
#include "tap.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOW	2048ULL		/* pages: four tables of the lowest level */
#define BYTES	(LOW / 8)
#define HIGH	16
#define NONE	"0000000000000000"
#define ROUNDS	4
#define POLLS	200000
#define POLL_US	100

struct taller {
	struct rig rig;
	struct rng rng;
	pthread_t device, reader;
	atomic_bool finished;
	atomic_ulong answers;
	atomic_ulong order;	/* an IOVA that the device is to write next */
	atomic_uint begun[LOW], done[LOW];
	/* the reader's: a page's writes that its last report may have, and has */
	unsigned int may_have[LOW], has[LOW];
	unsigned long missed, invented;
	atomic_int error;
};

static void *write_on(void *arg)
{
	struct taller *t = arg;

	while (!atomic_load(&t->finished)) {
		uint64_t order = atomic_load(&t->order);
		uint64_t page = rng_below(&t->rng, LOW);

		if (order) {
			rig_write(&t->rig, order);
			atomic_store(&t->order, 0);
		}
		if (rng_one_in(&t->rng, 3)) {
			rig_read(&t->rig, page_at(page));
			continue;
		}
		atomic_fetch_add(&t->begun[page], 1);
		rig_write(&t->rig, page_at(page));
		atomic_fetch_add(&t->done[page], 1);
	}
	return NULL;
}

static int ask(struct taller *t, uint32_t flag, uint8_t *map)
{
	return vfio_dirty_range(t->rig.container, flag, IOVA, LOW * PAGE_4K,
				PAGE_4K, map, BYTES);
}

/* @finished: how many writes of each page were, before the answer @map. */
static void judge(struct taller *t, const unsigned int *finished,
		  const uint8_t *map)
{
	uint64_t page;

	for (page = 0; page < LOW; page++) {
		unsigned int begun = atomic_load(&t->begun[page]);

		if (!bit_get(map, page)) {
			t->missed += finished[page] > t->may_have[page];
			continue;
		}
		t->invented += begun == t->has[page];
		t->has[page] = finished[page];
		t->may_have[page] = begun;
	}
}

/* What is dirty, and then it is clean: by one call, or by two. */
static void take(struct taller *t, bool two_calls)
{
	unsigned int finished[LOW];
	uint8_t map[BYTES];
	uint64_t page;

	for (page = 0; page < LOW; page++)
		finished[page] = atomic_load(&t->done[page]);
	t->error = ask(t, two_calls ? DIRTY_NOCLEAR : DIRTY_GET, map);
	if (!t->error && two_calls)
		t->error = ask(t, DIRTY_CLEAR, map);
	if (!t->error)
		judge(t, finished, map);
}

static void *read_on(void *arg)
{
	struct taller *t = arg;

	while (!atomic_load(&t->finished) && !t->error) {
		take(t, atomic_load(&t->answers) % 2);
		atomic_fetch_add(&t->answers, 1);
	}
	return NULL;
}

/* Until the reader has had @nr more answers. */
static void let_ask(struct taller *t, unsigned long nr)
{
	unsigned long until = atomic_load(&t->answers) + nr;
	int polls = POLLS;

	while (atomic_load(&t->answers) < until && !t->error && polls--)
		usleep(POLL_US);
	if (polls < 0)
		tap_bail("the reader gets no answers");
}

static void order_write(struct taller *t, uint64_t iova)
{
	int polls = POLLS;

	atomic_store(&t->order, iova);
	while (atomic_load(&t->order) && polls--)
		usleep(POLL_US);
	if (polls < 0)
		tap_bail("the device does not write");
}

/* A mapping at 2^@lg2 that comes, is written, and goes, three times. */
static void reach(struct taller *t, unsigned int lg2)
{
	uint64_t iova = 1ULL << lg2;
	struct rig *rig = &t->rig;
	bool good;
	void *mem;

	let_ask(t, 1);
	mem = rig_map(rig, iova, HIGH);
	rig_report_once(rig, iova, HIGH);
	order_write(t, iova);
	order_write(t, iova + 15 * PAGE_4K);
	good = rig_log_is(rig, DIRTY_NOCLEAR, iova, PAGE_4K, "1000000000000001");
	good &= !rig_clear(rig, iova, PAGE_4K, "1");
	order_write(t, iova + PAGE_4K);
	good &= rig_log_is(rig, DIRTY_GET, iova, PAGE_4K, "0100000000000001");
	good &= rig_log_is(rig, DIRTY_GET, iova, PAGE_4K, NONE);
	order_write(t, iova + 2 * PAGE_4K);
	good &= unmap_reports(rig, iova, HIGH, 0, "0010000000000000", HIGH);
	mem_free(mem, HIGH * PAGE_4K);
	tap_ok(good, "the log of a mapping at 2^%u, while another is read", lg2);
	rig_unmap(rig, rig_map(rig, iova, HIGH), iova, HIGH);
	let_ask(t, 1);
	rig_unmap(rig, rig_map(rig, iova, HIGH), iova, HIGH);
}

static bool usable(int container, uint64_t iova)
{
	struct vfio_iommu_type1_info *info = vfio_info(container);
	struct vfio_iommu_type1_info_cap_iova_range *cap =
		(void *)vfio_info_cap(info,
				      VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE);
	bool found = false;
	uint32_t i;

	for (i = 0; i < cap->nr_iovas; i++)
		found |= iova >= cap->iova_ranges[i].start &&
			 iova + HIGH * PAGE_4K - 1 <= cap->iova_ranges[i].end;
	free(info);
	return found;
}

/*
 * Odd rounds begin at the far end: there three levels become six at once.
 * False where there is no such end: then one round is enough.
 */
static bool reach_all(struct taller *t, int round)
{
	static const unsigned int lg2s[] = { 39, 48, 57 };
	const int nr = sizeof(lg2s) / sizeof(*lg2s);
	bool all = true;
	int i;

	for (i = 0; i < nr; i++) {
		unsigned int lg2 = lg2s[round % 2 ? nr - 1 - i : i];

		if (usable(t->rig.container, 1ULL << lg2)) {
			reach(t, lg2);
			continue;
		}
		tap_diag("no IOVAs at 2^%u", lg2);
		all = false;
	}
	if (!all)
		tap_skip("tables that get taller, up to six levels",
			 "no IOVAs so far away, all tables are of one height");
	return all;
}

static void start(struct taller *t)
{
	start_logging(&t->rig);
	if (pthread_create(&t->device, NULL, write_on, t) ||
	    pthread_create(&t->reader, NULL, read_on, t))
		tap_bail("pthread_create");
	let_ask(t, 2);
}

static void end(struct taller *t)
{
	atomic_store(&t->finished, true);
	pthread_join(t->device, NULL);
	pthread_join(t->reader, NULL);
	if (!t->error)
		take(t, false);
	tap_ret(t->error, 0, "%lu answers", atomic_load(&t->answers));
	tap_ok(!t->missed, "each finished write is in the next one: %lu missed",
	       t->missed);
	tap_ok(!t->invented, "nothing else is in any: %lu invented",
	       t->invented);
	vfio_expect_policy(t->rig.container, VFIO_HWDBM_POLICY_HWDBM);
	stop_logging(&t->rig);
}

void test_taller(void)
{
	static struct taller t;
	bool more = true;
	int round;

	for (round = 0; more && round < ROUNDS; round++) {
		void *mem;

		memset(&t, 0, sizeof(t));
		rng_init(&t.rng, rng_default_seed());
		if (!rig_open(&t.rig, 0))
			tap_bail("no edu device is bound to vfio-pci");
		mem = rig_map(&t.rig, IOVA, LOW);
		start(&t);
		more = reach_all(&t, round);
		end(&t);
		rig_unmap(&t.rig, mem, IOVA, LOW);
		rig_close(&t.rig);
	}
}
