// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "proc.h"
#include "stranger.h"
#include "tap.h"

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRIES	60000	/* a minute */
#define TRY_US	1000

/* Changing all three ids from 0 drops every capability. */
static void become_nobody(const struct job *job)
{
	struct rlimit limit = {
		.rlim_cur = (rlim_t)job->memlock,
		.rlim_max = (rlim_t)job->memlock,
	};
	char path[160], pid[16];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (job->cg) {
		snprintf(path, sizeof(path), "%s/cgroup.procs", job->cg->path);
		snprintf(pid, sizeof(pid), "%d", getpid());
		if (proc_write(path, pid))
			_exit(90);
	}
	if (job->memlock && setrlimit(RLIMIT_MEMLOCK, &limit))
		_exit(91);
	if (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
	    setresuid(NOBODY, NOBODY, NOBODY))
		_exit(92);
	/* so that it may look into its own /proc */
	prctl(PR_SET_DUMPABLE, 1);
}

void stranger_start(struct stranger *s, const struct job *job)
{
	memset(s, 0, sizeof(*s));
	s->note = mmap(NULL, sizeof(*s->note), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s->note == MAP_FAILED)
		tap_bail("mmap: %m");
	fflush(stdout);
	s->pid = fork();
	if (s->pid < 0)
		tap_bail("fork: %m");
	if (s->pid)
		return;
	become_nobody(job);
	job->run(s->note, job->arg);
	_exit(0);
}

void stranger_start_in(struct stranger *s, struct job *job, struct cgroup *cg,
		       const char *name, long max)
{
	cgroup_make(cg, name, max);
	job->cg = cg;
	stranger_start(s, job);
}

static bool ended(struct stranger *s)
{
	if (!s->ended)
		s->ended = waitpid(s->pid, &s->status, WNOHANG) == s->pid;
	return s->ended;
}

bool stranger_pauses(struct stranger *s)
{
	int i;

	for (i = 0; i < TRIES; i++) {
		if (atomic_load(&s->note->at) == 1)
			return true;
		if (ended(s))
			return false;
		usleep(TRY_US);
	}
	tap_bail("a child neither ends nor waits for us");
}

void stranger_go_on(struct stranger *s)
{
	atomic_store(&s->note->at, 2);
}

void stranger_end(struct stranger *s)
{
	int i;

	for (i = 0; i < TRIES && !ended(s); i++)
		usleep(TRY_US);
	if (!s->ended)
		tap_bail("a child does not end");
	if (WIFEXITED(s->status) && WEXITSTATUS(s->status))
		tap_bail("a child cannot do its work: exit status %d",
			 WEXITSTATUS(s->status));
	if (s->note->text[0])
		tap_diag("%s", s->note->text);
}

bool stranger_killed(const struct stranger *s)
{
	return s->ended && WIFSIGNALED(s->status) &&
	       WTERMSIG(s->status) == SIGKILL;
}

void stranger_check_refused(struct stranger *s, const char *what)
{
	bool waits = stranger_pauses(s);
	int error = atomic_load(&s->note->error);

	tap_ok(waits ? error == -ENOMEM : stranger_killed(s), "%s: %s", what,
	       waits ? strerror(-error) : "the kernel ended it");
}

void note_check(struct note *note, bool ok, const char *fmt, ...)
{
	size_t at = strlen(note->text);
	va_list ap;

	atomic_fetch_add(&note->checks, 1);
	if (ok)
		return;
	atomic_fetch_add(&note->wrong, 1);
	if (at + 3 > sizeof(note->text))
		return;
	va_start(ap, fmt);
	vsnprintf(note->text + at, sizeof(note->text) - at - 2, fmt, ap);
	va_end(ap);
	strcat(note->text, "; ");
}

void note_pause(struct note *note)
{
	int i;

	atomic_store(&note->at, 1);
	for (i = 0; i < TRIES && atomic_load(&note->at) == 1; i++)
		usleep(TRY_US);
	atomic_store(&note->at, 0);
}

void stranger_give(const struct vfio_dev *dev, uid_t whom)
{
	char path[64];

	snprintf(path, sizeof(path), "/dev/vfio/%d", dev->group_nr);
	if (chown(path, whom, 0))
		tap_bail("chown %s: %m", path);
}
