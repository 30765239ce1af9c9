// SPDX-License-Identifier: GPL-2.0-only
/* Random histories. What is likely to matter is made likely. */
#include "history.h"

struct gen {
	struct rng rng;
	struct history *h;
	const struct gen_options *o;
	uint8_t thread;
	int first_emulated;
	/* a few pages that much happens to, so that steps meet */
	uint64_t slot, seed, dev;
	/* a guess: some of it will not have come to pass */
	bool in[MAX_DEVS], mapped[NR_SLOTS];
};

static uint64_t pick(struct gen *g, uint64_t n)
{
	return rng_below(&g->rng, n);
}

static void add(struct gen *g, enum step_kind kind, uint64_t a, uint64_t b,
		uint64_t c, uint64_t d, uint64_t e, uint64_t f, uint64_t h)
{
	struct step step = {
		.kind = (uint8_t)kind,
		.thread = g->thread,
		.arg = { a, b, c, d, e, f, h },
	};

	history_add(g->h, &step);
}

#define ADD(g, kind, ...) ADD_7(g, kind, __VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)
#define ADD_7(g, kind, a, b, c, d, e, f, h, ...) \
	add(g, kind, a, b, c, d, e, f, h)

static uint64_t any_dev(struct gen *g)
{
	return pick(g, (uint64_t)stage->nr_devs);
}

static uint64_t dma_dev(struct gen *g)
{
	return pick(g, (uint64_t)g->first_emulated);
}

/* From @from to @end, one that is in, if there is any and it comes up soon. */
static uint64_t dev_in(struct gen *g, int from, int end)
{
	uint64_t dev = 0;
	int tries;

	for (tries = 0; tries < 8; tries++) {
		dev = (uint64_t)from + pick(g, (uint64_t)(end - from));
		if (g->in[dev])
			break;
	}
	return dev;
}

static uint64_t dma_in(struct gen *g)
{
	if (pick(g, 2) && g->in[g->dev])
		return g->dev;
	return dev_in(g, 0, g->first_emulated);
}

static uint64_t any_in(struct gen *g)
{
	return dev_in(g, 0, stage->nr_devs);
}

/* The first that cannot track, or any. */
static uint64_t incapable(struct gen *g)
{
	int i;

	for (i = 0; i < g->first_emulated; i++)
		if (!stage->devs[i].tracks)
			return (uint64_t)i;
	return dma_dev(g);
}

static uint64_t any_slot(struct gen *g)
{
	return pick(g, 2) ? g->slot : pick(g, NR_SLOTS);
}

static uint64_t mapped_slot(struct gen *g)
{
	uint64_t slot = g->slot;
	int tries;

	for (tries = 0; tries < 8 && (!g->mapped[slot] || pick(g, 2)); tries++)
		slot = pick(g, NR_SLOTS);
	return slot;
}

/* Mostly of 4 KiB; any up to 1 GiB. */
static uint64_t any_shift(struct gen *g)
{
	return pick(g, 3) ? 0 : pick(g, 19);
}

static void add_map(struct gen *g, uint64_t slot)
{
	uint64_t page = 0, n = 0;	/* all of it */

	if (!pick(g, 3)) {
		page = pick(g, 1024);
		n = 1 + pick(g, 512);
	}
	g->mapped[slot] = true;
	ADD(g, STEP_MAP, slot, page, n, !pick(g, 16));
}

static void add_attach(struct gen *g, uint64_t dev)
{
	g->in[dev] = true;
	ADD(g, STEP_ATTACH, dev);
}

static void add_detach(struct gen *g, uint64_t dev)
{
	g->in[dev] = false;
	ADD(g, STEP_DETACH, dev);
}

static void add_burst_of(struct gen *g, uint64_t dev, uint64_t slot)
{
	static const uint64_t spreads[] = { 1, 4, 16, 64, 1024 };
	uint64_t n = 1 + pick(g, pick(g, 3) ? 32 : g->o->burst);
	uint64_t seed = pick(g, 2) ? g->seed : rng_next(&g->rng);

	ADD(g, STEP_BURST, dev, slot, n, spreads[pick(g, 5)], seed);
}

static void add_burst(struct gen *g)
{
	add_burst_of(g, dma_in(g), mapped_slot(g));
}

static void add_pin(struct gen *g, uint64_t dev, uint64_t write)
{
	ADD(g, STEP_PIN, dev, mapped_slot(g), pick(g, 1024), pick(g, 64), write);
}

static void add_poke(struct gen *g, uint64_t dev)
{
	ADD(g, STEP_POKE, dev, 1 + pick(g, 16), rng_next(&g->rng));
}

static void add_unpin(struct gen *g, uint64_t dev)
{
	ADD(g, STEP_UNPIN, dev, pick(g, 64), rng_next(&g->rng));
}

