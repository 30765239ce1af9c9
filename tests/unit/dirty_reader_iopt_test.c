// SPDX-License-Identifier: GPL-2.0-only
/*
 * src/dirty_reader_iopt.c with src/iopt.c below it, over the tables of
 * iopt_model.c. A pass is judged by what happened to the leaves; the device writes
 * and the tables get a new top between any two accesses.
 */
#include <linux/errno.h>

#include "cmocka_shim.h"
#include "random.h"

#include <linux/bitmap.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/vfio_iommu_type1_hwdbm.h>

#include <asm/page.h>

#include "compat/compat.h"
#include "dirty_reader.h"
#include "iopt_model.h"

#define LIVES		200
#define OPS		8
/* Of an IOVA range with a bit a page. */
#define MOST_PAGES	(1ull << 15)

static const struct hwdbm_dirty_reader *reader = &hwdbm_dirty_reader_iopt;
static struct iommu_domain domain;

/* What the kernel says of the domain. */
static bool found = true;
static unsigned int wrong_levels;
static unsigned long lookups;

bool hwdbm_compat_iopt(const struct iommu_domain *d, struct hwdbm_compat_iopt *iopt)
{
	assert_ptr_equal(d, &domain);
	lookups++;
	*iopt = (struct hwdbm_compat_iopt){
		.format = pt.amd ? HWDBM_COMPAT_IOPT_AMDV1 : HWDBM_COMPAT_IOPT_VTDSS,
		.levels = wrong_levels ? wrong_levels - 1 : pt.levels,
		.top = pt.top,
		.encrypted = pt.encrypted,
	};
	return found;
}

/* ---- one pass -------------------------------------------------------------- */

static struct hwdbm_harvest *current;

static bool asked_for(const struct pt_leaf *l, const void *ctx)
{
	const struct hwdbm_harvest *h = ctx;
	unsigned long from, to;

	if (l->first > h->last || l->last < h->first)
		return false;
	if (!h->only)
		return true;
	from = (max(l->first, h->first) - h->first) >> PAGE_SHIFT;
	to = (min(l->last, h->last) - h->first) >> PAGE_SHIFT;
	return find_next_bit(h->only, to + 1, from) <= to;
}

static void record(void *ctx, u64 first, u64 last)
{
	assert_ptr_equal(ctx, &domain);
	pt_record(first, last, current->clear);
	if (!current->clear)
		return;
	/* What is reported stands in what is to be flushed by now. */
	assert_true(current->flush_first <= first && current->flush_last >= last);
	assert_true(current->flush_sizes & (last - first + 1));
}

/* From the first leaf that was cleaned to the last, and no further. */
static void check_flush(const struct hwdbm_harvest *h)
{
	u64 first = U64_MAX, last = 0, sizes = 0;
	struct pt_leaf *l;

	for (l = pt.leaf; l < pt.leaf + pt.nr; l++) {
		if (!l->cleaned)
			continue;
		first = min(first, l->first);
		last = l->last;
		sizes |= l->last - l->first + 1;
	}
	assert_int_equal(h->flush_sizes, sizes);
	if (first > last) {
		assert_true(h->flush_first > h->flush_last);
		return;
	}
	assert_int_equal(h->flush_first, first);
	assert_int_equal(h->flush_last, last);
	pt_flush(h->flush_first, h->flush_last);
}

static int harvest(u64 first, u64 last, bool clear, const unsigned long *only)
{
	struct hwdbm_harvest h = {
		.first = first,
		.last = last,
		.clear = clear,
		.only = only,
		.record = record,
		.ctx = &domain,
	};
	struct pt_pass pass = { asked_for, &h, clear, true };
	int ret;

	current = &h;
	lookups = 0;
	pt_begin();
	ret = reader->harvest(&domain, &h);
	/* Each pass asks again where the tables are. */
	assert_int_equal(lookups, 1);
	pass.worked = !ret;
	pt_judge(&pass);
	check_flush(&h);
	pt_judge_flushed();
	return ret;
}

