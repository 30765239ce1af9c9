// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tables that are not what src/iopt.c expects: it says so, when it gets there,
 * and touches nothing beyond. And those from which it has taken permissions.
 */
#include <linux/errno.h>

#include "cmocka_shim.h"
#include "random.h"

#include <linux/limits.h>

#include "iopt_model.h"
#include "iopt_tests.h"

#define LIVES		150
#define BREAKS		12
#define LEVEL_LG2(level)	(12 + 9 * (level))

/* A walk that comes to @bad: all before is found and done, nothing after. */
static void fails_at(enum hwdbm_iopt_action action, u64 first, u64 last, u64 bad)
{
	struct hwdbm_iopt_cursor c = iopt_cursor(action, first, last);
	u64 bit = action == HWDBM_IOPT_SEAL ? pt_w() : pt_d(), from, to;
	u64 *was = pt_snapshot();
	struct pt_leaf *l;
	int ret = 0;

	for (l = pt_leaf(first); l->first < bad; l++) {
		if (!(action == HWDBM_IOPT_SEAL ? *l->entry & bit : pt_dirty(l)))
			continue;
		while ((ret = iopt_next(&c, &from, &to)) == 0)
			assert_true(c.at <= last);
		assert_int_equal(ret, 1);
		assert_int_equal(from, l->first);
		assert_int_equal(to, l->last);
	}
	for (ret = 0; !ret; assert_true(c.at <= last))
		ret = iopt_next(&c, &from, &to);
	assert_int_equal(ret, -EIO);
	if (action == HWDBM_IOPT_LOOK || first >= bad)
		bit = 0;
	pt_check_snapshot(was, first, bad - 1, bit);
}

/* An address whose lowest bits say 2^@lg2 bytes. */
static u64 sized(unsigned int lg2)
{
	return ((1ull << (lg2 - 1)) - 1) & 0x000ffffffffff000ull;
}

/* What can be no leaf and no table, in place of @e. */
static u64 bad_amd(u64 e, unsigned int level)
{
	unsigned int next = 1 + random_below(6), lg2;
	u64 all_ones = 0x000ffffffffff000ull;

	switch (random_below(4)) {
	case 0:
		return 0;
	case 1:
		return e & ~1ull;
	case 2:
		/* A table that skips levels, or goes up. */
		if (next == level)
			next++;
		return (e & ~0xe00ull) | (u64)next << 9;
	default:
		do
			lg2 = 13 + random_below(39);
		while (lg2 > LEVEL_LG2(level) && lg2 < LEVEL_LG2(level + 1));
		e = (e & ~all_ones) | 7 << 9;
		/* Without a 0 it is larger than memory can be: level 4 has room. */
		return e | (level != 4 && random_one_in(8) ? all_ones : sized(lg2));
	}
}

static u64 bad_intel(u64 e, unsigned int level)
{
	return level > 2 && random_one_in(2) ? e | 1 << 7 : 0;
}

static u64 bad_entry(u64 e, unsigned int level)
{
	return pt.amd ? bad_amd(e, level) : bad_intel(e, level);
}

static unsigned int level_of(const struct pt_leaf *l)
{
	unsigned int level = 0;
	u64 bytes = (l->last - l->first + 1) / l->nr;

	while (LEVEL_LG2(level) < 63 && 1ull << LEVEL_LG2(level) < bytes)
		level++;
	return level;
}

static enum hwdbm_iopt_action any_action(void)
{
	static const enum hwdbm_iopt_action actions[] = {
		HWDBM_IOPT_LOOK, HWDBM_IOPT_CLEAN, HWDBM_IOPT_SEAL,
	};

	return actions[random_below(ARRAY_SIZE(actions))];
}

/* In random tables, the entry at a random place and @up levels above its leaf. */
static void break_one(bool above)
{
	u64 first, last, at, bad, was;
	unsigned int level;
	struct pt_leaf *l;

	pt_random_range(&first, &last);
	/* Where the walk enters a leaf: at its start, but for the first. */
	do {
		at = random_one_in(4) ? first : pt_random_page();
		l = pt_leaf(at);
	} while (l->last < first || l->first > last);
	at = l->first > first ? l->first : first;
	bad = l->first;
	level = level_of(l);
	if (above) {
		if (level + 1 >= pt.levels)
			return;
		level += 1 + random_below(pt.levels - level - 1);
		bad = at & ~(LEVEL_LG2(level) > 63 ? U64_MAX :
						     (1ull << LEVEL_LG2(level)) - 1);
	}
	pt_scatter();
	pt_begin();
	was = pt_entry(at, level);
	pt_break(at, level, bad_entry(was, level));
	fails_at(any_action(), first, last, bad);
	/* Bits of a leaf that is whole again would be unknown: it was not read. */
	pt_break(at, level, was);
}

void broken_leaves(void **state)
{
	unsigned int i, n;

	(void)state;
	for (i = 0; i < LIVES; i++) {
		pt_random();
		for (n = 0; n < BREAKS; n++)
			break_one(false);
	}
}

void broken_tables(void **state)
{
	unsigned int i, n;

	(void)state;
	for (i = 0; i < LIVES; i++) {
		pt_random();
		for (n = 0; n < BREAKS; n++)
			break_one(true);
	}
}

