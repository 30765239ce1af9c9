/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_IO_H
#define SHIM_LINUX_IO_H

#include <linux/types.h>

/* The tests' own: what lies at a physical address. */
void *phys_to_virt(phys_addr_t phys);

#endif
