// SPDX-License-Identifier: GPL-2.0-only
/*
 * A process that SIGKILL ends in the middle of a GET: a page that was dirty
 * is in what it got, or is reported to the next who asks. The log is cleared
 * mapping by mapping, chunk by chunk (128 MiB), and the range has a small mapping
 * and one of more than a chunk.
 *
 * Fails if hwdbm_dirty_run() in src/dirty_range.c gives nothing back, or not all.
 */
#define _GNU_SOURCE
#include "bitmap.h"
#include "mem.h"
#include "rig.h"
#include "tap.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define IOVA	0x100000000ULL
#define FIRST	4096ULL			/* pages of the first mapping */
#define NR	(FIRST + 32768 + 4096)
#define BYTES	((NR + 63) / 64 * 8)
#define STEP	97
#define TURNS	20

/* Between us and the child. */
struct shared {
	atomic_bool asks, has_asked;
	uint8_t map[BYTES];
};

static struct shared *shared;
static struct rig rig;

static long microseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000L + t.tv_nsec / 1000;
}

static void get(uint8_t *map)
{
	int ret = vfio_dirty_range(rig.container, DIRTY_GET, IOVA, NR * PAGE_4K,
				   PAGE_4K, map, BYTES);

	if (ret)
		tap_bail("GET: %s", strerror(-ret));
}

static void write_pages(uint64_t first)
{
	uint64_t page;

	for (page = first; page < NR; page += STEP)
		rig_write(&rig, IOVA + page * PAGE_4K);
	rig_write(&rig, IOVA + (FIRST - 1) * PAGE_4K);
}

/* How many of them @map does not have. */
static unsigned long missing(const uint8_t *map, uint64_t first)
{
	unsigned long n = !bit_get(map, FIRST - 1);
	uint64_t page;

	for (page = first; page < NR; page += STEP)
		n += !bit_get(map, page);
	return n;
}

static long time_of_get(void)
{
	long start, best = 0, took;
	int i;

	for (i = 0; i < 3; i++) {
		write_pages(0);
		start = microseconds();
		get(shared->map);
		took = microseconds() - start;
		if (!i || took < best)
			best = took;
	}
	return best;
}

static _Noreturn void ask(void)
{
	atomic_store(&shared->asks, true);
	get(shared->map);
	atomic_store(&shared->has_asked, true);
	_exit(0);
}

/* Kills a GET @delay after it began; true if it had not come back. */
static bool kill_one(useconds_t delay)
{
	pid_t pid;

	memset(shared, 0, sizeof(*shared));
	pid = fork();
	if (pid < 0)
		tap_bail("fork: %m");
	if (!pid)
		ask();
	while (!atomic_load(&shared->asks))
		usleep(10);
	usleep(delay);
	kill(pid, SIGKILL);
	if (waitpid(pid, NULL, 0) != pid)
		tap_bail("waitpid: %m");
	return !atomic_load(&shared->has_asked);
}

/* All of it is in the one answer, or all of it in the next: never half. */
static void turns(long took)
{
	uint8_t *map = malloc(BYTES);
	int i, cut = 0, undone = 0;
	unsigned long lost = 0;

	if (!map)
		tap_bail("no memory");
	for (i = 0; i < TURNS; i++) {
		uint64_t first = (uint64_t)i % STEP;
		unsigned long rest;
		bool killed;

		write_pages(first);
		killed = kill_one((useconds_t)(took * i / TURNS));
		memset(map, 0, BYTES);
		get(map);
		rest = missing(map, first);
		cut += killed;
		undone += killed && !rest;
		if (rest && missing(shared->map, first)) {
			tap_diag("turn %d: %lu pages are not reported again", i,
				 rest);
			lost += rest;
		}
	}
	tap_diag("a GET takes %ld us; %d of %d killed before they came back", took,
		 cut, TURNS);
	/* How fast the machine is decides this, so it is no failure. */
	if (undone)
		tap_ok(true, "%d GETs were cut short", undone);
	else
		tap_skip("GETs cut short", "every one was done before the kill");
	tap_ok(!lost, "%lu pages lost", lost);
	free(map);
}

static int map_both(char *mem)
{
	uint64_t first = FIRST * PAGE_4K;
	int ret = vfio_map(rig.container, mem, IOVA, first, MAP_RW);

	if (ret)
		return ret;
	return vfio_map(rig.container, mem + first, IOVA + first,
			NR * PAGE_4K - first, MAP_RW);
}

int main(void)
{
	char *mem;
	int ret;

	puts("TAP version 13");
	if (!rig_open(&rig, 0))
		tap_bail("no edu device is bound to vfio-pci");
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	mem = mem_alloc(NR * PAGE_4K, LEAF_4K);
	/* fork() would copy what is pinned */
	if (shared == MAP_FAILED || madvise(mem, NR * PAGE_4K, MADV_DONTFORK))
		tap_bail("memory: %m");
	ret = map_both(mem);
	if (!ret)
		ret = vfio_dirty_flag(rig.container, DIRTY_START);
	if (ret)
		tap_bail("MAP and START: %s", strerror(-ret));
	turns(time_of_get());
	rig_close(&rig);
	return tap_done();
}
