/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_BITOPS_H
#define SHIM_LINUX_BITOPS_H

#include <limits.h>
#include <linux/compiler.h>
#include <linux/types.h>

#define BITS_PER_LONG		((int)(sizeof(long) * CHAR_BIT))
#define BITS_TO_LONGS(n)	(((n) + BITS_PER_LONG - 1) / BITS_PER_LONG)

static inline bool test_bit(unsigned long nr, const unsigned long *map)
{
	return map[nr / BITS_PER_LONG] >> (nr % BITS_PER_LONG) & 1;
}

/* The kernel says nothing of a word without a zero. */
static inline unsigned long ffz(unsigned long word)
{
	return ~word ? __builtin_ctzl(~word) : BITS_PER_LONG;
}

/* Called after each clear_bit(), if not NULL. */
extern void (*shim_bit_cleared)(volatile unsigned long *word, unsigned int bit);

/* Atomic: others have their chance before it. */
static inline void clear_bit(long nr, volatile unsigned long *map)
{
	volatile unsigned long *word = map + nr / BITS_PER_LONG;

	shim_access(word);
	__atomic_fetch_and(word, ~(1UL << (nr % BITS_PER_LONG)),
			   __ATOMIC_SEQ_CST);
	if (shim_bit_cleared)
		shim_bit_cleared(word, nr % BITS_PER_LONG);
}

#endif
