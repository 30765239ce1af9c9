/* SPDX-License-Identifier: GPL-2.0-only */
/* A caller's bitmap, pinned so that reading and writing it cannot fail. */
#ifndef HWDBM_USER_BITMAP_H
#define HWDBM_USER_BITMAP_H

#include <linux/list.h>
#include <linux/types.h>

struct hwdbm_user_segment;

/**
 * struct hwdbm_user_bitmap - parts of a bitmap in user memory, pinned
 * @addr: the caller's address of its first byte, of any alignment
 * @bytes: its length
 * @write: it is output
 * @segments: what is pinned so far, in ascending order
 * @at: the segment looked up last: calls go upwards, so the search starts there
 *
 * Belongs to one call of one thread. Which bits are meant is not known here.
 */
struct hwdbm_user_bitmap {
	unsigned long addr;
	u64 bytes;
	bool write;
	struct list_head segments;
	struct hwdbm_user_segment *at;
};

/**
 * hwdbm_user_bitmap_init() - take a caller's bitmap
 * @ub: to be filled in
 * @data: its address
 * @bytes: its length
 * @write: it is output
 *
 * Return: 0, or -EINVAL if that is no user address.
 */
int hwdbm_user_bitmap_init(struct hwdbm_user_bitmap *ub, void __user *data,
			   u64 bytes, bool write);

/** hwdbm_user_bitmap_fini() - unpin what is pinned */
void hwdbm_user_bitmap_fini(struct hwdbm_user_bitmap *ub);

/**
 * hwdbm_user_bitmap_pin() - pin the bytes of a run of bits
 * @ub: the bitmap of the calling process
 * @first_bit: first bit; not below that of an earlier call
 * @last_bit: last bit, inclusive
 *
 * Faults the pages in, so no lock of ours may be held.
 *
 * Return: 0; -EINVAL if the bitmap ends before @last_bit; -EFAULT if it cannot
 * be read (written); -ENOMEM; -EINTR on a fatal signal.
 */
int hwdbm_user_bitmap_pin(struct hwdbm_user_bitmap *ub, u64 first_bit,
			  u64 last_bit);

/** hwdbm_user_bitmap_pinned() - are all bytes of a run of bits pinned */
bool hwdbm_user_bitmap_pinned(struct hwdbm_user_bitmap *ub, u64 first_bit,
			      u64 last_bit);

/**
 * hwdbm_user_bitmap_write() - write a run of bits that is pinned
 * @ub: the bitmap
 * @first_bit: first bit
 * @last_bit: last bit, inclusive
 * @src: the bits, from bit @first_bit % 8 of its first byte on
 * @or_first: OR the first bit to what is there instead of replacing it
 */
void hwdbm_user_bitmap_write(struct hwdbm_user_bitmap *ub, u64 first_bit,
			     u64 last_bit, const u8 *src, bool or_first);

/**
 * hwdbm_user_bitmap_read() - read a run of bits that is pinned
 * @ub: the bitmap
 * @first_bit: first bit
 * @last_bit: last bit, inclusive
 * @dst: gets the bytes that hold them: bit @first_bit % 8 of the first byte on
 */
void hwdbm_user_bitmap_read(struct hwdbm_user_bitmap *ub, u64 first_bit,
			    u64 last_bit, u8 *dst);

#endif /* HWDBM_USER_BITMAP_H */
