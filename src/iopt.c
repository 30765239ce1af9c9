// SPDX-License-Identifier: GPL-2.0-only
/*
 * Walking the tables of an IOMMU for dirty leaves.
 *
 * The hardware walks and changes the same entries meanwhile, and other threads
 * map and unmap other ranges. Of what lies on the way to a mapped page nothing
 * goes away: a table is freed only when all that it maps is unmapped, or was
 * empty. So each entry is read once, and what it said is acted upon.
 */

#include <linux/bits.h>
#include <linux/bitops.h>
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/minmax.h>

#include "iopt.h"

#define PAGE_LG2	12 /* the smallest leaf of both formats */
#define LEVEL_LG2	9  /* 512 entries a table */
#define ENTRIES		(1u << LEVEL_LG2)

#define ADDRESS		GENMASK_ULL(51, PAGE_LG2)

#define AMDV1_PRESENT	BIT_ULL(0)
#define AMDV1_D		6
#define AMDV1_W		62
#define AMDV1_NEXT(e)	((unsigned int)((e) >> 9) & 7)
#define AMDV1_LEAF	0 /* of its level's own size */
#define AMDV1_SIZED	7 /* the address tells the size */

#define VTDSS_W		1
#define VTDSS_PS	BIT_ULL(7)
#define VTDSS_D		9
#define VTDSS_TOP_LEAF	2 /* 1 GiB */

/* What an entry is; a leaf is told by the log2 of its number of entries. */
enum { NOTHING = -1, TABLE = -2 };

/* Bytes of one entry of a level, log2. */
static unsigned int entry_lg2(unsigned int level)
{
	return PAGE_LG2 + LEVEL_LG2 * level;
}

/*
 * The address of a leaf of 2^n bytes ends with a 0 and n - 13 ones. The pages
 * are counted here, so an encryption bit above them does no harm.
 */
static int amdv1_sized(u64 entry, unsigned int level)
{
	u64 ones = (entry & ADDRESS) >> PAGE_LG2;
	int lg2 = PAGE_LG2 + 1 + ffz(ones);
	int more = lg2 - (int)entry_lg2(level);

	return more > 0 && more < LEVEL_LG2 ? more : NOTHING;
}

static int amdv1_kind(u64 entry, unsigned int level)
{
	unsigned int next = AMDV1_NEXT(entry);

	if (!(entry & AMDV1_PRESENT))
		return NOTHING;
	if (next == AMDV1_SIZED)
		return amdv1_sized(entry, level);
	if (next == AMDV1_LEAF)
		return 0;
	/* The specification lets a table skip levels; nobody does. */
	return next == level ? TABLE : NOTHING;
}

/* An entry without permissions is still there: it was sealed. */
static int vtdss_kind(u64 entry, unsigned int level)
{
	if (!entry)
		return NOTHING;
	if (!level)
		return 0;
	if (!(entry & VTDSS_PS))
		return TABLE;
	return level <= VTDSS_TOP_LEAF ? 0 : NOTHING;
}

static int kind(const struct hwdbm_iopt *t, u64 entry, unsigned int level)
{
	return t->format == HWDBM_IOPT_AMDV1 ? amdv1_kind(entry, level) :
					       vtdss_kind(entry, level);
}

static unsigned int action_bit(const struct hwdbm_iopt_cursor *c)
{
	bool amd = c->iopt->format == HWDBM_IOPT_AMDV1;

	if (c->action == HWDBM_IOPT_SEAL)
		return amd ? AMDV1_W : VTDSS_W;
	return amd ? AMDV1_D : VTDSS_D;
}

static unsigned int index_at(u64 at, unsigned int level)
{
	return (at >> entry_lg2(level)) & (ENTRIES - 1);
}

/* Last byte that a table maps which holds @at. */
static u64 table_last(u64 at, unsigned int level)
{
	unsigned int lg2 = entry_lg2(level + 1);

	return lg2 > 63 ? U64_MAX : at | (BIT_ULL(lg2) - 1);
}

/* Down to the table that holds the leaf of @c->at. */
static int descend(struct hwdbm_iopt_cursor *c)
{
	const struct hwdbm_iopt *t = c->iopt;
	unsigned int level = t->levels - 1;
	u64 *node = t->top;

	if (table_last(0, level) < c->last)
		return -EIO;
	for (;;) {
		u64 entry = READ_ONCE(node[index_at(c->at, level)]);

		if (kind(t, entry, level) != TABLE)
			break;
		node = t->table(entry & ADDRESS & ~t->not_address);
		level--;
	}
	c->node = node;
	c->level = level;
	c->node_last = table_last(c->at, level);
	return 0;
}

/*
 * A leaf in several entries is one: the hardware sets the bit in whichever it
 * has walked. An entry that is the bit and nothing else (VT-d's of the page at
 * physical address 0, to be written only) would be no leaf without it, and could
 * not be unmapped: it stays. The device may then write until it is unmapped, so
 * such a leaf always counts as dirty.
 */
static bool act(const struct hwdbm_iopt_cursor *c, u64 *entries, unsigned int nr)
{
	unsigned int bit = action_bit(c), i;
	bool found = false;

	for (i = 0; i < nr; i++) {
		u64 entry = READ_ONCE(entries[i]);

		if (!(entry & BIT_ULL(bit)) && entry != BIT_ULL(VTDSS_W))
			continue;
		found = true;
		if (c->action == HWDBM_IOPT_LOOK)
			break;
		if (entry != BIT_ULL(bit))
			clear_bit(bit, (unsigned long *)&entries[i]);
	}
	return found;
}

/*
 * The rest of the table from @c->at on, to the first leaf that is found, or to
 * an entry that is a table: then the next call descends.
 */
static int scan(struct hwdbm_iopt_cursor *c, u64 *first, u64 *last)
{
	u64 end = min(c->last, c->node_last);

	while (c->at <= end) {
		unsigned int index = index_at(c->at, c->level);
		int lg2 = kind(c->iopt, READ_ONCE(c->node[index]), c->level);
		unsigned int size_lg2;

		if (lg2 == TABLE) {
			c->node = NULL;
			return 0;
		}
		if (lg2 == NOTHING)
			return -EIO;
		size_lg2 = entry_lg2(c->level) + lg2;
		*first = c->at & ~(BIT_ULL(size_lg2) - 1);
		*last = c->at | (BIT_ULL(size_lg2) - 1);
		if (*last == U64_MAX)
			return -EIO;
		c->at = *last + 1;
		if (act(c, &c->node[index & ~(BIT(lg2) - 1)], BIT(lg2)))
			return 1;
	}
	return 0;
}

int hwdbm_iopt_next(struct hwdbm_iopt_cursor *c, u64 *first, u64 *last)
{
	int ret;

	if (c->node && c->at > c->node_last) {
		c->node = NULL;
		return 0;
	}
	if (!c->node) {
		ret = descend(c);
		if (ret)
			return ret;
	}
	return scan(c, first, last);
}

void hwdbm_iopt_seek(struct hwdbm_iopt_cursor *c, u64 at)
{
	if (c->node && table_last(at, c->level) != c->node_last)
		c->node = NULL;
	c->at = at;
}
