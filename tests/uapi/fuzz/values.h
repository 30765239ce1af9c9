/* SPDX-License-Identifier: GPL-2.0-only */
/* The arguments of calls, of any numbers, and the memory that they name. */
#ifndef HWDBM_TEST_FUZZ_VALUES_H
#define HWDBM_TEST_FUZZ_VALUES_H

#include <stdint.h>

#define PAGE		4096ULL
#define BITMAP		(64UL << 10)	/* the size of bitmap_of()'s, mostly */

void values_init(void);		/* bails */

uint64_t iova_of(uint32_t a);
uint64_t size_of(uint32_t a);
uint64_t pgsize_of(uint32_t a);
void *address_of(uint32_t a);
char *bitmap_of(uint32_t a);

/* A call: memory below the mappings goes, comes, is written or protected. */
int change_memory(const uint32_t *a);

#endif
