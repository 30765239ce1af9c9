// SPDX-License-Identifier: GPL-2.0-only
/*
 * histories: see history.h. (Not "history": that is a command of the shell.)
 */
#define _GNU_SOURCE
#include "history.h"
#include "tap.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define MAX_TEXT	(1 << 20)
#define TELL_SECONDS	20
#define STEPS_OF_SHARE	10000

const struct stage *stage;

static struct world world;
static struct gen_options gen = { .steps = 60, .burst = 400 };
static unsigned long histories = 100, writes, shrink_seconds = 60;
static bool with_threads, trace, model;
static const char *bug;
static char *replay;
static uint64_t seed;

static void usage(void)
{
	puts("Usage: histories [OPTION]...\n"
	     "Random histories on the simulated IOMMU: no page that was written may be lost.\n"
	     "\n"
	     "  --histories N   how many (100)\n"
	     "  --writes N      as many as it takes for N writes\n"
	     "  --steps N       of each (60)\n"
	     "  --burst N       writes of one step, at most (400)\n"
	     "  --threads       half of them with several threads\n"
	     "  --seed S        of the first; the next has S + 1\n"
	     "  --shrink S      seconds to make one shorter that fails (60)\n"
	     "  --replay FILE   play this one; a log in which it was printed will do, of\n"
	     "                  several in it the last; - is standard input\n"
	     "  --play STEPS    the same, steps parted by ';'\n"
	     "  --trace         print each history before it is played\n"
	     "  --model[=BUG]   not the simulator but a model in memory");
	exit(2);
}

static char *read_all(const char *path)
{
	FILE *f = strcmp(path, "-") ? fopen(path, "re") : stdin;
	char *text = calloc(1, MAX_TEXT);

	if (!f || !text || !fread(text, 1, MAX_TEXT - 1, f))
		tap_bail("cannot read %s", path);
	return text;
}

static void parse(int argc, char **argv)
{
	static const struct option options[] = {
		{ "histories", required_argument, NULL, 'n' },
		{ "writes", required_argument, NULL, 'w' },
		{ "steps", required_argument, NULL, 't' },
		{ "burst", required_argument, NULL, 'b' },
		{ "threads", no_argument, NULL, 'm' },
		{ "seed", required_argument, NULL, 's' },
		{ "shrink", required_argument, NULL, 'k' },
		{ "replay", required_argument, NULL, 'r' },
		{ "play", required_argument, NULL, 'p' },
		{ "trace", no_argument, NULL, 'v' },
		{ "model", optional_argument, NULL, 'M' },
		{ }
	};
	int c;

	seed = rng_default_seed();
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'n')
			histories = strtoul(optarg, NULL, 0);
		else if (c == 'w')
			writes = strtoul(optarg, NULL, 0);
		else if (c == 't')
			gen.steps = (uint32_t)strtoul(optarg, NULL, 0);
		else if (c == 'b')
			gen.burst = (uint32_t)strtoul(optarg, NULL, 0);
		else if (c == 'm')
			with_threads = true;
		else if (c == 's')
			seed = strtoull(optarg, NULL, 0);
		else if (c == 'k')
			shrink_seconds = strtoul(optarg, NULL, 0);
		else if (c == 'r')
			replay = read_all(optarg);
		else if (c == 'p')
			replay = optarg;
		else if (c == 'v')
			trace = true;
		else if (c == 'M')
			model = true, bug = optarg;
		else
			usage();
	}
	if (optind != argc || !histories || !gen.steps || !gen.burst)
		usage();
}

static void tell_failure(uint64_t of, struct history *h)
{
	char options[160];

	tap_diag("seed %lu, %zu steps: %s", of, h->nr, world.why);
	snprintf(options, sizeof(options),
		 "%s --steps %u --burst %u --histories 1 --seed %lu",
		 with_threads ? " --threads" : "", gen.steps, gen.burst, of);
	tap_diag("this one again, from the checkout:");
	repeat_tell(model, bug, NULL, options);
	shrink(&world, h, (unsigned int)shrink_seconds);
	tap_diag("the same with %zu steps: %s", h->nr, world.why);
	tap_diag("and this plays what is left, where FILE is this log, or these lines of it:");
	repeat_tell(model, bug, "FILE", "");
	history_print(h);
}

