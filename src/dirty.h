/* SPDX-License-Identifier: GPL-2.0-only */
/* The dirty log: START, STOP, GET, NOCLEAR and CLEAR over ranges. */
#ifndef HWDBM_DIRTY_H
#define HWDBM_DIRTY_H

#include <linux/types.h>

#include "dirty_policy.h"
#include "user_bitmap.h"

struct hwdbm_container;
struct hwdbm_domain;
struct hwdbm_group;
struct hwdbm_mapping;

/* What a call does with the bits of its bitmap. */
enum hwdbm_dirty_mode {
	HWDBM_DIRTY_GET,	/* output, and the pages become clean */
	HWDBM_DIRTY_NOCLEAR,	/* output */
	HWDBM_DIRTY_CLEAR,	/* input: the pages to be made clean */
	HWDBM_DIRTY_UNMAP,	/* output, and the mappings go away */
};

/**
 * struct hwdbm_dirty_request - one call about the log of a range
 * @mode: what is asked for
 * @first: first byte of the range
 * @last: last byte, inclusive
 * @shift: log2 of the pages of PAGE_SIZE that a bit stands for
 * @user: the caller's bitmap; bit 0 stands for the pages from @first on
 * @bits_done: bits written so far, counted from bit 0: the next piece may
 *	share the last of them
 * @pages: scratch, a bit a page of one chunk of a mapping's log
 * @bits: scratch, the same at the caller's granularity, shifted into place
 *
 * Belongs to one call of one thread.
 */
struct hwdbm_dirty_request {
	enum hwdbm_dirty_mode mode;
	u64 first;
	u64 last;
	unsigned int shift;
	struct hwdbm_user_bitmap user;
	u64 bits_done;
	unsigned long *pages;
	unsigned long *bits;
};

/**
 * struct hwdbm_dirty_args - what user space asked, not looked at yet
 * @iova: first byte
 * @size: bytes
 * @whole: from IOVA 0 to the end, for UNMAP of everything; @iova and @size
 *	are 0
 * @pgsize: bytes that a bit stands for
 * @data: the bitmap
 * @bytes: its length
 */
struct hwdbm_dirty_args {
	u64 iova;
	u64 size;
	bool whole;
	u64 pgsize;
	void __user *data;
	u64 bytes;
};

/**
 * hwdbm_dirty_request_init() - validate a request and pin its bitmap
 * @c: the container
 * @mode: what is asked for
 * @args: as user space gave them
 * @req: to be filled in; on success hwdbm_dirty_request_fini() it
 *
 * Touches nothing but the caller's buffer. Takes domains_sem and the
 * container's lock, but none while it waits for the buffer's pages.
 *
 * Return: 0, or the errno that <linux/vfio_iommu_type1_hwdbm.h> promises.
 */
int hwdbm_dirty_request_init(struct hwdbm_container *c,
			     enum hwdbm_dirty_mode mode,
			     const struct hwdbm_dirty_args *args,
			     struct hwdbm_dirty_request *req);

/** hwdbm_dirty_request_fini() - unpin the caller's bitmap; may sleep */
void hwdbm_dirty_request_fini(struct hwdbm_dirty_request *req);

/**
 * hwdbm_dirty_run() - do what a GET, NOCLEAR or CLEAR request asks
 * @c: the container
 * @req: the request
 *
 * Works chunk by chunk; takes domains_sem and each mapping's lock a chunk at a
 * time. When it returns, the invalidation for all that it cleaned is done.
 *
 * Return: 0; -EINVAL if logging was stopped meanwhile; -EINTR on a fatal
 * signal, and then all that it cleaned is dirty again.
 */
int hwdbm_dirty_run(struct hwdbm_container *c, struct hwdbm_dirty_request *req);

/** hwdbm_dirty_covers() - is the request's bitmap pinned for all of @m */
bool hwdbm_dirty_covers(struct hwdbm_dirty_request *req,
			const struct hwdbm_mapping *m);

/**
 * hwdbm_dirty_report() - write what is dirty in a mapping that goes away
 * @c: the container; domains_sem is held
 * @m: the mapping, live and inside the request's range; its lock is held
 * @req: the request, which hwdbm_dirty_covers() @m
 */
void hwdbm_dirty_report(struct hwdbm_container *c, struct hwdbm_mapping *m,
			struct hwdbm_dirty_request *req);

/**
 * hwdbm_dirty_start() - start logging
 * @c: the container
 *
 * Return: 0, also if it was on and where hardware refuses (then the policy is
 * full); -ENOMEM or (on a fatal signal) -EINTR with nothing changed.
 */
int hwdbm_dirty_start(struct hwdbm_container *c);

/**
 * hwdbm_dirty_stop() - stop logging and forget what was not asked for
 *
 * Return: 0, or -EINTR with nothing changed, on a fatal signal.
 */
int hwdbm_dirty_stop(struct hwdbm_container *c);

/**
 * hwdbm_dirty_start_domain() - let a domain track from now on
 * @c: the container; domains_sem is held for writing
 * @d: a capable domain that maps what the container maps
 *
 * A failure is remembered in @d: its policy is full.
 */
void hwdbm_dirty_start_domain(struct hwdbm_container *c,
			      struct hwdbm_domain *d);

/**
 * hwdbm_dirty_policy() - where dirtiness comes from now
 * @c: the container; domains_sem is held
 * @reason: out, VFIO_HWDBM_REASON_*
 */
enum hwdbm_policy hwdbm_dirty_policy(const struct hwdbm_container *c,
				     u32 *reason);

/*
 * Groups come and go: what the change would lose is saved to the software log.
 * Each takes the policy from before the change began. Cannot fail: what cannot
 * be read counts as dirty.
 */

/**
 * hwdbm_dirty_before_join() - a group is coming
 * @c: the container; domains_sem is held for writing
 * @from: the policy without it
 * @d: its domain, not in the list yet, or NULL if it shares one that is
 */
void hwdbm_dirty_before_join(struct hwdbm_container *c, enum hwdbm_policy from,
			     const struct hwdbm_domain *d);

/**
 * hwdbm_dirty_after_leave() - a group has gone
 * @c: the container; domains_sem is held for writing
 * @from: the policy with it
 * @d: its domain, in the list with its tables whole, the group not in it any
 *	more. If it was the last, no device writes through @d, which is to go
 */
void hwdbm_dirty_after_leave(struct hwdbm_container *c, enum hwdbm_policy from,
			     struct hwdbm_domain *d);

/**
 * hwdbm_dirty_promote() - a group's driver has pinned pages: pinned scope
 * @c: the container; domains_sem is held for writing
 * @g: the group
 */
void hwdbm_dirty_promote(struct hwdbm_container *c, struct hwdbm_group *g);

#endif /* HWDBM_DIRTY_H */
