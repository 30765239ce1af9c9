// SPDX-License-Identifier: GPL-2.0-only
/*
 * src/dirty_reader_gather.c against a model of the drivers' tables
 * (leaf_model.c), whose every leaf remembers what was done to it. A pass is
 * judged by that alone, not by how the reader went about it. The device writes
 * between any two things the reader or the driver does.
 */
#include <linux/errno.h>

#include "cmocka_shim.h"
#include "random.h"

#include <linux/bitmap.h>
#include <linux/bug.h>
#include <linux/minmax.h>
#include <linux/sizes.h>
#include <linux/vfio_iommu_type1_hwdbm.h>
#include "dirty_log.h"
#include "dirty_reader.h"
#include "leaf_model.h"

#define LIVES		200
#define OPS		8
#define PAGES(bytes)	((bytes) >> PAGE_SHIFT)

static const struct hwdbm_dirty_reader *reader = &hwdbm_dirty_reader_gather;

static bool meets(const struct leaf *l, u64 first, u64 last)
{
	return l->first <= last && l->last >= first;
}

static bool asked_for(const struct hwdbm_harvest *h, const struct leaf *l)
{
	unsigned long from, to;

	if (!meets(l, h->first, h->last))
		return false;
	if (!h->only)
		return true;
	from = PAGES(max(l->first, h->first) - h->first);
	to = PAGES(min(l->last, h->last) - h->first);
	return find_next_bit(h->only, to + 1, from) <= to;
}

static void record(void *ctx, u64 first, u64 last)
{
	struct hwdbm_harvest *h = ctx;
	struct leaf *l = model_leaf(max(first, model.leaf[0].first));
	bool known = false;

	assert_non_null(l);
	if (model.lie != LIE_HUGE) {
		assert_int_equal(first, l->first);
		assert_int_equal(last, l->last);
	}
	for (; l < model.leaf + model.nr && l->first <= last; l++) {
		known |= h->clear ? l->owed : l->dirty;
		l->recorded = true;
		l->owed = false;
	}
	/* After it was cleaned, each time; or while it is dirty. */
	assert_true(known);
	model_chance();
}

/* One call a page and some to get there, and as much again. */
static unsigned long most_calls(u64 first, u64 last)
{
	unsigned long smallest = model.domain.pgsize_bitmap &
				 -model.domain.pgsize_bitmap;

	return 4 * (last - first + 1) / min(smallest, PAGE_SIZE) + 64;
}

static void check_flush(const struct hwdbm_harvest *h)
{
	u64 first = U64_MAX, last = 0, sizes = 0;
	struct leaf *l;

	for (l = model.leaf; l < model.leaf + model.nr; l++) {
		if (!l->cleaned)
			continue;
		first = min(first, l->first);
		last = l->last;
		sizes |= l->last - l->first + 1;
	}
	assert_int_equal(h->flush_sizes, sizes);
	if (first > last) {
		assert_true(h->flush_first > h->flush_last);
	} else {
		assert_int_equal(h->flush_first, first);
		assert_int_equal(h->flush_last, last);
	}
}

/* What holds for every leaf whatever the pass returned. */
static void check_leaf(const struct hwdbm_harvest *h, const struct leaf *l)
{
	bool was_dirty = l->before || l->written;

	/* Nothing is made up, and nothing is lost. */
	assert_true(was_dirty || !l->recorded || model.lies);
	assert_true(l->recorded || l->dirty || l->owed || !was_dirty);
	/* Nothing is cleaned that was not asked for. */
	if (!h->clear || !asked_for(h, l)) {
		assert_false(l->cleaned);
		assert_true(!l->recorded || asked_for(h, l) || model.lies);
	}
}

/* What holds for every leaf that was asked for after a pass that worked. */
static void check_done(const struct hwdbm_harvest *h, const struct leaf *l)
{
	if (l->before)
		assert_true(l->recorded);
	if (l->before && h->clear && model.lie == TRUTH)
		assert_true(l->cleaned);
	/* Dirty in the end: only by a write. */
	if (h->clear && model.lie == TRUTH)
		assert_true(!l->dirty || l->written);
}

