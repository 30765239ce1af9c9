/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Page tables as the kernel makes them, and a device behind them. Built and
 * walked here by the formats' specifications, and slowly; nothing is shared with
 * src/iopt.c.
 */
#ifndef HWDBM_UNIT_IOPT_MODEL_H
#define HWDBM_UNIT_IOPT_MODEL_H

#include <linux/types.h>

#define PT_LEVELS	6

struct pt_table;

/* A leaf, however many entries it stands in. */
struct pt_leaf {
	u64	first;
	u64	last;
	u64	*entry;		/* the first of its entries */
	unsigned int nr;
	/* An IOTLB has it as writable and dirty: writes leave no trace. */
	bool	cached;
	/* What happened since pt_begin(). */
	bool	before;		/* was dirty then */
	bool	written;
	bool	cleaned;	/* a dirty bit that was set */
	bool	sealed;		/* a write bit that was set */
	bool	owed;		/* cleaned, and not recorded since */
	bool	recorded;
};

struct pt {
	bool	amd;
	unsigned int levels;
	u64	encrypted;	/* memory encryption: a bit, or none */
	u64	top;		/* physical */
	struct pt_leaf *leaf;	/* in the order of their addresses */
	unsigned int nr;
	/* Leaves of the mapping under test; others belong to its neighbours. */
	unsigned int mapping;
	unsigned int mapping_last;

	/* What is to happen; pt_calm() makes it nothing. */
	unsigned int device;	/* writes at one chance in so many */
	unsigned long write_chance; /* and at this one, the first is 1, */
	u64	write_at;	/* to this address */
	unsigned long grow_chance; /* a new top comes */

	/* What happened since pt_begin(). */
	unsigned long chances;
	unsigned long asked;	/* for a table at an address */
	unsigned int hot;	/* the leaf that was touched last */
};

extern struct pt pt;

/* Empty tables, of a format. */
void pt_new(bool amd, unsigned int levels, u64 encrypted);
void pt_free(void);
/* A leaf of 2^@lg2 bytes, above all others. */
void pt_map(u64 at, unsigned int lg2, bool writable);
/* Can there be one of this size; is its last byte within the tables? */
bool pt_size_ok(unsigned int lg2);
u64 pt_end(void);
/* A new top over the old. */
void pt_grow(void);
u64 *pt_table_at(u64 phys);
/* Overwrite what leads to @iova at a level, or its leaf; and what it was. */
u64 pt_break(u64 iova, unsigned int level, u64 entry);
u64 pt_entry(u64 iova, unsigned int level);

/* What the tables say of an address. */
struct pt_hit {
	u64	*entry;
	u64	first;
	u64	last;
	u64	step;		/* bytes of one entry */
	bool	may_write;
};

bool pt_walk(u64 iova, struct pt_hit *hit);
u64 pt_d(void);
u64 pt_w(void);

struct pt_leaf *pt_leaf(u64 iova);
bool pt_dirty(const struct pt_leaf *l);
void pt_make_dirty(struct pt_leaf *l);
u64 pt_first(void);
u64 pt_last(void);

void pt_calm(void);
void pt_begin(void);
/* The world may change now. */
void pt_chance(void);
/* A device writes: false if it was refused. */
bool pt_write(u64 iova);
/* Forget what the IOTLB holds. */
void pt_flush(u64 first, u64 last);
/* Nothing but the device and clear_bit() has changed a table. */
void pt_check_tables(void);

/* What is judged is a pass: over what leaves, whether it cleaned, and worked. */
struct pt_pass {
	bool	(*asked)(const struct pt_leaf *l, const void *ctx);
	const void *ctx;
	bool	clear;
	bool	worked;
};

/* A leaf is reported, during a pass. */
void pt_record(u64 first, u64 last, bool clear);
/* Nothing is lost, invented or done that was not asked for. */
void pt_judge(const struct pt_pass *pass);
/* After the invalidation: no write may go unseen from now on. */
void pt_judge_flushed(void);

/* Entries of all leaves as they were; then as they should be now. */
u64 *pt_snapshot(void);
/* Only @bit was cleared, in leaves that meet the range; frees @was. */
void pt_check_snapshot(u64 *was, u64 first, u64 last, u64 bit);

/* Tables with leaves somewhere, of a mapping and two neighbours. */
void pt_random(void);
void pt_random_format(void);
/* Dirty bits of a random density. */
void pt_scatter(void);
/* Pages of the mapping, often from or to the edge of a leaf. */
void pt_random_range(u64 *first, u64 *last);
u64 pt_random_page(void);

#endif
