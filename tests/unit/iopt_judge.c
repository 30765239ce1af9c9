// SPDX-License-Identifier: GPL-2.0-only
/* What a pass over the model's tables may do, and what it has to. */
#include "cmocka_shim.h"

#include "iopt_model.h"

void pt_record(u64 first, u64 last, bool clear)
{
	struct pt_leaf *l = pt_leaf(first);

	assert_non_null(l);
	assert_int_equal(first, l->first);
	assert_int_equal(last, l->last);
	/* Once each time that it was cleaned, and after; or while it is dirty. */
	assert_true(clear ? l->owed : pt_dirty(l));
	l->recorded = true;
	l->owed = false;
	pt_chance();
}

static void judge_leaf(const struct pt_pass *pass, const struct pt_leaf *l)
{
	bool asked = pass->asked(l, pass->ctx), was = l->before || l->written;

	assert_true(was || !l->recorded);
	assert_true(l->recorded || pt_dirty(l) || !was);
	assert_false(l->owed);
	assert_false(l->sealed);
	if (!asked)
		assert_false(l->recorded);
	if (!asked || !pass->clear)
		assert_false(l->cleaned);
	if (!asked || !pass->worked)
		return;
	if (l->before)
		assert_true(l->recorded);
	/* Dirty in the end: only by a write. */
	if (pass->clear)
		assert_true(!pt_dirty(l) || l->written);
}

void pt_judge(const struct pt_pass *pass)
{
	unsigned int i;

	for (i = 0; i < pt.nr; i++)
		judge_leaf(pass, &pt.leaf[i]);
	pt_check_tables();
}

void pt_judge_flushed(void)
{
	unsigned int i;

	for (i = 0; i < pt.nr; i++)
		assert_true(!pt.leaf[i].cached || pt_dirty(&pt.leaf[i]));
}

u64 *pt_snapshot(void)
{
	unsigned long n = 0;
	unsigned int i, j;
	u64 *was;

	for (i = 0; i < pt.nr; i++)
		n += pt.leaf[i].nr;
	was = malloc(n * sizeof(*was));
	assert_non_null(was);
	for (i = 0, n = 0; i < pt.nr; i++)
		for (j = 0; j < pt.leaf[i].nr; j++)
			was[n++] = pt.leaf[i].entry[j];
	return was;
}

void pt_check_snapshot(u64 *was, u64 first, u64 last, u64 bit)
{
	unsigned long n = 0;
	struct pt_leaf *l;
	unsigned int j;

	for (l = pt.leaf; l < pt.leaf + pt.nr; l++) {
		bool meets = l->first <= last && l->last >= first;

		for (j = 0; j < l->nr; j++, n++)
			assert_int_equal(l->entry[j],
					 meets ? was[n] & ~bit : was[n]);
	}
	free(was);
	pt_check_tables();
}
