/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The pages of a mapping that drivers have pinned, for devices that have no
 * IOMMU of their own (mdev). A page is here once, whatever the number of its
 * pins, with a pin of the kernel's own on it that belongs to this record.
 *
 * Locks: the mapping's lock; hwdbm_ext_pins_empty() also without, for a glance.
 * Pages count from the mapping's first.
 */
#ifndef HWDBM_EXT_PINS_H
#define HWDBM_EXT_PINS_H

#include <linux/types.h>
#include <linux/xarray.h>

struct page;

/**
 * struct hwdbm_ext_pin - a pinned page
 * @page: what drivers were given
 * @count: times that it was pinned and not unpinned
 */
struct hwdbm_ext_pin {
	struct page *page;
	unsigned int count;
};

/**
 * struct hwdbm_ext_pins - the pinned pages of a mapping
 * @pages: struct hwdbm_ext_pin, by page
 */
struct hwdbm_ext_pins {
	struct xarray pages;
};

void hwdbm_ext_pins_init(struct hwdbm_ext_pins *pins);

/**
 * hwdbm_ext_pins_fini() - forget what is left
 *
 * Pages that a driver has never unpinned stay pinned: it may still write to
 * them.
 *
 * Return: how many those are.
 */
unsigned long hwdbm_ext_pins_fini(struct hwdbm_ext_pins *pins);

static inline bool hwdbm_ext_pins_empty(const struct hwdbm_ext_pins *pins)
{
	return xa_empty(&pins->pages);
}

/** hwdbm_ext_pins_find() - the record of a page, or NULL */
static inline struct hwdbm_ext_pin *
hwdbm_ext_pins_find(struct hwdbm_ext_pins *pins, unsigned long page)
{
	return xa_load(&pins->pages, page);
}

/**
 * hwdbm_ext_pins_add() - record a page that is pinned, with a count of 1
 *
 * Return: 0, or -ENOMEM; the page stays the caller's then.
 */
int hwdbm_ext_pins_add(struct hwdbm_ext_pins *pins, unsigned long page,
		       struct page *what);

/** hwdbm_ext_pins_del() - forget a page; its pin is the caller's again */
void hwdbm_ext_pins_del(struct hwdbm_ext_pins *pins, unsigned long page);

/**
 * hwdbm_ext_pins_next() - find the next pinned page
 * @pins: the pins
 * @page: in: where to begin; out: the page found
 * @last: last page to look at, inclusive
 *
 * Return: false if there is none.
 */
bool hwdbm_ext_pins_next(struct hwdbm_ext_pins *pins, unsigned long *page,
			 unsigned long last);

/** hwdbm_ext_pins_locked() - pages that count as locked memory */
unsigned long hwdbm_ext_pins_locked(struct hwdbm_ext_pins *pins);

#endif /* HWDBM_EXT_PINS_H */
