/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A child that is nobody: no capability, no other group, limits of its own, in
 * a memory cgroup of its own. It prints nothing: what it found is in memory
 * that it shares with us.
 */
#ifndef HWDBM_TEST_STRANGER_H
#define HWDBM_TEST_STRANGER_H

#include "counters.h"
#include "vfio.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define NOBODY	65534
#define MIB	(1L << 20)
#define PAGE	4096UL

/* ---- cgroup.c ---- */

struct cgroup {
	char path[96];
	long max;
};

/* Bails where the kernel has no memory controller of cgroup v2. */
void cgroup_mount(void);
void cgroup_make(struct cgroup *cg, const char *name, long max);
void cgroup_limit(struct cgroup *cg, long max);
void cgroup_remove(struct cgroup *cg);
/* A point: never above the limit, and if @close, to more than half of it. */
void cgroup_check_peak(const struct cgroup *cg, bool close);
long cgroup_number(const struct cgroup *cg, const char *file, const char *key);

/* ---- nobody.c ---- */

/*
 * What the child and we share.
 * @at: where it is: 0 at work, 1 waiting for us, 2 told to go on
 * @checks: what it looked at, and of these
 * @wrong: what was not as it should be; the first few in @text
 * @done: how often it did what it was to do, until
 * @error: came (-errno), or 0
 */
struct note {
	atomic_int at;
	atomic_int checks, wrong;
	atomic_long done;
	atomic_int error;
	char text[2048];
};

struct stranger {
	pid_t pid;
	struct note *note;
	int status;		/* of waitpid, once it has ended */
	bool ended;
};

struct job {
	void (*run)(struct note *note, void *arg);
	void *arg;
	long memlock;		/* bytes; 0: as we have it */
	struct cgroup *cg;	/* or NULL */
};

void stranger_start(struct stranger *s, const struct job *job);
/* In a new memory cgroup @cg, of @max bytes. */
void stranger_start_in(struct stranger *s, struct job *job, struct cgroup *cg,
		       const char *name, long max);
/* True: it waits for us. False: it has ended, or was ended. */
bool stranger_pauses(struct stranger *s);
void stranger_go_on(struct stranger *s);
void stranger_end(struct stranger *s);
bool stranger_killed(const struct stranger *s);
/* A point: what it asked for was refused (-ENOMEM), or the kernel ended it. */
void stranger_check_refused(struct stranger *s, const char *what);

/* In the child. */
void note_check(struct note *note, bool ok, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void note_pause(struct note *note);

/* ---- the tests ---- */

struct world {
	struct vfio_dev edu;	/* closed; its group's node is NOBODY's */
	struct vfio_dev sim;	/* likewise, without an IOMMU */
	int others_group;	/* a group whose node is root's */
	struct counters idle;
};

/* A container of ours with @dev in it, device open; bails. */
int stranger_container(struct vfio_dev *dev);

void test_alone(struct world *w);		/* alone.c */
void test_limits(struct world *w);		/* limits.c */
void test_mappings(struct world *w);		/* memory.c: and below */
void test_start(struct world *w);
void test_tables(struct world *w);
void test_log(struct world *w);			/* lasting.c: and below */
void test_bitmap(struct world *w);
void test_pins(struct world *w);
void test_ghosts(struct world *w);

#endif
