// SPDX-License-Identifier: GPL-2.0-only
/* The model: policy, mappings and the log. See model.h. */
#include "bitmap.h"
#include "model.h"
#include "tap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const bugs[NR_BUGS] = {
	"none", "no-flush", "late-flush", "no-harvest", "no-populate",
	"no-promote", "unpin-forgets", "rw-forgets", "clear-next", "get-coarse",
	"unmap-forgets", "born-dirty", "start-old", "replay-hole", "leak",
	"error-clean",
};

struct model_world mw = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.log_lock = PTHREAD_MUTEX_INITIALIZER,
	.released = PTHREAD_COND_INITIALIZER,
};

struct model_map *model_find(uint64_t iova)
{
	int i;

	for (i = 0; i < mw.nr_maps; i++)
		if (iova - mw.maps[i].iova < mw.maps[i].size)
			return &mw.maps[i];
	return NULL;
}

int model_due(unsigned int iommu, unsigned int op)
{
	struct sim_order *o = &mw.orders[iommu][op];

	if (!o->nth || --o->nth)
		return 0;
	if (--o->times)
		o->nth = 1;
	mw.watches[iommu].failed[op]++;
	return -(int)o->error;
}

bool model_iommu_in(unsigned int iommu)
{
	int i;

	for (i = 0; i < model.nr_devs; i++)
		if (model.devs[i].dma && mw.in[i] && model.devs[i].iommu == iommu)
			return true;
	return false;
}

unsigned int model_policy_now(void)
{
	bool unpinned = false, capable = true;
	int i;

	for (i = 0; i < model.nr_devs; i++) {
		const struct stage_dev *d = &model.devs[i];

		if (!d->dma || !mw.in[i])
			continue;
		unpinned |= !mw.promoted[i];
		capable &= d->tracks && !mw.failed[d->iommu];
	}
	if (!unpinned)
		return VFIO_HWDBM_POLICY_PINNED;
	return capable ? VFIO_HWDBM_POLICY_HWDBM : VFIO_HWDBM_POLICY_FULL;
}

static void wait_released(unsigned int iommu)
{
	if (mw.bug == BUG_LATE_FLUSH)
		pthread_mutex_unlock(&mw.log_lock);
	while (mw.held[iommu])
		pthread_cond_wait(&mw.released, &mw.lock);
	if (mw.bug == BUG_LATE_FLUSH) {
		pthread_mutex_unlock(&mw.lock);
		pthread_mutex_lock(&mw.log_lock);
		pthread_mutex_lock(&mw.lock);
	}
}

/* To software, of one page of one IOMMU. */
static void harvest_page(struct model_map *m, unsigned int iommu, uint64_t page)
{
	if (!m->hw[iommu][page])
		return;
	if (model_due(iommu, SIM_OP_READ)) {
		mw.failed[iommu] = mw.bug != BUG_ERROR_CLEAN;
		return;
	}
	m->hw[iommu][page] = 0;
	m->sw[page] = 1;
	wait_released(iommu);
	if (mw.bug != BUG_NO_FLUSH)
		m->tlb[iommu][page] = 0;
}

static void harvest_all(unsigned int iommu)
{
	uint64_t page;
	int i;

	for (i = 0; i < mw.nr_maps; i++)
		for (page = 0; page < mw.maps[i].size / PAGE_4K; page++)
			harvest_page(&mw.maps[i], iommu, page);
}

static void populate(void)
{
	int i;

	for (i = 0; i < mw.nr_maps && mw.bug != BUG_NO_POPULATE; i++)
		memset(mw.maps[i].sw, 1, mw.maps[i].size / PAGE_4K);
}

/* @from is over: what it knew goes to software. */
void model_leave(unsigned int from, unsigned int gone)
{
	unsigned int i, now = model_policy_now();
	bool skip;

	if (!mw.logging || from == VFIO_HWDBM_POLICY_PINNED)
		return;
	if (from == VFIO_HWDBM_POLICY_FULL && now != from)
		populate();
	skip = gone == NR_IOMMUS ? mw.bug == BUG_NO_PROMOTE : mw.bug == BUG_NO_HARVEST;
	if (from != VFIO_HWDBM_POLICY_HWDBM || skip)
		return;
	for (i = 0; i < NR_IOMMUS; i++)
		if (now != from || i == gone)
			harvest_all(i);
	for (i = 0; i < NR_IOMMUS; i++)
		if (mw.failed[i] && (i == gone || model_iommu_in(i)))
			populate();
}

static bool pinned(const struct model_map *m, uint64_t page)
{
	int i;

	for (i = 0; i < model.nr_devs; i++)
		if (m->pins[i][page])
			return true;
	return false;
}

