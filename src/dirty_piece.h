/* SPDX-License-Identifier: GPL-2.0-only */
/* A piece of a mapping's dirty log: what the calls over ranges are made of. */
#ifndef HWDBM_DIRTY_PIECE_H
#define HWDBM_DIRTY_PIECE_H

#include <linux/types.h>

#include "dirty_policy.h"

struct hwdbm_container;
struct hwdbm_domain;
struct hwdbm_mapping;

/**
 * struct hwdbm_piece - some pages of a mapping
 * @m: the mapping, live; its lock is held while the piece is worked on
 * @page: first page, counted from the mapping's start
 * @nr: pages; in the calls below inside one chunk of the mapping's log
 */
struct hwdbm_piece {
	struct hwdbm_mapping *m;
	unsigned long page;
	unsigned long nr;
};

/**
 * hwdbm_dirty_piece_get() - which pages of a piece are dirty
 * @c: the container; domains_sem is held
 * @p: the piece
 * @clear: make them clean, hardware and software
 * @dst: gets a bit a page; room for HWDBM_CHUNK_PAGES bits, overwritten
 *
 * Where hardware fails every page is dirty. When it returns, the invalidation
 * for what it cleaned is done.
 */
void hwdbm_dirty_piece_get(struct hwdbm_container *c,
			   const struct hwdbm_piece *p, bool clear,
			   unsigned long *dst);

/**
 * hwdbm_dirty_seal() - let what devices still write be refused or be seen
 * @c: the container; domains_sem is held
 * @m: the mapping, which is going to be reported and unmapped; its lock is held
 *
 * Does what the domains' readers can. A failure makes everything dirty.
 */
void hwdbm_dirty_seal(struct hwdbm_container *c, struct hwdbm_mapping *m);

/**
 * hwdbm_dirty_piece_clear() - make some pages of a piece clean
 * @c: the container, logging; domains_sem is held
 * @p: the piece
 * @pages: a bit a page, those to be cleaned
 *
 * Pages that share a leaf with one of them stay dirty in software if the leaf
 * was. When it returns, the invalidation is done.
 */
void hwdbm_dirty_piece_clear(struct hwdbm_container *c,
			     const struct hwdbm_piece *p,
			     const unsigned long *pages);

/**
 * hwdbm_dirty_piece_save() - move what the hardware knows to the log
 * @c: the container; domains_sem is held for writing
 * @p: the piece, of any length
 * @only: of this domain, or (NULL) of all
 *
 * Return: 0, or an errno: then dirty pages may be unknown, and the domain
 * counts as failed.
 */
int hwdbm_dirty_piece_save(struct hwdbm_container *c,
			   const struct hwdbm_piece *p,
			   struct hwdbm_domain *only);

/** hwdbm_dirty_readable() - can the drivers walk to the end of @m */
bool hwdbm_dirty_readable(const struct hwdbm_mapping *m);

/**
 * hwdbm_dirty_degrade() - a domain's hardware has failed: policy full
 * @d: the domain, of a container whose domains_sem is held
 * @err: negative errno, for the one warning that a domain gets until STOP
 */
void hwdbm_dirty_degrade(struct hwdbm_domain *d, int err);

/** hwdbm_dirty_policy_with() - hwdbm_dirty_policy() once @joins is in */
enum hwdbm_policy hwdbm_dirty_policy_with(const struct hwdbm_container *c,
					  const struct hwdbm_domain *joins,
					  u32 *reason);

#endif /* HWDBM_DIRTY_PIECE_H */
