// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two calls about the log while the invalidation of the first is held, and DMA
 * through what the IOTLB still has. The second must not make pages clean that
 * the first has taken from the hardware: its caller would copy them, the DMA
 * after that would set no bit, and nobody would ever say so.
 *
 * What the threads do is decided by whether they sleep or have ended, not by
 * how long that takes: should a machine be too slow for the bounds, less is
 * tried, and nothing fails.
 */
#define _GNU_SOURCE
#include "history.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MAX_TRIES	20000
#define ASLEEP		3	/* looks in a row */

struct racer {
	struct actor actor;
	struct step step;
	pthread_t thread;
	atomic_int tid;
	atomic_bool done;
};

static struct racer racers[2];

static void *race(void *arg)
{
	struct racer *r = arg;

	atomic_store(&r->tid, gettid());
	log_step(&r->actor);
	atomic_store(&r->done, true);
	return NULL;
}

static void racer_start(struct actor *a, struct racer *r)
{
	if (!r->actor.writes)
		actor_init(&r->actor, a->w);
	r->actor.step = &r->step;
	r->actor.nr = a->nr;
	atomic_store(&r->tid, 0);
	atomic_store(&r->done, false);
	if (pthread_create(&r->thread, NULL, race, r))
		world_fail(a, "no thread");
}

static bool sleeps(int tid)
{
	char path[64], text[128] = "", *end;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	end = n > 0 ? strrchr(text, ')') : NULL;
	return end && (end[2] == 'S' || end[2] == 'D');
}

/* Until it has ended, or has been found asleep some times in a row. */
static void let_run(struct racer *r)
{
	int tries, asleep = 0;

	for (tries = 0; tries < MAX_TRIES && asleep < ASLEEP; tries++) {
		int tid = atomic_load(&r->tid);

		if (atomic_load(&r->done))
			return;
		sched_yield();
		asleep = tid && sleeps(tid) ? asleep + 1 : 0;
	}
}

static int hold(int dev, uint32_t what)
{
	struct sim_order order = { .hold = what };

	return stage->order(dev, &order);
}

/* What was owed before must have been said by one of the two. */
static void judge(struct actor *a, const uint32_t *before, int lo, int hi)
{
	struct world *w = a->w;
	int i, nth;

	for (i = lo; i <= hi; i++)
		for (nth = 0; nth < w->slots[i].nr_maps; nth++) {
			const struct map *m = &w->slots[i].maps[nth];
			uint32_t page;

			for (page = m->first; page < m->first + m->n; page++)
				if (w->pages[page].copied < before[page])
					world_fail(a, "lost: page %u, and neither of two calls reported it",
						   page);
		}
}

static void two_calls(struct actor *a, int dev, int slot)
{
	const uint64_t *arg = a->step->arg;
	static const uint8_t second[] = { STEP_GET, STEP_CLEAR, STEP_MIGRATE };

	racers[0].step = (struct step){ .kind = STEP_GET,
					.arg = { arg[2], arg[3], 0 } };
	racers[1].step = (struct step){ .kind = second[arg[4] % 3],
					.arg = { arg[2], arg[3], 0, 1, arg[6] } };
	racer_start(a, &racers[0]);
	let_run(&racers[0]);
	racer_start(a, &racers[1]);
	let_run(&racers[1]);
	write_burst(a, dev, slot, (uint32_t)arg[5], 16, arg[6]);
	hold(dev, SIM_RELEASE);
	pthread_join(racers[0].thread, NULL);
	pthread_join(racers[1].thread, NULL);
}

void race_step(struct actor *a)
{
	static uint32_t before[MAX_PAGES];
	struct world *w = a->w;
	const uint64_t *arg = a->step->arg;
	int dev = (int)(arg[0] % (uint64_t)stage->nr_devs);
	int slot = (int)(arg[1] % NR_SLOTS);
	int lo = (int)(arg[2] % NR_SLOTS), hi = (int)(arg[3] % NR_SLOTS);
	uint32_t page;

	if (!w->devs[dev].in || !stage->devs[dev].dma || !w->logging ||
	    !w->exact)
		return;
	/* the same pages, so that the IOTLB has them */
	write_burst(a, dev, slot, (uint32_t)arg[5], 16, arg[6]);
	for (page = 0; page < w->nr_pages; page++)
		before[page] = atomic_load(&w->pages[page].finished);
	if (hold(dev, SIM_HOLD))
		return;
	w->exact = false;
	two_calls(a, dev, slot);
	w->exact = true;
	atomic_fetch_add(&counts.races, 1);
	policy_look(w);
	judge(a, before, lo < hi ? lo : hi, lo < hi ? hi : lo);
}

/* In a thread: what others do meanwhile waits for it. */
void hold_step(struct actor *a)
{
	int dev = (int)(a->step->arg[0] % (uint64_t)stage->nr_devs);
	uint64_t turns = a->step->arg[1] % 4096;

	if (!a->w->devs[dev].in || !stage->devs[dev].dma)
		return;
	pthread_rwlock_rdlock(&a->w->devs[dev].lock);
	if (a->w->devs[dev].in && !hold(dev, SIM_HOLD)) {
		while (turns--)
			sched_yield();
		hold(dev, SIM_RELEASE);
	}
	pthread_rwlock_unlock(&a->w->devs[dev].lock);
}
