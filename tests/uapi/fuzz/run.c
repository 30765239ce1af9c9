// SPDX-License-Identifier: GPL-2.0-only
/* Runs a program: a part alone, then two threads at once. */
#define _GNU_SOURCE
#include "fuzz.h"
#include "tap.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct kcov kcov;
static int log_fd = -1;

static struct {
	struct prog prog;
	pthread_t id;
	sem_t begin, end;
	unsigned int fresh;
	bool over;
} second;

/* Of a line without its end the kernel would not know that it is one. */
static void put_line(const char *text)
{
	if (log_fd >= 0 && write(log_fd, text, strlen(text)) < 0)
		tap_bail("/dev/kmsg: %m");
}

static void trace(const struct call *c)
{
	char call[100], text[128];

	call_text(c, call, sizeof(call));
	snprintf(text, sizeof(text), "fuzz: %s\n", call);
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
unsigned int run_prog(const struct prog *p)
{
	struct prog alone, first;
	unsigned int fresh;

	split(p, &alone, &first);
	put_line("fuzz: prog\n");
	fresh = run_part(&alone, &kcov);
	if (second.prog.nr) {
		sem_post(&second.begin);
		fresh += run_part(&first, &kcov);
		while (sem_wait(&second.end))
			;
		fresh += second.fresh;
	}
	return fresh;
}

bool run_init(int trace_fd)
{
	bool covered = kcov_open(&kcov);

	log_fd = trace_fd;
	if (sem_init(&second.begin, 0, 0) || sem_init(&second.end, 0, 0) ||
	    pthread_create(&second.id, NULL, second_thread, NULL))
		tap_bail("a thread: %m");
	return covered;
}

void run_end(void)
{
	second.over = true;
	sem_post(&second.begin);
	pthread_join(second.id, NULL);
}
