// SPDX-License-Identifier: GPL-2.0-only
/*
 * What drivers/iommu/{amd,intel,arm-smmu-v3} have in common when they read
 * dirty bits: they go from the address they are given by the size of the leaf
 * or hole found there, without aligning down, and without CONFIG_IOMMUFD they
 * tell the first and last byte of what was dirty. At least one step is made.
 */
#include "cmocka_shim.h"
#include "random.h"

#include <linux/bitops.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include "compat/compat.h"
#include "leaf_model.h"

#define EVERY_SIZE(from)	((2UL * SZ_1G - 1) & ~((from) - 1UL))

struct model model;

void model_calm(void)
{
	model.fail_call = 0;
	model.lie = TRUTH;
	model.lie_call = 0;
	model.device = 0;
	model.write_chance = 0;
}

void model_begin(unsigned long most_calls)
{
	struct leaf *l;

	for (l = model.leaf; l < model.leaf + model.nr; l++) {
		l->before = l->dirty;
		l->written = l->cleaned = l->owed = l->recorded = false;
	}
	model.chances = model.calls = model.steps = model.lies = 0;
	model.burst = model.burst_now = 0;
	model.rescheds = shim_rescheds;
	model.most_calls = most_calls;
}

static unsigned long find(u64 iova)
{
	unsigned long low = 0, high = model.nr, mid;

	while (low < high) {
		mid = (low + high) / 2;
		if (model.leaf[mid].last < iova)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

struct leaf *model_leaf(u64 iova)
{
	unsigned long i = find(iova);

	return i < model.nr && model.leaf[i].first <= iova ? &model.leaf[i] :
							     NULL;
}

u64 model_first(void)
{
	return model.leaf[model.mapping].first;
}

u64 model_last(void)
{
	return model.leaf[model.mapping_last].last;
}

u64 model_unit(void)
{
	unsigned long sizes = model.domain.pgsize_bitmap;

	return max(sizes & -sizes, PAGE_SIZE);
}

void model_write(unsigned long leaf)
{
	model.leaf[leaf].dirty = true;
	model.leaf[leaf].written = true;
}

/* Near the place @i that is read, where a race is, or anywhere. */
static void write_near(unsigned long i)
{
	if (random_one_in(3))
		i = random_below(model.nr);
	else
		i += random_below(7) - 3;
	if (i < model.nr)
		model_write(i);
}

static void chance_at(unsigned long i)
{
	if (++model.chances == model.write_chance)
		model_write(model.write_leaf);
	if (model.device && random_one_in(model.device))
		write_near(i);
}

void model_chance(void)
{
	chance_at(random_below(model.nr));
}

static void count_step(void)
{
	model.steps++;
	if (model.rescheds != shim_rescheds)
		model.burst_now = 0;
	model.rescheds = shim_rescheds;
	model.burst_now++;
	model.burst = max(model.burst, model.burst_now);
}

static void found_leaf(struct leaf *l, u64 iova, bool clear,
		       struct iommu_iotlb_gather *found)
{
	if (!l->dirty)
		return;
	if (clear) {
		l->dirty = false;
		l->cleaned = l->owed = true;
	}
	found->start = min(found->start, iova);
	found->end = max(found->end, iova + (l->last - l->first));
}

/* One step from @iova; returns its length. */
static u64 step(u64 iova, bool clear, struct iommu_iotlb_gather *found)
{
	struct leaf *l = model_leaf(iova);

	count_step();
	chance_at(find(iova));
	/* Not a step out of the mapping, which is all that the caller keeps. */
	assert_non_null(l);
	assert_in_range(iova, model_first(), model_last());
	found_leaf(l, iova, clear, found);
	return l->last - l->first + 1;
}

static void lie(u64 iova, u64 size, struct iommu_iotlb_gather *found)
{
	u64 unit = model_unit(), bytes;

	if (!model.lie || model.calls < model.lie_call ||
	    !hwdbm_compat_found_dirty(found))
		return;
	bytes = found->end - found->start + 1;
	model.lies++;
	if (model.lie == LIE_SIZE)
		found->end += is_power_of_2(bytes + unit) ? 2 * unit : unit;
	else if (model.lie == LIE_HUGE)
		found->end = found->start + (1ULL << 40) - 1;
	else if (model.lie == LIE_BELOW && iova)
		found->start = random_one_in(2) ? 0 : iova - 1;
	else if (model.lie == LIE_ABOVE || model.lie == LIE_BELOW)
		found->start = iova + size, found->end = found->start + unit - 1;
}

int hwdbm_compat_read_dirty(struct iommu_domain *domain, unsigned long iova,
			    size_t size, bool clear,
			    struct iommu_iotlb_gather *found)
{
	u64 at = iova, end = iova + size - 1;

	assert_ptr_equal(domain, &model.domain);
	assert_true(size && end >= iova);
	assert_true(++model.calls <= model.most_calls);
	found->start = ~0UL;
	found->end = 0;
	chance_at(find(iova));
	if (model.calls == model.fail_call)
		return -ENODEV;
	do {
		at += step(at, clear, found);
	} while (at < end);
	lie(iova, size, found);
	chance_at(find(iova));
	return 0;
}

bool hwdbm_compat_gather_reader_works(const struct iommu_domain *domain)
{
	return domain == &model.domain;
}

void model_empty(unsigned long pgsizes)
{
	model.domain.pgsize_bitmap = pgsizes;
	model.nr = 0;
}

void model_append(u64 at, u64 bytes)
{
	assert_true(is_power_of_2(bytes) && !(at & (bytes - 1)));
	assert_true(model.domain.pgsize_bitmap & bytes);
	if (model.nr == model.room) {
		model.room = 2 * model.room + 64;
		model.leaf = realloc(model.leaf,
				     model.room * sizeof(*model.leaf));
		assert_non_null(model.leaf);
	}
	model.leaf[model.nr++] = (struct leaf){
		.first = at,
		.last = at + bytes - 1,
	};
	model.mapping = 0;
	model.mapping_last = model.nr - 1;
}

void model_free(void)
{
	free(model.leaf);
	memset(&model, 0, sizeof(model));
}

static unsigned long lowest(unsigned long sizes)
{
	return sizes & -sizes;
}

static unsigned long any_of(unsigned long sizes)
{
	unsigned long skip = random_below(__builtin_popcountl(sizes));

	while (skip--)
		sizes &= sizes - 1;
	return lowest(sizes);
}

/*
 * Often the smallest leaf right behind a large one, and often the largest, so
 * that there are large ones. Once the choices are used up, as few as possible.
 */
static u64 pick_size(u64 at, u64 room, unsigned int *choices)
{
	unsigned long sizes = model.domain.pgsize_bitmap;

	if (at)
		sizes &= 2 * lowest(at) - 1;
	sizes &= 2 * rounddown_pow_of_two(room) - 1;
	if (*choices && sizes != lowest(sizes)) {
		(*choices)--;
		if (random_one_in(2))
			return random_one_in(2) ? lowest(sizes) : any_of(sizes);
	}
	return rounddown_pow_of_two(sizes);
}

/* VT-d, AMD, SMMUv3, and domains whose smallest leaf is no 4 KiB page. */
static unsigned long random_sizes(void)
{
	static const unsigned long some[] = {
		SZ_4K | SZ_2M | SZ_1G, SZ_4K | SZ_2M | SZ_1G,
		EVERY_SIZE(SZ_4K), EVERY_SIZE(SZ_4K), EVERY_SIZE(SZ_4K),
		SZ_4K | SZ_2M, SZ_4K, EVERY_SIZE(SZ_1K), SZ_1K | SZ_4K,
		SZ_16K | SZ_32M, SZ_64K | SZ_512M, EVERY_SIZE(SZ_16K),
		SZ_4M | SZ_1G,
	};

	return some[random_below(ARRAY_SIZE(some))];
}

/* Where @bytes begin: at 0, below 2^48 or 2^57, around a boundary, anywhere. */
static u64 random_place(u64 bytes, u64 unit)
{
	u64 most = (1ULL << (random_one_in(2) ? 48 : 57)) - bytes, at;

	switch (random_below(6)) {
	case 0:
		return random_below(3) * unit;
	case 1:
		return most - random_below(2) * unit;
	case 2:
	case 3:
		at = (1 + random_below(1 << 12)) << 30;
		return at - min(at, random_below(600) * unit);
	default:
		at = random_below(most);
		return at & -(unit << random_below(12));
	}
}

void model_random(void)
{
	unsigned long sizes = random_sizes(), other;
	unsigned int choices = random_below(random_one_in(2) ? 12 : 60);
	u64 unit, most, bytes, at, end;

	model_empty(sizes);
	unit = model_unit();
	/* Less where it would be too many leaves. */
	most = sizes & (SZ_1G | SZ_512M) ? 4ULL * SZ_1G :
	       sizes & (SZ_2M | SZ_32M) ? SZ_512M : SZ_32M;
	bytes = unit + (random_below(most) >> random_below(22) & -unit);
	at = random_place(bytes, unit);
	for (end = at + bytes; at < end; at = model.leaf[model.nr - 1].last + 1)
		model_append(at, pick_size(at, end - at, &choices));

	/* Cut it in three where a page is not cut. */
	model.mapping = random_one_in(2) ? 0 : random_below(model.nr);
	other = random_one_in(2) ? model.nr - 1 : random_below(model.nr);
	model.mapping_last = max(model.mapping, other);
	model.mapping = min(model.mapping, other);
	while (model_first() & (unit - 1))
		model.mapping--;
	while ((model_last() + 1) & (unit - 1))
		model.mapping_last++;
}

void model_scatter(void)
{
	static const unsigned int density[] = { 1, 2, 3, 8, 40, 300 };
	unsigned int n = density[random_below(ARRAY_SIZE(density))];
	unsigned long i;

	for (i = 0; i < model.nr; i++)
		model.leaf[i].dirty = random_one_in(n);
	if (random_one_in(8))
		for (i = 0; i < model.nr; i++)
			model.leaf[i].dirty = false;
	for (i = random_below(4); i; i--)
		model.leaf[random_below(model.nr)].dirty = true;
}

/* A page of the mapping, often at the edge of a leaf; its first byte. */
static u64 random_page(void)
{
	unsigned long leaves = model.mapping_last - model.mapping + 1;
	struct leaf *l = &model.leaf[model.mapping + random_below(leaves)];
	u64 unit = model_unit(), at = l->first;

	switch (random_below(4)) {
	case 0:
		at += random_below(l->last - l->first + 1);
		break;
	case 1:
		at = l->last - random_below(min(4 * unit, at - model_first() + 1));
		break;
	case 2:
		at += random_below(min(4 * unit, model_last() - at + 1));
		break;
	}
	return at & -unit;
}

void model_random_range(u64 *first, u64 *last)
{
	u64 a = random_one_in(3) ? model_first() : random_page();
	u64 b = random_one_in(3) ? model_last() & -model_unit() : random_page();

	*first = min(a, b);
	*last = max(a, b) + model_unit() - 1;
}
