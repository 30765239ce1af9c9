/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_BITOPS_H
#define SHIM_LINUX_BITOPS_H

#include <limits.h>
#include <linux/types.h>

#define BITS_PER_BYTE		8
#define BITS_PER_LONG		((int)(sizeof(long) * CHAR_BIT))
#define BITS_TO_LONGS(n)	(((n) + BITS_PER_LONG - 1) / BITS_PER_LONG)

unsigned long shim_find_next(const unsigned long *map, unsigned long size,
			     unsigned long start, bool wanted);

#define find_next_bit(map, size, start)	\
	shim_find_next(map, size, start, true)
#define find_next_zero_bit(map, size, start)	\
	shim_find_next(map, size, start, false)

#endif
