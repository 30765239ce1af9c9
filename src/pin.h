/* SPDX-License-Identifier: GPL-2.0-only */
/* Pinning runs of user pages. */
#ifndef HWDBM_PIN_H
#define HWDBM_PIN_H

#include <linux/types.h>

struct hwdbm_mapping;

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
 * @m: a mapping of the calling process; its lock is held
 * @single: make every run one page
 * @run: called for each physically contiguous run, in ascending order
 * @ctx: passed to @run
 * @done: out, bytes from the start that @run has taken
 *
 * Pages are charged to the mapping's owner, reserved ones excepted. On error
 * the first @done bytes stay pinned (and charged, as all that was): they are
 * the caller's to unpin.
 *
 * Return: 0; -EFAULT where there is no memory that can be pinned; -ENOMEM,
 * also past RLIMIT_MEMLOCK; -EINTR on a fatal signal; or what @run says.
 */
int hwdbm_pin_mapping(struct hwdbm_mapping *m, bool single,
		      hwdbm_pin_run_fn *run, void *ctx, u64 *done);

/** hwdbm_pin_possible() - can the calling process have so much memory at all */
bool hwdbm_pin_possible(u64 bytes);

/**
 * hwdbm_unpin_run() - unpin a physically contiguous run of pinned pages
 * @phys: first physical byte
 * @bytes: length
 * @written: a device may have written to it
 *
 * Does not touch the accounting. Cannot fail.
 */
void hwdbm_unpin_run(u64 phys, u64 bytes, bool written);

#endif /* HWDBM_PIN_H */
