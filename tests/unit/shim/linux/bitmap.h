/* SPDX-License-Identifier: GPL-2.0-only */
/* As in the kernel, bit searches come with bitmap.h, not with bitops.h. */
#ifndef SHIM_LINUX_BITMAP_H
#define SHIM_LINUX_BITMAP_H

#include <linux/bitops.h>

unsigned long shim_find_next(const unsigned long *map, unsigned long size,
			     unsigned long start, bool wanted);

#define find_next_bit(map, size, start)	\
	shim_find_next(map, size, start, true)
#define find_next_zero_bit(map, size, start)	\
	shim_find_next(map, size, start, false)

#endif
