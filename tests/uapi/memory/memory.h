/* SPDX-License-Identifier: GPL-2.0-only */
/* What memory can be mapped, what it costs, and what becomes of it. */
#ifndef HWDBM_TEST_MEMORY_H
#define HWDBM_TEST_MEMORY_H

#include "backend.h"

#include <stddef.h>

#define IOVA	0x100000000ULL
#define PAGES	16ULL
#define SIZE	(PAGES * PAGE_4K)
#define KIB	((long)(SIZE / 1024))

#define RD	VFIO_DMA_MAP_FLAG_READ
#define WR	VFIO_DMA_MAP_FLAG_WRITE

struct world {
	struct rig rig;
};

/* ---- main.c ---- */

/* Anonymous private memory that nobody has touched. */
void *fresh(size_t size, int prot);
/* As much shared memory as @size, and its fd. */
void *shared(size_t size, int *fd);

/* A test point each. The locked memory of this process changes by @kib. */
void map_is(struct world *w, void *p, uint64_t iova, uint64_t size,
	    uint32_t flags, int want, long kib, const char *what);
void unmap_is(struct world *w, uint64_t iova, uint64_t size, long kib,
	      const char *what);

/* Whether the device reads at @iova what is at @want, 64 bytes of it. */
bool device_sees(struct world *w, uint64_t iova, const void *want);

void test_backings(struct world *w);	/* backings.c */
void test_protection(struct world *w);	/* protection.c */
void test_changes(struct world *w);	/* changes.c: under the device's feet */
void test_limits(struct world *w);	/* limits.c */
void test_ranges(struct world *w);	/* ranges.c */

/* These open their own containers: none is open when they begin. */
void test_params(void);			/* params.c */
void test_left_behind(void);		/* left.c */
void test_as_stock(void);		/* ranges.c */

#endif
