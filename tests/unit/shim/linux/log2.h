/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_LOG2_H
#define SHIM_LINUX_LOG2_H

#include <stdbool.h>

static inline bool is_power_of_2(unsigned long n)
{
	return n && !(n & (n - 1));
}

/* As the kernel's, undefined for 0: UBSan sees the shift. */
static inline unsigned long rounddown_pow_of_two(unsigned long n)
{
	return 1UL << (n ? 63 - __builtin_clzl(n) : 64);
}

#endif
