/* SPDX-License-Identifier: GPL-2.0-only */
/* cmocka and what it wants included before it. */
#ifndef HWDBM_UNIT_CMOCKA_SHIM_H
#define HWDBM_UNIT_CMOCKA_SHIM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#endif
