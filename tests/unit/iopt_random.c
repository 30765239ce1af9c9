// SPDX-License-Identifier: GPL-2.0-only
/* Random page tables: where errors would be is more likely. */
#include "cmocka_shim.h"
#include "random.h"

#include <linux/limits.h>
#include <linux/minmax.h>

#include "iopt_model.h"

/* Levels of VT-d are 3 to 5. */
void pt_random_format(void)
{
	static const u64 encrypted[] = { 0, 1ull << 43, 1ull << 47, 1ull << 51 };
	bool amd = !random_one_in(3);

	pt_new(amd, amd ? 1 + random_below(6) : 3 + random_below(3),
	       encrypted[random_below(ARRAY_SIZE(encrypted))]);
}

/* Just below the border of a table, of whatever level; or just anywhere. */
static u64 random_start(void)
{
	u64 at = random_u64() & pt_end(), border = 1ull << random_below(64);
	u64 back = random_below(700) << 12;

	if (random_one_in(3))
		back = 1ull << random_below(50);
	if (random_one_in(2))
		border = 1ull << (21 + 9 * random_below(5));
	at &= -border;
	if (random_one_in(8))
		at = pt_end();
	if (random_one_in(8))
		at = 0;
	return (at > back ? at - back : 0) & -4096ull;
}

/* Of the sizes that fit at @at one: any, or the largest. */
static unsigned int random_size(u64 at, unsigned int most, bool largest)
{
	unsigned int lg2, fit[64], nr = 0;

	if (at > pt_end())
		return 0;
	for (lg2 = 12; lg2 <= most; lg2++) {
		if (at & ((1ull << lg2) - 1) || !pt_size_ok(lg2) ||
		    pt_end() - at < (1ull << lg2) - 1)
			continue;
		/* The end of all addresses is nobody's. */
		if (at + ((1ull << lg2) - 1) != U64_MAX)
			fit[nr++] = lg2;
	}
	if (!nr)
		return 0;
	return fit[largest ? nr - 1 : random_below(nr)];
}

void pt_random(void)
{
	static const unsigned int most[] = { 12, 13, 16, 21, 30, 51, 51, 51 };
	unsigned int n = 1 + random_below(1 << random_below(11));
	unsigned int lg2, limit = most[random_below(ARRAY_SIZE(most))];
	unsigned int often = 1 + random_below(6);
	u64 at;

	do {
		pt_random_format();
		at = random_start();
		while (n--) {
			lg2 = random_size(at, limit, random_one_in(often));
			if (!lg2)
				break;
			pt_map(at, lg2, !random_one_in(8));
			at += 1ull << lg2;
		}
		n = 1;
	} while (!pt.nr);
	pt.mapping = random_below(min(pt.nr, 4u));
	pt.mapping_last = pt.nr - 1 - random_below(min(pt.nr - pt.mapping, 4u));
}

void pt_scatter(void)
{
	static const unsigned int density[] = { 1, 2, 3, 8, 40, 300 };
	unsigned int n = density[random_below(ARRAY_SIZE(density))], i;

	for (i = 0; i < pt.nr; i++)
		if (random_one_in(n))
			pt_make_dirty(&pt.leaf[i]);
	for (i = random_below(4); i; i--)
		pt_make_dirty(&pt.leaf[random_below(pt.nr)]);
	for (i = 0; i < pt.nr; i++)
		pt.leaf[i].cached = pt_dirty(&pt.leaf[i]) &&
				    (*pt.leaf[i].entry & pt_w()) &&
				    random_one_in(2);
}

u64 pt_random_page(void)
{
	unsigned int leaves = pt.mapping_last - pt.mapping + 1;
	struct pt_leaf *l = &pt.leaf[pt.mapping + random_below(leaves)];
	u64 at = l->first, bytes = l->last - l->first + 1;

	switch (random_below(4)) {
	case 0:
		at += random_below(bytes);
		break;
	case 1:
		at = l->last - random_below(min(bytes, (u64)4 << 12));
		break;
	case 2:
		at += random_below(min(bytes, (u64)4 << 12));
		break;
	}
	return at & -4096ull;
}

void pt_random_range(u64 *first, u64 *last)
{
	u64 a = random_one_in(3) ? pt_first() : pt_random_page();
	u64 b = random_one_in(3) ? pt_last() & -4096ull : pt_random_page();

	*first = min(a, b);
	*last = max(a, b) + 4095;
}
