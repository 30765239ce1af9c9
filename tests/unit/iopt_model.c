// SPDX-License-Identifier: GPL-2.0-only
#include "cmocka_shim.h"

#include <linux/bitops.h>
#include <linux/io.h>
#include <linux/limits.h>

#include "iopt_model.h"
#include "random.h"

#define ENTRIES		512
#define MOST_TABLES	4096
#define ADDRESS		0x000ffffffffff000ull

/* Bits of entries: AMD's specification, and Intel's second stage. */
#define AMD_PRESENT	(1ull << 0)
#define AMD_ACCESSED	(1ull << 5)
#define AMD_DIRTY	(1ull << 6)
#define AMD_COHERENT	(1ull << 60)
#define AMD_READ	(1ull << 61)
#define AMD_WRITE	(1ull << 62)
#define INTEL_READ	(1ull << 0)
#define INTEL_WRITE	(1ull << 1)
#define INTEL_LARGE	(1ull << 7)
#define INTEL_ACCESSED	(1ull << 8)
#define INTEL_DIRTY	(1ull << 9)
#define INTEL_SNOOP	(1ull << 11)

struct pt_table {
	u64	*entry;		/* a page of its own: ASan sees what is beyond */
	u64	*image;		/* what it should hold */
	u64	phys;
	unsigned int level;
	unsigned int owner[ENTRIES]; /* a leaf's number, counted from 1 */
};

struct pt pt;
static struct pt_table *tables[MOST_TABLES];
static unsigned int nr_tables;
static unsigned int room;

/* Bytes of an entry of each level, log2. */
static const unsigned int span_lg2[PT_LEVELS] = { 12, 21, 30, 39, 48, 57 };

static u64 span(unsigned int level)
{
	return 1ull << span_lg2[level];
}

u64 pt_d(void)
{
	return pt.amd ? AMD_DIRTY : INTEL_DIRTY;
}

u64 pt_w(void)
{
	return pt.amd ? AMD_WRITE : INTEL_WRITE;
}

u64 pt_end(void)
{
	return pt.levels == PT_LEVELS ? U64_MAX : span(pt.levels) - 1;
}

/* Each has a number, which is a part of its address: so that is found at once. */
static struct pt_table *table_at(u64 phys)
{
	u64 number = phys >> 12 & (MOST_TABLES - 1);

	/* A wrong address: of no table, or with bits that are none of it. */
	assert_true(number < nr_tables);
	assert_true(tables[number]->phys == phys);
	return tables[number];
}

u64 *pt_table_at(u64 phys)
{
	pt.asked++;
	return table_at(phys)->entry;
}

void *phys_to_virt(phys_addr_t phys)
{
	return pt_table_at(phys);
}

/* Whose entry this is; the last answer is often the next. */
static struct pt_table *table_of(const volatile void *entry)
{
	static unsigned int last;
	const volatile u64 *e = entry;
	unsigned int i;

	for (i = 0; i < nr_tables; i++) {
		struct pt_table *t = tables[(last + i) % nr_tables];

		if (e >= t->entry && e < t->entry + ENTRIES) {
			last = (last + i) % nr_tables;
			return t;
		}
	}
	fail_msg("touches what is no table");
	return NULL;
}

static struct pt_leaf *leaf_of(const volatile u64 *entry)
{
	struct pt_table *t = table_of(entry);
	unsigned int owner = t->owner[entry - t->entry];

	return owner ? &pt.leaf[owner - 1] : NULL;
}

static void set(u64 *entry, u64 value)
{
	struct pt_table *t = table_of(entry);

	*entry = value;
	t->image[entry - t->entry] = value;
}

