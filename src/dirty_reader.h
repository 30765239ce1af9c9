/* SPDX-License-Identifier: GPL-2.0-only */
/* The contract of a reader of hardware dirty bits. */
#ifndef HWDBM_DIRTY_READER_H
#define HWDBM_DIRTY_READER_H

#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/types.h>

struct iommu_domain;

/**
 * struct hwdbm_harvest - one pass over the dirty bits of a range
 * @first: first byte, page aligned
 * @last: last byte, inclusive; below U64_MAX, because the drivers' own walk
 *	wraps around there
 * @clear: clean every leaf that is recorded
 * @only: if not NULL, one bit a page of PAGE_SIZE from @first on: leaves that
 *	hold no page of a set bit are neither recorded nor cleaned. Where the
 *	smallest leaf is larger than a page, @first, @last and the bits go by it
 * @record: called for every dirty leaf found, after it was cleaned, with its
 *	first and last byte. The leaf may reach beyond [@first, @last], and
 *	beyond the mapping only if a driver is wrong: the callee clips. Cannot
 *	fail, may sleep, may be called twice for one leaf
 * @ctx: passed to @record
 * @flush_first: out, first byte that was cleaned
 * @flush_last: out, last byte that was cleaned; below @flush_first if none was
 * @flush_sizes: out, the sizes of the leaves that were cleaned, one bit a size in
 *	bytes
 *
 * The range lies inside one live mapping, whose lock the caller holds from
 * before the pass until the invalidation of [@flush_first, @flush_last], for
 * each of @flush_sizes, has finished: until then nobody may act upon what was
 * recorded, because the device can still write through its cached translation
 * unseen.
 */
struct hwdbm_harvest {
	u64 first;
	u64 last;
	bool clear;
	const unsigned long *only;
	void (*record)(void *ctx, u64 first, u64 last);
	void *ctx;
	u64 flush_first;
	u64 flush_last;
	u64 flush_sizes;
};

/** hwdbm_harvest_begin() - nothing is cleaned so far */
static inline void hwdbm_harvest_begin(struct hwdbm_harvest *h)
{
	h->flush_first = U64_MAX;
	h->flush_last = 0;
	h->flush_sizes = 0;
}

/** hwdbm_harvest_found() - record a dirty leaf, which is clean now if it is to be */
static inline void hwdbm_harvest_found(struct hwdbm_harvest *h, u64 first,
				       u64 last)
{
	if (h->clear) {
		h->flush_first = min(h->flush_first, first);
		h->flush_last = max(h->flush_last, last);
		h->flush_sizes |= last - first + 1;
	}
	h->record(h->ctx, first, last);
}

/**
 * struct hwdbm_dirty_reader - one way of reading a domain's dirty bits
 * @id: VFIO_HWDBM_READER_*
 * @name: for messages: what dirty bits are read by
 * @usable: can it read this domain on this kernel; asked once, at allocation
 * @harvest: do @h's pass. Returns 0, or a negative errno; then what was
 *	cleaned is recorded and stands in @h's flush range all the same, but for
 *	the leaf that the error is about: the domain's bits are not to be
 *	trusted any more
 * @forget: clean every leaf of a range unrecorded; only for START. The range
 *	is as in struct hwdbm_harvest, and the caller flushes all of it
 * @seal: take write permission from every leaf of a mapping that is going to be
 *	unmapped, or NULL where that cannot be done. Once the caller has flushed
 *	all of it, a device's write has left its dirty bit or has been refused
 *
 * @harvest, @forget and @seal reschedule, and need domains_sem and the mapping's
 * lock (or domains_sem for writing).
 */
struct hwdbm_dirty_reader {
	u32 id;
	const char *name;
	bool (*usable)(const struct iommu_domain *domain);
	int (*harvest)(struct iommu_domain *domain, struct hwdbm_harvest *h);
	int (*forget)(struct iommu_domain *domain, u64 first, u64 last);
	int (*seal)(struct iommu_domain *domain, u64 first, u64 last);
};

extern const struct hwdbm_dirty_reader hwdbm_dirty_reader_iopt;
extern const struct hwdbm_dirty_reader hwdbm_dirty_reader_gather;

#endif /* HWDBM_DIRTY_READER_H */
