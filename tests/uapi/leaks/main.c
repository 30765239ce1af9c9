// SPDX-License-Identifier: GPL-2.0-only
/* Usage: leaks [SECONDS for each storm, default 8] */
#define _GNU_SOURCE
#include "leaks.h"
#include "proc.h"
#include "tap.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_DEVS 4
#define MIN_LIVES 10
#define MAX_LIVES 1000
#define WAIT_TRIES 60000	/* a minute, slow as the guest may be */
#define WAIT_US 1000

static struct vfio_dev devs[MAX_DEVS];
static struct rng rng;
static int seconds = 8, killed_at_work;
static atomic_ulong *acts_done;	/* in memory shared with the children */

/* Storms end by time, but do at least MIN_LIVES however slow the machine. */
static bool go_on(int done, time_t start)
{
	if (done < MIN_LIVES)
		return true;
	return done < MAX_LIVES && time(NULL) - start < seconds;
}

/* Half of them in the middle of their work, half at any moment. */
static void kill_some_time(pid_t pid, atomic_ulong *acts)
{
	unsigned long target = rng_below(&rng, 100);
	int tries;

	if (rng_one_in(&rng, 2))
		usleep((useconds_t)rng_below(&rng, 60000));
	else
		for (tries = 0; atomic_load(acts) < target && tries < 500; tries++)
			usleep(1000);
	if (atomic_load(acts))
		killed_at_work++;
	kill(pid, SIGKILL);
}

/* One that does not end hangs in the kernel: say where. */
static void show_stack(pid_t pid)
{
	char line[256], path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stack", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = 0;
		tap_diag("%s", line);
	}
	if (f)
		fclose(f);
}

static int wait_for(pid_t pid)
{
	int status, tries;

	for (tries = 0; tries < WAIT_TRIES; tries++) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return status;
		usleep(WAIT_US);
	}
	show_stack(pid);
	tap_bail("a child does not end");
}

static void one_life(int nr_devs, bool killed)
{
	struct life life = {
		.devs = devs, .nr_devs = nr_devs, .seed = rng_next(&rng),
		.acts = acts_done,
	};
	int status;
	pid_t pid;

	atomic_store(acts_done, 0);
	pid = fork();
	if (pid < 0)
		tap_bail("fork: %m");
	if (!pid) {
		if (killed)
			live_until_killed(&life);
		live_and_close(&life);
		_exit(0);
	}
	if (killed)
		kill_some_time(pid, acts_done);
	status = wait_for(pid);
	if (WIFEXITED(status) && WEXITSTATUS(status))
		tap_bail("a child could not open its container");
}

static void storm(int nr_devs, bool killed, const char *name)
{
	struct counters before;
	time_t start;
	int i;

	for (i = 0; i < 3; i++)
		one_life(nr_devs, killed);
	counters_baseline(&before);
	start = time(NULL);
	for (i = 0; go_on(i, start); i++)
		one_life(nr_devs, killed);
	tap_ok(true, "%s: %d lives", name, i);
	counters_settle(&before, name);
}

static int bind(const char *bdf, bool on)
{
	const char *file = on ? "/sys/bus/pci/drivers/vfio-pci/bind" :
				"/sys/bus/pci/drivers/vfio-pci/unbind";

	return proc_write(file, bdf);
}

/* The device leaves the driver and comes back, between and beside users. */
static void bind_storm(int nr_devs)
{
	struct counters before;
	int i, errors = 0;
	time_t start;

	one_life(nr_devs, false);
	errors += bind(devs[0].bdf, false) || bind(devs[0].bdf, true);
	if (vfio_find_edus(devs, MAX_DEVS) != nr_devs)
		tap_bail("%s does not come back", devs[0].bdf);
	counters_baseline(&before);
	start = time(NULL);
	for (i = 0; go_on(i, start); i++) {
		const char *bdf = devs[rng_below(&rng, (uint64_t)nr_devs)].bdf;

		errors += bind(bdf, false) != 0;
		errors += bind(bdf, true) != 0;
		if (vfio_find_edus(devs, MAX_DEVS) != nr_devs)
			tap_bail("%s does not come back", bdf);
		one_life(nr_devs, rng_one_in(&rng, 2));
	}
	tap_ok(!errors, "bind and unbind: %d times, %d errors", i, errors);
	counters_settle(&before, "bind and unbind");
}

int main(int argc, char **argv)
{
	uint64_t seed = rng_default_seed();
	struct counters before;
	int nr_devs;

	if (argc > 1)
		seconds = atoi(argv[1]);
	puts("TAP version 13");
	tap_diag("leaks: %d s a storm, seed %#" PRIx64, seconds, seed);
	rng_init(&rng, seed);
	nr_devs = vfio_find_edus(devs, MAX_DEVS);
	if (!nr_devs)
		tap_bail("no edu device is bound to vfio-pci");
	acts_done = mmap(NULL, sizeof(*acts_done), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (acts_done == MAP_FAILED)
		tap_bail("mmap: %m");
	counters_baseline(&before);
	tap_ok(!before.pins && !before.refcount,
	       "at first: %ld pages pinned, %ld references", before.pins,
	       before.refcount);
	storm(nr_devs, false, "closed in any order");
	storm(nr_devs, true, "killed");
	tap_ok(killed_at_work, "%d of them at work", killed_at_work);
	bind_storm(nr_devs);
	test_late_calls(&devs[0], &rng, seconds);
	test_unload(&devs[0]);
	tap_ok(!proc_number("/proc/self/status", "VmPin"),
	       "no pinned memory of our own");
	return tap_done();
}
