// SPDX-License-Identifier: GPL-2.0-only
/*
 * src/dirty_policy.c: the tables row by row, every small set of facts against
 * the sentences of the policy, and a model in which pages are really lost
 * where a step is missing.
 */
#include "cmocka_shim.h"
#include "random.h"

#include "dirty_policy.h"

#define PINNED	HWDBM_POLICY_PINNED
#define HWDBM	HWDBM_POLICY_HWDBM
#define FULL	HWDBM_POLICY_FULL

static void uapi_values(void **state)
{
	(void)state;
	assert_int_equal(PINNED, 0);
	assert_int_equal(HWDBM, 1);
	assert_int_equal(FULL, 2);
}

static void choices(void **state)
{
	static const struct {
		struct hwdbm_policy_facts facts;
		enum hwdbm_policy policy;
		u32 reason;
	} row[] = {
		/* unpinned groups, domains, tracking, failed */
		{ { 0, 0, 0, 0 }, PINNED, VFIO_HWDBM_REASON_NO_DOMAIN },
		{ { 0, 1, 1, 0 }, PINNED, VFIO_HWDBM_REASON_NONE },
		{ { 0, 1, 0, 0 }, PINNED, VFIO_HWDBM_REASON_INCAPABLE },
		{ { 0, 1, 0, 1 }, PINNED, VFIO_HWDBM_REASON_HW_ERROR },
		{ { 1, 1, 1, 0 }, HWDBM, VFIO_HWDBM_REASON_NONE },
		{ { 3, 2, 2, 0 }, HWDBM, VFIO_HWDBM_REASON_NONE },
		{ { 1, 1, 0, 0 }, FULL, VFIO_HWDBM_REASON_INCAPABLE },
		{ { 2, 2, 1, 0 }, FULL, VFIO_HWDBM_REASON_INCAPABLE },
		{ { 2, 2, 1, 1 }, FULL, VFIO_HWDBM_REASON_HW_ERROR },
		{ { 3, 3, 1, 1 }, FULL, VFIO_HWDBM_REASON_HW_ERROR },
		{ { 1, 0, 0, 0 }, FULL, VFIO_HWDBM_REASON_NO_DOMAIN },
		/* contradictions */
		{ { 1, 1, 1, 1 }, FULL, VFIO_HWDBM_REASON_HW_ERROR },
		{ { 1, 1, 2, 0 }, FULL, VFIO_HWDBM_REASON_INCAPABLE },
		{ { 1, 0, 1, 0 }, FULL, VFIO_HWDBM_REASON_NO_DOMAIN },
		{ { 1, 0, 0, 1 }, FULL, VFIO_HWDBM_REASON_HW_ERROR },
	};
	unsigned int i;
	u32 reason;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(row); i++) {
		reason = 99;
		assert_int_equal(hwdbm_dirty_policy_choose(&row[i].facts,
							   &reason),
				 row[i].policy);
		assert_int_equal(reason, row[i].reason);
	}
}

/* The sentences of the policy, and that the reason explains FULL. */
static void choices_in_words(void **state)
{
	struct hwdbm_policy_facts f;
	enum hwdbm_policy policy;
	unsigned int i;
	u32 reason;

	(void)state;
	for (i = 0; i < 4 * 4 * 4 * 4; i++) {
		f = (struct hwdbm_policy_facts){ i & 3, i >> 2 & 3, i >> 4 & 3,
						 i >> 6 & 3 };
		policy = hwdbm_dirty_policy_choose(&f, &reason);
		assert_int_equal(policy == PINNED, f.groups_unpinned == 0);
		assert_int_equal(policy == HWDBM,
				 f.groups_unpinned && f.domains &&
				 f.domains_tracking == f.domains &&
				 !f.domains_failed);
		if (policy == FULL)
			assert_int_not_equal(reason, VFIO_HWDBM_REASON_NONE);
		if (policy == HWDBM)
			assert_int_equal(reason, VFIO_HWDBM_REASON_NONE);
	}
}

static void steps(void **state)
{
	static const struct {
		enum hwdbm_policy from, to;
		enum hwdbm_policy_step stays, leaves;
	} row[] = {
		{ PINNED, PINNED, HWDBM_STEP_NONE, HWDBM_STEP_NONE },
		{ PINNED, HWDBM, HWDBM_STEP_NONE, HWDBM_STEP_NONE },
		{ PINNED, FULL, HWDBM_STEP_NONE, HWDBM_STEP_NONE },
		{ HWDBM, PINNED, HWDBM_STEP_HARVEST, HWDBM_STEP_HARVEST },
		{ HWDBM, HWDBM, HWDBM_STEP_NONE, HWDBM_STEP_HARVEST },
		{ HWDBM, FULL, HWDBM_STEP_HARVEST, HWDBM_STEP_HARVEST },
		{ FULL, PINNED, HWDBM_STEP_POPULATE, HWDBM_STEP_POPULATE },
		{ FULL, HWDBM, HWDBM_STEP_POPULATE, HWDBM_STEP_POPULATE },
		{ FULL, FULL, HWDBM_STEP_NONE, HWDBM_STEP_NONE },
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(row); i++) {
		assert_int_equal(hwdbm_dirty_policy_step(row[i].from,
							 row[i].to, false),
				 row[i].stays);
		assert_int_equal(hwdbm_dirty_policy_step(row[i].from,
							 row[i].to, true),
				 row[i].leaves);
	}
}

