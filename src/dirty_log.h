/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The software dirty log of one mapping: one bit a page of PAGE_SIZE, in
 * chunks; pages count from the mapping's first.
 *
 * A chunk is clean, all dirty, or has a bitmap. The first two need no memory,
 * so recording never fails: where no bitmap can be had the chunk becomes all
 * dirty, which costs a re-sent chunk but never a page.
 *
 * Memory: 8 bytes a chunk from init to fini (64 KiB per TiB of 4 KiB pages),
 * and a bitmap, 4 KiB for 128 MiB, for every chunk that was dirty in part:
 * at most 32 MiB per TiB. A mapping's last bitmap is only as long as it must
 * be, so that many small mappings cost little. A bitmap is kept until fini,
 * also when its last bit is cleared or its last clean bit set: a migration
 * dirties and clears the same chunks round after round, and a kept bitmap
 * can neither fail to come back (losing precision under just the memory
 * pressure that one may be migrating away from) nor cost an allocation a
 * round. The price is the 32 MiB per TiB, 0.003 %, until STOP.
 *
 * Locks: the mapping's lock, which must be one that may sleep; or, for init, fini
 * and set_all, the container's domains_sem held for writing. Whoever only sums up
 * @bytes needs neither: it may be a moment old.
 *
 * Ranges that reach past nr_pages are a bug of the caller's: warned about
 * once and clipped. All but init, fini and active need an active log.
 */
#ifndef HWDBM_DIRTY_LOG_H
#define HWDBM_DIRTY_LOG_H

#include <linux/types.h>

/* Pages a chunk: a bitmap of 4 KiB, 128 MiB at 4 KiB a page. */
#define HWDBM_CHUNK_PAGES	32768UL

/**
 * struct hwdbm_dirty_log - software dirty log of one mapping
 * @nr_pages: pages of the mapping
 * @nr_chunks: entries of @chunks
 * @bytes: memory held, in bytes
 * @chunks: one encoded pointer a chunk; only dirty_log.c knows the encoding
 *
 * All zero is an inactive log. Fields are read-only outside dirty_log.c.
 */
struct hwdbm_dirty_log {
	unsigned long	nr_pages;
	unsigned long	nr_chunks;
	u64		bytes;
	unsigned long	**chunks;
};

/**
 * hwdbm_dirty_log_init() - make a log, all pages clean
 * @log: inactive log
 * @nr_pages: pages of the mapping, any number
 *
 * May sleep. The memory is charged to the caller's memory cgroup, and no
 * @nr_pages makes the allocator warn.
 *
 * Return: 0, or -ENOMEM with @log inactive.
 */
int hwdbm_dirty_log_init(struct hwdbm_dirty_log *log, unsigned long nr_pages);

/**
 * hwdbm_dirty_log_fini() - free a log's memory and make it inactive
 * @log: log, may be inactive
 *
 * May sleep. Cannot fail.
 */
void hwdbm_dirty_log_fini(struct hwdbm_dirty_log *log);

/**
 * hwdbm_dirty_log_active() - is this between init and fini?
 * @log: log
 *
 * Return: true if so.
 */
static inline bool hwdbm_dirty_log_active(const struct hwdbm_dirty_log *log)
{
	return log->chunks;
}

/**
 * hwdbm_dirty_log_set() - record pages [@first, @first + @nr) as dirty
 * @log: log
 * @first: first page
 * @nr: number of pages
 *
 * May sleep. Never fails; may record more of the chunks that it touches.
 */
void hwdbm_dirty_log_set(struct hwdbm_dirty_log *log, unsigned long first,
			 unsigned long nr);

/**
 * hwdbm_dirty_log_set_all() - record every page as dirty
 * @log: log
 *
 * May sleep (a long log reschedules), but allocates nothing.
 */
void hwdbm_dirty_log_set_all(struct hwdbm_dirty_log *log);

/**
 * hwdbm_dirty_log_clear() - make pages [@first, @first + @nr) clean
 * @log: log
 * @first: first page
 * @nr: number of pages
 *
 * May sleep. Pages of an all-dirty chunk that is covered in part stay dirty
 * if there is no memory to split it.
 */
void hwdbm_dirty_log_clear(struct hwdbm_dirty_log *log, unsigned long first,
			   unsigned long nr);

/**
 * hwdbm_dirty_log_clear_bits() - make page @first + i clean if bit i is set
 * @log: log
 * @first: page of bit 0
 * @nr: number of bits
 * @bits: bitmap
 *
 * May sleep. Pages of an all-dirty chunk that is covered in part stay dirty
 * if there is no memory to split it.
 */
void hwdbm_dirty_log_clear_bits(struct hwdbm_dirty_log *log,
				unsigned long first, unsigned long nr,
				const unsigned long *bits);

/**
 * hwdbm_dirty_log_report() - OR dirty pages into a bitmap
 * @log: log
 * @first: page that goes to bit 0 of @dst
 * @nr: number of pages
 * @dst: bitmap of @nr bits; bits of clean pages are left alone
 *
 * May sleep (a long log reschedules), but allocates nothing.
 */
void hwdbm_dirty_log_report(const struct hwdbm_dirty_log *log,
			    unsigned long first, unsigned long nr,
			    unsigned long *dst);

/**
 * hwdbm_dirty_log_bytes() - memory that the log holds
 * @log: log, may be inactive
 *
 * Return: bytes.
 */
static inline u64 hwdbm_dirty_log_bytes(const struct hwdbm_dirty_log *log)
{
	return log->bytes;
}

#endif /* HWDBM_DIRTY_LOG_H */
