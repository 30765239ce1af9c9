// SPDX-License-Identifier: GPL-2.0-only
/*
 * src/iova_ranges.c against a twin: a small world of 24 cells, one bool each,
 * whose edges are laid over addresses so that cell 0 begins at 0 and the last
 * cell ends at 2^64 - 1.
 */
#include <linux/errno.h>

#include "cmocka_shim.h"
#include "random.h"

#include "iova_ranges.h"

#define CELLS	24
#define LAST	(~0ULL)
#define ROUNDS	20000

struct world {
	u64	start[CELLS + 1];	/* first address of a cell */
	bool	usable[CELLS];
};

static struct hwdbm_iova_ranges *make(unsigned int cap)
{
	struct hwdbm_iova_ranges *r;

	/* Exactly @cap entries: ASan sees one more. */
	r = malloc(sizeof(*r) + cap * sizeof(r->range[0]));
	r->cap = cap;
	r->nr = 0;
	return r;
}

static void assert_ranges(const struct hwdbm_iova_ranges *r, unsigned int nr,
			  const struct hwdbm_iova_range *want)
{
	assert_int_equal(r->nr, nr);
	assert_memory_equal(r->range, want, nr * sizeof(*want));
}

static u64 cell_last(const struct world *w, unsigned int cell)
{
	return w->start[cell + 1] - 1;	/* 0 - 1 is the end of the world */
}

/* Cells of one address, of a few, and huge ones; neighbours touch. */
static void make_world(struct world *w)
{
	unsigned int i;

	w->start[0] = 0;
	for (i = 1; i < CELLS; i++)
		w->start[i] = w->start[i - 1] + 1 +
			(random_one_in(2) ? random_below(3) :
			 random_below(LAST / CELLS / 2));
	if (random_one_in(2))
		w->start[CELLS - 1] = LAST;	/* one address at the very end */
	w->start[CELLS] = 0;
	memset(w->usable, 0, sizeof(w->usable));
}

static unsigned int twin_ranges(const struct world *w)
{
	unsigned int i, nr = 0;

	for (i = 0; i < CELLS; i++)
		nr += w->usable[i] && (!i || !w->usable[i - 1]);
	return nr;
}

static bool twin_contains(const struct world *w, unsigned int a, unsigned int b)
{
	for (; a <= b; a++)
		if (!w->usable[a])
			return false;
	return true;
}

static void compare(const struct hwdbm_iova_ranges *r, const struct world *w)
{
	unsigned int i, j, n = 0;

	for (i = 0; i < CELLS; i = j + 1) {
		for (j = i; j < CELLS && w->usable[j]; j++)
			;
		if (j == i)
			continue;
		assert_true(n < r->nr);
		assert_true(r->range[n].first == w->start[i]);
		assert_true(r->range[n].last == cell_last(w, j - 1));
		n++;
	}
	assert_int_equal(r->nr, n);
}

static void try_exclude(struct hwdbm_iova_ranges *r, struct world *w,
			unsigned int a, unsigned int b)
{
	struct world before = *w;
	int ret = hwdbm_iova_ranges_exclude(r, w->start[a], cell_last(w, b));
	unsigned int i;

	for (i = a; i <= b; i++)
		w->usable[i] = false;
	if (twin_ranges(w) > r->cap) {
		assert_int_equal(ret, -ENOSPC);
		*w = before;
	} else {
		assert_int_equal(ret, 0);
	}
}

static void clip(struct hwdbm_iova_ranges *r, struct world *w, unsigned int a,
		 unsigned int b)
{
	unsigned int i;

	hwdbm_iova_ranges_clip(r, w->start[a], cell_last(w, b));
	for (i = 0; i < CELLS; i++)
		w->usable[i] &= i >= a && i <= b;
}

static void reset(struct hwdbm_iova_ranges *r, struct world *w, unsigned int a,
		  unsigned int b)
{
	unsigned int i;

	hwdbm_iova_ranges_reset(r, w->start[a], cell_last(w, b));
	for (i = 0; i < CELLS; i++)
		w->usable[i] = i >= a && i <= b;
}

static void one_life(struct hwdbm_iova_ranges *r)
{
	unsigned int i, a, b;
	struct world w;

	make_world(&w);
	reset(r, &w, random_one_in(2) ? 0 : random_below(CELLS / 2),
	      random_one_in(2) ? CELLS - 1 : CELLS / 2);
	for (i = 0; i < 20; i++) {
		a = random_below(CELLS);
		b = a + random_below(random_one_in(3) ? CELLS - a : 1);
		if (random_one_in(12))
			clip(r, &w, random_below(3), CELLS - 1 - random_below(3));
		else
			try_exclude(r, &w, a, b);
		compare(r, &w);
		a = random_below(CELLS);
		b = a + random_below(CELLS - a);
		assert_int_equal(hwdbm_iova_ranges_contain(r, w.start[a],
							   cell_last(&w, b)),
				 twin_contains(&w, a, b));
	}
}

