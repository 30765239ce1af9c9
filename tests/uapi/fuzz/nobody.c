// SPDX-License-Identifier: GPL-2.0-only
/*
 * Programs of a user without rights, who was given some groups, and is in a
 * small memory cgroup. Child after child runs them, until its time is over or
 * the kernel ends it at its limit; between them nothing of it may be left, and
 * whoever else has a group must not have noticed.
 */
#define _GNU_SOURCE
#include "counters.h"
#include "fuzz.h"
#include "proc.h"
#include "simdma.h"
#include "stranger.h"
#include "tap.h"
#include "values.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define LOCKED		(256L << 10)
#define MEMORY		(16 * MIB)
#define LEFT		(MIB / 2)	/* of a cgroup without processes */
#define SLICE		3		/* seconds of a child */
#define SHARE		32	/* pages that the neighbour has mapped */
#define AT		0x10000000ULL	/* where nobody maps most, too */

/* What the children say, however they end. */
struct tally {
	unsigned long progs, calls, worked;
	long locked;		/* KiB, at most */
};

struct share {
	struct tally *tally;
	const struct fuzz_options *o;
	uint64_t seed;
	time_t end;
};

/* Root's container, behind the same IOMMU as one that nobody has. */
static struct {
	struct vfio_dev dev;
	int container;
	char *mem;
	long avail;
} neighbour;

static struct vfio_dev given[2], emulated;

static time_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

/* ---- the child ---- */

static void check_nodes(struct note *note)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/dev/vfio/%d", neighbour.dev.group_nr);
	fd = open(path, O_RDWR | O_CLOEXEC);
	note_check(note, fd < 0 && errno == EACCES, "%s can be opened", path);
	snprintf(path, sizeof(path), "/dev/vfio/%d", given[0].group_nr);
	fd = open(path, O_RDWR | O_CLOEXEC);
	note_check(note, fd >= 0, "%s cannot be opened", path);
	close(fd);
}

static void one(struct note *note, struct tally *t, const struct prog *p)
{
	unsigned long calls, worked, done, did;
	long locked;

	exec_counts(&calls, &worked);
	run_prog(p);
	locked = proc_locked_kib();
	exec_counts(&done, &did);
	t->progs++;
	t->calls += done - calls;
	t->worked += did - worked;
	if (locked > t->locked)
		t->locked = locked;
	if (locked > LOCKED >> 10)
		note_check(note, false, "%ld KiB locked", locked);
	if (!exec_clean())
		note_check(note, false, "closed, and %ld KiB locked",
			   proc_locked_kib());
}

static void child(struct note *note, void *arg)
{
	const struct share *share = arg;
	struct rng rng;
	struct prog p;

	/* what is ours is not nobody's */
	vfio_teardown(&neighbour.dev, neighbour.container);
	munmap(neighbour.mem, SHARE * PAGE);
	check_nodes(note);
	exec_no_orders();
	run_init(share->o->log_fd);
	rng_init(&rng, share->seed);
	while (now() < share->end && share->tally->calls < share->o->calls) {
		corpus_next(&rng, &p);
		one(note, share->tally, &p);
		if (rng_one_in(&rng, 8))
			corpus_add(&p);
	}
	run_end();
}

/* ---- the neighbour ---- */

