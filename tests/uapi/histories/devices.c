// SPDX-License-Identifier: GPL-2.0-only
/* Devices come, go and pin; orders to their IOMMUs. */
#include "history.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PIN		64	/* pages of one step */

static struct dev *dev_of(struct actor *a, int *nr)
{
	*nr = (int)(a->step->arg[ARG_DEV] % (uint64_t)stage->nr_devs);
	return &a->w->devs[*nr];
}

/* Of a policy that may have changed only the one who is alone can speak. */
static void look(struct actor *a)
{
	if (a->w->exact)
		policy_look(a->w);
}

/* Something is mapped that the device's IOMMU does not reach. */
static bool out_of_reach(const struct world *w, int nr)
{
	const struct stage_dev *d = &stage->devs[nr];
	int i;

	for (i = 0; d->dma && i < NR_SLOTS; i++) {
		const struct slot *s = &w->slots[i];

		if (s->window + SLOT_STRIDE - 1 <= d->last)
			continue;
		if (s->nr_maps || !w->exact)
			return true;
	}
	return false;
}

static void attach(struct actor *a)
{
	struct world *w = a->w;
	struct dev *d;
	int nr, ret;

	d = dev_of(a, &nr);
	if (d->in)
		return;
	ret = stage->attach(nr);
	if (!ret) {
		d->in = true;
		w->nr_in++;
		atomic_fetch_add(&counts.moves, 1);
		if (w->exact && out_of_reach(w, nr))
			world_fail(a, "a device came in that does not reach what is mapped");
	} else if (w->armed_dev >= 0) {
		atomic_fetch_add(&counts.errors, 1);
	} else if (ret != -EINVAL || !out_of_reach(w, nr)) {
		world_fail(a, "attach: %s", strerror(-ret));
	}
}

/*
 * What it has pinned is unpinned as its device is closed. A group that was of the
 * pinned scope is not any more: for a moment another policy may be in force.
 */
static void shut(struct actor *a, int nr)
{
	struct world *w = a->w;
	struct dev *d = &w->devs[nr];
	uint32_t page;

	stage->shut(nr);
	for (page = 0; page < w->nr_pages; page++)
		if (d->pins[page])
			w->pages[page].may |= MAY_SW;
	memset(d->pins, 0, sizeof(d->pins));
	d->promoted = false;
	look(a);
}

/* The last one takes the mappings along: it stays. */
static void detach(struct actor *a)
{
	struct world *w = a->w;
	struct dev *d;
	int nr, ret;

	d = dev_of(a, &nr);
	if (!d->in || w->nr_in < 2)
		return;
	shut(a, nr);
	ret = stage->detach(nr);
	d->in = false;
	w->nr_in--;
	atomic_fetch_add(&counts.moves, 1);
	if (ret)
		world_fail(a, "detach: %s", strerror(-ret));
}

static void reopen(struct actor *a)
{
	struct dev *d;
	int nr, ret;

	d = dev_of(a, &nr);
	if (!d->in)
		return;
	shut(a, nr);
	ret = stage->reopen(nr);
	if (ret)
		world_fail(a, "close and open again: %s", strerror(-ret));
}

static void open_first(struct actor *a)
{
	struct world *w = a->w;
	struct dev *d;
	int nr, ret;

	d = dev_of(a, &nr);
	if (w->open)
		return;
	ret = stage->open(nr);
	if (ret) {
		world_fail(a, "a container: %s", strerror(-ret));
		return;
	}
	w->open = true;
	d->in = true;
	w->nr_in = 1;
	w->avail = stage->avail();
}

static void order(struct actor *a)
{
	static const uint32_t errors[] = { EIO, ENOMEM, EBUSY, ENODEV };
	struct world *w = a->w;
	const uint64_t *arg = a->step->arg;
	struct sim_order order = {
		.op = (uint32_t)(arg[1] % SIM_OPS),
		.error = errors[arg[2] % 4],
		.nth = 1 + (uint32_t)(arg[3] % 16),
		.times = 1 + (uint32_t)(arg[4] % 2),
	};
	struct sim_watch watch;
	struct dev *d;
	int nr;

	d = dev_of(a, &nr);
	/* one at a time, so that it is known when it is used up */
	if (!d->in || !stage->devs[nr].dma || w->armed_dev >= 0)
		return;
	if (stage->watch(nr, &watch) || stage->order(nr, &order)) {
		world_fail(a, "cannot give the order");
		return;
	}
	w->armed_dev = nr;
	w->armed_op = (int)order.op;
	w->armed_until = watch.failed[order.op] + order.times;
}

