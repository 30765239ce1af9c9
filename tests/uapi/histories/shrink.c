// SPDX-License-Identifier: GPL-2.0-only
/*
 * A history that fails, made as short as it will go: parts of it are left out
 * and the rest is played anew, from the halves down to single steps, until
 * nothing can be left out or the time is over.
 */
#include "history.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define THREAD_TRIES 8	/* what takes a race needs more than one go */

static time_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

/* How it fails: "lost", "invented", ... */
static char kind[8];

static void kind_of(const struct world *w, char *to)
{
	const char *what = strstr(w->why, "): ");

	snprintf(to, sizeof(kind), "%.7s", what ? what + 3 : "");
}

/* In the same way as at first. */
static bool fails(struct world *w, const struct history *h)
{
	char how[sizeof(kind)];
	int tries = 1;
	size_t i;

	for (i = 0; i < h->nr; i++)
		if (h->steps[i].thread || h->steps[i].kind == STEP_RACE)
			tries = THREAD_TRIES;
	while (tries--) {
		if (run(w, h))
			continue;
		kind_of(w, how);
		if (!strcmp(how, kind))
			return true;
	}
	return false;
}

static void without(struct history *to, const struct history *from,
		    size_t first, size_t n)
{
	size_t i;

	history_init(to, from->layout);
	for (i = 0; i < from->nr; i++)
		if (i < first || i >= first + n)
			history_add(to, &from->steps[i]);
}

/* Tries to leave out each part of @n steps; true if one could be. */
static bool leave_out(struct world *w, struct history *h, size_t n, time_t end)
{
	size_t first = 1;	/* 'open' stays */
	bool any = false;

	while (first < h->nr && now() < end) {
		struct history rest;

		without(&rest, h, first, n);
		if (fails(w, &rest)) {
			history_free(h);
			*h = rest;
			any = true;
		} else {
			history_free(&rest);
			first += n;
		}
	}
	return any;
}

void shrink(struct world *w, struct history *h, unsigned int seconds)
{
	time_t end = now() + seconds;
	struct history rest;
	size_t n;

	kind_of(w, kind);
	/* what comes after the failure has no part in it */
	if (w->step + 1 < h->nr) {
		without(&rest, h, w->step + 1, h->nr);
		if (fails(w, &rest)) {
			history_free(h);
			*h = rest;
		} else {
			history_free(&rest);
		}
	}
	for (n = h->nr / 2; n; n = n > 1 ? n / 2 : 0)
		leave_out(w, h, n, end);
	while (now() < end && leave_out(w, h, 1, end))
		;
	/* what it says in the end belongs to what is left */
	if (!fails(w, h))
		tap_diag("the shrunk history does not fail every time");
}
