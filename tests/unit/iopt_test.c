// SPDX-License-Identifier: GPL-2.0-only
/*
 * src/iopt.c over tables that are built and walked by iopt_model.c as well, by
 * the specifications: what it finds and changes is what a slow walk, page by page
 * from the top, says; with a device and a driver at work it loses nothing.
 */
#include <linux/errno.h>

#include "cmocka_shim.h"
#include "random.h"

#include <linux/limits.h>
#include <linux/minmax.h>

#include "iopt_model.h"
#include "iopt_tests.h"

#define LIVES	150
#define OPS	8
/* Of one call: from the top to a table, and each of its entries three times. */
#define MOST_ACCESSES	(PT_LEVELS + 3 * 512)

static const enum hwdbm_iopt_action actions[] = {
	HWDBM_IOPT_LOOK, HWDBM_IOPT_CLEAN, HWDBM_IOPT_SEAL,
};

static struct hwdbm_iopt tables;

static void find_tables(void)
{
	tables = (struct hwdbm_iopt){
		.format = pt.amd ? HWDBM_IOPT_AMDV1 : HWDBM_IOPT_VTDSS,
		.levels = pt.levels,
		.top = pt_table_at(pt.top),
		.not_address = pt.encrypted,
		.table = pt_table_at,
	};
}

struct hwdbm_iopt_cursor iopt_cursor(enum hwdbm_iopt_action action, u64 first,
				     u64 last)
{
	find_tables();
	return (struct hwdbm_iopt_cursor){
		.iopt = &tables,
		.action = action,
		.at = first,
		.last = last,
	};
}

/* Which bit is asked for, and which is changed. */
static u64 looked_for(enum hwdbm_iopt_action action)
{
	return action == HWDBM_IOPT_SEAL ? pt_w() : pt_d();
}

static u64 changed(enum hwdbm_iopt_action action)
{
	return action == HWDBM_IOPT_LOOK ? 0 : looked_for(action);
}

int iopt_next(struct hwdbm_iopt_cursor *c, u64 *first, u64 *last)
{
	unsigned long chances = pt.chances;
	static bool stuck;
	u64 at = c->at;
	int ret = hwdbm_iopt_next(c, first, last);

	assert_true(pt.chances - chances <= MOST_ACCESSES);
	if (ret == 0) {
		assert_false(stuck && c->at == at);
		stuck = c->at == at;
	} else {
		stuck = false;
	}
	if (ret == 1)
		assert_int_equal(c->at, *last + 1);
	return ret;
}

/* ---- the twin -------------------------------------------------------------- */

/* Has any entry of a leaf the bit? Each is found from the top. */
static bool twin_has(const struct pt_hit *leaf, u64 bit)
{
	struct pt_hit hit;
	u64 at;

	for (at = leaf->first; at < leaf->last; at += leaf->step) {
		assert_true(pt_walk(at, &hit));
		assert_true(hit.first == leaf->first && hit.last == leaf->last);
		if (*hit.entry & bit)
			return true;
	}
	return false;
}

/* The first leaf from the one of @at on that has the bit. */
static bool twin_next(u64 at, u64 last, u64 bit, struct pt_hit *hit)
{
	for (; at <= last; at = hit->last + 1) {
		assert_true(pt_walk(at, hit));
		if (twin_has(hit, bit))
			return true;
	}
	return false;
}

/* The twin itself: each page is in the leaf that was put there. */
static void twin_knows(void **state)
{
	unsigned int i, n;
	struct pt_hit hit;

	(void)state;
	for (i = 0; i < LIVES; i++) {
		pt_random();
		for (n = 0; n < 200; n++) {
			u64 at = pt_random_page();
			struct pt_leaf *l = pt_leaf(at);

			assert_true(pt_walk(at, &hit));
			assert_int_equal(hit.first, l->first);
			assert_int_equal(hit.last, l->last);
			assert_true(hit.entry >= l->entry &&
				    hit.entry < l->entry + l->nr);
		}
		assert_false(pt_walk(pt.leaf[pt.nr - 1].last + 1, &hit));
	}
}

/* ---- nobody else at work --------------------------------------------------- */

