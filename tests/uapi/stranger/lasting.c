// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that runs out while there is something to lose: bits of the log, and
 * what outlives its process.
 */
#define _GNU_SOURCE
#include "bitmap.h"
#include "proc.h"
#include "simdev.h"
#include "tap.h"
#include "tests.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHUNK		(128ULL << 20)	/* a bitmap of 4 KiB */
#define CHUNKS		2000
#define LOG_MAX		(4 * MIB)	/* of 8 that all chunks need */
#define SMALL		(4 * MIB)
#define LARGE		(64 * MIB)
#define AT(i)		((uint64_t)(i) * CHUNK)
#define PAGE_IN(i)	((uint64_t)(i) * 7919 % 32768)

static struct vfio_dev device;
static int container;

/* A write that fails counts as dirty, and needs no memory but the log's. */
static bool write_page(int i)
{
	char data[8] = "written";
	int ret = sim_rw(&device, AT(i) + PAGE_IN(i) * PAGE, data, sizeof(data),
			 SIM_COPY_WRITE);

	return ret == -EFAULT;
}

static bool reported(int i, uint8_t *map)
{
	return !vfio_dirty_range(container, DIRTY_GET, AT(i), CHUNK, PAGE, map,
				 CHUNK / PAGE / 8) &&
	       bit_get(map, PAGE_IN(i));
}

