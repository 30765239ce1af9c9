// SPDX-License-Identifier: GPL-2.0-only
/* The model: groups, pins, DMA and orders. */
#include "model.h"

#include <errno.h>
#include <string.h>

/* ---- groups ---- */

static int model_attach(int dev)
{
	const struct stage_dev *d = &model.devs[dev];
	unsigned int from;
	int i, ret = 0;

	pthread_mutex_lock(&mw.log_lock);
	pthread_mutex_lock(&mw.lock);
	for (i = 0; i < mw.nr_maps && d->dma; i++)
		if (mw.maps[i].iova + mw.maps[i].size - 1 > d->last)
			ret = -EINVAL;
	if (!ret && d->dma)
		ret = model_due(d->iommu, SIM_OP_ATTACH);
	if (!ret) {
		if (d->dma && !model_iommu_in(d->iommu))
			model_fresh_iommu(d->iommu);
		from = model_policy_now();
		mw.in[dev] = true;
		mw.promoted[dev] = false;
		model_leave(from, NR_IOMMUS + 1);
	}
	pthread_mutex_unlock(&mw.lock);
	pthread_mutex_unlock(&mw.log_lock);
	return ret;
}

static void drop_pins(int dev)
{
	uint64_t page;
	int i;

	for (i = 0; i < mw.nr_maps; i++)
		for (page = 0; page < mw.maps[i].size / PAGE_4K; page++) {
			if (mw.maps[i].pins[dev][page])
				mw.maps[i].sw[page] = 1;
			mw.maps[i].pins[dev][page] = 0;
		}
	mw.promoted[dev] = false;
}

static int model_detach(int dev)
{
	unsigned int from, iommu = model.devs[dev].iommu;

	pthread_mutex_lock(&mw.log_lock);
	pthread_mutex_lock(&mw.lock);
	from = model_policy_now();
	mw.in[dev] = false;
	if (model.devs[dev].dma)
		model_leave(from, model_iommu_in(iommu) ? NR_IOMMUS + 1 : iommu);
	pthread_mutex_unlock(&mw.lock);
	pthread_mutex_unlock(&mw.log_lock);
	return 0;
}

static void model_shut(int dev)
{
	pthread_mutex_lock(&mw.lock);
	drop_pins(dev);
	pthread_mutex_unlock(&mw.lock);
}

static int model_reopen(int dev)
{
	(void)dev;
	return 0;
}

static int model_open(int dev)
{
	return model_attach(dev);
}

static void model_close(void)
{
	while (mw.nr_maps)
		model_unmap_nth(0);
	memset(mw.in, 0, sizeof(mw.in));
	memset(mw.orders, 0, sizeof(mw.orders));
	memset(mw.held, 0, sizeof(mw.held));
	mw.logging = false;
	mw.leaked = 0;
}

/* ---- devices ---- */

static int model_burst(int dev, const struct sim_write *writes, uint32_t n,
		       uint32_t *refused)
{
	unsigned int iommu = model.devs[dev].iommu;

	pthread_mutex_lock(&mw.lock);
	for (; n; n--, writes++) {
		struct model_map *m = model_find(writes->iova);
		uint64_t page = m ? (writes->iova - m->iova) / PAGE_4K : 0;

		if (!m || m->ro || m->hole[iommu][page]) {
			++*refused;
			continue;
		}
		if (!m->tlb[iommu][page])
			m->hw[iommu][page] = 1;
		m->tlb[iommu][page] = 1;
		memcpy(m->vaddr + (writes->iova - m->iova), &writes->value, 8);
	}
	pthread_mutex_unlock(&mw.lock);
	return 0;
}

