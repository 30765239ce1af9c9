/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel that runs: what it answers depends on it in a few places. */
#ifndef HWDBM_TEST_KERNEL_H
#define HWDBM_TEST_KERNEL_H

#include <stdbool.h>

bool kernel_since(int major, int minor);

#endif
