/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * histories: random histories of everything at once on the simulated IOMMU, with
 * the mirror of a migration beside them.
 *
 * Memory lies in slots: windows of IOVA, each with memory of its own of one
 * kind. Where a page of memory is to be found is the same all through a history,
 * so that what a call has reported can be copied whatever happens meanwhile;
 * mappings are parts of slots.
 */
#ifndef HWDBM_HISTORY_H
#define HWDBM_HISTORY_H

#include "mem.h"
#include "rng.h"
#include "stage.h"
#include "step.h"

#include <pthread.h>
#include <stdatomic.h>

#define NR_SLOTS	9
#define MAX_PAGES	2880		/* of all slots */
#define SLOT_STRIDE	(8ULL << 20)
#define MAX_PER_SLOT	4		/* mappings */
#define MAX_THREADS	7
#define MAX_BURST	SIM_MAX_WRITES
#define NOBODY		0xff

/* Why a page may be reported although nobody owes it. */
#define MAY_HW		1	/* a leaf was written since the hardware was asked */
#define MAY_SW		2	/* unpinned, dma_rw, or a policy's memory */

struct page {
	_Atomic uint32_t started, finished;	/* writes */
	uint32_t copied;	/* what had finished before the last copy */
	uint8_t may;
	uint8_t by, how, policy;	/* the last write: for a report */
	uint32_t step;
};

struct map {
	uint32_t first, n;	/* pages of all slots */
	bool ro;
};

struct slot {
	uint64_t iova;		/* of its first page */
	uint64_t window;	/* first IOVA of it, SLOT_STRIDE long */
	char *mem;
	uint32_t first, n;	/* pages */
	uint32_t unit;		/* pages of the largest leaf */
	struct map maps[MAX_PER_SLOT];
	int nr_maps;
	/* whoever maps or unmaps holds it for writing, whoever writes for reading */
	pthread_rwlock_t lock;
};

struct dev {
	bool in;
	bool promoted;		/* writes only what it has pinned */
	uint8_t pins[MAX_PAGES];
	pthread_rwlock_t lock;	/* writing: comes, goes, opens */
	pthread_mutex_t at_work;	/* a write, or @pins; before a slot's */
};

struct counts {
	atomic_ulong writes, steps, calls, reported, copied, maps, unmaps;
	atomic_ulong moves, pins, errors, races, traps, refused, judged;
};

/* All of one run. */
struct world {
	const struct history *h;
	struct slot slots[NR_SLOTS];
	struct dev devs[MAX_DEVS];
	struct page pages[MAX_PAGES];
	uint32_t nr_pages;
	char *mirror;		/* a page after the other, slot by slot */
	pthread_mutex_t moving;	/* groups come and go */
	pthread_mutex_t copying;
	int nr_in;
	bool open, logging;
	bool exact;		/* nobody runs beside us */
	bool trapping;		/* a write is to come that is not counted yet */
	unsigned int policy;
	long avail;
	/* orders that may still bite */
	int armed_dev, armed_op;
	uint64_t armed_until;
	_Atomic uint64_t value;	/* of the next write */
	size_t step;
	atomic_bool failed;
	pthread_mutex_t failing;
	char why[512];
};

extern struct counts counts;

/* What a step works with, one for each thread. */
struct actor {
	struct world *w;
	const struct step *step;
	size_t nr;		/* the step's number */
	struct sim_write *writes;
	uint8_t *bitmap, *why;	/* of the call; a bit where it has a reason */
	uint8_t *bits;		/* a bit a page of all slots */
	uint32_t marked;	/* first page of the leaf that was marked last */
};

/* ---- world.c: memory, pages, the mirror ---- */
/* @real: memory as the IOMMU is to see it, in pages of two sizes. */
void world_alloc(struct world *w, bool real);
void actor_init(struct actor *a, struct world *w);
void world_begin(struct world *w, const struct history *h);
void world_fail(struct actor *a, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
uint64_t page_iova(const struct world *w, uint32_t page);
char *page_mem(const struct world *w, uint32_t page);
int page_slot(const struct world *w, uint32_t page);
const struct map *slot_map(const struct slot *s, uint32_t page);
bool page_pinned(const struct world *w, uint32_t page);
static inline bool page_owed(const struct page *p)
{
	return atomic_load(&p->finished) != p->copied;
}
void page_copy(struct world *w, uint32_t page);
/* A burst begins: its writes mark leaves, each once in a row. */
#define NO_LEAF ~0u
void page_write_begin(struct actor *a, uint32_t page, int dev, bool dma);
void page_write_end(struct actor *a, uint32_t page);
void pages_may(struct world *w, uint32_t first, uint32_t n, uint8_t why);
/* Everything is as in memory, whatever was said: logging begins, or ends. */
void mirror_all(struct world *w);
void mirror_compare(struct actor *a);
const char *policy_name(unsigned int policy);
/* Asks which policy there is now; what it left behind may be reported. */
void policy_look(struct world *w);

/* ---- log.c, judge.c: the dirty log, and what it must say ---- */
void log_get(struct actor *a, uint32_t flag, int lo, int hi, unsigned int shift);
void log_step(struct actor *a);
void log_migrate(struct actor *a, int lo, int hi, uint64_t seed);
void log_clear(struct actor *a, int lo, int hi, uint64_t part, uint64_t seed);
void log_unmap(struct actor *a, int lo, int hi, uint64_t iova, uint64_t size,
	       uint32_t flags, uint64_t shift);
/* maps.c */
void map_step(struct actor *a);
void quiesce(struct actor *a);

struct report {
	int lo, hi;		/* slots */
	uint64_t iova, pgsize;	/* of bit 0; of a bit */
	uint64_t size;		/* 0: to the end of slot @hi */
	const uint8_t *map;
	bool cleaned;
	unsigned int policy;	/* under which it was asked */
};

/* Which of the pages of all slots @r names: bits of @a->bits. */
void report_expand(struct actor *a, const struct report *r);
void report_judge(struct actor *a, const struct report *r);
void report_copy(struct actor *a, const struct report *r);
/* The pages that a CLEAR has cleaned. */
void report_cleared(struct actor *a, const struct report *r);

/* ---- race.c, trap.c ---- */
void race_step(struct actor *a);
void trap_step(struct actor *a);
void hold_step(struct actor *a);

/* ---- devices.c: groups, pins, writes ---- */
void device_step(struct actor *a);
void write_step(struct actor *a);
void write_burst(struct actor *a, int dev, int slot, uint32_t n, uint32_t spread,
		 uint64_t seed);

/* ---- run.c ---- */
/* True if all went well; else w->why says what did not, w->step where. */
bool run(struct world *w, const struct history *h);

/* ---- gen.c ---- */
struct gen_options {
	uint32_t steps;
	uint32_t burst;		/* writes of one, at most */
	bool threads;
};
void gen_history(struct history *h, uint64_t seed, const struct gen_options *o);

/* ---- repeat.c ---- */
/*
 * Tells the command for a VM like this one, or for the model: with @options, and
 * if @file, to play that.
 */
void repeat_tell(bool model, const char *bug, const char *file,
		 const char *options);

/* ---- shrink.c ---- */
void shrink(struct world *w, struct history *h, unsigned int seconds);

#endif