void model_fresh_iommu(unsigned int iommu)
{
	int i;

	mw.failed[iommu] = false;
	for (i = 0; i < mw.nr_maps; i++) {
		memset(mw.maps[i].hw[iommu], 0, mw.maps[i].size / PAGE_4K);
		memset(mw.maps[i].tlb[iommu], 0, mw.maps[i].size / PAGE_4K);
		memset(mw.maps[i].hole[iommu], 0, mw.maps[i].size / PAGE_4K);
		mw.maps[i].hole[iommu][0] = mw.bug == BUG_REPLAY_HOLE;
	}
}

void model_unmap_nth(int nth)
{
	int i;

	free(mw.maps[nth].sw);
	for (i = 0; i < NR_IOMMUS; i++) {
		free(mw.maps[nth].hw[i]);
		free(mw.maps[nth].tlb[i]);
		free(mw.maps[nth].hole[i]);
	}
	for (i = 0; i < MAX_DEVS; i++)
		free(mw.maps[nth].pins[i]);
	mw.maps[nth] = mw.maps[--mw.nr_maps];
}

/* ---- mappings ---- */

static int model_map(void *vaddr, uint64_t iova, uint64_t size, uint32_t flags)
{
	uint64_t n = size / PAGE_4K;
	struct model_map *m = &mw.maps[mw.nr_maps];
	int i;

	pthread_mutex_lock(&mw.log_lock);
	pthread_mutex_lock(&mw.lock);
	m = &mw.maps[mw.nr_maps++];
	*m = (struct model_map){ vaddr, iova, size, !(flags & VFIO_DMA_MAP_FLAG_WRITE),
				 .sw = calloc(1, n) };
	for (i = 0; i < NR_IOMMUS; i++) {
		m->hw[i] = calloc(1, n);
		m->tlb[i] = calloc(1, n);
		m->hole[i] = calloc(1, n);
	}
	for (i = 0; i < MAX_DEVS; i++)
		m->pins[i] = calloc(1, n);
	if (mw.bug == BUG_BORN_DIRTY)
		m->sw[0] = 1;
	pthread_mutex_unlock(&mw.lock);
	pthread_mutex_unlock(&mw.log_lock);
	return 0;
}

/* One bit out of @per pages from @iova. */
static void report_bit(uint64_t iova, uint64_t per, void *bitmap, uint64_t bit,
		       bool clear)
{
	bool dirty = false, any = false;
	uint64_t i;

	for (i = 0; i < per; i++) {
		struct model_map *m = model_find(iova + i * PAGE_4K);
		uint64_t page, d;

		if (!m)
			continue;
		page = (iova + i * PAGE_4K - m->iova) / PAGE_4K;
		for (d = 0; model_policy_now() == VFIO_HWDBM_POLICY_HWDBM && d < NR_IOMMUS; d++) {
			if (clear)
				harvest_page(m, (unsigned int)d, page);
			else
				dirty |= m->hw[d][page];
		}
		if (!any || mw.bug != BUG_GET_COARSE)
			dirty |= model_policy_now() == VFIO_HWDBM_POLICY_FULL ||
				 m->sw[page] || pinned(m, page);
		any = true;
		if (clear && model_policy_now() != VFIO_HWDBM_POLICY_FULL)
			m->sw[page] = 0;
	}
	if (any)
		bit_put(bitmap, bit, dirty);
}

/* Only where something is mapped, or it would take for ever. */
static void report(uint64_t iova, uint64_t size, uint64_t pgsize, void *bitmap,
		   bool clear)
{
	uint8_t *seen = calloc(1, bit_bytes(size == ~0ULL ? 1ULL << 21 :
							   size / pgsize));
	uint64_t bit;
	int i;

	for (i = 0; i < mw.nr_maps; i++) {
		const struct model_map *m = &mw.maps[i];

		if (m->iova < iova || m->iova - iova >= size)
			continue;
		for (bit = (m->iova - iova) / pgsize;
		     bit <= (m->iova + m->size - 1 - iova) / pgsize; bit++) {
			if (!bit_get(seen, bit))
				report_bit(iova + bit * pgsize, pgsize / PAGE_4K,
					   bitmap, bit, clear);
			bit_put(seen, bit, true);
		}
	}
	free(seen);
}

static int model_unmap(uint64_t iova, uint64_t size, uint32_t flags,
		       struct vfio_bitmap *bitmap, uint64_t *unmapped)
{
	int i;

