/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_CONTAINER_OF_H
#define SHIM_LINUX_CONTAINER_OF_H

#include <stddef.h>

#define container_of(p, type, member) ({				\
	const __typeof__(((type *)0)->member) *shim_member = (p);	\
	(type *)((char *)shim_member - offsetof(type, member)); })

#endif