/*
 * The model: 64 pages, up to four domains with a word of dirty bits each, a
 * software log, and what was written since it was last copied. A domain that
 * cannot track sets no bits. While drivers pin (unpinned == 0) writes go to
 * the software log, as pins do. GET under FULL answers everything and cleans
 * nothing, as nobody looks at the hardware then.
 */
struct model {
	unsigned int	unpinned;
	unsigned int	domains;
	bool		tracks[4];
	u64		hardware[4];
	u64		log;
	u64		owed;	/* written, and not reported since */
	enum hwdbm_policy policy;
};

static void harvest(struct model *m, unsigned int first, unsigned int last)
{
	for (; first <= last && first < m->domains; first++) {
		m->log |= m->hardware[first];
		m->hardware[first] = 0;
	}
}

static enum hwdbm_policy model_choose(const struct model *m)
{
	struct hwdbm_policy_facts f = { .groups_unpinned = m->unpinned,
					.domains = m->domains };
	unsigned int i;
	u32 reason;

	for (i = 0; i < m->domains; i++)
		f.domains_tracking += m->tracks[i];
	return hwdbm_dirty_policy_choose(&f, &reason);
}

static void model_drop(struct model *m, unsigned int d)
{
	m->domains--;
	m->tracks[d] = m->tracks[m->domains];
	m->hardware[d] = m->hardware[m->domains];
	if (m->unpinned > m->domains)
		m->unpinned = m->domains;
}

/* Change the groups; @drop is the domain to lose, or -1. */
static void model_change(struct model *m, const struct model *next, int drop)
{
	struct model after = *next;
	enum hwdbm_policy to;

	if (drop >= 0)
		model_drop(&after, drop);
	to = model_choose(&after);
	switch (hwdbm_dirty_policy_step(m->policy, to, drop >= 0)) {
	case HWDBM_STEP_NONE:
		break;
	case HWDBM_STEP_HARVEST:
		/* Not one domain more than the contract says. */
		if (to == m->policy)
			harvest(m, drop, drop);
		else
			harvest(m, 0, 3);
		break;
	case HWDBM_STEP_POPULATE:
		m->log = ~0ULL;
		break;
	}
	m->unpinned = next->unpinned;
	m->domains = next->domains;
	memcpy(m->tracks, next->tracks, sizeof(m->tracks));
	if (drop >= 0)
		model_drop(m, drop);
	m->policy = to;
}

static void model_write(struct model *m)
{
	u64 page = 1ULL << random_below(64);
	unsigned int d;

	if (m->unpinned) {
		d = random_below(m->domains);
		if (m->tracks[d])
			m->hardware[d] |= page;
	} else {
		m->log |= page;
	}
	m->owed |= page;
}

static void model_get(struct model *m)
{
	u64 answer;

	if (m->policy == FULL) {
		m->owed = 0;
		return;
	}
	if (m->policy == HWDBM)
		harvest(m, 0, 3);
	answer = m->log;
	m->log = 0;
	assert_true((m->owed & ~answer) == 0);
	m->owed = 0;
}

static void model_step(struct model *m)
{
	struct model next = *m;

	switch (random_below(8)) {
	case 0:
		if (m->domains == 4)
			break;
		next.tracks[next.domains] = !random_one_in(4);
		m->hardware[next.domains++] = 0;
		next.unpinned++;
		model_change(m, &next, -1);
		break;
	case 1:
		if (m->domains)
			model_change(m, &next, random_below(m->domains));
		break;
	case 2:		/* first pin by one group, or by all that are left */
		next.unpinned = random_one_in(2) || !m->unpinned ?
				0 : m->unpinned - 1;
		model_change(m, &next, -1);
		break;
	case 3:
		model_get(m);
		break;
	default:
		if (m->domains || !m->unpinned)
			model_write(m);
	}
}

static void nothing_is_lost(void **state)
{
	struct model m = { .policy = PINNED };
	unsigned int i;

	(void)state;
	for (i = 0; i < 400000; i++)
		model_step(&m);
	model_get(&m);
}

static void names(void **state)
{
	unsigned int i, j;

	(void)state;
	for (i = 0; i < 3; i++)
		for (j = 0; j < i; j++)
			assert_string_not_equal(hwdbm_dirty_policy_name(i),
						hwdbm_dirty_policy_name(j));
	for (i = 0; i < 4; i++)
		for (j = 0; j < i; j++)
			assert_string_not_equal(
				hwdbm_dirty_policy_reason_name(i),
				hwdbm_dirty_policy_reason_name(j));
	assert_string_equal(hwdbm_dirty_policy_name(HWDBM), "hwdbm");
	assert_string_equal(hwdbm_dirty_policy_name(3), "unknown");
	assert_string_equal(hwdbm_dirty_policy_reason_name(4), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(uapi_values),
		cmocka_unit_test(choices),
		cmocka_unit_test(choices_in_words),
		cmocka_unit_test(steps),
		cmocka_unit_test(nothing_is_lost),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests_name("dirty_policy", tests, random_setup,
					   NULL);
}