static struct pt_table *new_table(unsigned int level)
{
	struct pt_table *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	assert_true(nr_tables < MOST_TABLES);
	t->level = level;
	t->entry = aligned_alloc(4096, 4096);
	t->image = calloc(ENTRIES, sizeof(u64));
	memset(t->entry, 0, 4096);
	t->phys = (random_u64() << 24 | (u64)nr_tables << 12) & ADDRESS &
		  ~pt.encrypted;
	tables[nr_tables++] = t;
	return t;
}

/* Bits that mean nothing to us are of any value. */
static u64 table_entry(const struct pt_table *t)
{
	u64 noise = random_u64();

	if (pt.amd)
		return AMD_PRESENT | (noise & AMD_ACCESSED) |
		       (u64)(t->level + 1) << 9 | t->phys | pt.encrypted |
		       AMD_READ | AMD_WRITE;
	return INTEL_READ | INTEL_WRITE | (noise & INTEL_ACCESSED) | t->phys;
}

static u64 amd_leaf(u64 phys, unsigned int lg2, unsigned int level, bool writable)
{
	u64 e = AMD_PRESENT | phys, noise = random_u64();

	/* Not its level's own size: that is the lowest 0 of the address. */
	if (lg2 != span_lg2[level])
		e |= 7 << 9 | (((1ull << (lg2 - 1)) - 1) & ADDRESS);
	if (writable)
		e |= AMD_WRITE;
	return e | (noise & (AMD_READ | AMD_ACCESSED | AMD_COHERENT | pt.encrypted));
}

/* Without any permission there would be no leaf. */
static u64 intel_leaf(u64 phys, unsigned int level, bool writable)
{
	u64 e = phys, noise = random_u64();

	if (level)
		e |= INTEL_LARGE;
	if (writable)
		e |= INTEL_WRITE;
	else
		e |= INTEL_READ;
	return e | (noise & (INTEL_READ | INTEL_ACCESSED | INTEL_SNOOP));
}

/* The table of a level on the way to @at, made if it is not there. */
static struct pt_table *table_for(u64 at, unsigned int level)
{
	struct pt_table *t = table_at(pt.top);
	u64 *e;

	while (t->level > level) {
		e = &t->entry[at / span(t->level) % ENTRIES];
		if (!*e)
			set(e, table_entry(new_table(t->level - 1)));
		t = table_at(*e & ADDRESS & ~pt.encrypted);
	}
	return t;
}

static unsigned int level_of_size(unsigned int lg2)
{
	unsigned int level = 0;

	while (level + 1 < PT_LEVELS && span_lg2[level + 1] <= lg2)
		level++;
	return level;
}

/* What the kernel's page table code makes. No AMD hardware knows 512 GiB. */
bool pt_size_ok(unsigned int lg2)
{
	if (lg2 < 12 || lg2 > 51 || level_of_size(lg2) >= pt.levels)
		return false;
	if (!pt.amd)
		return lg2 == 12 || lg2 == 21 || lg2 == 30;
	/* Memory is not as large as the bit that says that it is encrypted. */
	if (pt.encrypted && 1ull << (lg2 - 1) >= pt.encrypted)
		return false;
	return lg2 != 39;
}

void pt_map(u64 at, unsigned int lg2, bool writable)
{
	unsigned int level = level_of_size(lg2), i;
	struct pt_table *t = table_for(at, level);
	unsigned int index = at / span(level) % ENTRIES;
	u64 bytes = 1ull << lg2, e;
	u64 phys = (random_u64() | 1ull << 51) & ADDRESS & ~pt.encrypted & -bytes;

	assert_true(pt_size_ok(lg2) && !(at % bytes));
	assert_true(!pt.nr || at > pt.leaf[pt.nr - 1].last);
	if (pt.nr == room) {
		room = 2 * room + 64;
		pt.leaf = realloc(pt.leaf, room * sizeof(*pt.leaf));
		assert_non_null(pt.leaf);
	}
	pt.leaf[pt.nr++] = (struct pt_leaf){
		.first = at,
		.last = at + bytes - 1,
		.entry = &t->entry[index],
		.nr = bytes / span(level),
	};
	e = pt.amd ? amd_leaf(phys, lg2, level, writable) :
		     intel_leaf(phys, level, writable);
	for (i = 0; i < bytes / span(level); i++) {
		assert_int_equal(t->owner[index + i], 0);
		set(&t->entry[index + i], e);
		t->owner[index + i] = pt.nr;
	}
	pt.mapping_last = pt.nr - 1;
}

