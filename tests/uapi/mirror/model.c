// SPDX-License-Identifier: GPL-2.0-only
/*
 * A container, an IOMMU with a dirty bit a leaf and a device, in memory. It
 * exists to be wrong on purpose: each bug below must make the mirror test
 * fail, or the test could not see that bug in the module either.
 *
 * One lock stands for what makes hardware atomic: a DMA is translated and
 * done, or an invalidation is, never both at once.
 */
#include "bitmap.h"
#include "mirror.h"
#include "tap.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_MAPS 64

enum bug {
	BUG_NONE,
	BUG_NO_FLUSH,		/* bits are cleared, the IOTLB is not */
	BUG_LATE_FLUSH,		/* others may consume bits before the flush */
	BUG_HULL,		/* clears all between the first and the last */
	BUG_NO_REWALK,		/* writes through a clean IOTLB entry */
	BUG_KEEP_WRITE,		/* clean leaves are cached as dirty */
	BUG_DIRTY_ON_READ,
	BUG_PART_OF_LEAF,	/* CLEAR of a page cleans its whole leaf */
	BUG_NARROW_LEAF,	/* of a leaf, only its first page is reported */
	BUG_NOCLEAR_CLEARS,
	BUG_START_NO_FLUSH,
	BUG_UNMAP_FORGETS,	/* UNMAP does not look at the hardware */
	BUG_BORN_DIRTY,		/* new mappings are dirty */
	BUG_ZERO_HOLES,		/* writes bits that belong to no mapping */
	BUG_STOP_KEEPS,		/* START reports what was before STOP */
	BUG_READ_THEN_UNMAP,	/* what is written in between is lost */
	NR_BUGS
};

static const char *const bugs[NR_BUGS] = {
	"none", "no-flush", "late-flush", "hull", "no-rewalk", "keep-write",
	"dirty-on-read", "part-of-leaf", "narrow-leaf", "noclear-clears",
	"start-no-flush", "unmap-forgets", "born-dirty", "zero-holes",
	"stop-keeps", "read-then-unmap",
};

enum tlb { TLB_NONE, TLB_CLEAN, TLB_DIRTY };

struct model_map {
	char *vaddr;
	uint64_t iova, size;
};

struct model {
	struct target target;
	enum bug bug;
	uint64_t unit_pages;
	pthread_mutex_t lock;
	bool logging;
	struct model_map maps[MAX_MAPS];
	int nr_maps;
	uint8_t *hw, *tlb;	/* a unit each */
	uint8_t *sw;		/* a page each */
	uint32_t failed;	/* DMAs */
	char buffer[4096];
};

#define MODEL_PAGES (1ULL << 16)	/* 256 MiB from IOVA_BASE */

static struct model *model(struct target *t)
{
	return (struct model *)t;
}

static struct model_map *find(struct model *m, uint64_t iova)
{
	int i;

	for (i = 0; i < m->nr_maps; i++)
		if (iova - m->maps[i].iova < m->maps[i].size)
			return &m->maps[i];
	return NULL;
}

static int model_map(struct target *t, void *vaddr, uint64_t iova, uint64_t size)
{
	struct model *m = model(t);

	pthread_mutex_lock(&m->lock);
	if (m->nr_maps == MAX_MAPS)
		tap_bail("model: too many mappings");
	m->maps[m->nr_maps++] = (struct model_map){ vaddr, iova, size };
	if (m->bug == BUG_BORN_DIRTY && iova >= IOVA_BASE)
		m->sw[(iova - IOVA_BASE) / PAGE_4K] = 1;
	pthread_mutex_unlock(&m->lock);
	return 0;
}

static void translate(struct model *m, uint64_t unit, bool write)
{
	if (m->tlb[unit] == TLB_DIRTY)
		return;
	if (m->tlb[unit] == TLB_CLEAN && (!write || m->bug == BUG_NO_REWALK))
		return;
	if (write || m->bug == BUG_DIRTY_ON_READ)
		m->hw[unit] = 1;
	m->tlb[unit] = m->hw[unit] || m->bug == BUG_KEEP_WRITE ? TLB_DIRTY :
								 TLB_CLEAN;
}

static void dma_part(struct model *m, const struct model_map *map,
		     uint64_t iova, uint32_t offset, uint32_t n, bool write)
{
	char *ram = map->vaddr + (iova - map->iova);

	if (iova >= IOVA_BASE)
		translate(m, (iova - IOVA_BASE) / PAGE_4K / m->unit_pages, write);
	if (write)
		memcpy(ram, m->buffer + offset, n);
	else
		memcpy(m->buffer + offset, ram, n);
}

