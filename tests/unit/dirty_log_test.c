// SPDX-License-Identifier: GPL-2.0-only
/*
 * src/dirty_log.c between two twins of one byte a page: `must`, what is dirty,
 * and `may`, what the log is allowed to report. They are equal until an
 * allocation fails; then a set may spread over the chunks that it touched and
 * a clear may do nothing, and never is less reported than `must`.
 */
#include <linux/errno.h>

#include "cmocka_shim.h"
#include "random.h"

#include <linux/bitops.h>
#include <linux/bug.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include "dirty_log.h"

#define CHUNK		HWDBM_CHUNK_PAGES
#define MOST_PAGES	(3 * CHUNK + 1017)
/* Short lives: a chunk that got its bitmap keeps it, and the rest is rare. */
#define LIVES		600
#define OPS		90

static struct hwdbm_dirty_log log_;
static u8 must[MOST_PAGES], may[MOST_PAGES];

static bool get(const unsigned long *map, unsigned long i)
{
	return map[i / 64] >> (i % 64) & 1;
}

/* Exactly as many words as hold @bits, so that ASan guards both ends. */
static unsigned long *make(unsigned long bits)
{
	unsigned long *map = malloc(BITS_TO_LONGS(bits) * sizeof(*map));

	random_bits(map, BITS_TO_LONGS(bits));
	return map;
}

static int begin(unsigned long nr_pages)
{
	memset(must, 0, sizeof(must));
	memset(may, 0, sizeof(may));
	shim_failed = false;
	return hwdbm_dirty_log_init(&log_, nr_pages);
}

static void end(void)
{
	hwdbm_dirty_log_fini(&log_);
	assert_false(hwdbm_dirty_log_active(&log_));
	assert_int_equal(hwdbm_dirty_log_bytes(&log_), 0);
	assert_int_equal(shim_live, 0);
	assert_int_equal(shim_warnings, 0);
	shim_fail_after = SHIM_NEVER;
	shim_fail_permille = 0;
}

/* Report pages [first, first + nr) over noise; noise must survive. */
static void compare(unsigned long first, unsigned long nr)
{
	unsigned long words = BITS_TO_LONGS(nr), asked = shim_asked, i;
	unsigned long *got = make(nr), *noise = malloc(words * sizeof(*noise));
	bool bit;

	memcpy(noise, got, words * sizeof(*noise));
	hwdbm_dirty_log_report(&log_, first, nr, got);
	for (i = 0; i < nr; i++) {
		bit = get(got, i);
		if (must[first + i])
			assert_true(bit);
		else if (!may[first + i])
			assert_int_equal(bit, get(noise, i));
		else
			assert_true(bit || !get(noise, i));
	}
	for (; i < words * 64; i++)
		assert_int_equal(get(got, i), get(noise, i));
	free(got);
	free(noise);
	assert_int_equal(shim_asked, asked);
	assert_int_equal(hwdbm_dirty_log_bytes(&log_), shim_live_bytes);
}

/* A set failed to allocate: the chunk of page @page may be all dirty. */
static void spread(unsigned long page)
{
	unsigned long start = page / CHUNK * CHUNK;
	unsigned long last = log_.nr_pages - start;

	if (!shim_failed)
		return;
	memset(may + start, 1, last < CHUNK ? last : CHUNK);
}

static void do_set(unsigned long first, unsigned long nr)
{
	unsigned long page;

	hwdbm_dirty_log_set(&log_, first, nr);
	memset(must + first, 1, nr);
	memset(may + first, 1, nr);
	for (page = first; page < first + nr; page += CHUNK)
		spread(page);
	if (nr)
		spread(first + nr - 1);
}

/* The pages of the bits that are set, a run of them at a time. */
static void do_set_bits(unsigned long first, unsigned long nr,
			const unsigned long *bits)
{
	unsigned long i = 0, end;

	while (i < nr) {
		for (end = i; end < nr && get(bits, end); end++)
			;
		shim_failed = false;
		if (end > i)
			do_set(first + i, end - i);
		i = end + 1;
	}
}

