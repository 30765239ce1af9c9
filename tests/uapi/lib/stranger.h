/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A child that is nobody: no capability, no other group, limits of its own, in
 * a memory cgroup of its own. It prints nothing: what it found is in memory
 * that it shares with us.
 */
#ifndef HWDBM_TEST_LIB_STRANGER_H
#define HWDBM_TEST_LIB_STRANGER_H

#include "vfio.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define NOBODY	65534
#define MIB	(1L << 20)

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
/*
 * A point: what the kernel keeps for it was charged, so that the limit was met;
 * if @close, by many small things that came up to it.
 */
void cgroup_check_full(const struct cgroup *cg, bool close);
long cgroup_number(const struct cgroup *cg, const char *file, const char *key);

/* ---- stranger.c ---- */

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

/* The group of @dev becomes that user's: the node of it. */
void stranger_give(const struct vfio_dev *dev, uid_t whom);

#endif
