// SPDX-License-Identifier: GPL-2.0-only
/* Plays a history: its steps one after the other, or several threads at once. */
#include "history.h"
#include "tap.h"

#include <errno.h>
#include <string.h>

static struct actor actors[MAX_THREADS + 1];

static void flag_step(struct actor *a)
{
	struct world *w = a->w;
	bool start = a->step->kind == STEP_START;
	int ret;

	if (start == w->logging)
		return;
	ret = stage->flag(start ? DIRTY_START : DIRTY_STOP);
	if (ret) {
		world_fail(a, "%s", strerror(-ret));
		return;
	}
	w->logging = start;
	/* the policy before is nobody's business: the log begins here */
	w->policy = stage->policy();
	if (start)
		mirror_all(w);
	policy_look(w);
}

static void play(struct actor *a)
{
	switch (a->step->kind) {
	case STEP_MAP:
	case STEP_UNMAP:
	case STEP_UNMAP_RUN:
	case STEP_UNMAP_ALL:
		map_step(a);
		break;
	case STEP_BURST:
	case STEP_RW:
		write_step(a);
		break;
	case STEP_GET:
	case STEP_NOCLEAR:
	case STEP_CLEAR:
	case STEP_MIGRATE:
		log_step(a);
		break;
	case STEP_START:
	case STEP_STOP:
		flag_step(a);
		break;
	case STEP_RACE:
		race_step(a);
		break;
	case STEP_TRAP:
		trap_step(a);
		break;
	case STEP_HOLD:
		hold_step(a);
		break;
	case STEP_QUIESCE:
		quiesce(a);
		break;
	default:
		device_step(a);
		break;
	}
	atomic_fetch_add(&counts.steps, 1);
}

struct share {
	struct actor *actor;
	uint8_t thread;
	size_t from, to;
	pthread_t id;
	bool runs;
};

static void *play_share(void *arg)
{
	struct share *share = arg;
	struct actor *a = share->actor;
	size_t i;

	for (i = share->from; i < share->to; i++) {
		if (a->w->h->steps[i].thread != share->thread)
			continue;
		if (atomic_load(&a->w->failed))
			break;
		a->step = &a->w->h->steps[i];
		a->nr = i;
		play(a);
	}
	return NULL;
}

/* Steps of threads, up to the next that is to be alone. */
static size_t play_at_once(struct world *w, size_t from)
{
	struct share shares[MAX_THREADS + 1] = { 0 };
	size_t to = from;
	uint8_t t;

	while (to < w->h->nr && w->h->steps[to].thread) {
		shares[w->h->steps[to].thread % (MAX_THREADS + 1)].runs = true;
		to++;
	}
	w->exact = false;
	for (t = 1; t <= MAX_THREADS; t++) {
		struct share *s = &shares[t];

		if (!s->runs)
			continue;
		*s = (struct share){ &actors[t], t, from, to, 0, true };
		if (pthread_create(&s->id, NULL, play_share, s))
			tap_bail("no thread");
	}
	for (t = 1; t <= MAX_THREADS; t++)
		if (shares[t].runs)
			pthread_join(shares[t].id, NULL);
	w->exact = true;
	/* who was quicker is not known: anything may be reported once */
	pages_may(w, 0, w->nr_pages, MAY_HW | MAY_SW);
	policy_look(w);
	return to;
}

/* The end: what was given is given back. */
static void close_down(struct actor *a, const struct step *last)
{
	struct world *w = a->w;
	static const struct step all = { .kind = STEP_UNMAP_ALL };
	struct sim_watch watch;
	int i;

	a->step = last;
	quiesce(a);
	a->step = &all;
	map_step(a);
	if (stage->avail() != w->avail)
		world_fail(a, "room for %ld mappings, was %ld", stage->avail(),
			   w->avail);
	for (i = 0; i < stage->nr_devs; i++) {
		if (!w->devs[i].in || !stage->devs[i].dma ||
		    stage->watch(i, &watch))
			continue;
		if (watch.leaves || watch.entries || watch.stale || watch.held)
			world_fail(a, "nothing is mapped, and IOMMU %u has %llu leaves and %llu IOTLB entries; %llu stale, %llu held",
				   watch.iommu, watch.leaves, watch.entries,
				   watch.stale, watch.held);
	}
}

bool run(struct world *w, const struct history *h)
{
	static const struct step last = { .kind = STEP_QUIESCE };
	char left[256] = "";
	size_t i = 0;
	int t;

	for (t = 0; t <= MAX_THREADS; t++)
		if (!actors[t].writes)
			actor_init(&actors[t], w);
	world_begin(w, h);
	while (i < h->nr && !atomic_load(&w->failed)) {
		actors[0].step = &h->steps[i];
		actors[0].nr = i;
		if (h->steps[i].thread)
			i = play_at_once(w, i);
		else
			play(&actors[0]), i++;
	}
	actors[0].nr = h->nr;
	if (!atomic_load(&w->failed))
		close_down(&actors[0], &last);
	stage->close();
	if (!stage->clean(left, sizeof(left)) && !atomic_load(&w->failed)) {
		actors[0].step = &last;
		world_fail(&actors[0], "left behind: %s", left);
	}
	return !atomic_load(&w->failed);
}