static void check(const struct hwdbm_harvest *h, int ret)
{
	unsigned long owed = 0;
	struct leaf *l;

	for (l = model.leaf; l < model.leaf + model.nr; l++) {
		check_leaf(h, l);
		if (!ret && asked_for(h, l))
			check_done(h, l);
		owed += l->owed;
	}
	/* A lie may cost the leaf that it was told about, and is an error. */
	assert_true(owed <= (ret == -EIO && model.lies));
	if (!model.lies)
		check_flush(h);
	/* A coarse look, a fine one, and each leaf, of 2 MiB. */
	assert_true(model.burst <= 4 * max((u64)SZ_2M / PAGE_SIZE,
					   SZ_2M / (model.domain.pgsize_bitmap &
						    -model.domain.pgsize_bitmap)));
}

static int harvest(u64 first, u64 last, bool clear, const unsigned long *only)
{
	struct hwdbm_harvest h = {
		.first = first,
		.last = last,
		.clear = clear,
		.only = only,
		.record = record,
		.ctx = &h,
	};
	int ret;

	model_begin(most_calls(first, last));
	ret = reader->harvest(&model.domain, &h);
	check(&h, ret);
	if (!model.lies)
		assert_int_equal(ret, model.fail_call &&
				      model.calls >= model.fail_call ?
				      -ENODEV : 0);
	return ret;
}

static int forget(u64 first, u64 last)
{
	struct leaf *l;
	int ret;

	model_begin(most_calls(first, last));
	ret = reader->forget(&model.domain, first, last);
	assert_int_equal(ret, model.fail_call &&
			      model.calls >= model.fail_call ? -ENODEV : 0);
	for (l = model.leaf; l < model.leaf + model.nr; l++) {
		if (!meets(l, first, last))
			assert_false(l->cleaned);
		else if (!ret)
			assert_true(!l->dirty || l->written);
	}
	return ret;
}

static void set_bit(unsigned long *map, unsigned long bit)
{
	map[bit / 64] |= 1UL << (bit % 64);
}

/* As long as the range and not a word longer; a unit's pages go together. */
static unsigned long *random_only(u64 first, u64 last)
{
	unsigned long pages = PAGES(last - first + 1), i, n;
	unsigned long unit = PAGES(model_unit()), words = BITS_TO_LONGS(pages);
	unsigned long *map = calloc(words, sizeof(*map)), at;

	if (random_one_in(2) && unit == 1) {
		random_bits(map, words);
		return map;
	}
	/* A few here, a few there: in and about what is looked at singly. */
	for (n = random_below(30); n; n--) {
		at = random_below(pages);
		for (i = random_below(12); i; i--) {
			at = min(at + random_below(1 << random_below(9)),
				 pages - 1);
			set_bit(map, at);
		}
	}
	for (i = 0; unit > 1 && i < pages; i++)
		if (map[i / 64] >> (i % 64) & 1)
			for (at = i & -unit, n = 0; n < unit; n++)
				set_bit(map, at + n);
	return map;
}

/* A forget hears no lies: it looks at no answer. */
static void random_op(void)
{
	unsigned long *only = NULL;
	u64 first, last;

	model_random_range(&first, &last);
	if (model.lie == TRUTH && random_one_in(8)) {
		forget(first, last);
		return;
	}
	if (random_one_in(2))
		only = random_only(first, last);
	harvest(first, last, !random_one_in(4), only);
	free(only);
}

static void random_lives(void (*make_trouble)(void))
{
	unsigned int i, op;

	for (i = 0; i < LIVES; i++) {
		model_random();
		model_scatter();
		for (op = 0; op < OPS; op++) {
			make_trouble();
			random_op();
			model_calm();
		}
	}
}

/* With the device at rest the bits would soon be gone. */
static void random_quiet(void **state)
{
	(void)state;
	random_lives(model_scatter);
}

