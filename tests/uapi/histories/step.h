/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A history is a list of steps: numbers, so that any of them can be left out,
 * printed, read back and done again. Where a step no longer makes sense (what
 * it unmaps was never mapped), it does nothing.
 */
#ifndef HWDBM_HISTORY_STEP_H
#define HWDBM_HISTORY_STEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum step_kind {
	STEP_OPEN,	/* the container, with its first device */
	STEP_ATTACH,
	STEP_DETACH,
	STEP_REOPEN,	/* close the device and open it again */
	STEP_MAP,
	STEP_UNMAP,	/* one mapping of a slot */
	STEP_UNMAP_RUN,	/* all in a run of slots */
	STEP_UNMAP_ALL,
	STEP_BURST,	/* DMA */
	STEP_PIN,
	STEP_UNPIN,
	STEP_POKE,	/* DMA through pins */
	STEP_RW,	/* vfio_dma_rw() */
	STEP_GET,
	STEP_NOCLEAR,
	STEP_CLEAR,	/* any bits of any range */
	STEP_MIGRATE,	/* NOCLEAR, then CLEAR of what it said, in pieces */
	STEP_START,
	STEP_STOP,
	STEP_ORDER,	/* an error */
	STEP_RACE,	/* two calls while an invalidation is held, and DMA */
	STEP_TRAP,	/* a write in the middle of a call */
	STEP_HOLD,	/* invalidations, for a while; for threads */
	STEP_QUIESCE,	/* one round, then mirror and memory must be equal */
	NR_STEPS
};

#define STEP_ARGS 8

/*
 * @thread: 0: alone, after all before it. Neighbours with other numbers run at
 * once, each thread its own in order.
 * @arg: named in step.c
 */
struct step {
	uint8_t kind;
	uint8_t thread;
	uint64_t arg[STEP_ARGS];
};

/* Arguments by their place; a kind has a few of them, see step.c. */
#define ARG_DEV 0

/*
 * Decides what the steps do not say: where each slot's memory lies against the
 * boundaries of large leaves.
 */
struct history {
	uint64_t layout;
	size_t nr;
	struct step *steps;
};

void history_init(struct history *h, uint64_t layout);
void history_free(struct history *h);
void history_copy(struct history *to, const struct history *from);
void history_add(struct history *h, const struct step *step);

/* One step as text: "burst dev=1 slot=3 ..."; in a thread, "2: burst ..." */
void step_print(const struct step *step, char *text, size_t n);
/* False if @text is none. */
bool step_parse(const char *text, struct step *step);

/* As diagnostic lines: a '#' and three blanks, and the step. */
void history_print(const struct history *h);
/*
 * A log with such lines in it, of which the last history counts and all other
 * lines are left out. Or else lines, or what ';' parts, where '#' begins a
 * comment. Bails on nonsense.
 */
void history_parse(struct history *h, const char *text);

#endif
