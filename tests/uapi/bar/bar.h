/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory of devices, mapped for another device: it has no pages to be pinned
 * or counted, and it can go away while it is mapped.
 */
#ifndef HWDBM_TEST_BAR_H
#define HWDBM_TEST_BAR_H

#include "backend.h"
#include "edu_regs.h"

#include <sys/types.h>

#define IOVA		0x100000000ULL

/* A device in a container of its own, and one of its BARs. */
struct bar {
	struct vfio_dev dev;
	int container;
	char *at;		/* where we see it */
	uint64_t size;
	off_t offset;		/* of the region in the device's fd */
};

struct world {
	struct rig rig;		/* the device that does DMA */
	struct bar small;	/* registers and a buffer: 1 MiB of an edu */
	struct bar big;		/* RAM */
};

/* ---- bar.c ---- */

void bar_open(struct bar *bar, const char *id, int index, unsigned int region);
void bar_close(struct bar *bar);
/* @at: where, or NULL. Bails on an error. */
void *bar_see(struct bar *bar, void *at, uint64_t offset, uint64_t size,
	      int prot);
/* The device's answer to memory accesses, on or off. */
void bar_memory(struct bar *bar, bool on);

int bar_map(struct world *w, const void *vaddr, uint64_t iova, uint64_t size);
/* A test point: UNMAP says that it was so much. */
void bar_unmap(struct world *w, uint64_t iova, uint64_t size, const char *what);

/* As rig_reaches(), for the buffer of the small BAR: words of 8 bytes only. */
bool buffer_reached(struct world *w, uint64_t iova);

void test_small(struct world *w);	/* small.c */
void test_mixed(struct world *w);	/* mixed.c */
void test_big(struct world *w);		/* big.c */
void test_log(struct world *w);
void test_join(struct world *w);	/* gone.c; the small BAR's device joins */
void test_gone(struct world *w);

#endif