static void neighbour_init(void)
{
	char data[8] = "written";

	neighbour.mem = mmap(NULL, SHARE * PAGE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (neighbour.mem == MAP_FAILED)
		tap_bail("mmap: %m");
	memset(neighbour.mem, 7, SHARE * PAGE);
	neighbour.container = vfio_setup(&neighbour.dev, VFIO_TYPE1_HWDBM_IOMMU);
	if (vfio_map(neighbour.container, neighbour.mem, AT, SHARE * PAGE,
		     MAP_RW) ||
	    vfio_dirty_flag(neighbour.container, DIRTY_START) ||
	    simdma_write(&neighbour.dev, AT + 3 * PAGE, data, sizeof(data)))
		tap_bail("the neighbour's MAP, START or DMA");
	neighbour.avail = vfio_dma_avail(neighbour.container);
}

/* Its one page is dirty, its memory as it was, its device writes and reads. */
static bool neighbour_well(void)
{
	char text[8] = "";
	uint64_t bits = 0;
	size_t i;

	if (vfio_dirty_range(neighbour.container, DIRTY_NOCLEAR, AT,
			     SHARE * PAGE, PAGE, &bits, sizeof(bits)) ||
	    bits != 1 << 3 ||
	    vfio_dma_avail(neighbour.container) != neighbour.avail)
		return false;
	if (simdma_read(&neighbour.dev, AT + 3 * PAGE, text, sizeof(text)) ||
	    simdma_write(&neighbour.dev, AT + 3 * PAGE, "written", 8))
		return false;
	for (i = 0; i < SHARE * PAGE; i++)
		if (i / PAGE != 3 && neighbour.mem[i] != 7)
			return false;
	return !strcmp(text, "written");
}

/* ---- all of it ---- */

static void find(void)
{
	struct vfio_dev devs[3];

	if (simdma_find(devs, 3) < 3 || !sim_find(&emulated, 1))
		tap_bail("--nobody wants three devices of simulated IOMMUs, and one without");
	given[0] = devs[0];
	neighbour.dev = devs[1];
	given[1] = devs[2];
}

static void give(uid_t whom)
{
	stranger_give(&given[0], whom);
	stranger_give(&given[1], whom);
	stranger_give(&emulated, whom);
}

static bool nothing_left(const struct counters *idle)
{
	struct counters c;
	int i;

	for (i = 0; i < 100; i++) {
		counters_read(&c);
		if (c.pins == idle->pins && c.refcount == idle->refcount)
			return true;
		usleep(20000);
	}
	tap_diag("%ld pinned pages, %ld references are left",
		 c.pins - idle->pins, c.refcount - idle->refcount);
	return false;
}

/* What was charged to it is given back when its processes are gone. */
static void check_charge(const struct cgroup *cg)
{
	long kernel = 0;
	int i;

	for (i = 0; i < 100; i++) {
		kernel = cgroup_number(cg, "memory.stat", "kernel");
		if (kernel < LEFT)
			break;
		usleep(50000);
	}
	tap_ok(kernel >= 0 && kernel < LEFT, "%ld KiB of the kernel's memory are still charged to it",
	       kernel >> 10);
}

struct result {
	int children, killed, wrong, left, hurt;
};

static void run_children(const struct fuzz_options *o, struct job *job,
			 const struct counters *idle, struct result *r)
{
	struct share *share = job->arg;
	time_t end = now() + (time_t)o->seconds;
	struct stranger s;

	while (now() < end && share->tally->calls < o->calls) {
		share->seed = o->seed + (uint64_t)r->children++;
		share->end = end < now() + SLICE ? end : now() + SLICE;
		stranger_start(&s, job);
		stranger_end(&s);
		if (s.status && !stranger_killed(&s))
			tap_bail("a child ended with status %#x", s.status);
		r->killed += stranger_killed(&s);
		r->wrong += atomic_load(&s.note->wrong);
		munmap(s.note, sizeof(*s.note));
		r->left += !nothing_left(idle);
		r->hurt += !neighbour_well();
	}
}

static void judge(const struct cgroup *cg, const struct tally *t,
		  const struct result *r, long kills)
{
	long in_group = cgroup_number(cg, "memory.events", "oom_kill");

	tap_ok(t->worked > 0 && !r->wrong,
	       "nobody: %lu programs, %lu calls, %lu of them worked; %d children, of which %d were ended by the kernel",
	       t->progs, t->calls, t->worked, r->children, r->killed);
	tap_ok(!r->left, "nothing was left of any of them");
	tap_ok(t->locked > 0 && t->locked <= LOCKED >> 10,
	       "%ld KiB locked at most, of %ld", t->locked, LOCKED >> 10);
	tap_ok(!r->hurt, "a container of somebody else's: its log, memory and device are as they were");
	tap_ok(kills == in_group && in_group >= r->killed,
	       "nobody else was ended for it: %ld of %ld", in_group, kills);
	check_charge(cg);
}

void fuzz_nobody(const struct fuzz_options *o)
{
	struct share share = { .o = o };
	struct job job = { .run = child, .arg = &share, .memlock = LOCKED };
	long kills = proc_number("/proc/vmstat", "oom_kill");
	struct counters idle, before;
	struct result r = { 0 };
	struct cgroup cg;

	find();
	cgroup_mount();
	counters_baseline(&before);
	neighbour_init();
	counters_baseline(&idle);
	share.tally = mmap(NULL, sizeof(*share.tally), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (share.tally == MAP_FAILED)
		tap_bail("mmap: %m");
	cgroup_make(&cg, "fuzz", MEMORY);
	job.cg = &cg;
	give(NOBODY);
	run_children(o, &job, &idle, &r);
	give(0);
	judge(&cg, share.tally, &r,
	      proc_number("/proc/vmstat", "oom_kill") - kills);
	cgroup_remove(&cg);
	vfio_teardown(&neighbour.dev, neighbour.container);
	munmap(neighbour.mem, SHARE * PAGE);
	counters_back(&before, "nobody's programs");
}
