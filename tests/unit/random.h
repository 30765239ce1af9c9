/* SPDX-License-Identifier: GPL-2.0-only */
/* Random numbers of the unit tests: one seed a program, printed. */
#ifndef HWDBM_UNIT_RANDOM_H
#define HWDBM_UNIT_RANDOM_H

#include <linux/types.h>

/* Group setup: seed from HWDBM_SEED, or from the system; print it. */
int random_setup(void **state);

u64 random_u64(void);
/* 0 .. n - 1 */
u64 random_below(u64 n);
bool random_one_in(unsigned int n);
/* Fill with bits of a random density, none and all among them. */
void random_bits(unsigned long *map, unsigned long words);

#endif
