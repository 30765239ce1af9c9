/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's allocator as tests want it: it can be told to fail, counts,
 * and minds the rules that the kernel would only warn about.
 */
#ifndef SHIM_LINUX_SLAB_H
#define SHIM_LINUX_SLAB_H

#include <linux/types.h>

#define __GFP_NOWARN		0x01u
#define __GFP_NORETRY		0x02u
#define __GFP_ACCOUNT		0x04u
#define __GFP_RETRY_MAYFAIL	0x08u
#define GFP_KERNEL		0x10u
#define GFP_KERNEL_ACCOUNT	(GFP_KERNEL | __GFP_ACCOUNT)

/* Fail the allocation after this many more have worked; 0 fails the next. */
#define SHIM_NEVER	(~0UL)
extern unsigned long shim_fail_after;
/* Fail this many of 1000, by chance. */
extern unsigned int shim_fail_permille;
/* Set by every failure; a test clears it. */
extern bool shim_failed;
/* Allocations that were asked for; those that live; bytes that live. */
extern unsigned long shim_asked;
extern unsigned long shim_live;
extern unsigned long shim_live_bytes;

void *shim_zalloc(size_t n, size_t size, gfp_t flags);
void shim_free(const void *p);

#define kzalloc(size, flags)	shim_zalloc(1, size, flags)
#define kvcalloc(n, size, flags)	shim_zalloc(n, size, flags)
#define kfree(p)		shim_free(p)
#define kvfree(p)		shim_free(p)

#endif