void pt_grow(void)
{
	struct pt_table *old = table_at(pt.top), *t = new_table(pt.levels);

	set(&t->entry[0], table_entry(old));
	pt.top = t->phys;
	pt.levels++;
}

static u64 *entry_at(u64 iova, unsigned int level)
{
	struct pt_table *t = table_at(pt.top);

	while (t->level > level)
		t = table_at(t->entry[iova / span(t->level) % ENTRIES] &
			     ADDRESS & ~pt.encrypted);
	return &t->entry[iova / span(level) % ENTRIES];
}

u64 pt_entry(u64 iova, unsigned int level)
{
	return *entry_at(iova, level);
}

u64 pt_break(u64 iova, unsigned int level, u64 entry)
{
	u64 *e = entry_at(iova, level), was = *e;

	set(e, entry);
	return was;
}

static u64 *down(u64 entry)
{
	return table_at(entry & ADDRESS & ~pt.encrypted)->entry;
}

static bool is_leaf(struct pt_hit *hit, u64 *entry, u64 iova, u64 step, u64 bytes)
{
	hit->entry = entry;
	hit->step = step;
	hit->first = iova - iova % bytes;
	hit->last = hit->first + bytes - 1;
	return true;
}

/* As the specification has the hardware do it, one level a call. */
static bool walk_amd(u64 *table, unsigned int level, u64 iova, struct pt_hit *hit)
{
	u64 *e = &table[iova / span(level) % ENTRIES], bit, bytes = 8192;

	hit->may_write &= !!(*e & AMD_WRITE);
	if (!(*e & AMD_PRESENT))
		return false;
	switch (*e >> 9 & 7) {
	case 0:
		return is_leaf(hit, e, iova, span(level), span(level));
	case 7:
		for (bit = 1 << 12; *e & bit; bit *= 2)
			bytes *= 2;
		return is_leaf(hit, e, iova, span(level), bytes);
	default:
		assert_int_equal(*e >> 9 & 7, level);
		return walk_amd(down(*e), level - 1, iova, hit);
	}
}

static bool walk_intel(u64 *table, unsigned int level, u64 iova, struct pt_hit *hit)
{
	u64 *e = &table[iova / span(level) % ENTRIES];

	hit->may_write &= !!(*e & INTEL_WRITE);
	if (!*e)
		return false;
	if (!level || *e & INTEL_LARGE)
		return is_leaf(hit, e, iova, span(level), span(level));
	return walk_intel(down(*e), level - 1, iova, hit);
}

bool pt_walk(u64 iova, struct pt_hit *hit)
{
	u64 *top = table_at(pt.top)->entry;

	hit->may_write = true;
	if (iova > pt_end())
		return false;
	return pt.amd ? walk_amd(top, pt.levels - 1, iova, hit) :
			walk_intel(top, pt.levels - 1, iova, hit);
}

struct pt_leaf *pt_leaf(u64 iova)
{
	unsigned int low = 0, high = pt.nr;

	while (low < high) {
		unsigned int middle = (low + high) / 2;

		if (pt.leaf[middle].last < iova)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == pt.nr || pt.leaf[low].first > iova)
		return NULL;
	return &pt.leaf[low];
}

bool pt_dirty(const struct pt_leaf *l)
{
	unsigned int i;

	for (i = 0; i < l->nr; i++)
		if (l->entry[i] & pt_d())
			return true;
	return false;
}