/* A range that ends above what the top maps: nothing is done, even below. */
void beyond_the_tables(void **state)
{
	unsigned int i, action;
	u64 last;

	(void)state;
	for (i = 0; i < LIVES; i++) {
		do
			pt_random();
		while (pt.levels == PT_LEVELS);
		pt_scatter();
		pt_begin();
		last = pt_end() + (1ull << random_below(14));
		if (random_one_in(4))
			last = U64_MAX - 1;
		for (action = 0; action < 3; action++)
			fails_at(action, pt_first(), last, pt_first());
	}
}

/* The last leaf of all, at whatever level, is nobody's. */
void end_of_all_addresses(void **state)
{
	unsigned int lg2, action;
	u64 bytes, at;

	(void)state;
	for (lg2 = 12; lg2 <= 51; lg2++) {
		pt_new(true, PT_LEVELS, 0);
		if (!pt_size_ok(lg2))
			continue;
		bytes = 1ull << lg2;
		at = U64_MAX - 2 * bytes + 1;
		pt_map(at, lg2, true);
		pt_map(at + bytes, lg2, true);
		for (action = 0; action < 3; action++) {
			pt_make_dirty(&pt.leaf[0]);
			pt_make_dirty(&pt.leaf[1]);
			pt_begin();
			fails_at(action, at, U64_MAX - 1, at + bytes);
			fails_at(action, at + bytes, at + bytes + 4095 - (lg2 == 12),
				 at + bytes);
		}
	}
}

static void seal(u64 first, u64 last)
{
	struct hwdbm_iopt_cursor c = iopt_cursor(HWDBM_IOPT_SEAL, first, last);
	u64 from, to;
	int ret;

	while (c.at <= c.last) {
		ret = iopt_next(&c, &from, &to);
		assert_true(ret >= 0);
		if (!ret)
			continue;
		assert_int_equal(pt_leaf(from)->first, from);
		assert_int_equal(pt_leaf(from)->last, to);
		assert_true(pt_leaf(from)->sealed);
	}
}

/* From here on no write to a leaf lands; its bit is as it was. */
static void check_sealed(const struct pt_leaf *l)
{
	u64 at = l->first + random_below(l->last - l->first);
	unsigned int i;

	for (i = 0; i < l->nr; i++)
		assert_false(l->entry[i] & pt_w());
	assert_false(pt_write(at));
	assert_true(pt_dirty(l) == (l->before || l->written));
	assert_false(l->cleaned);
}

static void look_at_sealed(struct pt_leaf *l, enum hwdbm_iopt_action action)
{
	struct hwdbm_iopt_cursor c = iopt_cursor(action, l->first, l->last);
	bool dirty = pt_dirty(l);
	u64 from, to;
	int ret = 0;

	while (!ret && c.at <= c.last)
		ret = iopt_next(&c, &from, &to);
	assert_int_equal(ret, dirty);
}

/* All of its mapping, and nothing else, whether it can only be written or not. */
static void sealed_life(void)
{
	struct pt_leaf *l, *first = &pt.leaf[pt.mapping];
	struct pt_leaf *last = &pt.leaf[pt.mapping_last];

	pt_scatter();
	pt_begin();
	seal(pt_first(), pt_last());
	pt_flush(pt_first(), pt_last());
	for (l = pt.leaf; l < pt.leaf + pt.nr; l++) {
		if (l < first || l > last)
			assert_false(l->sealed || l->cleaned);
		else
			check_sealed(l);
	}
	pt_check_tables();
	/* They are still leaves, dirty or not. */
	for (l = first; l <= last; l++) {
		look_at_sealed(l, HWDBM_IOPT_LOOK);
		look_at_sealed(l, HWDBM_IOPT_CLEAN);
		assert_false(pt_dirty(l));
		look_at_sealed(l, HWDBM_IOPT_LOOK);
	}
}

void sealed_leaves(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < LIVES; i++) {
		pt_random();
		sealed_life();
	}
}

void sealed_during_writes(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < LIVES; i++) {
		pt_random();
		pt.device = 1 + random_below(1 << random_below(8));
		sealed_life();
	}
	pt_calm();
}

/* Is the first page found? */
static bool finds_page(enum hwdbm_iopt_action action)
{
	struct hwdbm_iopt_cursor c = iopt_cursor(action, 0, 4095);
	u64 first, last;
	int ret = 0;

	while (!ret && c.at <= c.last)
		ret = iopt_next(&c, &first, &last);
	assert_true(ret >= 0);
	return ret;
}

/* What pt_entry() says once the leaf that @entry is was sealed. */
static u64 sealed_entry(u64 entry)
{
	pt_break(0, 0, entry);
	assert_true(finds_page(HWDBM_IOPT_SEAL));
	return pt_entry(0, 0);
}

/*
 * VT-d's leaf of the page at address 0, to be written and not to be read, is W
 * and nothing else: without it there would be no leaf left, and nothing to unmap.
 * It stays, and so it is dirty, whatever the device does until it is unmapped.
 */
void sealed_at_address_0(void **state)
{
	(void)state;
	pt_new(false, 3, 0);
	pt_map(0, 12, true);
	pt_begin();
	assert_int_equal(sealed_entry(pt_w()), pt_w());
	assert_true(finds_page(HWDBM_IOPT_LOOK));
	assert_int_equal(sealed_entry(pt_w() | pt_d()), pt_d());
	assert_true(finds_page(HWDBM_IOPT_LOOK));
	assert_int_equal(sealed_entry(pt_w() | 1), 1);
	assert_false(finds_page(HWDBM_IOPT_LOOK));
}