/* As with edu: of a DMA that fails the rest is done. */
static void dma(struct model *m, uint64_t iova, uint32_t offset, uint32_t n,
		bool write)
{
	bool refused = false;

	while (n) {
		uint32_t part = PAGE_4K - iova % PAGE_4K;
		struct model_map *map = find(m, iova);

		if (part > n)
			part = n;
		if (map)
			dma_part(m, map, iova, offset, part, write);
		refused |= !map;
		iova += part;
		offset += part;
		n -= part;
	}
	m->failed += refused;
}

static void model_fetch(struct target *t, uint64_t iova, uint32_t offset,
			uint32_t n)
{
	pthread_mutex_lock(&model(t)->lock);
	dma(model(t), iova, offset, n, false);
	pthread_mutex_unlock(&model(t)->lock);
}

static void model_store(struct target *t, uint64_t iova, uint32_t offset,
			uint32_t n)
{
	pthread_mutex_lock(&model(t)->lock);
	dma(model(t), iova, offset, n, true);
	pthread_mutex_unlock(&model(t)->lock);
}

static uint32_t model_failed(struct target *t)
{
	return model(t)->failed;
}

static void let_others_run(struct model *m, useconds_t us)
{
	pthread_mutex_unlock(&m->lock);
	usleep(us);
	pthread_mutex_lock(&m->lock);
}

/* Hardware to software, and then (but for the bugs) the invalidation. */
static void harvest(struct model *m, uint64_t first, uint64_t nr)
{
	uint64_t unit = first / m->unit_pages;
	uint64_t end = (first + nr + m->unit_pages - 1) / m->unit_pages;
	uint8_t *moved = calloc(1, end - unit);
	uint64_t u;

	if (!moved)
		tap_bail("no memory");
	for (u = unit; u < end; u++) {
		uint64_t leaf = u * m->unit_pages;

		if (!m->hw[u])
			continue;
		m->hw[u] = 0;
		moved[u - unit] = 1;
		memset(m->sw + leaf, 1, m->bug == BUG_NARROW_LEAF ? 1 :
							m->unit_pages);
	}
	if (m->bug == BUG_LATE_FLUSH)
		let_others_run(m, (useconds_t)random() % 4000);
	for (u = unit; u < end && m->bug != BUG_NO_FLUSH; u++)
		if (moved[u - unit])
			m->tlb[u] = TLB_NONE;
	free(moved);
}

/* Looks first, lets others run, and then clears more than it has seen. */
static void harvest_hull(struct model *m, uint64_t first, uint64_t nr)
{
	uint64_t unit, lo = UINT64_MAX, hi = 0;

	for (unit = first / m->unit_pages; unit < (first + nr) / m->unit_pages;
	     unit++) {
		if (!m->hw[unit])
			continue;
		lo = lo < unit ? lo : unit;
		hi = unit;
		memset(m->sw + unit * m->unit_pages, 1, m->unit_pages);
	}
	pthread_mutex_unlock(&m->lock);
	sched_yield();
	pthread_mutex_lock(&m->lock);
	for (unit = lo; unit <= hi && lo != UINT64_MAX; unit++) {
		m->hw[unit] = 0;
		m->tlb[unit] = TLB_NONE;
	}
}

static bool page_dirty(const struct model *m, uint64_t page, bool look)
{
	if (m->sw[page])
		return true;
	return look && m->hw[page / m->unit_pages];
}

/* One bit out: the OR of its mapped pages; false in @mapped if none is. */
static bool gather_bit(struct model *m, uint64_t page, uint64_t per_bit,
		       bool clean, bool *mapped)
{
	bool dirty = false;
	uint64_t i;

	*mapped = false;
	for (i = page; i < page + per_bit; i++) {
		if (!find(m, IOVA_BASE + i * PAGE_4K))
			continue;
		*mapped = true;
		dirty |= page_dirty(m, i, !clean);
		if (clean)
			m->sw[i] = 0;
	}
	return dirty;
}

static void report(struct model *m, uint64_t first, uint64_t nr,
		   uint64_t per_bit, void *bitmap, bool clean)
{
	uint64_t bit;

	if (clean && m->bug == BUG_HULL)
		harvest_hull(m, first, nr);
	else if (clean)
		harvest(m, first, nr);
	for (bit = 0; bit < nr / per_bit; bit++) {
		bool mapped, dirty;

		dirty = gather_bit(m, first + bit * per_bit, per_bit, clean,
				   &mapped);
		if (mapped || m->bug == BUG_ZERO_HOLES)
			bit_put(bitmap, bit, dirty);
	}
}