static void turn_device_on(void)
{
	model.device = 1 + random_below(1 << random_below(10));
}

static void random_device(void **state)
{
	(void)state;
	random_lives(turn_device_on);
}

static void plan_error(void)
{
	turn_device_on();
	model.fail_call = 1 + random_below(1 << random_below(9));
}

static void random_errors(void **state)
{
	(void)state;
	random_lives(plan_error);
}

static void plan_lie(void)
{
	model_scatter();
	if (random_one_in(2))
		turn_device_on();
	model.lie = 1 + random_below(LIES - 1);
	model.lie_call = random_below(1 << random_below(9));
}

static void random_lies(void **state)
{
	(void)state;
	random_lives(plan_lie);
}

/* Told all the time, a lie is found out. */
static void constant_lies(void **state)
{
	unsigned int i;
	u64 first, last;
	int ret;

	(void)state;
	for (i = 0; i < LIVES; i++) {
		model_random();
		model_scatter();
		model_random_range(&first, &last);
		model.lie = 1 + random_below(LIES - 1);
		ret = harvest(first, last, random_one_in(2), NULL);
		assert_int_equal(ret, model.lies && model.lie != LIE_HUGE ?
				      -EIO : 0);
	}
}

/* The pieces of src/dirty_range.c: chunks of the mapping, cut by the range. */
static void harvest_pieces(u64 first, u64 last)
{
	u64 chunk = (u64)HWDBM_CHUNK_PAGES << PAGE_SHIFT, end;

	for (; first <= last; first = end + 1) {
		end = first + chunk - (first - model_first()) % chunk - 1;
		end = min(end, last);
		harvest(first, end, true, NULL);
	}
}

static void pieces(void **state)
{
	unsigned int i;
	u64 first, last;
	struct leaf *l;

	(void)state;
	for (i = 0; i < LIVES; i++) {
		model_random();
		model_scatter();
		model_random_range(&first, &last);
		harvest_pieces(first, last);
		for (l = model.leaf; l < model.leaf + model.nr; l++)
			assert_true(!l->dirty || !meets(l, first, last));
		model.device = 1 + random_below(500);
		harvest_pieces(first, last);
		model_calm();
	}
}

/* Leaves of @sizes from @at on, up to a 0; the bits of @dirty are theirs. */
static void lay(unsigned long pgsizes, u64 at, const u64 *sizes, u64 dirty)
{
	unsigned long i;

	model_empty(pgsizes);
	for (i = 0; sizes[i]; at += sizes[i++])
		model_append(at, sizes[i]);
	for (i = 0; i < model.nr; i++)
		model.leaf[i].dirty = dirty >> i & 1;
}

#define MIXED_SIZES	(SZ_4K | SZ_8K | SZ_64K | SZ_256K | SZ_2M | SZ_4M)
/* After every large leaf a small one. */
static const u64 mixed[] = {
	SZ_4M, SZ_4K, SZ_4K, SZ_8K, SZ_8K, SZ_8K, SZ_4K, SZ_4K, SZ_8K, SZ_8K,
	SZ_8K, SZ_64K, SZ_64K, SZ_64K, SZ_256K, SZ_4K, SZ_4K, 0
};

/* Small leaves right behind the end of a large one, begun in its middle. */
static void from_inside_a_leaf(void **state)
{
	u64 at, last;
	unsigned int i;

	(void)state;
	for (i = 0; i < 3; i++) {
		lay(MIXED_SIZES, i * (u64)SZ_4M, mixed, 0);
		last = model_last();
		for (at = model_first(); at < last; at += SZ_4K) {
			lay(MIXED_SIZES, i * (u64)SZ_4M, mixed, ~0ULL);
			harvest(at, last, true, NULL);
			lay(MIXED_SIZES, i * (u64)SZ_4M, mixed, ~0ULL);
			harvest(model_first(), at + SZ_4K - 1, true, NULL);
			lay(MIXED_SIZES, i * (u64)SZ_4M, mixed, ~1ULL);
			forget(at, last);
		}
	}
}

