/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A stage in memory: what the backend does, in the simplest way, with leaves of
 * one page. It exists to be wrong on purpose: each bug below must make some
 * history fail, or such a bug would pass unseen in the module as well.
 */
#ifndef HWDBM_HISTORY_MODEL_H
#define HWDBM_HISTORY_MODEL_H

#include "mem.h"
#include "stage.h"

#include <pthread.h>

#define NR_IOMMUS	4
#define MAX_MAPS	64

enum bug {
	BUG_NONE,
	BUG_NO_FLUSH,
	BUG_LATE_FLUSH,		/* others may consume bits before the flush */
	BUG_NO_HARVEST,		/* of a domain that goes */
	BUG_NO_POPULATE,	/* as full ends */
	BUG_NO_PROMOTE,		/* no harvest as a device begins to pin */
	BUG_UNPIN_FORGETS,
	BUG_RW_FORGETS,
	BUG_CLEAR_NEXT,		/* CLEAR cleans a page too many */
	BUG_GET_COARSE,		/* of a coarse bit only its first page counts */
	BUG_UNMAP_FORGETS,
	BUG_BORN_DIRTY,
	BUG_START_OLD,		/* START does not clear what is old */
	BUG_REPLAY_HOLE,	/* a domain that comes lacks a page */
	BUG_LEAK,		/* an UNMAP leaves a leaf */
	BUG_ERROR_CLEAN,	/* what cannot be read counts as clean */
	NR_BUGS
};

struct model_map {
	char *vaddr;
	uint64_t iova, size;
	bool ro;
	uint8_t *sw, *hw[NR_IOMMUS], *tlb[NR_IOMMUS], *hole[NR_IOMMUS];
	uint8_t *pins[MAX_DEVS];
};

/*
 * @log_lock is held by whoever asks or cleans until its invalidation has
 * finished, @lock for what happens at once.
 */
struct model_world {
	enum bug bug;
	pthread_mutex_t lock, log_lock;
	pthread_cond_t released;
	struct model_map maps[MAX_MAPS];
	int nr_maps;
	bool in[MAX_DEVS], promoted[MAX_DEVS];
	bool failed[NR_IOMMUS], held[NR_IOMMUS], logging;
	long leaked;
	struct sim_watch watches[NR_IOMMUS];
	struct sim_order orders[NR_IOMMUS][SIM_OPS];
};

extern struct model_world mw;
extern struct stage model;

/* model.c */
struct model_map *model_find(uint64_t iova);
int model_due(unsigned int iommu, unsigned int op);
bool model_iommu_in(unsigned int iommu);
unsigned int model_policy_now(void);
void model_leave(unsigned int from, unsigned int gone);
/* The tables of an IOMMU are new. */
void model_fresh_iommu(unsigned int iommu);
void model_unmap_nth(int nth);

/* model_devs.c: what a stage has for devices */
void model_devs_init(struct stage *to);

#endif