static void add_pins(struct gen *g)
{
	/* a DMA device that pins is of the pinned scope from then on */
	uint64_t dev = pick(g, 4) ? dev_in(g, g->first_emulated, stage->nr_devs) :
				    any_in(g);

	switch (pick(g, 6)) {
	case 0:
	case 1:
		add_pin(g, dev, pick(g, 4) > 0);
		break;
	case 2:
		add_unpin(g, dev);
		break;
	case 3:
		ADD(g, STEP_RW, dev, mapped_slot(g), pick(g, 8192),
		    rng_next(&g->rng));
		break;
	default:
		add_poke(g, dev);
		break;
	}
}

static void add_log(struct gen *g)
{
	uint64_t lo = 0, hi = NR_SLOTS - 1, shift = any_shift(g);

	if (pick(g, 2)) {
		lo = any_slot(g);
		hi = pick(g, 2) ? lo : any_slot(g);
	}
	switch (pick(g, 8)) {
	case 0:
	case 1:
	case 2:
		ADD(g, STEP_GET, lo, hi, shift);
		break;
	case 3:
		ADD(g, STEP_NOCLEAR, lo, hi, shift);
		break;
	case 4:
	case 5:
		ADD(g, STEP_CLEAR, lo, hi, shift, 1 + pick(g, 4),
		    rng_next(&g->rng));
		break;
	default:
		ADD(g, STEP_MIGRATE, lo, hi, shift, 1 + pick(g, 4),
		    rng_next(&g->rng));
		break;
	}
}

static void add_unmap(struct gen *g)
{
	uint64_t bitmap = pick(g, 4) > 0, shift = any_shift(g);
	uint64_t slot = mapped_slot(g);

	switch (pick(g, 16)) {
	case 0:
		ADD(g, STEP_UNMAP_ALL, bitmap, shift);
		for (slot = 0; slot < NR_SLOTS; slot++)
			if (pick(g, 2))
				add_map(g, slot);
		break;
	case 1:
		ADD(g, STEP_UNMAP_RUN, slot, any_slot(g), bitmap, shift);
		add_map(g, slot);
		break;
	default:
		g->mapped[slot] = false;
		ADD(g, STEP_UNMAP, slot, pick(g, 4), bitmap, shift);
		break;
	}
}

static void add_move(struct gen *g)
{
	switch (pick(g, 8)) {
	case 0:
		ADD(g, STEP_REOPEN, any_in(g));
		break;
	case 1:
	case 2:
	case 3:
		add_detach(g, any_in(g));
		break;
	default:
		add_attach(g, any_dev(g));
		break;
	}
}

/* It has written, and pins; then those go that did not: its bits are left. */
static void add_lonely(struct gen *g, uint64_t slot)
{
	uint64_t dev = dma_in(g);
	int i;

	add_attach(g, dev);
	add_burst_of(g, dev, slot);
	add_pin(g, dev, 1);
	for (i = 0; i < g->first_emulated; i++)
		if ((uint64_t)i != dev)
			add_detach(g, (uint64_t)i);
	add_log(g);
	add_attach(g, dma_dev(g));
}

/*
 * Short scenes, what each transition of the policy is about: by chance alone
 * their parts would rarely meet.
 */
static void add_scene(struct gen *g)
{
	uint64_t dev, slot = mapped_slot(g);

	switch (pick(g, 8)) {
	case 0:		/* a domain leaves, and takes what it knows along */
		dev = dma_dev(g);
		add_attach(g, dev);
		add_burst_of(g, dev, slot);
		add_detach(g, dev);
		break;
	case 1:		/* full for a while */
		dev = incapable(g);
		add_attach(g, dev);
		add_burst_of(g, pick(g, 2) ? dev : dma_in(g), slot);
		if (pick(g, 2))
			add_log(g);
		add_detach(g, dev);
		break;
	case 2:		/* pinned, written, unpinned */
		dev = dev_in(g, g->first_emulated, stage->nr_devs);
		add_attach(g, dev);
		add_pin(g, dev, 1);
		add_poke(g, dev);
		if (pick(g, 2))
			add_log(g);
		add_poke(g, dev);
		if (pick(g, 4))
			add_unpin(g, dev);
		else
			add_detach(g, dev);
		break;
	case 3:		/* a device behind an IOMMU begins to pin */
		dev = dma_in(g);
		add_burst_of(g, dev, slot);
		add_pin(g, dev, 1);
		break;
	case 4:		/* a part is made clean, of what is next to each other */
		add_burst_of(g, dma_in(g), slot);
		ADD(g, STEP_CLEAR, slot, slot, pick(g, 2) ? 0 : any_shift(g),
		    2 + pick(g, 3), rng_next(&g->rng));
		break;
	case 5:		/* written, unmapped with its log, and mapped again */
		add_burst_of(g, dma_in(g), slot);
		ADD(g, STEP_UNMAP, slot, 0, 1, any_shift(g));
		add_map(g, slot);
		break;
	case 6:
		add_lonely(g, slot);
		break;
	default:	/* written again through what may be cached */
		dev = dma_in(g);
		add_burst_of(g, dev, slot);
		add_log(g);
		add_burst_of(g, dev, slot);
		break;
	}
	if (pick(g, 2))
		add_log(g);
}