static void do_set_all(void)
{
	unsigned long asked = shim_asked;

	hwdbm_dirty_log_set_all(&log_);
	memset(must, 1, log_.nr_pages);
	memset(may, 1, log_.nr_pages);
	assert_int_equal(shim_asked, asked);
}

static void do_clear(unsigned long first, unsigned long nr)
{
	hwdbm_dirty_log_clear(&log_, first, nr);
	memset(must + first, 0, nr);
	if (!shim_failed)
		memset(may + first, 0, nr);
}

static void do_clear_bits(unsigned long first, unsigned long nr,
			  const unsigned long *bits)
{
	unsigned long i;

	hwdbm_dirty_log_clear_bits(&log_, first, nr, bits);
	for (i = 0; i < nr; i++) {
		if (!get(bits, i))
			continue;
		must[first + i] = 0;
		if (!shim_failed)
			may[first + i] = 0;
	}
}

/* Somewhere, for preference around a chunk boundary; small, for preference. */
static void pick_range(unsigned long *first, unsigned long *nr)
{
	unsigned long n = log_.nr_pages, edge;

	*first = random_below(n);
	if (random_one_in(2)) {
		edge = random_below(n / CHUNK + 2) * CHUNK;
		*first = edge + random_below(140) - 70;
		if (*first >= n)
			*first = random_one_in(2) ? 0 : n - 1;
	}
	*nr = random_below(200);
	if (random_one_in(30))
		*nr = random_below(n);
	if (random_one_in(10))
		*nr = CHUNK - *first % CHUNK;
	if (random_one_in(10)) {
		*first -= *first % CHUNK;
		*nr = CHUNK;
	}
	if (random_one_in(100))
		*nr = n;
	if (*nr > n - *first)
		*nr = n - *first;
}

static void one_op(void)
{
	unsigned long first, nr, *bits;

	pick_range(&first, &nr);
	shim_failed = false;
	switch (random_below(13)) {
	case 0:
	case 1:
	case 2:
		do_set(first, nr);
		break;
	case 3:
	case 4:
	case 5:
		do_clear(first, nr);
		break;
	case 6:
		if (random_one_in(20))
			do_set_all();
		break;
	default:
		bits = make(nr);
		if (random_one_in(2))
			do_set_bits(first, nr, bits);
		else
			do_clear_bits(first, nr, bits);
		free(bits);
	}
	compare(first, nr < 300 ? nr : 300);
}

static void one_life(unsigned long nr_pages, unsigned int fail_permille)
{
	unsigned int i;

	if (begin(nr_pages))
		fail();
	shim_fail_permille = fail_permille;
	for (i = 0; i < OPS; i++) {
		one_op();
		if (i % 32 == 0)
			compare(0, log_.nr_pages);
	}
	compare(0, log_.nr_pages);
	/* However bad memory was: cleaning whole chunks needs none. */
	shim_fail_permille = 1000;
	shim_failed = false;
	do_clear(0, log_.nr_pages);
	assert_false(shim_failed);
	compare(0, log_.nr_pages);
	end();
}

static unsigned long pick_size(void)
{
	static const unsigned long sizes[] = {
		1, 2, 63, 64, 65, 1000, CHUNK - 1, CHUNK, CHUNK + 1,
		CHUNK + 64, 2 * CHUNK - 1, 2 * CHUNK, 2 * CHUNK + 63,
		3 * CHUNK, MOST_PAGES,
	};

	return sizes[random_below(ARRAY_SIZE(sizes))];
}

static void random_exact(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < LIVES; i++)
		one_life(pick_size(), 0);
	assert_memory_equal(must, may, sizeof(must));
}

static void random_failures(void **state)
{
	static const unsigned int permille[] = { 20, 200, 800, 1000 };
	unsigned int i;

	(void)state;
	for (i = 0; i < LIVES; i++)
		one_life(pick_size(), permille[i % ARRAY_SIZE(permille)]);
}

