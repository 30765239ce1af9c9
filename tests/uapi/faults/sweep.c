// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "faults.h"
#include "proc.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MOST	2000	/* points an operation: more, and it does not end */
#define EACH	200	/* tried one by one; then it is one thing again and again, */
#define EACH_LEAF 20	/* likewise where calls to an IOMMU are swept slowly */
#define STRIDE	29	/* and one in so many is */
#define ERRORS	8
#define SETTLE_TRIES	100
#define SETTLE_US	20000

static unsigned long operations, points, failures;

struct tally {
	unsigned int failed, nr_errors;
	int errors[ERRORS];
};

static void note_error(struct tally *t, int ret)
{
	unsigned int i;

	t->failed++;
	for (i = 0; i < t->nr_errors; i++)
		if (t->errors[i] == ret)
			return;
	if (t->nr_errors < ERRORS)
		t->errors[t->nr_errors++] = ret;
}

static void put_errors(const struct tally *t, char *out, size_t n)
{
	unsigned int i;
	size_t at = 0;

	out[0] = 0;
	for (i = 0; i < t->nr_errors && at < n; i++)
		at += (size_t)snprintf(out + at, n - at, " %s",
				       strerrorname_np(-t->errors[i]) ?: "?");
}

/* Cheap, so that it is looked at after each and every call. */
struct held {
	long locked, avail, leaves;
};

/* In the tables of the simulator's IOMMUs; others keep theirs to themselves. */
static long leaves_now(void)
{
	struct sim_watch watch;

	if (!w.simulated || w.dma[0].fd < 0)
		return 0;
	simdma_watch(&w.dma[0], &watch);
	return (long)watch.leaves;
}

static struct held held_now(void)
{
	return (struct held){
		.locked = proc_locked_kib(),
		.avail = w.container >= 0 ? vfio_dma_avail(w.container) : 0,
		.leaves = leaves_now(),
	};
}

static bool same_held(const struct held *want)
{
	struct held now = held_now();

	if (now.locked == want->locked && now.avail == want->avail &&
	    now.leaves == want->leaves)
		return true;
	tap_diag("locked %ld KiB, were %ld; room for %ld mappings, was %ld; %ld leaves, were %ld",
		 now.locked, want->locked, now.avail, want->avail, now.leaves,
		 want->leaves);
	return false;
}

/* The same call once more, and nothing fails. */
static bool again(const struct op *op)
{
	int ret = op->run();

	if (!expect(!ret, "the next call works"))
		tap_diag("it says %s", strerrorname_np(-ret));
	return op->after(ret) == DONE && !ret;
}

static bool one(const struct op *op, const struct source *s, unsigned int n,
		struct tally *t, bool *struck)
{
	enum verdict v;
	int ret;

	if (op->before)
		op->before();
	s->arm(s, n);
	ret = op->run();
	*struck = s->struck(s);
	if (ret < 0)
		note_error(t, ret);
	if (ret < 0 && !*struck)
		return expect(false, "it fails without a fault");
	v = op->after(ret);
	if (v == WRONG)
		return false;
	return v == DONE || again(op);
}

/* A kernel with fault injection is slow, and each leaf is asked as the last. */
static unsigned int one_by_one(const struct source *s)
{
	return s == &nth_source || nth_missing() ? EACH : EACH_LEAF;
}

static bool all(const struct op *op, const struct source *s, unsigned int *n,
		struct tally *t)
{
	unsigned int nth = 1, each = one_by_one(s);
	struct held held;
	bool struck;

	/* once without: what grows with the first use is then there */
	if (op->before)
		op->before();
	if (!again(op))
		return false;
	held = held_now();
	for (*n = 0; *n < MOST; ++*n) {
		if (!one(op, s, nth, t, &struck) || !same_held(&held)) {
			tap_diag("%s, fault %u", op->name, nth);
			return false;
		}
		if (!struck)
			return true;
		nth += nth < each ? 1 : STRIDE;
	}
	return expect(false, "there is an end to what can fail");
}

static bool same_pins(const struct counters *want)
{
	struct counters now;
	int i;

	for (i = 0; i < SETTLE_TRIES; i++) {
		counters_read(&now);
		if (now.pins == want->pins)
			return true;
		usleep(SETTLE_US);
	}
	tap_diag("pinned pages %ld, were %ld", now.pins, want->pins);
	return false;
}

void sweep(const struct op *op, const struct source *s)
{
	struct tally t = { 0 };
	struct counters before;
	char errors[128];
	unsigned int n = 0;
	bool good, reached;

	if (!op->world()) {
		/* said once, not for each source */
		if (s == &nth_source || s == iommu_sources)
			tap_skip(op->name, "its devices are not there");
		return;
	}
	if (s != &nth_source && !orders_of(s->iommu))
		return;
	counters_read(&before);
	good = all(op, s, &n, &t) && op->world() && same_pins(&before);
	if (s != &nth_source) {
		reached = op->reaches[s->iommu] & 1u << s->op;
		/* most have nothing to say of most calls */
		if (good && !n && !reached)
			return;
		good &= expect(reached == !!n, "the calls of an operation are known");
	}
	put_errors(&t, errors, sizeof(errors));
	tap_ok(good, "%s: %s: %u points, %u calls failed:%s", s->name, op->name,
	       n, t.failed, t.failed ? errors : " none");
	operations++;
	points += n;
	failures += t.failed;
	if (!good)
		world_close();
}

void sweep_total(void)
{
	tap_ok(points, "%lu sweeps, %lu fault points, %lu calls failed", operations,
	       points, failures);
}