/* Threads: every other seed. False once one has failed. */
static bool one(uint64_t nr)
{
	struct gen_options options = gen;
	struct history h;
	bool good;

	options.threads = with_threads && (seed + nr) % 2;
	gen_history(&h, seed + nr, &options);
	if (trace) {
		tap_diag("seed %lu:", seed + nr);
		history_print(&h);
	}
	good = run(&world, &h);
	if (!good)
		tell_failure(seed + nr, &h);
	history_free(&h);
	return good;
}

static void play_given(void)
{
	struct history h;
	bool good;

	history_init(&h, 0);
	history_parse(&h, replay);
	history_print(&h);
	good = run(&world, &h);
	tap_ok(good, "%zu steps%s%s", h.nr, good ? "" : ": ", world.why);
	history_free(&h);
}

static double seconds_since(const struct timespec *from)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - from->tv_sec) +
	       (double)(now.tv_nsec - from->tv_nsec) / 1e9;
}

static void tell_counts(unsigned long nr, double seconds)
{
	tap_diag("%lu histories, %lu steps, %lu writes in %.1f s (%.0f steps/s): %lu calls about the log (%lu judged), %lu maps, %lu unmaps, %lu groups moved, %lu pages pinned, %lu races, %lu writes in the middle of a call, %lu refused writes, %lu errors came through, %lu pages reported, %lu copied",
		 nr, counts.steps, counts.writes, seconds,
		 (double)counts.steps / seconds, counts.calls, counts.judged,
		 counts.maps, counts.unmaps, counts.moves, counts.pins,
		 counts.races, counts.traps, counts.refused, counts.errors, counts.reported,
		 counts.copied);
}

/*
 * What a history is there to try has to have happened. A share of what comes of
 * most seeds, and that of steps that are alone: so timing has no part in it.
 */
static void check_tried(void)
{
	static const struct {
		const char *what;
		atomic_ulong *count;
		unsigned long least;	/* in STEPS_OF_SHARE */
	} all[] = {
		{ "calls judged", &counts.judged, 200 },
		{ "races", &counts.races, 10 },
		{ "errors", &counts.errors, 1 },
		/* of which the model knows nothing */
		{ "writes in the middle of a call", &counts.traps, 1 },
	};
	unsigned long share = counts.steps / STEPS_OF_SHARE;
	size_t i, n = sizeof(all) / sizeof(*all) - model;

	for (i = 0; share && i < n; i++)
		tap_ok(*all[i].count >= share * all[i].least,
		       "%s: %lu, at least %lu", all[i].what, *all[i].count,
		       share * all[i].least);
}

static void play_random(void)
{
	unsigned long nr = 0;
	struct timespec began;
	double told = 0;
	char of_writes[40] = " writes";
	bool good = true;

	if (writes)
		snprintf(of_writes, sizeof(of_writes), " of %lu writes", writes);
	clock_gettime(CLOCK_MONOTONIC, &began);
	tap_diag("seed %lu", seed);
	while (good && (writes ? counts.writes < writes : nr < histories)) {
		good = one(nr++);
		/* now and then: it is alive */
		if (seconds_since(&began) < told + TELL_SECONDS)
			continue;
		told = seconds_since(&began);
		tap_diag("%lu histories, %lu%s, %.0f s", nr, counts.writes,
			 of_writes, told);
	}
	tell_counts(nr, seconds_since(&began));
	tap_ok(good, "%lu histories, %lu writes, from seed %lu: nothing lost, nothing invented, nothing left",
	       nr, counts.writes, seed);
	if (good)
		check_tried();
}

int main(int argc, char **argv)
{
	parse(argc, argv);
	if (model)
		stage_open_model(bug);
	else
		stage_open_sim();
	world_alloc(&world, !model);
	if (replay)
		play_given();
	else
		play_random();
	return tap_done();
}