static void fill_log(struct note *note, void *arg)
{
	uint8_t *map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *nothing = mmap(NULL, CHUNK, PROT_NONE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	long whole = 0, found = 0;
	int i;

	(void)arg;
	memset(map, 0, PAGE);
	for (i = 0; i < CHUNKS; i++)
		if (vfio_map(container, nothing, AT(i), CHUNK, MAP_RW))
			_exit(83);
	if (vfio_dirty_flag(container, DIRTY_START))
		_exit(84);
	/* up to here it has all that it wants */
	note_pause(note);
	for (i = 0; i < CHUNKS; i++)
		note_check(note, write_page(i), "write %d", i);
	/* from here on it needs memory, of which there is none */
	note_pause(note);
	for (i = 0; i < CHUNKS; i++) {
		found += reported(i, map);
		whole += bit_get(map, PAGE_IN(i) ? 0 : 1);
	}
	note_check(note, found == CHUNKS, "%ld pages lost", CHUNKS - found);
	note_check(note, whole, "no chunk went without a bitmap");
	atomic_store(&note->done, whole);
}

/* Software's log is worth no process's life: without memory all is dirty. */
void test_log(struct world *w)
{
	struct job job = { .run = fill_log };
	struct stranger s;
	struct cgroup cg;

	device = w->sim;
	container = stranger_container(&device);
	stranger_start_in(&s, &job, &cg, "log", LARGE);
	if (!stranger_pauses(&s))
		tap_bail("a child that maps has ended");
	/* what mappings and process need is more on some kernels than on others */
	cgroup_limit(&cg, cgroup_number(&cg, "memory.current", NULL) + LOG_MAX);
	stranger_go_on(&s);
	tap_ok(stranger_pauses(&s), "a log of %d chunks, in %ld MiB: nobody is killed for it",
	       CHUNKS, LOG_MAX / MIB);
	cgroup_check_full(&cg, true);
	cgroup_limit(&cg, LARGE);
	stranger_go_on(&s);
	stranger_end(&s);
	tap_ok(!stranger_killed(&s) && !s.note->wrong &&
		       s.note->checks == CHUNKS + 2,
	       "%ld of them went all dirty, no page was lost",
	       atomic_load(&s.note->done));
	vfio_teardown(&device, container);
	counters_back(&w->idle, "a log without memory");
	cgroup_remove(&cg);
}

#define ASKED		(1ULL << 46)	/* a bitmap of 2 GiB */
#define PIECE		(2UL << 20)
#define HUGE_PAGES	"/proc/sys/vm/nr_hugepages"

/*
 * The same 2 MiB over and over. Of one huge page, all that a large bitmap costs
 * is what pins it.
 */
static char *folded_memory(size_t bytes, unsigned int kind)
{
	int fd = memfd_create("piece", kind);
	size_t at;
	char *p = mmap(NULL, bytes, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (fd < 0 || ftruncate(fd, PIECE) || p == MAP_FAILED)
		_exit(85);
	for (at = 0; at < bytes; at += PIECE)
		if (mmap(p + at, PIECE, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED)
			_exit(86);
	return p;
}

static void ask_much(struct note *note, void *arg)
{
	char *map = folded_memory(ASKED / PAGE / 8, MFD_HUGETLB);
	int ret;

	(void)arg;
	ret = vfio_dirty_range(container, DIRTY_GET, ASKED, ASKED, PAGE, map,
			       ASKED / PAGE / 8);
	atomic_store(&note->error, ret);
	atomic_store(&note->done, 1);
	note_pause(note);
}

void test_bitmap(struct world *w)
{
	struct job job = { .run = ask_much };
	uint8_t *map = calloc(1, PAGE);
	struct counters before;
	struct stranger s;
	struct cgroup cg;
	void *nothing = mmap(NULL, CHUNK, PROT_NONE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	device = w->sim;
	container = stranger_container(&device);
	if (vfio_map(container, nothing, AT(1), CHUNK, MAP_RW) ||
	    vfio_map(container, NULL, ASKED, ASKED, MAP_RW) ||
	    vfio_dirty_flag(container, DIRTY_START))
		tap_bail("MAP and START");
	tap_ok(write_page(1), "a page is written");
	if (proc_write(HUGE_PAGES, "1") || proc_file_number(HUGE_PAGES) != 1)
		tap_bail("no huge page to be had");
	counters_read(&before);
	stranger_start_in(&s, &job, &cg, "bitmap", SMALL / 2);
	stranger_check_refused(&s, "GET of 64 TiB");
	cgroup_check_full(&cg, false);
	stranger_go_on(&s);
	stranger_end(&s);
	counters_back(&before, "a GET without memory");
	tap_ok(reported(1, map), "the page that was written is still reported");
	vfio_teardown(&device, container);
	counters_back(&w->idle, "a bitmap without memory");
	cgroup_remove(&cg);
	proc_write(HUGE_PAGES, "0");
	munmap(nothing, CHUNK);
	free(map);
}

#define PINNED	(32768UL * PAGE)

static void pin_much(struct note *note, void *arg)
{
	char *mem = folded_memory(PINNED, 0);
	size_t at;

	(void)arg;
	if (vfio_map(container, mem, 0, PINNED, MAP_RW))
		_exit(87);
	for (at = 0; at < PINNED; at += SIM_MAX_PAGES * PAGE)
		note_check(note, sim_pin(&device, at, SIM_MAX_PAGES, SIM_RDWR) ==
					 SIM_MAX_PAGES, "pin at %#lx", at);
	note_pause(note);
	for (at = 0; at < PINNED; at += SIM_MAX_PAGES * PAGE)
		note_check(note, !sim_unpin(&device, at, SIM_MAX_PAGES),
			   "unpin at %#lx", at);
}

/* What a driver has pinned is noted page by page. */
void test_pins(struct world *w)
{
	struct job job = { .run = pin_much, .memlock = 2 * PINNED };
	struct stranger s;
	struct cgroup cg;
	long slab;

	device = w->sim;
	container = stranger_container(&device);
	stranger_start_in(&s, &job, &cg, "pins", LARGE);
	if (!stranger_pauses(&s))
		tap_bail("a child that pins has ended");
	slab = cgroup_number(&cg, "memory.stat", "slab");
	tap_ok(slab > (long)(PINNED / PAGE) * 16,
	       "%lu pages pinned by a device: %ld KiB of slab charged",
	       PINNED / PAGE, slab >> 10);
	stranger_go_on(&s);
	stranger_end(&s);
	tap_ok(!s.note->wrong && !stranger_killed(&s), "%d calls to pin and unpin",
	       s.note->checks);
	vfio_teardown(&device, container);
	counters_back(&w->idle, "pages that a device had pinned");
	cgroup_remove(&cg);
}

#define GHOSTS	1500

/* Each makes a mapping, which keeps what accounts for it, and exits. */
static void ghosts(struct note *note, void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < GHOSTS; i++) {
		int status;
		pid_t pid = fork();

		if (pid < 0) {
			atomic_store(&note->error, -ENOMEM);
			break;
		}
		if (!pid)
			_exit(!!vfio_map(container, NULL, AT(i), PAGE, MAP_RW));
		waitpid(pid, &status, 0);
		if (status) {
			atomic_store(&note->error, -ENOMEM);
			break;
		}
		atomic_store(&note->done, i + 1);
	}
	note_pause(note);
}

void test_ghosts(struct world *w)
{
	struct job job = { .run = ghosts };
	struct stranger s;
	struct cgroup cg;
	bool alive;

	device = w->sim;
	container = stranger_container(&device);
	stranger_start_in(&s, &job, &cg, "ghosts", SMALL);
	alive = stranger_pauses(&s);
	tap_ok((!alive || s.note->error) && s.note->done < GHOSTS,
	       "mappings of %ld processes that have exited, in %ld MiB, then %s",
	       atomic_load(&s.note->done), cg.max / MIB,
	       alive ? "no more" : "the kernel ended it");
	cgroup_check_full(&cg, true);
	stranger_go_on(&s);
	stranger_end(&s);
	vfio_teardown(&device, container);
	counters_back(&w->idle, "mappings of processes that have exited");
	cgroup_remove(&cg);
}