static int forget(u64 first, u64 last)
{
	int ret;
	struct pt_leaf *l;

	pt_begin();
	ret = reader->forget(&domain, first, last);
	for (l = pt.leaf; l < pt.leaf + pt.nr; l++) {
		assert_false(l->sealed);
		if (l->first > last || l->last < first)
			assert_false(l->cleaned);
		else if (!ret)
			assert_true(!pt_dirty(l) || l->written);
	}
	pt_check_tables();
	/* The caller's. */
	pt_flush(first, last);
	pt_judge_flushed();
	return ret;
}

/* Each page, or few; or whole leaves; as long as the range and no longer. */
static unsigned long *random_only(u64 first, u64 last)
{
	unsigned long pages = (last - first + 1) >> PAGE_SHIFT, n, i, at;
	unsigned long words = BITS_TO_LONGS(pages);
	unsigned long *map = calloc(words, sizeof(*map));

	assert_non_null(map);
	if (random_one_in(2)) {
		random_bits(map, words);
		return map;
	}
	for (n = random_below(30); n; n--) {
		at = random_below(pages);
		for (i = random_below(12); i && at < pages; i--) {
			map[at / BITS_PER_LONG] |= 1ul << (at % BITS_PER_LONG);
			at += 1 + random_below(1 << random_below(9));
		}
	}
	return map;
}

static void random_op(void)
{
	unsigned long *only = NULL;
	u64 first, last;

	pt_random_range(&first, &last);
	if (random_one_in(8)) {
		assert_int_equal(forget(first, last), 0);
		return;
	}
	if (random_one_in(2)) {
		last = first + min(last - first, (MOST_PAGES << PAGE_SHIFT) - 1);
		only = random_only(first, last);
	}
	assert_int_equal(harvest(first, last, !random_one_in(4), only), 0);
	free(only);
}

static void random_lives(void (*make_trouble)(void))
{
	unsigned int i, op;

	for (i = 0; i < LIVES; i++) {
		pt_random();
		pt_scatter();
		for (op = 0; op < OPS; op++) {
			make_trouble();
			random_op();
			pt_calm();
		}
	}
}

static void random_quiet(void **state)
{
	(void)state;
	random_lives(pt_scatter);
}

static void turn_device_on(void)
{
	pt.device = 1 + random_below(1 << random_below(10));
}

static void random_device(void **state)
{
	(void)state;
	random_lives(turn_device_on);
}

static void let_grow(void)
{
	turn_device_on();
	if (pt.levels < PT_LEVELS)
		pt.grow_chance = 1 + random_below(1 << random_below(9));
}

static void random_growth(void **state)
{
	(void)state;
	random_lives(let_grow);
}

/* ---- a few leaves, all that can happen ------------------------------------- */

/* A large one first, and small ones in two tables; the last is not dirty. */
static void lay(bool amd, u64 *first, u64 *last)
{
	unsigned int i;
	u64 at = 3ull << 30;

	pt_new(amd, 3, amd ? 1ull << 47 : 0);
	pt_map(at, 21, true);
	for (i = 0, at += 1 << 21; i < 12; i++, at += 4096)
		pt_map(at, 12, true);
	/* Only AMD has sizes between. */
	if (amd)
		for (i = 15, at += 1 << 14; i > 12; at += 1ull << i--)
			pt_map(at, i, true);
	for (i = 0; i < 14 - 1; i++)
		pt_make_dirty(&pt.leaf[i % 13]);
	*first = pt_first();
	*last = *first + (1 << 21) + 12 * 4096 - 1;
}

static unsigned int recorded(void)
{
	unsigned int i, n = 0;

	for (i = 0; i < pt.nr; i++)
		n += pt.leaf[i].recorded;
	return n;
}

