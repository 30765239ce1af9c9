/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_BUG_H
#define SHIM_LINUX_BUG_H

#include <stdbool.h>

/* Warnings so far; a test that did not provoke one expects 0. */
extern unsigned long shim_warnings;

static inline bool shim_warn(bool cond)
{
	shim_warnings += cond;
	return cond;
}

/* Counts every time, so that tests need no fresh process each. */
#define WARN_ON_ONCE(cond)	shim_warn(!!(cond))

#endif
