// SPDX-License-Identifier: GPL-2.0-only
/* differ: random calls to stock and to ours must be answered alike. */
#define _GNU_SOURCE
#include "differ.h"
#include "tap.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EPOCH		1000	/* calls between two openings */
#define COVERING	5000	/* calls that meet every answer */

static unsigned long calls = 5000;
static uint64_t seed;

static void usage(void)
{
	puts("Usage: differ [--v1] [--calls N] [--seed S] [--trace]");
	exit(2);
}

static void parse(int argc, char **argv)
{
	static const struct option options[] = {
		{ "v1", no_argument, NULL, '1' },
		{ "calls", required_argument, NULL, 'c' },
		{ "seed", required_argument, NULL, 's' },
		{ "trace", no_argument, NULL, 't' },
		{ }
	};
	int c;

	seed = rng_default_seed();
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == '1')
			sides.v1 = true;
		else if (c == 'c')
			calls = strtoul(optarg, NULL, 0);
		else if (c == 's')
			seed = strtoull(optarg, NULL, 0);
		else if (c == 't')
			report_trace = true;
		else
			usage();
	}
	if (optind != argc || !calls)
		usage();
}

static void trace(const struct call *call, const struct answer *a)
{
	char text[400];

	if (!report_trace)
		return;
	report_call(call, text, sizeof(text));
	tap_diag("%lu: %s: %s %s", report_number, text,
		 report_answer(a[STOCK].ret), report_answer(a[OURS].ret));
}

/* Both are given up: nothing mapped, nothing logged, and from there on. */
static void resync(void)
{
	const char *what = judge_empty();

	if (*what)
		report_difference(NULL, what, NULL);
}

/* False where stock is stuck, and the epoch with it. */
static bool one_call(struct rng *rng)
{
	static uint8_t fill[BITS_MAX];
	struct answer a[SIDES] = { 0 };
	struct call call;
	int first = (int)rng_below(rng, SIDES);
	bool apart = false, stuck;

	gen_call(rng, &call);
	rng_fill(rng, fill, call.real);
	call_run(first, &call, fill, &a[first]);
	call_run(!first, &call, fill, &a[!first]);
	trace(&call, a);
	report_count(&call, a[STOCK].ret);
	stuck = judge_stuck_by(&call, a);
	judge(&call, a, fill, &apart);
	if (apart && !stuck)
		resync();
	return !stuck;
}

static void between_calls(struct rng *rng)
{
	static const long limits[] = { 0, 1, 8, 64, 600 };
	unsigned int dmas = (unsigned int)rng_below(rng, 3);
	char text[80];

	while (dmas--)
		judge_device(rng);
	if (rng_one_in(rng, 25)) {
		memory_change(rng, text, sizeof(text));
		if (report_trace)
			tap_diag("%s", text);
	}
	if (rng_one_in(rng, 20))
		call_limit(rng_one_in(rng, 3) ? limits[rng_below(rng, 5)] : -1);
}

/* Returns how many of @n calls were made. */
static unsigned long epoch(struct rng *rng, int number, unsigned long n)
{
	unsigned long bad = report_bad, i;
	const char *what;
	bool stuck = false;

	memory_refill(rng_next(rng));
	sides_open(rng, number);
	model_reset();
	what = judge_empty();
	if (*what)
		tap_bail("new containers: %s", what);
	for (i = 0; i < n && !stuck; i++, report_number++) {
		stuck = !one_call(rng);
		if (!stuck)
			between_calls(rng);
	}
	tap_ok(bad == report_bad, "epoch %d: calls to %lu are answered alike",
	       number, report_number);
	what = stuck ? judge_stuck() : judge_empty();
	tap_ok(!*what, "epoch %d: nothing is left%s%s", number, *what ? ": " : "",
	       what);
	what = memory_unequal();
	tap_ok(!what, "epoch %d: the devices wrote the same%s%s", number,
	       what ? ", but not to " : "", what ?: "");
	sides_close();
	what = judge_closed(stuck);
	tap_ok(!*what, "epoch %d: nothing is left of the containers%s%s", number,
	       *what ? ": " : "", what);
	return i;
}

int main(int argc, char **argv)
{
	unsigned long left;
	struct rng rng;
	int number = 0;

	parse(argc, argv);
	tap_diag("%lu calls, seed %lu%s", calls, seed, sides.v1 ? ", type 1" : "");
	rng_init(&rng, seed);
	sides_find();
	memory_make();
	call_init();
	for (left = calls; left; number++) {
		left -= epoch(&rng, number, left < EPOCH ? left : EPOCH);
	}
	tap_ok(!report_bad, "%lu calls: %lu differences that are not meant",
	       calls, report_bad);
	report_counts(calls >= COVERING);
	meant_print();
	return tap_done();
}