/* Pages of a large leaf, of its end and of what follows, in one mask. */
static void wanted_pages(void **state)
{
	unsigned long only[(524 + 63) / 64] = { 0 };
	u64 first, last;
	unsigned int amd;

	(void)state;
	for (amd = 0; amd < 2; amd++) {
		lay(amd, &first, &last);
		memset(only, 0, sizeof(only));
		assert_int_equal(harvest(first, last, true, only), 0);
		assert_int_equal(recorded(), 0);
		only[0] = 1 << 3;
		only[511 / 64] = 1ul << 63;
		only[512 / 64] = 1 << 0 | 1 << 2;
		assert_int_equal(harvest(first, last, true, only), 0);
		assert_int_equal(recorded(), 3);
		assert_false(pt_dirty(&pt.leaf[0]));
		assert_true(pt_dirty(&pt.leaf[2]));
		only[512 / 64] = 1ul << 11;
		only[0] = only[511 / 64] = 0;
		assert_int_equal(harvest(first, last, true, only), 0);
		assert_int_equal(recorded(), 1);
		assert_true(pt.leaf[12].recorded);
		assert_int_equal(harvest(first, last, false, NULL), 0);
		assert_int_equal(recorded(), 9);
	}
}

/* One write, to each leaf at each chance. */
static void every_write(void **state)
{
	unsigned long chance, written = 0, only[9];
	unsigned int i, kind;
	u64 first, last;

	(void)state;
	memset(only, 0xff, sizeof(only));
	only[8] = 0x5a5;
	for (i = 0; i < 4 * 13; i++) {
		kind = i % 4;
		for (chance = 1;; chance++) {
			lay(kind % 2, &first, &last);
			pt.write_chance = chance;
			pt.write_at = pt.leaf[i / 4].first;
			/* It is clean, so that only the write makes it dirty. */
			pt_break(pt.write_at, i / 4 ? 0 : 1,
				 *pt.leaf[i / 4].entry & ~pt_d());
			assert_int_equal(harvest(first, last, kind != 2,
						 kind == 3 ? only : NULL), 0);
			written += pt.leaf[i / 4].written;
			if (pt.chances < chance)
				break;
		}
	}
	assert_true(written > 500);
	pt_calm();
}

/* Tables that are found in disorder: what was cleaned until then stands. */
static void disorder(void **state)
{
	unsigned int i, amd, clear;
	u64 first, last;

	(void)state;
	for (i = 0; i < 4 * 12; i++) {
		amd = i & 1;
		clear = i >> 1 & 1;
		lay(amd, &first, &last);
		pt_break(pt.leaf[1 + i / 4].first, 0, 0);
		assert_int_equal(harvest(first, last, clear, NULL), -EIO);
		assert_int_equal(recorded(), 1 + i / 4);
		lay(amd, &first, &last);
		pt_break(pt.leaf[1 + i / 4].first, 0, 0);
		assert_int_equal(forget(first, last), -EIO);
		assert_int_equal(reader->seal(&domain, first, last), -EIO);
		assert_true(pt_dirty(&pt.leaf[12]) || i / 4 == 11);
	}
}

/* An error on the way ends the mask's later runs as well. */
static void disorder_of_wanted(void **state)
{
	unsigned long only[9];
	u64 first, last;

	(void)state;
	memset(only, 0, sizeof(only));
	only[8] = 0x249;
	lay(true, &first, &last);
	pt_break(pt.leaf[4].first, 0, 0);
	assert_int_equal(harvest(first, last, true, only), -EIO);
	assert_int_equal(recorded(), 1);
	assert_true(pt_dirty(&pt.leaf[7]));
}