/* A whole pass finds what the twin does, in that order, and changes that. */
static void pass(enum hwdbm_iopt_action action, u64 first, u64 last)
{
	struct hwdbm_iopt_cursor c = iopt_cursor(action, first, last);
	u64 bit = looked_for(action), at = first, from, to;
	u64 *was = pt_snapshot();
	struct pt_hit hit;
	bool more;
	int ret;

	while (c.at <= c.last) {
		more = twin_next(at, last, bit, &hit);
		while ((ret = iopt_next(&c, &from, &to)) == 0 && c.at <= c.last)
			;
		assert_int_equal(ret, more);
		if (!more)
			break;
		assert_int_equal(from, hit.first);
		assert_int_equal(to, hit.last);
		at = hit.last + 1;
	}
	assert_true(c.at > last);
	assert_false(twin_next(at, last, bit, &hit));
	pt_check_snapshot(was, first, last, changed(action));
}

static void random_passes(void **state)
{
	unsigned int i, op;
	u64 first, last;

	(void)state;
	for (i = 0; i < LIVES; i++) {
		pt_random();
		for (op = 0; op < OPS; op++) {
			pt_scatter();
			pt_begin();
			pt_random_range(&first, &last);
			/* Seldom sealed: then there is no more of it to seal. */
			pass(actions[random_below(random_one_in(4) ? 3 : 2)],
			     first, last);
		}
	}
}

/* One leaf of a size between two more, dirty in one entry, from one page. */
static void one_leaf(u64 at, unsigned int lg2, u64 page, unsigned int replica,
		     enum hwdbm_iopt_action action)
{
	struct pt_leaf *l = pt_leaf(at);
	u64 from = 0, to = 0, *was;
	struct hwdbm_iopt_cursor c = iopt_cursor(action, page, page + 4095);
	int ret = 0;

	l->entry[replica] |= pt_d();
	pt_begin();
	was = pt_snapshot();
	while (!ret && c.at <= c.last)
		ret = iopt_next(&c, &from, &to);
	assert_int_equal(ret, 1);
	assert_int_equal(from, at);
	assert_int_equal(to, at + ((1ull << lg2) - 1));
	for (replica = 0; replica < l->nr; replica++)
		assert_false(l->entry[replica] & changed(action));
	/* The tables' copy does not know of the bit that was set here. */
	for (replica = 0; replica < l->nr; replica++)
		l->entry[replica] &= ~pt_d();
	free(was);
}

static void at_each_entry(u64 at, unsigned int lg2)
{
	unsigned int i, n = min(pt_leaf(at)->nr, 4u), replica;
	u64 bytes = 1ull << lg2, page;

	for (i = 0; i < 3 * n; i++) {
		replica = i / 3 ? pt_leaf(at)->nr * (i / 3) / n : 0;
		if (i / 3 == n - 1)
			replica = pt_leaf(at)->nr - 1;
		page = at;
		if (i % 3 == 1)
			page = at + bytes - 4096;
		if (i % 3 == 2)
			page = at + (random_below(bytes) & -4096ull);
		one_leaf(at, lg2, page, replica, HWDBM_IOPT_LOOK);
		one_leaf(at, lg2, page, replica, HWDBM_IOPT_CLEAN);
	}
}

/* With its neighbours, where there is room for them. */
static bool lay_three(bool amd, unsigned int levels, u64 encrypted,
		      unsigned int lg2, u64 at)
{
	u64 bytes = 1ull << lg2;

	pt_new(amd, levels, encrypted);
	if (!pt_size_ok(lg2) || at > pt_end() - (bytes - 1) ||
	    at + (bytes - 1) == U64_MAX)
		return false;
	if (at)
		pt_map(at - bytes, lg2, true);
	pt_map(at, lg2, true);
	if (at + bytes <= pt_end() - (bytes - 1) &&
	    at + 2 * bytes - 1 != U64_MAX)
		pt_map(at + bytes, lg2, true);
	return true;
}

/* Each size, at the ends of the tables and at borders in them. */
static void every_size(bool amd, unsigned int levels, u64 encrypted)
{
	unsigned int lg2, i, sizes = 0;
	u64 bytes, place[5];

	for (lg2 = 12; lg2 < 64; lg2++) {
		bytes = 1ull << lg2;
		pt_new(amd, levels, encrypted);
		place[0] = 0;
		place[1] = pt_end() - (bytes - 1);
		place[2] = pt_end() - (2 * bytes - 1);
		place[3] = (pt_end() / 2 + 1) & -bytes;
		place[4] = random_u64() & pt_end() & -bytes;
		for (i = 0; i < ARRAY_SIZE(place); i++) {
			if (!lay_three(amd, levels, encrypted, lg2, place[i]))
				continue;
			at_each_entry(place[i], lg2);
			pass(HWDBM_IOPT_SEAL, place[i], place[i] + bytes - 1);
			sizes++;
		}
	}
	assert_true(sizes);
}

