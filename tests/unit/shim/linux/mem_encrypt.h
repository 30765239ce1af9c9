/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_MEM_ENCRYPT_H
#define SHIM_LINUX_MEM_ENCRYPT_H

#include <linux/types.h>

/* The machine's bit, or 0. */
extern u64 shim_sme_mask;

#define __sme_set(x)	((x) | shim_sme_mask)

#endif
