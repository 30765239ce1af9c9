// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel keeps for nobody is charged to nobody's memory cgroup, so that
 * the group's limit ends it, whatever VFIO's own limits are.
 */
#define _GNU_SOURCE
#include "tap.h"
#include "tests.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SMALL	(4 * MIB)
#define LARGE	(256 * MIB)
#define MANY	8000
#define HUGE_MAP	(1ULL << 50)	/* its log's table: 64 MiB */

static void *one_page(void)
{
	void *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		_exit(80);
	memset(p, 1, PAGE);
	return p;
}

static int in_own_group(struct vfio_dev *dev)
{
	int c = stranger_container(dev);

	if (c < 0)
		_exit(81);
	return c;
}

struct spread {
	struct vfio_dev *dev;
	uint64_t first, stride;
	long most;
};

/* Mapping after mapping of the same page, until it is told to stop. */
static void map_many(struct note *note, void *arg)
{
	const struct spread *how = arg;
	int ret = 0, c = in_own_group(how->dev);
	void *mem = one_page();
	long i;

	for (i = 0; i < how->most && !ret; i++) {
		ret = vfio_map(c, mem, how->first + (uint64_t)i * how->stride,
			       PAGE, MAP_RW);
		atomic_store(&note->done, i + !ret);
	}
	atomic_store(&note->error, ret);
	note_pause(note);
}

/*
 * Nothing lasting is taken from beyond the group: it reaches its limit, and
 * either the call fails or the kernel ends the process.
 */
static void expect_limited(struct world *w, struct cgroup *cg,
			   struct stranger *s, long whole, const char *what)
{
	bool alive = stranger_pauses(s);
	int error = atomic_load(&s->note->error);
	long kills = cgroup_number(cg, "memory.events", "oom_kill");

	if (alive)
		stranger_go_on(s);
	stranger_end(s);
	tap_ok((alive && error == -ENOMEM) || (stranger_killed(s) && kills > 0),
	       "%s, in %ld MiB: %ld of %ld, then %s", what, cg->max / MIB,
	       atomic_load(&s->note->done), whole,
	       !alive ? "the kernel ended it" : strerror(-error));
	cgroup_check_full(cg, true);
	counters_back(&w->idle, what);
	cgroup_remove(cg);
}

static void expect_charged(struct world *w, struct cgroup *cg,
			   struct stranger *s, const char *key, long least,
			   const char *what)
{
	long charged, after;
	int i;

	if (!stranger_pauses(s))
		tap_bail("%s: the child has ended", what);
	charged = cgroup_number(cg, "memory.stat", key);
	tap_ok(!s->note->error, "%s: %ld, then %s", what,
	       atomic_load(&s->note->done), strerror(-s->note->error));
	tap_ok(charged >= least, "%s: %s of the cgroup is %ld KiB (at least %ld)",
	       what, key, charged >> 10, least >> 10);
	stranger_go_on(s);
	stranger_end(s);
	counters_back(&w->idle, what);
	for (i = 0; i < 100; i++) {
		after = cgroup_number(cg, "memory.stat", key);
		if (after < charged / 10)
			break;
		usleep(50000);
	}
	tap_ok(after < charged / 10, "%s: %ld KiB of %ld still charged", what,
	       after >> 10, charged >> 10);
	cgroup_remove(cg);
}

void test_mappings(struct world *w)
{
	struct spread how = {
		.dev = &w->sim, .stride = 2 * PAGE, .most = MANY,
	};
	struct job job = { .run = map_many, .arg = &how };
	struct stranger s;
	struct cgroup cg;

	stranger_start_in(&s, &job, &cg, "mappings", LARGE);
	expect_charged(w, &cg, &s, "slab", MANY * 200L, "many mappings");

	how.most = 60000;
	stranger_start_in(&s, &job, &cg, "mappings", SMALL);
	expect_limited(w, &cg, &s, how.most, "many mappings");
}

/* A log of what cannot be memory at all, but may be mapped without a page. */
static void start(struct note *note, void *arg)
{
	int c = *(int *)arg, ret;

	ret = vfio_map(c, NULL, HUGE_MAP, HUGE_MAP, MAP_RW);
	if (ret)
		_exit(82);
	ret = vfio_dirty_flag(c, DIRTY_START);
	atomic_store(&note->error, ret);
	atomic_store(&note->done, !ret);
	note_pause(note);
}

void test_start(struct world *w)
{
	struct vfio_dev dev = w->sim;
	int container = stranger_container(&dev);
	struct job job = { .run = start, .arg = &container };
	struct counters before;
	struct stranger s;
	struct cgroup cg;
	uint64_t bits;
	int ret;

	counters_read(&before);
	stranger_start_in(&s, &job, &cg, "start", 4 * SMALL);
	stranger_check_refused(&s, "START that needs 64 MiB");
	cgroup_check_full(&cg, false);
	stranger_go_on(&s);
	stranger_end(&s);
	tap_ok(!stranger_killed(&s), "nobody is ended for it");
	/* we hold the container too, and nobody's cgroup is not ours */
	ret = vfio_dirty_range(container, DIRTY_GET, 0, PAGE, PAGE, &bits, 8);
	tap_ret(ret, -EINVAL, "a START that was ended has not started");
	tap_ret(vfio_dirty_flag(container, DIRTY_START), 0,
		"the next one, with memory");
	tap_ret(vfio_dirty_flag(container, DIRTY_STOP), 0, "STOP");
	tap_ret(vfio_unmap(container, HUGE_MAP, HUGE_MAP, 0, NULL), 0, "UNMAP");
	counters_back(&before, "a START without memory");
	vfio_teardown(&dev, container);
	cgroup_remove(&cg);
}

/* A page each, in a table each: far less memory is locked than used. */
void test_tables(struct world *w)
{
	struct spread how = {
		.dev = &w->edu, .first = 4ULL << 30, .stride = 4ULL << 20,
		.most = 1000,
	};
	struct job job = { .run = map_many, .arg = &how, .memlock = LARGE };
	struct stranger s;
	struct cgroup cg;

	stranger_start_in(&s, &job, &cg, "tables", LARGE);
	expect_charged(w, &cg, &s, "kernel", 1000L * (long)PAGE, "IOMMU tables");

	how.most = 20000;
	stranger_start_in(&s, &job, &cg, "tables", SMALL);
	expect_limited(w, &cg, &s, how.most, "IOMMU tables");
}
