/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Walking the tables of an IOMMU for dirty leaves. Pure: tables are memory, and
 * whoever calls says where.
 */
#ifndef HWDBM_IOPT_H
#define HWDBM_IOPT_H

#include <linux/types.h>

/**
 * enum hwdbm_iopt_format - layouts of IOPTEs that are understood
 * @HWDBM_IOPT_AMDV1: AMD-Vi host page tables (AMD's IOMMU specification, "I/O
 *	Page Tables for Host Translations"): present 0, next level 11:9, address
 *	51:12, write 62, dirty 6. Next level 7 is a leaf of which the low address
 *	bits tell the size, and which stands in as many entries as it is larger
 *	than its level's own size
 * @HWDBM_IOPT_VTDSS: VT-d second stage (Intel's VT-d specification, "Second-Stage
 *	Paging Entries"): write 1, leaf 7 (1 GiB, 2 MiB), dirty 9, address 51:12
 */
enum hwdbm_iopt_format {
	HWDBM_IOPT_AMDV1,
	HWDBM_IOPT_VTDSS,
};

/* Levels of the tallest tables: AMD's six. */
#define HWDBM_IOPT_MAX_LEVELS	6

/**
 * struct hwdbm_iopt - the tables of one domain, as they are now
 * @format: layout of their entries
 * @levels: 1 to HWDBM_IOPT_MAX_LEVELS; 1: the top has leaves of 4 KiB only
 * @top: the top table, of 512 entries
 * @not_address: of an entry's address bits those that are none (memory
 *	encryption)
 * @table: the table at a physical address that an entry names
 *
 * A table may get a new top (AMDv1), so whoever looks asks for it each time.
 */
struct hwdbm_iopt {
	enum hwdbm_iopt_format format;
	unsigned int levels;
	u64 *top;
	u64 not_address;
	u64 *(*table)(u64 phys);
};

/**
 * enum hwdbm_iopt_action - what is done to a leaf
 * @HWDBM_IOPT_LOOK: nothing; dirty ones are found
 * @HWDBM_IOPT_CLEAN: its dirty bit is cleared, in each of its entries; dirty ones
 *	are found
 * @HWDBM_IOPT_SEAL: write permission is taken away, in each of its entries; those
 *	that had it are found
 *
 * The bit is changed by one atomic instruction an entry, so nothing that the
 * hardware sets meanwhile is lost. Until the IOTLB has been invalidated a device
 * may still write through a copy of the entry as it was.
 */
enum hwdbm_iopt_action {
	HWDBM_IOPT_LOOK,
	HWDBM_IOPT_CLEAN,
	HWDBM_IOPT_SEAL,
};

/**
 * struct hwdbm_iopt_cursor - a walk over a range
 * @iopt: the tables
 * @action: what is done to each leaf
 * @at: first byte that has not been looked at; hwdbm_iopt_seek() sets it
 * @last: last byte, inclusive, below U64_MAX
 * @node: the table that holds the leaf of @at, or NULL: find it from the top
 * @level: of @node, 0 is the lowest
 * @node_last: last byte that @node maps
 */
struct hwdbm_iopt_cursor {
	const struct hwdbm_iopt *iopt;
	enum hwdbm_iopt_action action;
	u64 at;
	u64 last;
	u64 *node;
	unsigned int level;
	u64 node_last;
};

/**
 * hwdbm_iopt_next() - go on to the next leaf that is found
 * @c: the cursor, @at not above @last; moved behind what was looked at
 * @first: out, first byte of the leaf, possibly below where the walk began
 * @last: out, its last byte, possibly above @c->last
 *
 * Looks at the rest of one table at most (512 entries), so that the caller can
 * reschedule. All of the range must be mapped and stay so, and none of it may
 * get other leaves meanwhile; tables may be added beside and above.
 *
 * Return: 1 with a leaf; 0 if there was none: go on while @at is not above @last;
 * -EIO if the tables are not what the format says, or a part of the range is not
 * mapped. Then @first and @last say nothing and the walk is over.
 */
int hwdbm_iopt_next(struct hwdbm_iopt_cursor *c, u64 *first, u64 *last);

/** hwdbm_iopt_seek() - let the walk go on at @at, by @node if that holds it */
void hwdbm_iopt_seek(struct hwdbm_iopt_cursor *c, u64 at);

#endif /* HWDBM_IOPT_H */