static void every_size_amd(void **state)
{
	unsigned int levels;

	(void)state;
	for (levels = 1; levels <= PT_LEVELS; levels++) {
		every_size(true, levels, 0);
		every_size(true, levels, 1ull << 47);
		every_size(true, levels, 1ull << 51);
	}
}

static void every_size_intel(void **state)
{
	unsigned int levels;

	(void)state;
	for (levels = 3; levels <= 5; levels++)
		every_size(false, levels, 0);
}

/* From one place to another, and each call for itself. */
static void one_step(struct hwdbm_iopt_cursor *c, u64 first, u64 last)
{
	u64 bit = looked_for(c->action), at, from, to;
	struct pt_hit hit;
	bool more;
	int ret;

	if (random_one_in(5) || c->at > c->last) {
		u64 a = pt_random_page(), b = pt_random_page();

		c->last = random_one_in(2) ? last : max(a, b) + 4095;
		if (random_one_in(4) && c->at <= c->last)
			a = c->at + min(random_below(40) << 12, c->last - c->at);
		hwdbm_iopt_seek(c, min(a, b));
		assert_int_equal(c->at, min(a, b));
	}
	at = c->at;
	assert_true(at >= first);
	more = twin_next(at, c->last, bit, &hit);
	ret = iopt_next(c, &from, &to);
	if (ret) {
		assert_true(ret == 1 && more);
		assert_int_equal(from, hit.first);
		assert_int_equal(to, hit.last);
	} else if (more) {
		assert_true(c->at <= max(at, hit.first));
	}
}

static void seeks(void **state)
{
	struct hwdbm_iopt_cursor c;
	unsigned int i, step;
	u64 first, last;

	(void)state;
	for (i = 0; i < 2 * LIVES; i++) {
		pt_random();
		first = pt_first();
		last = pt_last();
		c = iopt_cursor(actions[i % 3], first, last);
		for (step = 0; step < 200; step++) {
			if (step % 25 == 0)
				pt_scatter();
			one_step(&c, first, last);
		}
		pt_check_tables();
	}
}

/* ---- others at work -------------------------------------------------------- */

struct range {
	u64	first;
	u64	last;
};

static bool in_range(const struct pt_leaf *l, const void *ctx)
{
	const struct range *r = ctx;

	return l->first <= r->last && l->last >= r->first;
}

static void judged_pass(bool clear, u64 first, u64 last)
{
	struct range range = { first, last };
	struct pt_pass p = { in_range, &range, clear, true };
	struct hwdbm_iopt_cursor c =
		iopt_cursor(clear ? HWDBM_IOPT_CLEAN : HWDBM_IOPT_LOOK, first, last);
	u64 from, to;
	int ret;

	pt_begin();
	while (c.at <= c.last) {
		ret = iopt_next(&c, &from, &to);
		assert_true(ret >= 0);
		if (ret)
			pt_record(from, to, clear);
	}
	pt_judge(&p);
	if (clear)
		pt_flush(first, last);
	pt_judge_flushed();
}

static void device(void **state)
{
	unsigned int i, op;
	u64 first, last;

	(void)state;
	for (i = 0; i < LIVES; i++) {
		pt_random();
		pt_scatter();
		for (op = 0; op < OPS; op++) {
			pt.device = 1 + random_below(1 << random_below(10));
			if (pt.levels < PT_LEVELS && random_one_in(4))
				pt.grow_chance = 1 + random_below(100);
			pt_random_range(&first, &last);
			judged_pass(!random_one_in(4), first, last);
			pt_calm();
		}
	}
}

/* A few leaves of all kinds in several tables. */
static void lay_few(bool amd, u64 at)
{
	static const unsigned int amd_sizes[] = { 21, 13, 13, 12, 12, 13, 15, 14, 0 };
	static const unsigned int intel_sizes[] = { 21, 12, 12, 12, 12, 0 };
	const unsigned int *lg2 = amd ? amd_sizes : intel_sizes;

	pt_new(amd, 3, 0);
	pt_map(at - 4096, 12, true);
	for (; *lg2; at += 1ull << *lg2++)
		pt_map(at, *lg2, true);
}