/* A life that needs every kind of allocation; false where it ended at init. */
static bool scripted_life(void)
{
	unsigned long bits[] = { 0, 0x8000000000000001ul, ~0ul, 6 };

	if (begin(MOST_PAGES)) {
		assert_false(hwdbm_dirty_log_active(&log_));
		assert_int_equal(shim_live, 0);
		return false;
	}
	do_set(7, 1);				/* clean to bitmap */
	do_set_bits(CHUNK - 100, 256, bits);	/* over a chunk's edge */
	compare(0, MOST_PAGES);
	do_set(2 * CHUNK, CHUNK);		/* clean to all dirty */
	do_clear(2 * CHUNK + 1, 1);		/* split */
	compare(0, MOST_PAGES);
	do_set(3 * CHUNK, MOST_PAGES - 3 * CHUNK);
	do_clear_bits(MOST_PAGES - 200, 200, bits);
	compare(0, MOST_PAGES);
	do_clear(0, MOST_PAGES);
	do_set(MOST_PAGES - 1, 1);
	do_set_all();
	do_clear(CHUNK - 1, CHUNK + 2);
	compare(0, MOST_PAGES);
	return true;
}

static void nth_failure(void **state)
{
	unsigned long n, asked;
	bool failed;

	(void)state;
	for (n = 0, failed = true; failed; n++) {
		asked = shim_asked;
		shim_fail_after = n;
		assert_int_equal(scripted_life(), n != 0);
		failed = shim_fail_after == SHIM_NEVER;
		if (failed)
			assert_true(shim_asked - asked > n);
		end();
	}
	/* The table, and one bitmap for each of the four chunks. */
	assert_int_equal(n, 1 + 1 + 4);
}

static void sizes(void **state)
{
	static const unsigned long too_many[] = {
		~0UL, ~0UL - CHUNK, 1UL << 63, 1UL << 50,
		(INT_MAX / 8 + 1UL) * CHUNK,
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(too_many); i++) {
		assert_int_equal(hwdbm_dirty_log_init(&log_, too_many[i]),
				 -ENOMEM);
		end();
	}
	assert_int_equal(begin(0), 0);
	assert_true(hwdbm_dirty_log_active(&log_));
	do_set(0, 0);
	do_set_all();
	do_clear(0, 0);
	compare(0, 0);
	end();
}

static void past_the_end(void **state)
{
	unsigned long dst[2] = { 0, 0 };

	(void)state;
	assert_int_equal(begin(100), 0);
	hwdbm_dirty_log_set_all(&log_);
	hwdbm_dirty_log_report(&log_, 0, 100, dst);
	assert_true(dst[0] == ~0UL && dst[1] == (1UL << 36) - 1);
	/* Split: the bitmap, too, has nothing past the end. */
	hwdbm_dirty_log_clear(&log_, 0, 64);
	memset(dst, 0, sizeof(dst));
	hwdbm_dirty_log_report(&log_, 0, 100, dst);
	assert_true(dst[0] == 0 && dst[1] == (1UL << 36) - 1);
	assert_int_equal(shim_warnings, 0);

	/* Our own bugs: warned about, clipped. */
	memset(dst, 0, sizeof(dst));
	hwdbm_dirty_log_report(&log_, 99, 29, dst);
	assert_true(dst[0] == 1 && dst[1] == 0);
	hwdbm_dirty_log_clear(&log_, 0, 100);
	hwdbm_dirty_log_set(&log_, 98, ~0UL);
	hwdbm_dirty_log_set(&log_, ~0UL, 2);
	hwdbm_dirty_log_set(&log_, 100, 1);
	dst[0] = 0;
	hwdbm_dirty_log_report(&log_, 36, 64, dst);
	assert_true(dst[0] == 3UL << 62);
	assert_int_equal(shim_warnings, 4);
	shim_warnings = 0;
	end();
}

