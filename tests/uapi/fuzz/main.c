// SPDX-License-Identifier: GPL-2.0-only
/*
 * Usage: fuzz [--seconds N] [--calls N] [--seed N] [--corpus FILE] [--trace]
 *
 *   --seconds, --calls  when to stop (30 seconds; no number of calls)
 *   --corpus FILE       programs to begin with, each run once, if FILE is there;
 *                       those that were kept are written to it in the end. A
 *                       kernel's log with the lines of --trace is such a FILE
 *   --trace             each call to the kernel's log before it is made: where
 *                       the kernel dies, its last lines say of what
 *
 * On a kernel without KCOV it works blindly, and says so. It unloads stock, which
 * warns of what it is not asked here: types 1 and 3 are ours (claim=all) or
 * nobody's.
 */
#define _GNU_SOURCE
#include "counters.h"
#include "fuzz.h"
#include "proc.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MAX_CORPUS	4096
#define LOOK_EVERY	64	/* programs, at what is left behind */

static struct prog corpus[MAX_CORPUS];
static unsigned int nr_corpus, nr_kept;
static unsigned long seconds = 30, most_calls = ~0UL, nr_progs, lost;
static const char *corpus_file;
static int log_fd = -1;
static struct counters idle;
static struct kcov kcov;
static bool blind;

/* ---- the second thread ---- */

static struct {
	struct prog prog;
	sem_t begin, end;
	unsigned int fresh;
	bool over;
} second;

static void put_line(const char *text)
{
	if (log_fd >= 0 && write(log_fd, text, strlen(text)) < 0)
		tap_bail("/dev/kmsg: %m");
}

static void trace(const struct call *c)
{
	char text[128] = "fuzz: ";

	call_text(c, text + 6, sizeof(text) - 6);
	put_line(text);
}

static unsigned int run_part(const struct prog *p, struct kcov *k)
{
	kcov_begin(k);
	exec_run(p, log_fd >= 0 ? trace : NULL);
	return kcov_end(k);
}

static void *second_thread(void *arg)
{
	struct kcov k;

	(void)arg;
	kcov_open(&k);
	for (;;) {
		while (sem_wait(&second.begin))
			;
		if (second.over)
			return NULL;
		second.fresh = run_part(&second.prog, &k);
		sem_post(&second.end);
	}
}

/* Up to the first call of the second thread the first is alone. */
static void split(const struct prog *p, struct prog *alone, struct prog *first)
{
	struct prog *to = alone;
	unsigned int i;

	alone->nr = first->nr = second.prog.nr = 0;
	for (i = 0; i < p->nr; i++) {
		if (p->calls[i].thread)
			to = first;
		if (p->calls[i].thread)
			second.prog.calls[second.prog.nr++] = p->calls[i];
		else
			to->calls[to->nr++] = p->calls[i];
	}
}

/* Returns how much of what it reached was new. */
static unsigned int run(const struct prog *p)
{
	struct prog alone, first;
	unsigned int fresh;

	split(p, &alone, &first);
	put_line("fuzz: prog");
	fresh = run_part(&alone, &kcov);
	if (second.prog.nr) {
		sem_post(&second.begin);
		fresh += run_part(&first, &kcov);
		while (sem_wait(&second.end))
			;
		fresh += second.fresh;
	}
	nr_progs++;
	return fresh;
}

/* ---- what is left behind ---- */

static void say_prog(const struct prog *p)
{
	char text[128];
	unsigned int i;

	tap_diag("prog");
	for (i = 0; i < p->nr; i++) {
		call_text(&p->calls[i], text, sizeof(text));
		tap_diag("%s", text);
	}
}

static void look(const struct prog *p, bool unlocked)
{
	struct counters now;
	int i;

	if (unlocked && nr_progs % LOOK_EVERY)
		return;
	for (i = 0; i < 100; i++) {
		counters_read(&now);
		if (now.pins == idle.pins && now.refcount == idle.refcount &&
		    !now.locked)
			return;
		usleep(20000);
	}
	tap_ok(false, "left: %ld pinned pages, %ld references, %ld KiB locked, after this or one of the %d programs before",
	       now.pins - idle.pins, now.refcount - idle.refcount, now.locked,
	       LOOK_EVERY - 1);
	say_prog(p);
	idle = now;
	lost++;
}

/* ---- the corpus ---- */

static void add(const struct prog *p)
{
	if (nr_corpus < MAX_CORPUS)
		corpus[nr_corpus++] = *p;
}