static void ends_of_the_tables(void **state)
{
	static const u64 tops[] = { 1ULL << 48, 1ULL << 57 };
	static const u64 sizes[] = { SZ_1G, SZ_2M, SZ_4K };
	unsigned int i, j, clear;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(tops); i++) {
		for (j = 0; j < ARRAY_SIZE(sizes); j++) {
			for (clear = 0; clear < 2; clear++) {
				lay(sizes[j], tops[i] - sizes[j],
				    (u64[]){ sizes[j], 0 }, 1);
				harvest(tops[i] - SZ_4K, tops[i] - 1, clear,
					NULL);
				assert_true(model.leaf[0].recorded);
				lay(sizes[j], 0, (u64[]){ sizes[j], 0 }, 1);
				harvest(0, SZ_4K - 1, clear, NULL);
				assert_true(model.leaf[0].recorded);
			}
		}
	}
}

/* One write, to each leaf at each chance, of a pass over few leaves. */
static void every_write(void **state)
{
	static const unsigned long only[] = { ~0UL, ~0UL, 0x842, 0x1010 };
	unsigned long i, chance, written = 0;
	u64 at = 3 * (u64)SZ_256K, dirty, last;
	static const u64 small[] = {
		SZ_64K, SZ_4K, SZ_4K, SZ_8K, SZ_8K, SZ_8K, SZ_4K, SZ_8K / 2,
		SZ_8K, SZ_8K, SZ_8K, SZ_8K, 0
	};

	(void)state;
	for (i = 0; i < 6 * (ARRAY_SIZE(small) - 1); i++) {
		dirty = random_u64() & random_u64();
		for (chance = 1;; chance++) {
			lay(MIXED_SIZES, at, small, i % 6 ? dirty : 0x802);
			last = model_last();
			model.write_leaf = i / 6;
			model.write_chance = chance;
			harvest(at, last, i % 3, i % 2 ? only + i % 4 / 3 : NULL);
			written += model.leaf[i / 6].written;
			if (model.chances < chance)
				break;
		}
	}
	assert_true(written > 1000);
	model_calm();
}

/* An error from the first call, from the second, until none is left. */
static void every_error(void **state)
{
	unsigned long call, clear;
	int ret;

	(void)state;
	for (clear = 0; clear < 3; clear++) {
		call = 0;
		do {
			lay(MIXED_SIZES, SZ_4M, mixed, 0x1b6db);
			model.fail_call = ++call;
			ret = clear == 2 ? forget(model_first(), model_last()) :
			      harvest(model_first(), model_last(), clear, NULL);
		} while (ret);
		assert_int_equal(model.calls, call - 1);
		assert_true(call > (clear == 2 ? 4 : 12));
	}
	model_calm();
}

/* @nr leaves of @bytes from 1 GiB on, every @every-th dirty; 0: none. */
static void lay_even(u64 bytes, unsigned long nr, unsigned long every)
{
	unsigned long i;

	model_empty(bytes | SZ_4K);
	for (i = 0; i < nr; i++)
		model_append(SZ_1G + i * bytes, bytes);
	for (i = every / 2; every && i < nr; i += every)
		model.leaf[i].dirty = true;
}

static void expect(const char *what, unsigned long calls, unsigned long steps)
{
	printf("# cost: %s: %lu calls, %lu steps, %lu at a stretch\n", what,
	       model.calls, model.steps, model.burst);
	assert_true(model.calls <= calls);
	assert_true(model.steps <= steps);
	assert_true(model.burst <= 3 * 512 + 16);
}

