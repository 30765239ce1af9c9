// SPDX-License-Identifier: GPL-2.0-only
/*
 * A caller's bitmap, pinned so that reading and writing it cannot fail.
 *
 * A page that was cleaned and whose bit then cannot be delivered is a page
 * lost, and a page that was cleaned before the rest of the caller's bits
 * turned out to be unreadable is one too. So all of the bitmap that a call is
 * going to use is pinned before the call touches anything, with no lock held:
 * the buffer may sit on userfaultfd, or be unmapped by another thread at any
 * moment, and once pinned neither matters.
 */

#include <linux/highmem.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "bitmap.h"
#include "user_bitmap.h"

/* Most pages a segment, so that its array is one page: 2 MiB of bitmap. */
#define SEGMENT_PAGES	((PAGE_SIZE - sizeof(struct hwdbm_user_segment)) / sizeof(void *))

/* Pages [first, first + nr) of the address space, counted from address 0. */
struct hwdbm_user_segment {
	struct list_head next;
	unsigned long first;
	unsigned long nr;
	struct page *pages[];
};

static unsigned long page_of(struct hwdbm_user_bitmap *ub, u64 bit)
{
	return (ub->addr + bit / 8) >> PAGE_SHIFT;
}

int hwdbm_user_bitmap_init(struct hwdbm_user_bitmap *ub, void __user *data,
			   u64 bytes, bool write)
{
	INIT_LIST_HEAD(&ub->segments);
	ub->addr = (unsigned long)data;
	ub->bytes = bytes;
	ub->write = write;
	ub->at = NULL;
	return access_ok(data, bytes) ? 0 : -EINVAL;
}

void hwdbm_user_bitmap_fini(struct hwdbm_user_bitmap *ub)
{
	struct hwdbm_user_segment *s, *next;

	list_for_each_entry_safe(s, next, &ub->segments, next) {
		unpin_user_pages_dirty_lock(s->pages, s->nr, ub->write);
		list_del(&s->next);
		kfree(s);
	}
}

static int pin_segment(struct hwdbm_user_bitmap *ub, unsigned long first,
		       unsigned long nr)
{
	unsigned int flags = ub->write ? FOLL_WRITE : 0;
	struct hwdbm_user_segment *s;
	int ret = 0;

	s = kzalloc(struct_size(s, pages, nr), GFP_KERNEL_ACCOUNT);
	if (!s)
		return -ENOMEM;
	s->first = first;
	while (s->nr < nr) {
		unsigned long addr = (first + s->nr) << PAGE_SHIFT;

		if (fatal_signal_pending(current)) {
			ret = -EINTR;
			break;
		}
		ret = pin_user_pages_fast(addr, nr - s->nr, flags,
					  s->pages + s->nr);
		if (ret <= 0)
			break;
		s->nr += ret;
	}
	/* On error too: what is pinned is fini's to unpin. */
	list_add_tail(&s->next, &ub->segments);
	if (s->nr == nr)
		return 0;
	return ret == -EINTR || ret == -ENOMEM ? ret : -EFAULT;
}

int hwdbm_user_bitmap_pin(struct hwdbm_user_bitmap *ub, u64 first_bit,
			  u64 last_bit)
{
	unsigned long first = page_of(ub, first_bit);
	unsigned long end;
	struct hwdbm_user_segment *s;

	if (last_bit / 8 >= ub->bytes)
		return -EINVAL;
	end = page_of(ub, last_bit) + 1;
	if (!list_empty(&ub->segments)) {
		s = list_last_entry(&ub->segments, struct hwdbm_user_segment, next);
		first = max(first, s->first + s->nr);
	}
	while (first < end) {
		unsigned long nr = min(end - first, SEGMENT_PAGES);
		int ret = pin_segment(ub, first, nr);

		if (ret)
			return ret;
		first += nr;
	}
	return 0;
}

/* The segment that holds a page, or NULL. Cheap if pages are asked upwards. */
static struct hwdbm_user_segment *segment_of(struct hwdbm_user_bitmap *ub,
					     unsigned long page)
{
	struct hwdbm_user_segment *s = ub->at;

	if (!s || page < s->first)
		s = list_first_entry_or_null(&ub->segments,
					     struct hwdbm_user_segment, next);
	if (!s)
		return NULL;
	list_for_each_entry_from(s, &ub->segments, next) {
		if (page < s->first)
			break;
		if (page - s->first < s->nr) {
			ub->at = s;
			return s;
		}
	}
	return NULL;
}

bool hwdbm_user_bitmap_pinned(struct hwdbm_user_bitmap *ub,
			      u64 first_bit, u64 last_bit)
{
	unsigned long page, last;

	if (last_bit / 8 >= ub->bytes)
		return false;
	last = page_of(ub, last_bit);
	for (page = page_of(ub, first_bit); page <= last;) {
		const struct hwdbm_user_segment *s = segment_of(ub, page);

		if (!s)
			return false;
		page = s->first + s->nr;
	}
	return true;
}

/* The part of a run of bits that lies in one page of the bitmap. */
struct slice {
	u8 *kaddr;
	unsigned int first_bit;
	u64 nbits;
};

static struct slice map_slice(struct hwdbm_user_bitmap *ub,
			      u64 first_bit, u64 last_bit)
{
	unsigned long page = page_of(ub, first_bit);
	unsigned long offset = offset_in_page(ub->addr + first_bit / 8);
	const struct hwdbm_user_segment *s = segment_of(ub, page);
	struct slice slice;

	slice.kaddr = kmap_local_page(s->pages[page - s->first]);
	slice.kaddr += offset;
	slice.first_bit = first_bit % 8;
	slice.nbits = min(last_bit - first_bit + 1,
			  (PAGE_SIZE - offset) * 8 - slice.first_bit);
	return slice;
}

void hwdbm_user_bitmap_write(struct hwdbm_user_bitmap *ub, u64 first_bit,
			     u64 last_bit, const u8 *src, bool or_first)
{
	while (first_bit <= last_bit) {
		struct slice s = map_slice(ub, first_bit, last_bit);

		hwdbm_bitmap_merge_bytes(s.kaddr, src, s.first_bit, s.nbits,
					 or_first);
		kunmap_local(s.kaddr);
		src += (s.first_bit + s.nbits) / 8;
		first_bit += s.nbits;
		or_first = false;
	}
}

void hwdbm_user_bitmap_read(struct hwdbm_user_bitmap *ub, u64 first_bit,
			    u64 last_bit, u8 *dst)
{
	while (first_bit <= last_bit) {
		struct slice s = map_slice(ub, first_bit, last_bit);

		memcpy(dst, s.kaddr, DIV_ROUND_UP(s.first_bit + s.nbits, 8));
		kunmap_local(s.kaddr);
		dst += (s.first_bit + s.nbits) / 8;
		first_bit += s.nbits;
	}
}
