/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The mirror test: the model of a migration.
 *
 * A device writes to memory at random while an asker loops: which pages are
 * dirty? mark them clean, and then copy them to the mirror. At the end the
 * device stops, there is one last round, and mirror and memory must be equal
 * byte for byte.
 *
 * Memory is one range of IOVAs, cut into NR_SLOTS slots of equal size; a
 * mapping is a run of slots. Page numbers count from the range's start.
 */
#ifndef HWDBM_TEST_MIRROR_H
#define HWDBM_TEST_MIRROR_H

#include "mem.h"
#include "rng.h"
#include "target.h"
#include "vfio.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define NR_SLOTS	16
#define IOVA_BASE	0x100000000ULL	/* 1 GiB aligned, clear of MSI */
#define SOURCE_IOVA	0x20000000ULL
#define SOURCE_BYTES	65536

enum mode { MODE_EXACT, MODE_GET, MODE_WHOLE, MODE_PIECES, MODE_CHURN };

struct mapping {
	uint64_t first_page;
	uint64_t nr_pages;
};

struct world {
	/* immutable once the threads run */
	struct target *target;
	enum mode mode;
	enum leaf leaf;
	bool full;		/* every mapped page must be reported */
	bool one_mapping;	/* of all slots */
	bool concurrent;	/* several askers, or a churner of its own */
	bool race;		/* the device writes on into what is unmapped */
	bool born_dirty;	/* new leaves may be reported once, unwritten */
	uint64_t seed, nr_writes;	/* in all */
	uint64_t until;		/* writes by the end of this epoch */
	uint64_t nr_pages, slot_pages;
	uint64_t unit_pages;	/* pages that one hardware dirty bit covers */
	char *mem, *mirror;
	unsigned char *source;
	struct mapping maps[NR_SLOTS];
	int nr_maps;

	/* by whoever maps; the asker reads them where that is itself */
	bool mapped[NR_SLOTS];

	/* device.c */
	_Atomic uint32_t *started, *finished;	/* writes, a unit each */
	atomic_bool closed[NR_SLOTS];	/* the device must keep out */
	_Atomic uint32_t occupied;	/* slots of the DMA in flight, bits */
	_Atomic uint64_t budget;	/* writes allowed so far */
	atomic_bool done;
	_Atomic uint64_t writes;
	uint64_t reads, not_landed;	/* by the device thread */
	/* with race only; a DMA is refused while its slot is being unmapped */
	atomic_int racing;	/* that slot, or -1 */
	_Atomic uint64_t at_it;	/* operations in that slot */
	_Atomic uint64_t race_budget;	/* operations more until the race's end */
	uint64_t refused;	/* by the device thread */
	uint64_t races;		/* by the asker */

	/* ledger.c; only the one asker, and nobody when concurrent */
	uint32_t *base_started, *base_finished;
	uint8_t *owed, *newborn;
	uint64_t missed, invented, touched;

	pthread_mutex_t copying;	/* mirror, when concurrent */
	atomic_ulong rounds, copied;
	uint64_t lost;		/* pages in which mirror and memory differed */
};

/* One that asks for dirty pages, and its buffers. */
struct asker {
	struct world *w;
	struct rng rng;
	unsigned char *bitmap, *clear;	/* a bit a page, and room to misalign */
	uint32_t *before, *after;	/* a page each */
	uint8_t fill;			/* what the bitmap held before */
};

static inline uint64_t page_iova(uint64_t page)
{
	return IOVA_BASE + page * PAGE_4K;
}

static inline int slot_of(const struct world *w, uint64_t page)
{
	return (int)(page / w->slot_pages);
}

static inline bool page_mapped(const struct world *w, uint64_t page)
{
	return w->mapped[slot_of(w, page)];
}

/* device.c */
void device_init(struct world *w);
void *device_thread(void *world);
/* @ops operations at once, in the caller's thread; writes set *@twin bytes. */
void device_burst(struct world *w, struct rng *rng, uint64_t ops, uint8_t *twin);
/* After it returns no DMA touches the slot, until device_open_slot(). */
void device_close_slot(struct world *w, int slot);
void device_open_slot(struct world *w, int slot);
/* Waits until the device has done all that it may. */
void device_settle(struct world *w);
/*
 * Has most DMA go to the slot, and returns when it does; and the end of that: the
 * device has been at it once more since, and is out.
 */
void device_race_slot(struct world *w, int slot);
void device_end_race(struct world *w, int slot);

/* ledger.c */
void ledger_init(struct world *w);
void ledger_before(struct asker *a, uint64_t first, uint64_t nr);
void ledger_after(struct asker *a, uint64_t first, uint64_t nr);
void ledger_reported(struct asker *a, uint64_t first, uint64_t nr,
		     uint64_t per_bit, const void *bitmap, bool cleared);
void ledger_cleared(struct asker *a, uint64_t first, uint64_t nr,
		    uint64_t per_bit, const void *bitmap);
void ledger_fresh(struct world *w, uint64_t first, uint64_t nr);

/* ask.c */
void asker_init(struct asker *a, struct world *w, uint64_t seed);
void asker_start_logging(struct asker *a);
void *asker_thread(void *asker);
void asker_round(struct asker *a);
/* Asks for all that is mapped; how many pages were dirty. */
uint64_t asker_last_round(struct asker *a);
void asker_get(struct asker *a, uint64_t first, uint64_t nr);
void copy_pages(struct asker *a, uint64_t first, uint64_t nr, uint64_t per_bit,
		const void *bitmap);

/* churn.c */
void churn_some(struct asker *a);
void *churn_thread(void *asker);

/* main.c: what differs between mirror and memory is lost. */
void compare_mirror(struct world *w, uint64_t first, uint64_t nr);

/* exact.c: no concurrency; the reported set is exactly the written set. */
void exact_run(struct world *w);

#endif