static void pin_locked(struct actor *a, int nr, struct slot *s)
{
	struct world *w = a->w;
	const uint64_t *arg = a->step->arg;
	uint32_t i, page = s->first + (uint32_t)(arg[2] % s->n);
	uint32_t n = 1 + (uint32_t)(arg[3] % MAX_PIN);
	const struct map *map = slot_map(s, page);
	struct dev *d = &w->devs[nr];
	int ret, want;

	if (!d->in || !map)
		return;
	if (n > map->first + map->n - page)
		n = map->first + map->n - page;
	ret = stage->pin(nr, page_iova(w, page), n,
			 SIM_PROT_READ | (arg[4] % 2 ? SIM_PROT_WRITE : 0));
	want = map->ro && arg[4] % 2 ? -EPERM : (int)n;
	if (ret != want)
		world_fail(a, "pin: %d, not %d", ret, want);
	if (ret <= 0)
		return;
	for (i = 0; i < n; i++)
		d->pins[page + i]++;
	if (stage->devs[nr].dma && arg[4] % 2)
		d->promoted = true;
	atomic_fetch_add(&counts.pins, n);
}

static void pin(struct actor *a, int nr)
{
	struct slot *s = &a->w->slots[a->step->arg[1] % NR_SLOTS];

	pthread_rwlock_rdlock(&s->lock);
	pin_locked(a, nr, s);
	pthread_rwlock_unlock(&s->lock);
}

/* A page that the device has pinned; ~0 if it has none. */
static uint32_t pinned_page(const struct world *w, const struct dev *d,
			    struct rng *rng)
{
	uint32_t from = (uint32_t)rng_below(rng, w->nr_pages), i;

	for (i = 0; i < w->nr_pages; i++)
		if (d->pins[(from + i) % w->nr_pages])
			return (from + i) % w->nr_pages;
	return ~0u;
}

static void unpin_locked(struct actor *a, int nr, const struct slot *s,
			 uint32_t page)
{
	struct world *w = a->w;
	struct dev *d = &w->devs[nr];
	uint32_t end, n = 1 + (uint32_t)(a->step->arg[1] % MAX_PIN);
	int ret;

	for (end = page; end < s->first + s->n && end < page + n; end++)
		if (!d->pins[end])
			break;
	/* an UNMAP was quicker */
	if (end == page)
		return;
	ret = stage->unpin(nr, page_iova(w, page), end - page);
	if (ret)
		world_fail(a, "unpin: %s", strerror(-ret));
	pages_may(w, page, end - page, MAY_SW);
	for (; page < end; page++)
		d->pins[page]--;
}

static void unpin(struct actor *a, int nr)
{
	struct world *w = a->w;
	struct rng rng;
	struct slot *s;
	uint32_t page;

	rng_init(&rng, a->step->arg[2]);
	page = pinned_page(w, &w->devs[nr], &rng);
	if (page == ~0u)
		return;
	s = &w->slots[page_slot(w, page)];
	pthread_rwlock_rdlock(&s->lock);
	unpin_locked(a, nr, s, page);
	pthread_rwlock_unlock(&s->lock);
}

static void poke_page(struct actor *a, int nr, uint32_t page, uint32_t at)
{
	struct world *w = a->w;
	struct slot *s = &w->slots[page_slot(w, page)];
	uint64_t value = atomic_fetch_add(&w->value, 1);
	const struct map *map;
	int ret = 0;

	pthread_rwlock_rdlock(&s->lock);
	map = slot_map(s, page);
	if (map && !map->ro && w->devs[nr].pins[page]) {
		page_write_begin(a, page, nr, false);
		ret = stage->poke(nr, page_iova(w, page) + at, &value,
				  sizeof(value));
		page_write_end(a, page);
	}
	pthread_rwlock_unlock(&s->lock);
	if (ret)
		world_fail(a, "write through a pin: %s", strerror(-ret));
}

static void poke(struct actor *a, int nr)
{
	struct world *w = a->w;
	uint64_t n = a->step->arg[1] % 64;
	struct rng rng;

	rng_init(&rng, a->step->arg[2]);
	while (n--) {
		uint32_t page = pinned_page(w, &w->devs[nr], &rng);

		if (page == ~0u)
			return;
		poke_page(a, nr, page, 8 * (uint32_t)rng_below(&rng, 512));
	}
}

void device_step(struct actor *a)
{
	struct world *w = a->w;
	int nr;
	struct dev *d = dev_of(a, &nr);

	switch (a->step->kind) {
	case STEP_OPEN:
	case STEP_ATTACH:
	case STEP_DETACH:
	case STEP_REOPEN:
		pthread_mutex_lock(&w->moving);
		pthread_rwlock_wrlock(&d->lock);
		if (a->step->kind == STEP_OPEN)
			open_first(a);
		else if (a->step->kind == STEP_ATTACH)
			attach(a);
		else if (a->step->kind == STEP_DETACH)
			detach(a);
		else
			reopen(a);
		pthread_rwlock_unlock(&d->lock);
		pthread_mutex_unlock(&w->moving);
		break;
	case STEP_ORDER:
		order(a);
		break;
	default:
		pthread_rwlock_rdlock(&d->lock);
		pthread_mutex_lock(&d->at_work);
		if (a->step->kind == STEP_PIN)
			pin(a, nr);
		else if (a->step->kind == STEP_UNPIN)
			unpin(a, nr);
		else
			poke(a, nr);
		pthread_mutex_unlock(&d->at_work);
		pthread_rwlock_unlock(&d->lock);
		break;
	}
	look(a);
}