/* In one of its entries, as the hardware does, or in several. */
void pt_make_dirty(struct pt_leaf *l)
{
	u64 *e;

	do {
		e = &l->entry[random_below(l->nr)];
		set(e, *e | pt_d());
	} while (random_one_in(2));
}

u64 pt_first(void)
{
	return pt.leaf[pt.mapping].first;
}

u64 pt_last(void)
{
	return pt.leaf[pt.mapping_last].last;
}

bool pt_write(u64 iova)
{
	struct pt_leaf *l = pt_leaf(iova);
	struct pt_hit hit;

	if (!l)
		return false;
	if (!l->cached) {
		if (!pt_walk(iova, &hit) || !hit.may_write)
			return false;
		assert_true(hit.first == l->first && hit.last == l->last);
		set(hit.entry, *hit.entry | pt_d());
		l->cached = true;
	}
	l->written = true;
	return true;
}

void pt_flush(u64 first, u64 last)
{
	unsigned int i;

	for (i = 0; i < pt.nr; i++)
		if (pt.leaf[i].first <= last && pt.leaf[i].last >= first)
			pt.leaf[i].cached = false;
}

/* Near what is looked at, or anywhere. */
static void write_somewhere(void)
{
	unsigned int i = random_below(pt.nr);
	struct pt_leaf *l;

	if (random_one_in(2))
		i = (pt.hot + random_below(3)) % pt.nr;
	l = &pt.leaf[i];
	if (random_one_in(4))
		l->cached = false;
	pt_write(l->first + random_below(l->last - l->first));
}

void pt_chance(void)
{
	pt.chances++;
	if (pt.device && random_one_in(pt.device))
		write_somewhere();
	if (pt.chances == pt.write_chance)
		pt_write(pt.write_at);
	if (pt.chances == pt.grow_chance)
		pt_grow();
}

static void before_access(const volatile void *where)
{
	struct pt_leaf *l = leaf_of(where);

	if (l)
		pt.hot = l - pt.leaf;
	pt_chance();
}

static void bit_cleared(volatile unsigned long *word, unsigned int bit)
{
	struct pt_table *t = table_of(word);
	u64 *image = &t->image[(volatile u64 *)word - t->entry];
	struct pt_leaf *l = leaf_of((volatile u64 *)word);
	u64 mask = 1ull << bit;

	/* Of leaves only, and of these only two bits. */
	assert_non_null(l);
	assert_true(mask == pt_d() || mask == pt_w());
	if (mask == pt_d() && *image & mask)
		l->cleaned = l->owed = true;
	if (mask == pt_w() && *image & mask)
		l->sealed = true;
	*image &= ~mask;
}

void pt_calm(void)
{
	pt.device = 0;
	pt.write_chance = 0;
	pt.grow_chance = 0;
}

void pt_begin(void)
{
	struct pt_leaf *l;

	for (l = pt.leaf; l < pt.leaf + pt.nr; l++) {
		l->before = pt_dirty(l);
		l->written = l->cleaned = l->sealed = l->owed = l->recorded = false;
	}
	pt.chances = 0;
	pt.asked = 0;
}

void pt_check_tables(void)
{
	unsigned int i;

	for (i = 0; i < nr_tables; i++)
		assert_memory_equal(tables[i]->entry, tables[i]->image, 4096);
}

void pt_free(void)
{
	while (nr_tables) {
		struct pt_table *t = tables[--nr_tables];

		free(t->entry);
		free(t->image);
		free(t);
	}
	free(pt.leaf);
	pt.leaf = NULL;
	pt.nr = room = 0;
}

void pt_new(bool amd, unsigned int levels, u64 encrypted)
{
	pt_free();
	pt = (struct pt){
		.amd = amd,
		.levels = levels,
		.encrypted = amd ? encrypted : 0,
	};
	pt.top = new_table(levels - 1)->phys;
	shim_before_access = before_access;
	shim_bit_cleared = bit_cleared;
}
