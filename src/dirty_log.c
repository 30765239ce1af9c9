// SPDX-License-Identifier: GPL-2.0-only
/* The software dirty log of one mapping; see dirty_log.h. */
#include <linux/bitops.h>
#include <linux/bug.h>
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "bitmap.h"
#include "dirty_log.h"

/*
 * The table has 8 bytes for 128 MiB, but the size of a mapping is user space's
 * choice: without NOWARN kvcalloc() would complain about the absurd ones.
 * MAYFAIL: a START without room in its memory cgroup fails, and nobody is killed.
 */
#define TABLE_GFP	(GFP_KERNEL_ACCOUNT | __GFP_NOWARN | __GFP_RETRY_MAYFAIL)

/*
 * A bitmap is nice to have. NORETRY: one round of reclaim is worth its
 * precision, the OOM killer is not (the victim would likely be the very VM),
 * and nor is a stall for each of a TiB's 8192 chunks with the mapping locked.
 */
#define BITMAP_GFP	(GFP_KERNEL_ACCOUNT | __GFP_NOWARN | __GFP_NORETRY)

/*
 * A chunk is a pointer: NULL if clean, a value that no allocation has if all
 * dirty, else its bitmap. Whoever has a bitmap keeps it, empty or full.
 */
#define CHUNK_CLEAN	((unsigned long *)0UL)
#define CHUNK_ALL_DIRTY	((unsigned long *)1UL)

static inline bool chunk_is_clean(const unsigned long *chunk)
{
	return chunk == CHUNK_CLEAN;
}

static inline bool chunk_is_all_dirty(const unsigned long *chunk)
{
	return chunk == CHUNK_ALL_DIRTY;
}

static inline bool chunk_has_bitmap(const unsigned long *chunk)
{
	return !chunk_is_clean(chunk) && !chunk_is_all_dirty(chunk);
}

/* Pages of chunk @idx: the last one may be short. */
static inline unsigned long chunk_pages(const struct hwdbm_dirty_log *log,
					unsigned long idx)
{
	return min(log->nr_pages - idx * HWDBM_CHUNK_PAGES, HWDBM_CHUNK_PAGES);
}

/* Every page dirty; no allocation. */
static inline void chunk_fill(struct hwdbm_dirty_log *log, unsigned long idx)
{
	if (chunk_has_bitmap(log->chunks[idx]))
		hwdbm_bitmap_set(log->chunks[idx], 0, chunk_pages(log, idx));
	else
		log->chunks[idx] = CHUNK_ALL_DIRTY;
}

/* Every page clean; no allocation. */
static inline void chunk_empty(struct hwdbm_dirty_log *log, unsigned long idx)
{
	if (chunk_has_bitmap(log->chunks[idx]))
		hwdbm_bitmap_clear(log->chunks[idx], 0, chunk_pages(log, idx));
	else
		log->chunks[idx] = CHUNK_CLEAN;
}

/* A chunk without a bitmap gets one that says the same; NULL if no memory. */
static unsigned long *chunk_add_bitmap(struct hwdbm_dirty_log *log,
				       unsigned long idx)
{
	unsigned long pages = chunk_pages(log, idx);
	unsigned long bytes = BITS_TO_LONGS(pages) * sizeof(unsigned long);
	unsigned long *map = kzalloc(bytes, BITMAP_GFP);

	if (!map)
		return NULL;
	if (chunk_is_all_dirty(log->chunks[idx]))
		hwdbm_bitmap_set(map, 0, pages);
	log->chunks[idx] = map;
	log->bytes += bytes;
	return map;
}

/* The bitmap to set bits in, or NULL: the chunk is, or now is, all dirty. */
static unsigned long *chunk_to_set(struct hwdbm_dirty_log *log,
				   unsigned long idx)
{
	unsigned long *map = log->chunks[idx];

	if (chunk_has_bitmap(map))
		return map;
	if (chunk_is_all_dirty(map))
		return NULL;
	map = chunk_add_bitmap(log, idx);
	if (!map)
		log->chunks[idx] = CHUNK_ALL_DIRTY;
	return map;
}

/*
 * The bitmap to clear bits in, or NULL: the chunk is clean, or cannot be split
 * for lack of memory and stays all dirty.
 */
static unsigned long *chunk_to_clear(struct hwdbm_dirty_log *log,
				     unsigned long idx)
{
	unsigned long *map = log->chunks[idx];

	if (chunk_has_bitmap(map))
		return map;
	if (chunk_is_clean(map))
		return NULL;
	return chunk_add_bitmap(log, idx);
}

/*
 * A range of pages, cut at chunk boundaries: pages [@off, @off + @nr) of chunk
 * @idx are pages [@done, @done + @nr) of the range.
 */