static void needs_no_memory(void **state)
{
	unsigned long none[2] = { 0, 0 }, all[CHUNK / 64], asked;

	(void)state;
	memset(all, 0xff, sizeof(all));
	assert_int_equal(begin(2 * CHUNK + 100), 0);
	asked = shim_asked;
	do_clear(5, 10);
	do_set_bits(0, 128, none);
	do_set(0, 2 * CHUNK);
	do_set(2 * CHUNK, 100);
	do_set(17, 4);
	do_set_bits(100, 64, all);
	do_clear_bits(0, 128, none);
	compare(0, log_.nr_pages);
	do_clear_bits(CHUNK, CHUNK, all);
	do_clear(2 * CHUNK, 100);
	compare(0, log_.nr_pages);
	do_set_bits(CHUNK, CHUNK, all);
	do_set_all();
	do_clear(0, log_.nr_pages);
	compare(0, log_.nr_pages);
	assert_int_equal(shim_asked, asked);
	end();
}

/* A range that is a whole chunk, but not all of its bits. */
static void chunk_but_for_one(void **state)
{
	unsigned long bits[CHUNK / 64];

	(void)state;
	memset(bits, 0xff, sizeof(bits));
	bits[CHUNK / 128] &= ~(1UL << 63);
	assert_int_equal(begin(2 * CHUNK), 0);
	do_set_bits(CHUNK, CHUNK, bits);
	compare(0, log_.nr_pages);
	do_set_all();
	do_clear_bits(CHUNK, CHUNK, bits);
	compare(0, log_.nr_pages);
	do_set_all();
	do_clear_bits(0, CHUNK, bits);
	compare(0, log_.nr_pages);
	end();
}

static void memory_per_tib(void **state)
{
	const unsigned long tib = 1UL << 28;	/* pages */
	unsigned long page;

	(void)state;
	assert_int_equal(hwdbm_dirty_log_init(&log_, tib), 0);
	assert_int_equal(hwdbm_dirty_log_bytes(&log_), 64 << 10);
	hwdbm_dirty_log_set_all(&log_);
	assert_int_equal(hwdbm_dirty_log_bytes(&log_), 64 << 10);
	hwdbm_dirty_log_clear(&log_, 0, tib);
	for (page = 99; page < tib; page += CHUNK)
		hwdbm_dirty_log_set(&log_, page, 1);
	assert_int_equal(hwdbm_dirty_log_bytes(&log_), (32 << 20) + (64 << 10));
	/* Kept, clean or full; and long walks give way. */
	shim_rescheds = 0;
	hwdbm_dirty_log_clear(&log_, 0, tib);
	assert_true(shim_rescheds >= tib / CHUNK - 1);
	shim_rescheds = 0;
	hwdbm_dirty_log_set_all(&log_);
	assert_true(shim_rescheds >= tib / CHUNK - 1);
	assert_int_equal(hwdbm_dirty_log_bytes(&log_), shim_live_bytes);
	assert_int_equal(hwdbm_dirty_log_bytes(&log_), (32 << 20) + (64 << 10));
	end();

	/* A small mapping is a small log. */
	assert_int_equal(hwdbm_dirty_log_init(&log_, 3), 0);
	hwdbm_dirty_log_set(&log_, 1, 1);
	assert_int_equal(hwdbm_dirty_log_bytes(&log_), 8 + 8);
	end();
}

/* A test that failed must not fail the next ones. */
static int fresh(void **state)
{
	(void)state;
	log_ = (struct hwdbm_dirty_log){ };
	shim_fail_after = SHIM_NEVER;
	shim_fail_permille = 0;
	shim_live = 0;
	shim_live_bytes = 0;
	shim_warnings = 0;
	return 0;
}

#define FRESH(test)	cmocka_unit_test_setup(test, fresh)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FRESH(sizes),
		FRESH(past_the_end),
		FRESH(needs_no_memory),
		FRESH(chunk_but_for_one),
		FRESH(memory_per_tib),
		FRESH(nth_failure),
		FRESH(random_exact),
		FRESH(random_failures),
	};

	return cmocka_run_group_tests_name("dirty_log", tests, random_setup,
					   NULL);
}
