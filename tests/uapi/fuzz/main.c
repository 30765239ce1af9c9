// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz: see fuzz.h and its usage below. On a kernel without KCOV it works
 * blindly, and says so. It unloads stock, which warns of what it is not asked
 * here: types 1 and 3 are ours (claim=all) or nobody's.
 */
#define _GNU_SOURCE
#include "counters.h"
#include "fuzz.h"
#include "proc.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define LOOK_EVERY	64	/* programs, at what is left behind */
#define TELL_SECONDS	60

static struct fuzz_options options = { .seconds = 30, .calls = ~0UL };
static const char *save_to;
static unsigned long nr_progs, nr_kept, lost;
static struct counters idle;
static bool blind;

static void usage(int status)
{
	puts("Usage: fuzz [OPTION]...\n"
	     "Random calls of two threads to the container's ioctls, and of devices.\n"
	     "\n"
	     "  --seconds N    when to stop (30)\n"
	     "  --calls N      the same, in calls (any number); 0: only what is in FILE\n"
	     "  --seed S       of the programs\n"
	     "  --corpus FILE  programs to begin with, each run once, if FILE is there;\n"
	     "                 those and what was kept are written to it in the end. A\n"
	     "                 kernel's log with what --trace wrote to it is such a FILE\n"
	     "  --save FILE    written instead of --corpus's\n"
	     "  --trace        each call to the kernel's log before it is made: where the\n"
	     "                 kernel dies, its last lines say of what. Always where there\n"
	     "                 is coverage, of which no seed repeats what it led to;\n"
	     "                 elsewhere a quarter of the calls is made that would be\n"
	     "  --nobody       by a user without rights but to a few groups, in a small\n"
	     "                 memory cgroup; no corpus");
	exit(status);
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

/* ---- the loop ---- */

static bool one(const struct prog *p)
{
	unsigned int fresh = run_prog(p);

	nr_progs++;
	look(p, exec_clean());
	return fresh;
}

/* Now and then: it is alive. */
static bool time_left(const struct timespec *start)
{
	static unsigned long told;
	unsigned long calls, worked, gone;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	gone = (unsigned long)(now.tv_sec - start->tv_sec);
	exec_counts(&calls, &worked);
	if (gone >= told + TELL_SECONDS) {
		told = gone;
		tap_diag("%lu s of %lu: %lu calls, %lu programs kept, %lu points of code",
			 gone, options.seconds, calls, nr_kept, kcov_points());
	}
	return calls < options.calls && gone < options.seconds;
}

static void fuzz(void)
{
	struct timespec start;
	const struct prog *given;
	struct prog p;
	unsigned int i;
	struct rng rng;

	rng_init(&rng, options.seed);
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (i = 0; (given = corpus_get(i)); i++)
		one(given);
	while (time_left(&start)) {
		corpus_next(&rng, &p);
		/* blindly, some are kept all the same: to be changed */
		if (one(&p) || (blind && rng_one_in(&rng, 8))) {
			corpus_add(&p);
			nr_kept++;
		}
	}
}

static void fuzz_with_rights(const char *corpus_file)
{
	unsigned long calls, worked, took;
	char text[128];

	counters_baseline(&idle);
	blind = !run_init(options.log_fd);
	tap_diag("coverage: %s", blind ? "none, this kernel has no KCOV: blind" :
					 "KCOV");
	if (corpus_file)
		corpus_load(corpus_file);
	fuzz();
	run_end();
	if (save_to)
		corpus_save(save_to);
	call_text(exec_slowest(&took), text, sizeof(text));
	tap_diag("the slowest took %lu ms: %s", took, text);
	exec_counts(&calls, &worked);
	tap_ok(worked && !lost, "%lu programs, %lu calls, %lu of them worked; %lu kept; %lu points of code reached",
	       nr_progs, calls, worked, nr_kept, kcov_points());
	if (!blind && options.calls)
		tap_ok(kcov_points() > 500, "the coverage is the module's");
	counters_back(&idle, "all of it");
}

static int open_log(void)
{
	int fd;

	/* with its line's end, or it is refused; else 10 lines in 5 seconds */
	if (proc_write("/proc/sys/kernel/printk_devkmsg", "on\n"))
		tap_bail("the kernel's log would leave out what --trace writes");
	fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		tap_bail("/dev/kmsg: %m");
	return fd;
}

static void unload_stock(void)
{
	if (syscall(SYS_delete_module, STOCK_MODULE, O_NONBLOCK) &&
	    errno != ENOENT)
		tap_bail("cannot unload " STOCK_MODULE ": %m");
}

int main(int argc, char **argv)
{
	static const struct option known[] = {
		{ "seconds", required_argument, NULL, 's' },
		{ "calls", required_argument, NULL, 'c' },
		{ "seed", required_argument, NULL, 'r' },
		{ "corpus", required_argument, NULL, 'f' },
		{ "save", required_argument, NULL, 'w' },
		{ "trace", no_argument, NULL, 't' },
		{ "nobody", no_argument, NULL, 'n' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	const char *corpus_file = NULL;
	bool trace = false, nobody = false;
	int c;

	options.seed = rng_default_seed();
	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (c == 's')
			options.seconds = strtoul(optarg, NULL, 0);
		else if (c == 'c')
			options.calls = strtoul(optarg, NULL, 0);
		else if (c == 'r')
			options.seed = strtoull(optarg, NULL, 0);
		else if (c == 'f')
			corpus_file = optarg;
		else if (c == 'w')
			save_to = optarg;
		else if (c == 't')
			trace = true;
		else if (c == 'n')
			nobody = true;
		else
			usage(c == 'h' ? 0 : 2);
	}
	if (optind != argc || (nobody && (corpus_file || save_to)))
		usage(2);
	if (!save_to)
		save_to = corpus_file;
	puts("TAP version 13");
	tap_diag("fuzz: seed %#" PRIx64, options.seed);
	options.log_fd = trace || kcov_there() ? open_log() : -1;
	unload_stock();
	exec_init();
	if (nobody)
		fuzz_nobody(&options);
	else
		fuzz_with_rights(corpus_file);
	return tap_done();
}