/* Tables that are not to be had: the domain's dirty bits are unreadable. */
static void not_usable(void **state)
{
	u64 first, last;
	unsigned int i;

	(void)state;
	lay(true, &first, &last);
	assert_true(reader->usable(&domain));
	for (i = 0; i < 3; i++) {
		found = i != 0;
		/* None; 0; one more than there can be. */
		wrong_levels = i == 1 ? 1 : i == 2 ? 1 + 7 : 0;
		assert_false(reader->usable(&domain));
		assert_int_equal(harvest(first, last, true, NULL), -EOPNOTSUPP);
		assert_int_equal(recorded(), 0);
		assert_int_equal(forget(first, last), -EOPNOTSUPP);
		assert_int_equal(reader->seal(&domain, first, last), -EOPNOTSUPP);
		assert_true(pt_dirty(&pt.leaf[0]));
		assert_true(*pt.leaf[0].entry & pt_w());
	}
	found = true;
	wrong_levels = 1 + 6;
	assert_true(reader->usable(&domain));
	wrong_levels = 0;
	assert_int_equal(reader->id, VFIO_HWDBM_READER_TABLES);
}

/* ---- sealing --------------------------------------------------------------- */

/*
 * UNMAP: sealed and flushed, then reported. What the device wrote before that is
 * in the report; what it tries afterwards does not land.
 */
static void unmap_with_log(bool all)
{
	u64 first = pt_first(), last = pt_last();
	struct pt_leaf *l;

	pt_begin();
	assert_int_equal(reader->seal(&domain, first, last), 0);
	pt_check_tables();
	pt_flush(first, last);
	pt_judge_flushed();
	for (l = pt.leaf; l < pt.leaf + pt.nr; l++) {
		bool mapping = l->first >= first && l->last <= last;

		assert_false(l->cleaned);
		assert_true(mapping || !l->sealed);
		assert_true(pt_dirty(l) == (l->before || l->written));
		assert_false(mapping && pt_write(l->last));
	}
	assert_int_equal(harvest(first, last, all, NULL), 0);
	for (l = pt.leaf; l < pt.leaf + pt.nr; l++)
		if (l->first >= first && l->last <= last)
			assert_true(!l->written && l->recorded == l->before);
}

static void seal(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < LIVES; i++) {
		pt_random();
		pt_scatter();
		if (i % 2)
			turn_device_on();
		unmap_with_log(random_one_in(2));
		pt_calm();
	}
}

/* ---- cost ------------------------------------------------------------------ */

/* Pauses come often enough, whatever is found and however it is asked for. */
static void reschedules(void **state)
{
	const unsigned long pages = 512 * 40;
	unsigned long before, *only = calloc(pages / 64, sizeof(*only)), i;
	unsigned int dirty, way;

	(void)state;
	pt_new(false, 4, 0);
	for (i = 0; i < pages; i++)
		pt_map(i << PAGE_SHIFT, 12, true);
	for (i = 0; i < pages / 64; i++)
		only[i] = 0x5555555555555555ul;
	for (way = 0; way < 8; way++) {
		dirty = way & 1;
		for (i = 0; dirty && i < pages; i++)
			pt_make_dirty(&pt.leaf[i]);
		before = shim_rescheds;
		pt_begin();
		if (way / 2 == 0)
			harvest(0, pt_last(), true, NULL);
		else if (way / 2 == 1)
			harvest(0, pt_last(), true, only);
		else if (way / 2 == 2)
			forget(0, pt_last());
		else
			assert_int_equal(reader->seal(&domain, 0, pt_last()), 0);
		printf("# cost: way %u: %lu tables, %lu accesses, %lu pauses\n",
		       way, pt.asked, pt.chances, shim_rescheds - before);
		assert_true(shim_rescheds - before >= 39);
		/* The top, a level between, and the lowest; each time. */
		assert_true(pt.asked <= (way / 2 == 1 ? pages / 2 : 40) * 3 + 1);
	}
	free(only);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_quiet),
		cmocka_unit_test(random_device),
		cmocka_unit_test(random_growth),
		cmocka_unit_test(wanted_pages),
		cmocka_unit_test(every_write),
		cmocka_unit_test(disorder),
		cmocka_unit_test(disorder_of_wanted),
		cmocka_unit_test(not_usable),
		cmocka_unit_test(seal),
		cmocka_unit_test(reschedules),
	};
	int ret = cmocka_run_group_tests(tests, random_setup, NULL);

	pt_free();
	return ret;
}
