/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The IOVA that a container may map: sorted disjoint ranges with inclusive
 * ends. Pure: memory is the caller's, nothing here allocates or locks.
 */
#ifndef HWDBM_IOVA_RANGES_H
#define HWDBM_IOVA_RANGES_H

#include <linux/types.h>

/**
 * struct hwdbm_iova_range - one range of IOVA
 * @first: first byte
 * @last: last byte, inclusive; never below @first
 */
struct hwdbm_iova_range {
	u64	first;
	u64	last;
};

/**
 * struct hwdbm_iova_ranges - ranges, ascending and disjoint
 * @nr: ranges in use
 * @cap: entries that @range has room for; set by whoever allocates
 * @range: the ranges
 */
struct hwdbm_iova_ranges {
	unsigned int		nr;
	unsigned int		cap;
	struct hwdbm_iova_range	range[];
};

/**
 * hwdbm_iova_ranges_reset() - start over with one range
 * @r: ranges, @cap at least 1
 * @first: first byte
 * @last: last byte, inclusive; below @first leaves no range at all
 */
void hwdbm_iova_ranges_reset(struct hwdbm_iova_ranges *r, u64 first, u64 last);

/**
 * hwdbm_iova_ranges_clip() - keep only what lies inside an aperture
 * @r: ranges
 * @first: first byte of the aperture
 * @last: its last byte, inclusive; below @first means an empty aperture
 */
void hwdbm_iova_ranges_clip(struct hwdbm_iova_ranges *r, u64 first, u64 last);

/**
 * hwdbm_iova_ranges_exclude() - take a hole out
 * @r: ranges
 * @first: first byte of the hole
 * @last: its last byte, inclusive; below @first means no hole
 *
 * Adds at most one range: room for the number of holes plus one always does.
 *
 * Return: 0, or -ENOSPC when a range must be split and there is no room for
 * its second half; @r is then unchanged.
 */
int hwdbm_iova_ranges_exclude(struct hwdbm_iova_ranges *r, u64 first, u64 last);

/**
 * hwdbm_iova_ranges_contain() - does one range cover all of this?
 * @r: ranges
 * @first: first byte
 * @last: last byte, inclusive; below @first is covered by nothing
 *
 * Two ranges that touch are not joined: nothing here produces such.
 *
 * Return: true if so.
 */
bool hwdbm_iova_ranges_contain(const struct hwdbm_iova_ranges *r, u64 first,
			       u64 last);

#endif /* HWDBM_IOVA_RANGES_H */
