/* SPDX-License-Identifier: GPL-2.0-only */
/* VFIO_UPDATE_VADDR: a mapping lives on while its owner is replaced. */
#ifndef HWDBM_TEST_VADDR_H
#define HWDBM_TEST_VADDR_H

#include "backend.h"
#include "peer.h"

#define IOVA	0x100000000ULL
#define PAGES	64ULL		/* a mapping; a word of the log */
#define SIZE	(PAGES * PAGE_4K)
#define KIB	((long)(SIZE / 1024))
#define SLOTS	4		/* of memory and of IOVA, side by side */

/* The same shared memory at two addresses: the old one and the new one. */
struct world {
	struct rig rig;
	int memfd;
	char *old, *new;
	struct peer early;	/* was there before the container was */
};

static inline uint64_t slot_iova(int slot)
{
	return IOVA + (uint64_t)slot * SIZE;
}

static inline char *at(char *memory, int slot)
{
	return memory + (uint64_t)slot * SIZE;
}

/* ---- main.c ---- */

void map_slot(struct world *w, int slot);	/* at its old address; or bail */
void unmap_slot(struct world *w, int slot);
/* UNMAP with FLAG_VADDR; @unmapped may be NULL. */
int invalidate(struct world *w, uint64_t iova, uint64_t size,
	       uint64_t *unmapped);
int invalidate_slot(struct world *w, int slot);
/* MAP with FLAG_VADDR */
int update(struct world *w, uint64_t iova, uint64_t size, void *vaddr);
int update_slot(struct world *w, int slot);	/* to its new address */

void test_calls(struct world *w);	/* calls.c */
void test_several(struct world *w);	/* several.c */
void test_attach(struct world *w);	/* attach.c; wants two devices */
void test_owner(struct world *w);	/* owner.c */
void test_exec(struct world *w);	/* exec.c */
void test_log(struct world *w);		/* log.c */

/* ---- owner.c: told to a peer ---- */

long there_map(long container, long slot, long vaddr);
long there_unmap(long container, long slot, long c);
long there_invalidate(long container, long slot, long c);
long there_update(long container, long slot, long vaddr);
long there_see(long memfd, long b, long c);	/* its address over there */

#endif