/* An error, and what may meet it. */
static void add_error(struct gen *g)
{
	uint64_t dev = dma_in(g), op = pick(g, SIM_OPS);
	uint64_t nth = pick(g, 3) ? pick(g, 3) : pick(g, 16);
	uint64_t other = dev + 1 < (uint64_t)g->first_emulated &&
			 stage->devs[dev + 1].iommu == stage->devs[dev].iommu ?
				 dev + 1 : dev;

	ADD(g, STEP_ORDER, dev, op, pick(g, 4), nth, pick(g, 2));
	switch (op) {
	case SIM_OP_MAP:
		add_map(g, pick(g, NR_SLOTS));
		break;
	case SIM_OP_READ:
		add_burst_of(g, dev, mapped_slot(g));
		if (pick(g, 2))
			add_log(g);
		else
			add_move(g);
		break;
	default:
		add_detach(g, other);
		add_attach(g, other);
		break;
	}
}

/* Alone: what may not run beside others, or need not. */
static void add_alone(struct gen *g)
{
	uint64_t slot = mapped_slot(g);

	switch (pick(g, 8)) {
	case 0:
		ADD(g, STEP_STOP, 0);
		add_burst(g);
		ADD(g, STEP_START, 0);
		break;
	case 1:
	case 2:
		add_error(g);
		break;
	case 3:
		ADD(g, STEP_QUIESCE, pick(g, 2));
		break;
	default:
		/* over the one slot: what else is held is not of interest */
		ADD(g, STEP_RACE, dma_in(g), slot, slot, slot, pick(g, 3),
		    1 + pick(g, 32), rng_next(&g->rng));
		break;
	}
}

/*
 * A write in the middle of a call, near others: a reader that looks at a range
 * and then cleans it has to have something to look at.
 */
static void add_trap(struct gen *g)
{
	/* mostly of small pages: of large leaves there is little to look at */
	uint64_t dev = dma_in(g), slot = pick(g, 4);

	if (!g->mapped[slot])
		slot = mapped_slot(g);
	add_burst_of(g, dev, slot);
	ADD(g, STEP_TRAP, dev, slot, pick(g, 1024), pick(g, 3) == 0,
	    pick(g, pick(g, 3) ? 16 : 256), pick(g, 4),
	    rng_next(&g->rng));
}

static void add_any(struct gen *g)
{
	uint64_t what = pick(g, 100);

	if (what < 22)
		add_burst(g);
	else if (what < 42)
		add_log(g);
	else if (what < 54)
		add_pins(g);
	else if (what < 60)
		add_map(g, any_slot(g));
	else if (what < 66)
		add_unmap(g);
	else if (what < 74)
		add_move(g);
	else if (what < 86 || (what < 92 && g->thread))
		add_scene(g);
	else if (what < 92)
		add_trap(g);
	else if (!g->thread)
		add_alone(g);
	else
		ADD(g, STEP_HOLD, dma_in(g), pick(g, 512));
}

static void begin(struct gen *g)
{
	uint64_t i, n = pick(g, 4);
	/* the first decides what the first domain is */
	uint64_t first = pick(g, 5) ? dma_dev(g) : any_dev(g);

	g->dev = dma_dev(g);
	g->in[first] = true;
	ADD(g, STEP_OPEN, first);
	while (n--)
		add_attach(g, any_dev(g));
	for (i = 0; i < NR_SLOTS; i++)
		if (pick(g, 3))
			add_map(g, i);
	/* writes that are older than the log */
	add_burst(g);
	if (pick(g, 16))
		ADD(g, STEP_START, 0);
}

/* Now and then other pages and another device get hot. */
static void drift(struct gen *g)
{
	if (!pick(g, 8))
		g->slot = pick(g, NR_SLOTS);
	if (!pick(g, 8))
		g->seed = rng_next(&g->rng);
	if (!pick(g, 8))
		g->dev = dev_in(g, 0, g->first_emulated);
}

void gen_history(struct history *h, uint64_t seed, const struct gen_options *o)
{
	struct gen g = { .h = h, .o = o };
	uint32_t i;

	rng_init(&g.rng, seed);
	while (g.first_emulated < stage->nr_devs &&
	       stage->devs[g.first_emulated].dma)
		g.first_emulated++;
	history_init(h, rng_next(&g.rng));
	g.slot = pick(&g, NR_SLOTS);
	begin(&g);
	for (i = 0; h->nr < o->steps; i++) {
		drift(&g);
		if (o->threads)
			g.thread = (uint8_t)(1 + pick(&g, MAX_THREADS));
		/* in between all come together */
		if (o->threads && i % 32 == 31) {
			g.thread = 0;
			ADD(&g, STEP_QUIESCE, pick(&g, 2));
			add_any(&g);
		} else {
			add_any(&g);
		}
	}
}