struct span {
	unsigned long	idx;
	unsigned long	off;
	unsigned long	nr;
	unsigned long	done;
};

/* Pages of the range that the log has; all of them, but for our own bugs. */
static unsigned long clip(const struct hwdbm_dirty_log *log,
			  unsigned long first, unsigned long nr)
{
	unsigned long room = first < log->nr_pages ? log->nr_pages - first : 0;

	WARN_ON_ONCE(nr > room);
	return min(nr, room);
}

/* The next span of @nr pages (clipped) from @first; @s starts as all zero. */
static bool next_span(const struct hwdbm_dirty_log *log, struct span *s,
		      unsigned long first, unsigned long nr)
{
	if (s->nr)
		cond_resched();
	s->done += s->nr;
	if (s->done >= nr)
		return false;
	s->idx = (first + s->done) / HWDBM_CHUNK_PAGES;
	s->off = (first + s->done) % HWDBM_CHUNK_PAGES;
	s->nr = min(nr - s->done, chunk_pages(log, s->idx) - s->off);
	return true;
}

static bool span_is_chunk(const struct hwdbm_dirty_log *log,
			  const struct span *s)
{
	return s->nr == chunk_pages(log, s->idx);
}

int hwdbm_dirty_log_init(struct hwdbm_dirty_log *log, unsigned long nr_pages)
{
	log->nr_pages = nr_pages;
	log->nr_chunks = nr_pages / HWDBM_CHUNK_PAGES +
			 !!(nr_pages % HWDBM_CHUNK_PAGES);
	log->bytes = log->nr_chunks * sizeof(*log->chunks);
	log->chunks = kvcalloc(log->nr_chunks, sizeof(*log->chunks), TABLE_GFP);
	if (log->chunks)
		return 0;
	*log = (struct hwdbm_dirty_log){ };
	return -ENOMEM;
}

void hwdbm_dirty_log_fini(struct hwdbm_dirty_log *log)
{
	unsigned long idx;

	for (idx = 0; idx < log->nr_chunks; idx++) {
		if (chunk_has_bitmap(log->chunks[idx]))
			kfree(log->chunks[idx]);
		cond_resched();
	}
	kvfree(log->chunks);
	*log = (struct hwdbm_dirty_log){ };
}

void hwdbm_dirty_log_set(struct hwdbm_dirty_log *log, unsigned long first,
			 unsigned long nr)
{
	struct span s = { };
	unsigned long *map;

	nr = clip(log, first, nr);
	while (next_span(log, &s, first, nr)) {
		if (span_is_chunk(log, &s)) {
			chunk_fill(log, s.idx);
			continue;
		}
		map = chunk_to_set(log, s.idx);
		if (map)
			hwdbm_bitmap_set(map, s.off, s.nr);
	}
}

void hwdbm_dirty_log_set_all(struct hwdbm_dirty_log *log)
{
	hwdbm_dirty_log_set(log, 0, log->nr_pages);
}

void hwdbm_dirty_log_clear(struct hwdbm_dirty_log *log, unsigned long first,
			   unsigned long nr)
{
	struct span s = { };
	unsigned long *map;

	nr = clip(log, first, nr);
	while (next_span(log, &s, first, nr)) {
		if (span_is_chunk(log, &s)) {
			chunk_empty(log, s.idx);
			continue;
		}
		map = chunk_to_clear(log, s.idx);
		if (map)
			hwdbm_bitmap_clear(map, s.off, s.nr);
	}
}

void hwdbm_dirty_log_clear_bits(struct hwdbm_dirty_log *log,
				unsigned long first, unsigned long nr,
				const unsigned long *bits)
{
	struct span s = { };
	unsigned long *map;

	nr = clip(log, first, nr);
	while (next_span(log, &s, first, nr)) {
		if (!hwdbm_bitmap_any(bits, s.done, s.nr))
			continue;
		if (span_is_chunk(log, &s) &&
		    hwdbm_bitmap_all(bits, s.done, s.nr)) {
			chunk_empty(log, s.idx);
			continue;
		}
		map = chunk_to_clear(log, s.idx);
		if (map)
			hwdbm_bitmap_andnot(map, s.off, bits, s.done, s.nr);
	}
}

void hwdbm_dirty_log_report(const struct hwdbm_dirty_log *log,
			    unsigned long first, unsigned long nr,
			    unsigned long *dst)
{
	const unsigned long *map;
	struct span s = { };

	nr = clip(log, first, nr);
	while (next_span(log, &s, first, nr)) {
		map = log->chunks[s.idx];
		if (chunk_is_all_dirty(map))
			hwdbm_bitmap_set(dst, s.done, s.nr);
		else if (chunk_has_bitmap(map))
			hwdbm_bitmap_or(dst, s.done, map, s.off, s.nr);
	}
}
