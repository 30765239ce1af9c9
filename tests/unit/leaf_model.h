/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A domain's tables as a row of leaves, the driver that reads its dirty bits,
 * and a device that sets them while it does.
 */
#ifndef HWDBM_UNIT_LEAF_MODEL_H
#define HWDBM_UNIT_LEAF_MODEL_H

#include <linux/iommu.h>
#include <linux/types.h>

/*
 * The bit is one however many entries a leaf has: where a leaf is replicated
 * the driver ORs the bits of its entries and clears all of them.
 */
struct leaf {
	u64	first;
	u64	last;
	bool	dirty;
	/* What happened since model_begin(). */
	bool	before;		/* was dirty then */
	bool	written;
	bool	cleaned;
	bool	owed;		/* cleaned, and not recorded since */
	bool	recorded;
};

/* What a wrong driver answers, from some call on. */
enum lie {
	TRUTH,
	LIE_SIZE,	/* more bytes than the leaf, no power of two */
	LIE_HUGE,	/* more bytes than the leaf, a power of two */
	LIE_BELOW,	/* begins below the place asked for */
	LIE_ABOVE,	/* begins above the last place asked for */
	LIES,
};

struct model {
	struct iommu_domain domain;
	struct leaf	*leaf;
	unsigned long	nr;
	unsigned long	room;
	/* Leaves of the mapping under test; others belong to its neighbours. */
	unsigned long	mapping;
	unsigned long	mapping_last;

	/* What is to happen; model_calm() makes it nothing. */
	unsigned long	fail_call;	/* this call fails; the first is 1 */
	enum lie	lie;
	unsigned long	lie_call;	/* and all after it */
	unsigned int	device;		/* writes at one chance in so many */
	unsigned long	write_chance;	/* and at this one, the first is 1, */
	unsigned long	write_leaf;	/* to this leaf */

	/* What happened since model_begin(). */
	unsigned long	chances;	/* for the device to write */
	unsigned long	calls;
	unsigned long	steps;		/* leaves that were visited */
	unsigned long	burst;		/* the most steps between two rescheds */
	unsigned long	lies;
	unsigned long	most_calls;	/* more fail the test: no end in sight */

	unsigned long	burst_now;
	unsigned long	rescheds;
};

extern struct model model;

void model_calm(void);
/* Forget what happened; the coming pass may make @most_calls. */
void model_begin(unsigned long most_calls);
/* The device may write now. */
void model_chance(void);
void model_write(unsigned long leaf);

/* The leaf that holds @iova, or NULL. */
struct leaf *model_leaf(u64 iova);
u64 model_first(void);
u64 model_last(void);
/* What mappings, calls and masks keep to: a page, or the smallest leaf. */
u64 model_unit(void);

/* No leaf, of a domain of these sizes; then leaves, one after the other. */
void model_empty(unsigned long pgsizes);
void model_append(u64 at, u64 bytes);
void model_free(void);
/* A mapping somewhere, between two more, out of leaves of random sizes. */
void model_random(void);
/* Dirty bits of a random density. */
void model_scatter(void);
/* Part of the mapping, often from or to the edge of a leaf. */
void model_random_range(u64 *first, u64 *last);

#endif
