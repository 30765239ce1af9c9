/* SPDX-License-Identifier: GPL-2.0-only */
/* Pinning user pages: of whole mappings run by run, and single ones. */
#ifndef HWDBM_PIN_H
#define HWDBM_PIN_H

#include <linux/types.h>

struct hwdbm_mapping;
struct page;

/**
 * typedef hwdbm_pin_run_fn - what to do with a run of pinned pages
 * @ctx: as passed to hwdbm_pin_mapping()
 * @iova: first byte of the run
 * @phys: first physical byte of the run
 * @bytes: its length
 *
 * Return: 0, or a negative errno, which ends the pinning; then the run is
 * unpinned by the caller.
 */
typedef int hwdbm_pin_run_fn(void *ctx, u64 iova, u64 phys, u64 bytes);

/**
 * hwdbm_pin_mapping() - pin a mapping's user memory, run by run
 * @m: a mapping of any process; its lock is held, and domains_sem, so that
 *	the address and the owner stay what they are
 * @single: make every run one page
 * @run: called for each physically contiguous run, in ascending order
 * @ctx: passed to @run
 * @done: out, bytes from the start that @run has taken
 *
 * Pages are charged to the mapping's owner, but for reserved ones and those
 * that drivers have pinned, which are charged already. Addresses without
 * memory behind them (a PCI BAR) are neither pinned nor charged, and noted in
 * @m. On error the first @done bytes stay pinned (and charged, as all that
 * was): they are the caller's to unpin, and hwdbm_unpin_end() is to be called.
 *
 * Return: 0; -EFAULT where there is no memory that can be pinned; -ENOMEM,
 * also past RLIMIT_MEMLOCK; -ENODEV if the owner has exited; -EINTR on a fatal
 * signal; what else the kernel's pin_user_pages() says; or what @run does.
 */
int hwdbm_pin_mapping(struct hwdbm_mapping *m, bool single,
		      hwdbm_pin_run_fn *run, void *ctx, u64 *done);

/** hwdbm_pin_possible() - can a process have so much memory at all */
bool hwdbm_pin_possible(const struct hwdbm_mapping *m);

/**
 * hwdbm_unpin_run() - unpin a physically contiguous run of pages
 * @m: the mapping that hwdbm_pin_mapping() pinned; its lock is held
 * @iova: first byte of the run
 * @phys: first physical byte
 * @bytes: length
 *
 * Does not touch the accounting. Cannot fail.
 */
void hwdbm_unpin_run(const struct hwdbm_mapping *m, u64 iova, u64 phys,
		     u64 bytes);

/**
 * hwdbm_unpin_end() - all that was pinned of a mapping has been unpinned
 * @m: the mapping; its lock is held
 *
 * Uncharges what only the IOMMU needed.
 */
void hwdbm_unpin_end(struct hwdbm_mapping *m);

/**
 * hwdbm_pin_page() - pin one page of a mapping
 * @m: a mapping of any process; its lock and domains_sem are held
 * @page: which, counted from the mapping's first
 * @charge: it is charged to the owner, unless reserved
 * @what: out, the page
 *
 * Return: 0; -ENODEV if the owner has exited; -EINVAL if there is no memory
 * behind the address (a PCI BAR); -EFAULT, -ENOMEM, -EINTR as above.
 */
int hwdbm_pin_page(struct hwdbm_mapping *m, unsigned long page, bool charge,
		   struct page **what);

/** hwdbm_unpin_page() - undo hwdbm_pin_page(); the same locks are held */
void hwdbm_unpin_page(struct hwdbm_mapping *m, struct page *what, bool charged);

#endif /* HWDBM_PIN_H */