	if (flags & VFIO_DMA_UNMAP_FLAG_ALL)
		size = ~0ULL;
	pthread_mutex_lock(&mw.log_lock);
	pthread_mutex_lock(&mw.lock);
	*unmapped = 0;
	if (bitmap && mw.bug != BUG_UNMAP_FORGETS)
		report(iova, size, bitmap->pgsize, bitmap->data, false);
	for (i = mw.nr_maps - 1; i >= 0; i--) {
		if (mw.maps[i].iova - iova >= size)
			continue;
		*unmapped += mw.maps[i].size;
		model_unmap_nth(i);
		mw.leaked += mw.bug == BUG_LEAK;
	}
	pthread_mutex_unlock(&mw.lock);
	pthread_mutex_unlock(&mw.log_lock);
	return 0;
}

/* ---- the log ---- */

static int model_flag(uint32_t flag)
{
	unsigned int i;

	pthread_mutex_lock(&mw.log_lock);
	pthread_mutex_lock(&mw.lock);
	mw.logging = flag == DIRTY_START;
	for (i = 0; i < (unsigned int)mw.nr_maps; i++)
		memset(mw.maps[i].sw, 0, mw.maps[i].size / PAGE_4K);
	for (i = 0; i < NR_IOMMUS; i++) {
		mw.failed[i] = false;
		if (mw.logging && mw.bug != BUG_START_OLD)
			model_fresh_iommu(i);
	}
	pthread_mutex_unlock(&mw.lock);
	pthread_mutex_unlock(&mw.log_lock);
	return 0;
}

static void clear_page(struct model_map *m, uint64_t page)
{
	unsigned int i;

	if (model_policy_now() == VFIO_HWDBM_POLICY_FULL)
		return;
	for (i = 0; model_policy_now() == VFIO_HWDBM_POLICY_HWDBM && i < NR_IOMMUS; i++)
		harvest_page(m, i, page);
	m->sw[page] = 0;
	if (mw.bug == BUG_CLEAR_NEXT && (page + 1) * PAGE_4K < m->size)
		m->sw[page + 1] = 0;
}

static void clear(uint64_t iova, uint64_t size, uint64_t pgsize, void *bitmap)
{
	uint64_t page;
	int i;

	for (i = 0; i < mw.nr_maps; i++)
		for (page = 0; page < mw.maps[i].size / PAGE_4K; page++) {
			uint64_t at = mw.maps[i].iova + page * PAGE_4K;

			if (at - iova < size && bit_get(bitmap, (at - iova) / pgsize))
				clear_page(&mw.maps[i], page);
		}
}

static int model_range(uint32_t flag, uint64_t iova, uint64_t size,
		       uint64_t pgsize, void *bitmap, uint64_t bytes)
{
	int ret = mw.logging ? 0 : -EINVAL;

	if (bytes < bit_bytes(size / pgsize))
		return -EINVAL;
	pthread_mutex_lock(&mw.log_lock);
	pthread_mutex_lock(&mw.lock);
	if (!ret && flag == DIRTY_CLEAR)
		clear(iova, size, pgsize, bitmap);
	else if (!ret)
		report(iova, size, pgsize, bitmap, flag == DIRTY_GET);
	pthread_mutex_unlock(&mw.lock);
	pthread_mutex_unlock(&mw.log_lock);
	return ret;
}

static unsigned int model_policy(void)
{
	unsigned int ret;

	pthread_mutex_lock(&mw.lock);
	ret = model_policy_now();
	pthread_mutex_unlock(&mw.lock);
	return ret;
}

static bool model_fits(uint64_t iova, uint64_t size)
{
	(void)iova;
	(void)size;
	return true;
}

static long model_avail(void)
{
	return MAX_MAPS - mw.nr_maps - mw.leaked;
}

static bool model_clean(char *why, size_t n)
{
	(void)why;
	(void)n;
	return true;
}

struct stage model = {
	.nr_devs = 7,
	.devs = {
		{ true, true, 0, ~0ULL }, { true, true, 0, ~0ULL },
		{ true, true, 1, ~0ULL }, { true, false, 2, (4ULL << 30) - 1 },
		{ true, true, 3, ~0ULL }, { .dma = false }, { .dma = false },
	},
	.map = model_map,
	.unmap = model_unmap,
	.flag = model_flag,
	.range = model_range,
	.policy = model_policy,
	.fits = model_fits,
	.avail = model_avail,
	.clean = model_clean,
};

void stage_open_model(const char *name)
{
	int i;

	for (i = 0; name && i < NR_BUGS && strcmp(bugs[i], name); i++)
		;
	if (name && i == NR_BUGS)
		tap_bail("the model has no bug named %s", name);
	mw.bug = name ? (enum bug)i : BUG_NONE;
	model_devs_init(&model);
	stage = &model;
}
