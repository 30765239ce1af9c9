/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_MINMAX_H
#define SHIM_LINUX_MINMAX_H

/* As strict as the kernel's: both sides have one type. */
#define SHIM_PICK(a, op, b) ({				\
	__auto_type shim_a = (a);			\
	__auto_type shim_b = (b);			\
	_Static_assert(__builtin_types_compatible_p(	\
		__typeof__(shim_a), __typeof__(shim_b)), "types differ"); \
	shim_a op shim_b ? shim_a : shim_b; })

#define min(a, b)	SHIM_PICK(a, <, b)
#define max(a, b)	SHIM_PICK(a, >, b)

#endif