static void clear(struct model *m, uint64_t first, uint64_t nr,
		  uint64_t per_bit, const void *bitmap)
{
	uint64_t i;

	for (i = 0; i < nr; i++) {
		uint64_t page = first + i, unit = page / m->unit_pages;

		if (!bit_get(bitmap, i / per_bit))
			continue;
		if (m->bug == BUG_PART_OF_LEAF)
			memset(m->sw + unit * m->unit_pages, 0, m->unit_pages);
		if (m->bug == BUG_PART_OF_LEAF)
			m->hw[unit] = 0;
		harvest(m, page, 1);
		m->sw[page] = 0;
	}
}

static int model_range(struct target *t, uint32_t flag, uint64_t iova,
		       uint64_t size, uint64_t pgsize, void *bitmap,
		       uint64_t bytes)
{
	struct model *m = model(t);
	uint64_t first = (iova - IOVA_BASE) / PAGE_4K, nr = size / PAGE_4K;
	uint64_t per_bit = pgsize / PAGE_4K;

	if (!m->logging || bytes < bit_bytes(nr / per_bit))
		return -EINVAL;
	pthread_mutex_lock(&m->lock);
	if (flag == DIRTY_CLEAR)
		clear(m, first, nr, per_bit, bitmap);
	else
		report(m, first, nr, per_bit, bitmap, flag == DIRTY_GET ||
		       m->bug == BUG_NOCLEAR_CLEARS);
	pthread_mutex_unlock(&m->lock);
	return 0;
}

static int model_unmap_dirty(struct target *t, uint64_t iova, uint64_t size,
			     uint64_t pgsize, void *bitmap, uint64_t bytes)
{
	struct model *m = model(t);
	uint64_t first = (iova - IOVA_BASE) / PAGE_4K, nr = size / PAGE_4K;
	struct model_map *map;

	(void)bytes;
	pthread_mutex_lock(&m->lock);
	map = find(m, iova);
	if (!map || map->iova != iova || map->size != size)
		tap_bail("model: UNMAP of no mapping");
	if (m->bug == BUG_UNMAP_FORGETS)
		memset(m->hw + first / m->unit_pages, 0, nr / m->unit_pages);
	if (bitmap)
		report(m, first, nr, pgsize / PAGE_4K, bitmap, true);
	if (m->bug == BUG_READ_THEN_UNMAP)
		let_others_run(m, (useconds_t)random() % 4000);
	memset(m->sw + first, 0, nr);
	memset(m->hw + first / m->unit_pages, 0, nr / m->unit_pages);
	memset(m->tlb + first / m->unit_pages, 0, nr / m->unit_pages);
	*map = m->maps[--m->nr_maps];
	pthread_mutex_unlock(&m->lock);
	return 0;
}

static int model_unmap(struct target *t, uint64_t iova, uint64_t size)
{
	return model_unmap_dirty(t, iova, size, PAGE_4K, NULL, 0);
}

static int model_flag(struct target *t, uint32_t flag)
{
	struct model *m = model(t);

	pthread_mutex_lock(&m->lock);
	m->logging = flag == DIRTY_START;
	if (m->logging && m->bug != BUG_STOP_KEEPS) {
		memset(m->hw, 0, MODEL_PAGES);
		memset(m->sw, 0, MODEL_PAGES);
		if (m->bug != BUG_START_NO_FLUSH)
			memset(m->tlb, 0, MODEL_PAGES);
	}
	pthread_mutex_unlock(&m->lock);
	return 0;
}

static void model_close(struct target *t)
{
	struct model *m = model(t);

	free(m->hw);
	free(m->tlb);
	free(m->sw);
	free(m);
}

static const struct target_ops model_ops = {
	.map = model_map,
	.unmap = model_unmap,
	.unmap_dirty = model_unmap_dirty,
	.flag = model_flag,
	.range = model_range,
	.fetch = model_fetch,
	.store = model_store,
	.failed = model_failed,
	.close = model_close,
};

struct target *target_open_model(enum leaf leaf, const char *bug)
{
	struct model *m = calloc(1, sizeof(*m));
	int i;

	if (!m)
		tap_bail("no memory");
	for (i = 0; bug && i < NR_BUGS && strcmp(bugs[i], bug); i++)
		;
	if (bug && i == NR_BUGS)
		tap_bail("the model has no bug named %s", bug);
	m->bug = bug ? (enum bug)i : BUG_NONE;
	m->target.ops = &model_ops;
	m->unit_pages = leaf_bytes(leaf) / PAGE_4K;
	pthread_mutex_init(&m->lock, NULL);
	m->hw = calloc(1, MODEL_PAGES);
	m->tlb = calloc(1, MODEL_PAGES);
	m->sw = calloc(1, MODEL_PAGES);
	if (!m->hw || !m->tlb || !m->sw)
		tap_bail("no memory");
	return &m->target;
}
