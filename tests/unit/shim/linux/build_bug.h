/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_BUILD_BUG_H
#define SHIM_LINUX_BUILD_BUG_H

/* As the kernel's: the message may be left out. */
#undef static_assert
#define static_assert(expr, ...)	\
	SHIM_STATIC_ASSERT(expr, ##__VA_ARGS__, #expr)
#define SHIM_STATIC_ASSERT(expr, msg, ...)	_Static_assert(expr, msg)

#endif