/* One write, to each entry at each chance, of each leaf dirty or not before. */
static void every_write(bool amd)
{
	unsigned long written = 0, chance;
	unsigned int dirty, i;
	u64 first = 5ull << 30, at, last;

	lay_few(amd, first);
	last = pt_last();
	for (at = first; at <= last; at += at < first + (1 << 21) ? 1 << 20 : 4096) {
		for (chance = 1, dirty = 0;; chance += dirty++ % 4 == 3) {
			lay_few(amd, first);
			for (i = 0; i < pt.nr && dirty % 2; i++)
				if (random_one_in(2))
					pt_make_dirty(&pt.leaf[i]);
			pt.write_at = at;
			pt.write_chance = chance;
			judged_pass(dirty % 4 < 3, first - 4096, last);
			written += pt_leaf(at)->written;
			if (pt.chances < chance && dirty % 4 == 3)
				break;
		}
	}
	assert_true(written > 200);
	pt_calm();
}

static void every_write_amd(void **state)
{
	(void)state;
	every_write(true);
}

static void every_write_intel(void **state)
{
	(void)state;
	every_write(false);
}

/* The old top goes on to lead to what it led to; the next pass has the new. */
static void growing_top(void **state)
{
	unsigned long chance;
	u64 end, last;

	(void)state;
	for (chance = 1;; chance++) {
		lay_few(true, 5ull << 30);
		end = pt_end();
		last = pt_last();
		pt_scatter();
		pt.grow_chance = chance;
		judged_pass(true, pt_first(), last);
		if (pt.levels == 3)
			break;
		judged_pass(true, pt_first(), last);
		pt_map(end + 1, 12, true);
		assert_true(pt_write(end + 1));
		judged_pass(true, end + 1, end + 4096);
		assert_true(pt.leaf[pt.nr - 1].recorded);
	}
	assert_true(chance > 20);
	pt_calm();
}

/* From the top once a table, whoever seeks in it. */
static void cost(void **state)
{
	const unsigned int pages = 512 * 20;
	struct hwdbm_iopt_cursor c;
	u64 first, last;
	unsigned int i;

	(void)state;
	pt_new(true, 4, 0);
	for (i = 0; i < pages; i++) {
		pt_map((u64)i << 12, 12, true);
		pt_make_dirty(&pt.leaf[i]);
	}
	judged_pass(true, 0, pt_last());
	printf("# cost: %u pages: %lu tables, %lu accesses\n", pages, pt.asked,
	       pt.chances);
	assert_true(pt.asked <= 20 * 3 + 1);
	assert_true(pt.chances <= 4 * pages + 20 * PT_LEVELS);
	pt_begin();
	c = iopt_cursor(HWDBM_IOPT_LOOK, 0, pt_last());
	for (i = 0; i < pages; i += 2) {
		hwdbm_iopt_seek(&c, (u64)i << 12);
		c.last = c.at + 4095;
		while (c.at <= c.last)
			assert_int_equal(iopt_next(&c, &first, &last), 0);
	}
	/* Each time the end of the run is the end of the walk: from the top. */
	printf("# cost: seeking %u times: %lu tables\n", pages / 2, pt.asked);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(twin_knows),
		cmocka_unit_test(random_passes),
		cmocka_unit_test(every_size_amd),
		cmocka_unit_test(every_size_intel),
		cmocka_unit_test(seeks),
		cmocka_unit_test(device),
		cmocka_unit_test(every_write_amd),
		cmocka_unit_test(every_write_intel),
		cmocka_unit_test(growing_top),
		cmocka_unit_test(broken_leaves),
		cmocka_unit_test(broken_tables),
		cmocka_unit_test(beyond_the_tables),
		cmocka_unit_test(end_of_all_addresses),
		cmocka_unit_test(sealed_leaves),
		cmocka_unit_test(sealed_during_writes),
		cmocka_unit_test(sealed_at_address_0),
		cmocka_unit_test(cost),
	};
	int ret = cmocka_run_group_tests(tests, random_setup, NULL);

	pt_free();
	return ret;
}
