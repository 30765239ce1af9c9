/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_MINMAX_H
#define SHIM_LINUX_MINMAX_H

/* Stricter than the kernels': both sides have one sign and one size. */
#define SHIM_SIGNED(x)	((__typeof__(x))-1 < (__typeof__(x))1)
#define SHIM_PICK(a, op, b) ({				\
	__auto_type shim_a = (a);			\
	__auto_type shim_b = (b);			\
	_Static_assert(SHIM_SIGNED(shim_a) == SHIM_SIGNED(shim_b) && \
		       sizeof(shim_a) == sizeof(shim_b), "types differ"); \
	shim_a op shim_b ? shim_a : shim_b; })

#define min(a, b)	SHIM_PICK(a, <, b)
#define max(a, b)	SHIM_PICK(a, >, b)
#define min_t(type, a, b)	min((type)(a), (type)(b))

#endif