/* 2^18 pages each. Bounds in calls and steps, with a little to spare. */
static void cost(void **state)
{
	const unsigned long pages = 1UL << 18, windows = pages / 512;
	u64 first = SZ_1G, last = SZ_1G + (u64)SZ_1G - 1;
	unsigned long i;

	(void)state;
	lay_even(SZ_4K, pages, 0);
	harvest(first, last, true, NULL);
	expect("4 KiB leaves, none dirty", windows, pages);
	lay_even(SZ_4K, pages, pages);
	harvest(first, last, true, NULL);
	expect("4 KiB leaves, 1 dirty", windows + 4, pages + 128);
	lay_even(SZ_4K, pages, 512);
	harvest(first, last, true, NULL);
	expect("4 KiB leaves, 1 in 512 dirty", 4 * windows, pages + 128 * windows);
	/* Far enough apart that leaf by leaf between them would cost more. */
	lay_even(SZ_4K, pages, 0);
	for (i = 0; i < pages; i += 512)
		model.leaf[i].dirty = model.leaf[i + 100].dirty = true;
	harvest(first, last, true, NULL);
	expect("4 KiB leaves, 2 in 512 dirty", 5 * windows, pages + 256 * windows);
	lay_even(SZ_4K, pages, 1);
	harvest(first, last, true, NULL);
	expect("4 KiB leaves, all dirty", pages + 10 * windows, 3 * pages);
	lay_even(SZ_2M, windows, 1);
	harvest(first, last, true, NULL);
	expect("2 MiB leaves, all dirty", 3 * windows, 3 * windows);
	lay_even(SZ_2M, windows, 0);
	harvest(first, last, true, NULL);
	expect("2 MiB leaves, none dirty", windows, windows);
	lay_even(SZ_1G, 1, 1);
	harvest(first, last, true, NULL);
	expect("1 GiB leaf, dirty", 3, 3);
	lay_even(SZ_4K, pages, 1);
	forget(first, last);
	expect("4 KiB leaves, forget", windows, pages);
}

static void cost_of_clear(void **state)
{
	static const unsigned long some[] = { 1, 16, 512, 4096, 8192, 1 << 15 };
	const unsigned long pages = 1UL << 18;
	unsigned long *only, i, j, k;
	char what[80];

	(void)state;
	for (i = 0; i < ARRAY_SIZE(some); i++) {
		k = some[i];
		lay_even(SZ_4K, pages, 1);
		only = calloc(pages / 64, sizeof(*only));
		for (j = 0; j < k; j++)
			set_bit(only, j * (pages / k) + random_below(pages / k));
		harvest(SZ_1G, SZ_1G + (u64)SZ_1G - 1, true, only);
		snprintf(what, sizeof(what), "CLEAR of %lu scattered pages", k);
		/* One a page, or a few each 2 MiB more; then all is looked at. */
		expect(what, k <= 512 ? k : k + 10 * pages / 512,
		       k <= 512 ? k : k + 2 * pages);
		/* The first cleans all of a leaf that holds the others. */
		lay_even(SZ_1G, 1, 1);
		harvest(SZ_1G, SZ_1G + (u64)SZ_1G - 1, true, only);
		assert_true(model.calls <= 3);
		free(only);
	}
	only = malloc(pages / 8);
	memset(only, 0xff, pages / 8);
	lay_even(SZ_4K, pages, pages);
	harvest(SZ_1G, SZ_1G + (u64)SZ_1G - 1, true, only);
	expect("CLEAR of all pages, 1 dirty", pages / 512 + 4, pages + 128);
	free(only);
}

static void interface(void **state)
{
	struct iommu_domain other = {};

	(void)state;
	assert_int_equal(reader->id, VFIO_HWDBM_READER_GATHER);
	assert_true(reader->usable(&model.domain));
	assert_false(reader->usable(&other));
}

static int setup(void **state)
{
	(void)state;
	model_calm();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	model_free();
	return shim_warnings != 0;
}

int main(void)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(interface),
		TEST(from_inside_a_leaf),
		TEST(ends_of_the_tables),
		TEST(every_write),
		TEST(every_error),
		TEST(cost),
		TEST(cost_of_clear),
		TEST(pieces),
		TEST(random_quiet),
		TEST(random_device),
		TEST(random_errors),
		TEST(random_lies),
		TEST(constant_lies),
	};

	return cmocka_run_group_tests_name("dirty_reader_gather", tests,
					   random_setup, NULL);
}