static void random_lives(void **state)
{
	struct hwdbm_iova_ranges *r;
	unsigned int i;

	(void)state;
	for (i = 0; i < ROUNDS; i++) {
		r = make(1 + random_below(10));
		one_life(r);
		free(r);
	}
}

static void ends_of_the_world(void **state)
{
	struct hwdbm_iova_ranges *r = make(3);

	(void)state;
	hwdbm_iova_ranges_reset(r, 0, LAST);
	assert_true(hwdbm_iova_ranges_contain(r, 0, LAST));
	assert_int_equal(hwdbm_iova_ranges_exclude(r, 0, 0), 0);
	assert_ranges(r, 1, (struct hwdbm_iova_range[]){ { 1, LAST } });
	assert_int_equal(hwdbm_iova_ranges_exclude(r, LAST, LAST), 0);
	assert_ranges(r, 1, (struct hwdbm_iova_range[]){ { 1, LAST - 1 } });
	assert_false(hwdbm_iova_ranges_contain(r, 0, 1));
	assert_false(hwdbm_iova_ranges_contain(r, LAST - 1, LAST));
	assert_true(hwdbm_iova_ranges_contain(r, 1, 1));
	assert_int_equal(hwdbm_iova_ranges_exclude(r, 5, LAST - 5), 0);
	assert_ranges(r, 2, (struct hwdbm_iova_range[]){
		{ 1, 4 }, { LAST - 4, LAST - 1 } });
	hwdbm_iova_ranges_clip(r, LAST - 2, LAST);
	assert_ranges(r, 1, (struct hwdbm_iova_range[]){
		{ LAST - 2, LAST - 1 } });
	assert_int_equal(hwdbm_iova_ranges_exclude(r, 0, LAST), 0);
	assert_int_equal(r->nr, 0);
	assert_false(hwdbm_iova_ranges_contain(r, 0, 0));
	assert_int_equal(hwdbm_iova_ranges_exclude(r, 0, LAST), 0);
	hwdbm_iova_ranges_clip(r, 0, LAST);
	assert_int_equal(r->nr, 0);
	free(r);
}

static void split_without_room(void **state)
{
	const struct hwdbm_iova_range two[] = { { 0, 9 }, { 20, 29 } };
	struct hwdbm_iova_ranges *r = make(2);

	(void)state;
	hwdbm_iova_ranges_reset(r, 0, 29);
	assert_int_equal(hwdbm_iova_ranges_exclude(r, 10, 19), 0);
	assert_ranges(r, 2, two);
	assert_int_equal(hwdbm_iova_ranges_exclude(r, 1, 8), -ENOSPC);
	assert_ranges(r, 2, two);
	assert_int_equal(hwdbm_iova_ranges_exclude(r, 28, 28), -ENOSPC);
	assert_ranges(r, 2, two);
	/* What shortens or removes needs no room. */
	assert_int_equal(hwdbm_iova_ranges_exclude(r, 5, 24), 0);
	assert_ranges(r, 2, (struct hwdbm_iova_range[]){ { 0, 4 }, { 25, 29 } });
	assert_int_equal(hwdbm_iova_ranges_exclude(r, 0, 4), 0);
	assert_ranges(r, 1, (struct hwdbm_iova_range[]){ { 25, 29 } });
	free(r);
}

/* An end below the start is an empty range wherever it is given. */
static void backward_ranges(void **state)
{
	struct hwdbm_iova_ranges *r = make(2);

	(void)state;
	hwdbm_iova_ranges_reset(r, 10, 99);
	assert_int_equal(hwdbm_iova_ranges_exclude(r, 50, 49), 0);
	assert_int_equal(hwdbm_iova_ranges_exclude(r, LAST, 0), 0);
	assert_ranges(r, 1, (struct hwdbm_iova_range[]){ { 10, 99 } });
	assert_false(hwdbm_iova_ranges_contain(r, 50, 49));
	assert_false(hwdbm_iova_ranges_contain(r, 50, 5));
	hwdbm_iova_ranges_clip(r, 50, 49);
	assert_int_equal(r->nr, 0);
	hwdbm_iova_ranges_reset(r, 1, 0);
	assert_int_equal(r->nr, 0);
	free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ends_of_the_world),
		cmocka_unit_test(split_without_room),
		cmocka_unit_test(backward_ranges),
		cmocka_unit_test(random_lives),
	};

	return cmocka_run_group_tests_name("iova_ranges", tests, random_setup,
					   NULL);
}