static void load(void)
{
	FILE *f = corpus_file ? fopen(corpus_file, "re") : NULL;
	struct prog p = { 0 };
	char line[512];

	if (!f)
		return;
	while (fgets(line, sizeof(line), f)) {
		if (call_parse(line, &p.calls[p.nr]))
			p.nr += p.nr < MAX_CALLS - 1;
		else if (strstr(line, "prog") && p.nr) {
			add(&p);
			p.nr = 0;
		}
	}
	if (p.nr)
		add(&p);
	fclose(f);
	tap_diag("%u programs from %s", nr_corpus, corpus_file);
}

static void save(void)
{
	FILE *f = corpus_file ? fopen(corpus_file, "we") : NULL;
	char text[128];
	unsigned int i, j;

	if (!f)
		return;
	for (i = 0; i < nr_corpus; i++) {
		fprintf(f, "prog\n");
		for (j = 0; j < corpus[i].nr; j++) {
			call_text(&corpus[i].calls[j], text, sizeof(text));
			fprintf(f, "%s\n", text);
		}
	}
	fclose(f);
}

/* ---- the loop ---- */

static bool one(const struct prog *p)
{
	unsigned int fresh = run(p);

	look(p, exec_clean());
	return fresh;
}

static void next(struct rng *rng, struct prog *p)
{
	if (!nr_corpus || rng_one_in(rng, 4)) {
		prog_generate(rng, p);
		return;
	}
	*p = corpus[rng_below(rng, nr_corpus)];
	prog_mutate(rng, p, &corpus[rng_below(rng, nr_corpus)]);
}

static bool time_left(const struct timespec *start)
{
	unsigned long calls, worked;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	exec_counts(&calls, &worked);
	return calls < most_calls &&
	       (unsigned long)(now.tv_sec - start->tv_sec) < seconds;
}

static void fuzz(struct rng *rng)
{
	struct timespec start;
	struct prog p;
	unsigned int i;

	clock_gettime(CLOCK_MONOTONIC, &start);
	for (i = 0; i < nr_corpus; i++)
		one(&corpus[i]);
	while (time_left(&start)) {
		next(rng, &p);
		/* blindly, some are kept all the same: to be changed */
		if (one(&p) || (blind && rng_one_in(rng, 8))) {
			add(&p);
			nr_kept++;
		}
	}
}

static uint64_t parse(int argc, char **argv)
{
	uint64_t seed = rng_default_seed();
	bool traced = false;
	int i;

	for (i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : NULL;

		if (!strcmp(argv[i], "--trace")) {
			traced = true;
			continue;
		}
		if (!value)
			tap_bail("%s wants a value, or is unknown", argv[i]);
		if (!strcmp(argv[i], "--seconds"))
			seconds = strtoul(value, NULL, 0);
		else if (!strcmp(argv[i], "--calls"))
			most_calls = strtoul(value, NULL, 0);
		else if (!strcmp(argv[i], "--seed"))
			seed = strtoull(value, NULL, 0);
		else if (!strcmp(argv[i], "--corpus"))
			corpus_file = value;
		else
			tap_bail("unknown option %s", argv[i]);
		i++;
	}
	if (traced) {
		proc_write("/proc/sys/kernel/printk_devkmsg", "on");
		log_fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
		if (log_fd < 0)
			tap_bail("/dev/kmsg: %m");
	}
	return seed;
}

static void unload_stock(void)
{
	if (syscall(SYS_delete_module, STOCK_MODULE, O_NONBLOCK) &&
	    errno != ENOENT)
		tap_bail("cannot unload " STOCK_MODULE ": %m");
}

int main(int argc, char **argv)
{
	unsigned long calls, worked, took;
	pthread_t thread;
	char text[128];
	struct rng rng;
	uint64_t seed;

	puts("TAP version 13");
	seed = parse(argc, argv);
	tap_diag("fuzz: seed %#" PRIx64, seed);
	rng_init(&rng, seed);
	unload_stock();
	exec_init();
	counters_baseline(&idle);
	blind = !kcov_open(&kcov);
	tap_diag("coverage: %s", blind ? "none, this kernel has no KCOV: blind" :
					 "KCOV");
	if (sem_init(&second.begin, 0, 0) || sem_init(&second.end, 0, 0) ||
	    pthread_create(&thread, NULL, second_thread, NULL))
		tap_bail("a thread: %m");
	load();
	fuzz(&rng);
	second.over = true;
	sem_post(&second.begin);
	pthread_join(thread, NULL);
	save();
	call_text(exec_slowest(&took), text, sizeof(text));
	tap_diag("the slowest took %lu ms: %s", took, text);
	exec_counts(&calls, &worked);
	tap_ok(worked && !lost, "%lu programs, %lu calls, %lu of them worked; %u kept; %lu points of code reached",
	       nr_progs, calls, worked, nr_kept, kcov_points());
	if (!blind)
		tap_ok(kcov_points() > 500, "the coverage is the module's");
	counters_back(&idle, "all of it");
	return tap_done();
}
