/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory for a device, of pages of a known size. */
#ifndef HWDBM_TEST_MEM_H
#define HWDBM_TEST_MEM_H

#include <stddef.h>
#include <stdint.h>

#define PAGE_4K	4096ULL
#define PAGE_2M	(2ULL << 20)

enum leaf { LEAF_4K, LEAF_2M, LEAF_ANY };

/*
 * Zeroed memory, populated, 2 MiB aligned.
 *
 * LEAF_4K   small pages. Whether the IOMMU then uses 4 KiB leaves is up to
 *           the module parameter disable_hugepages: neighbours by chance may
 *           be merged without it.
 * LEAF_2M   huge pages, each physically unlike the successor of the one
 *           before it, so that no IOMMU can merge two into a larger leaf
 *           (AMD has leaves of every power of two)
 * LEAF_ANY  whatever comes: small pages, often neighbours by chance, and
 *           transparent huge pages, in turns
 */
void *mem_alloc(size_t size, enum leaf leaf);
/*
 * Small pages, none of which follows its physical predecessor: leaves of 4 KiB
 * also where a domain gets mappings that another has (those are copied in runs,
 * disable_hugepages or not). For a few pages only: each is a mapping.
 */
void *mem_alloc_scattered(size_t size);
void mem_free(void *p, size_t size);

/*
 * Private memory whose pages the kernel may drop (MADV_FREE) until they are
 * written again, by whomever; and what it drops then, all that it may.
 */
void mem_give_up(void *p, size_t size);
void mem_reclaim(void *p, size_t size);

/* Bytes that one dirty bit of the hardware stands for. */
static inline uint64_t leaf_bytes(enum leaf leaf)
{
	return leaf == LEAF_2M ? PAGE_2M : PAGE_4K;
}

#endif