static int model_pin(int dev, uint64_t iova, uint32_t n, uint32_t prot)
{
	struct model_map *m;
	unsigned int from;
	int ret = (int)n;

	pthread_mutex_lock(&mw.log_lock);
	pthread_mutex_lock(&mw.lock);
	m = model_find(iova);
	if (!m)
		ret = -EINVAL;
	else if (m->ro && prot & SIM_PROT_WRITE)
		ret = -EPERM;
	for (; ret > 0 && n; n--, iova += PAGE_4K)
		m->pins[dev][(iova - m->iova) / PAGE_4K]++;
	if (ret > 0 && model.devs[dev].dma && prot & SIM_PROT_WRITE) {
		from = model_policy_now();
		mw.promoted[dev] = true;
		model_leave(from, NR_IOMMUS);
	}
	pthread_mutex_unlock(&mw.lock);
	pthread_mutex_unlock(&mw.log_lock);
	return ret;
}

static int model_unpin(int dev, uint64_t iova, uint32_t n)
{
	pthread_mutex_lock(&mw.lock);
	for (; n; n--, iova += PAGE_4K) {
		struct model_map *m = model_find(iova);
		uint64_t page = m ? (iova - m->iova) / PAGE_4K : 0;

		if (!m || !m->pins[dev][page])
			continue;
		if (!--m->pins[dev][page] && mw.bug != BUG_UNPIN_FORGETS)
			m->sw[page] = 1;
	}
	pthread_mutex_unlock(&mw.lock);
	return 0;
}

static int model_poke(int dev, uint64_t iova, const void *data, uint32_t n)
{
	struct model_map *m;
	int ret = -EINVAL;

	pthread_mutex_lock(&mw.lock);
	m = model_find(iova);
	if (m && m->pins[dev][(iova - m->iova) / PAGE_4K]) {
		memcpy(m->vaddr + (iova - m->iova), data, n);
		ret = 0;
	}
	pthread_mutex_unlock(&mw.lock);
	return ret;
}

static int model_rw(int dev, uint64_t iova, void *data, uint32_t n, uint32_t how)
{
	struct model_map *m;
	uint64_t first;
	int ret = -EINVAL;

	(void)dev;
	(void)how;
	pthread_mutex_lock(&mw.lock);
	m = model_find(iova);
	if (m)
		ret = m->ro ? -EPERM : 0;
	if (!ret) {
		memcpy(m->vaddr + (iova - m->iova), data, n);
		first = (iova - m->iova) / PAGE_4K;
		if (mw.bug != BUG_RW_FORGETS)
			memset(m->sw + first, 1,
			       (iova + n - 1 - m->iova) / PAGE_4K - first + 1);
	}
	pthread_mutex_unlock(&mw.lock);
	return ret;
}

static int model_order(int dev, const struct sim_order *order)
{
	unsigned int iommu = model.devs[dev].iommu;

	pthread_mutex_lock(&mw.lock);
	if (order->hold == SIM_HOLD_KEEP)
		mw.orders[iommu][order->op] = *order;
	else
		mw.held[iommu] = order->hold == SIM_HOLD;
	pthread_cond_broadcast(&mw.released);
	pthread_mutex_unlock(&mw.lock);
	return 0;
}

static int model_watch(int dev, struct sim_watch *watch)
{
	*watch = mw.watches[model.devs[dev].iommu];
	return 0;
}

/* It has none: nothing comes between two of its steps. */
static int model_trap(int dev, unsigned int iommu, uint32_t op, uint32_t nth,
		      uint64_t iova, uint64_t value)
{
	(void)dev;
	(void)iommu;
	(void)op;
	(void)nth;
	(void)iova;
	(void)value;
	return 0;
}

void model_devs_init(struct stage *to)
{
	to->open = model_open;
	to->close = model_close;
	to->attach = model_attach;
	to->detach = model_detach;
	to->shut = model_shut;
	to->reopen = model_reopen;
	to->burst = model_burst;
	to->pin = model_pin;
	to->unpin = model_unpin;
	to->poke = model_poke;
	to->rw = model_rw;
	to->order = model_order;
	to->watch = model_watch;
	to->trap = model_trap;
}
