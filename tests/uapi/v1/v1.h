/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef HWDBM_TEST_V1_H
#define HWDBM_TEST_V1_H

#include "backend.h"

#define IOVA	0x100000000ULL
#define FAR	0x5000000000ULL
#define SLOTS	5

struct world {
	struct rig rig;
	char *memory;
	long avail;	/* mappings that an empty container can take */
};

/* ---- main.c ---- */

void map_all(struct world *w);
bool mapped_are(struct world *w, const char *want);

/* UNMAP: so much goes, and what is @left stays. All are mapped afterwards. */
void unmap_gives(struct world *w, uint64_t iova, uint64_t size, uint64_t pages,
		 const char *left, const char *what);

void test_before(struct world *w);	/* info.c */
void test_info(struct world *w);
void test_unmap(struct world *w);	/* unmap.c */
void test_many(struct world *w);
void test_refused(struct world *w);	/* refused.c */
void test_vaddr(struct world *w);

#endif
