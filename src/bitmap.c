// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arithmetic on dirty bitmaps; see bitmap.h.
 *
 * Every loop walks the words of one bitmap, the one it changes, a step a
 * word: from the current bit to the end of its word or of the range. What it
 * needs from another bitmap it fetches as one value of as many bits.
 */
#include <linux/bitmap.h>
#include <linux/bitops.h>
#include <linux/build_bug.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "bitmap.h"

#define WORD_BITS	64UL

/* The contract's bitmaps are bytes; ours are words. One thing only if: */
static_assert(BITS_PER_LONG == WORD_BITS);
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);

/* Bits of a step that starts at @bit with @left bits to go: 1..64. */
static unsigned long step_bits(unsigned long bit, unsigned long left)
{
	return min(WORD_BITS - bit % WORD_BITS, left);
}

/* The lowest @n bits, 1..64. */
static unsigned long low_mask(unsigned long n)
{
	return ~0UL >> (WORD_BITS - n);
}

/* The @n bits (1..64) of @map from @bit; no word beyond them is read. */
static unsigned long fetch(const unsigned long *map, unsigned long bit,
			   unsigned long n)
{
	const unsigned long *word = map + bit / WORD_BITS;
	unsigned long shift = bit % WORD_BITS;
	unsigned long value = word[0] >> shift;

	if (n > WORD_BITS - shift)
		value |= word[1] << (WORD_BITS - shift);
	return value & low_mask(n);
}

void hwdbm_bitmap_set(unsigned long *map, unsigned long first,
		      unsigned long nbits)
{
	unsigned long n;

	for (; nbits; first += n, nbits -= n) {
		n = step_bits(first, nbits);
		map[first / WORD_BITS] |= low_mask(n) << first % WORD_BITS;
	}
}

void hwdbm_bitmap_clear(unsigned long *map, unsigned long first,
			unsigned long nbits)
{
	unsigned long n;

	for (; nbits; first += n, nbits -= n) {
		n = step_bits(first, nbits);
		map[first / WORD_BITS] &= ~(low_mask(n) << first % WORD_BITS);
	}
}

bool hwdbm_bitmap_any(const unsigned long *map, unsigned long first,
		      unsigned long nbits)
{
	unsigned long end = first + nbits;

	return find_next_bit(map, end, first) < end;
}

bool hwdbm_bitmap_all(const unsigned long *map, unsigned long first,
		      unsigned long nbits)
{
	unsigned long end = first + nbits;

	return find_next_zero_bit(map, end, first) >= end;
}

/* Set (@set), or clear, the bits of @dst that are set in @src. */
static __always_inline void apply(unsigned long *dst, unsigned long dst_off,
				  const unsigned long *src,
				  unsigned long src_off, unsigned long nbits,
				  bool set)
{
	unsigned long n, value, *word;

	for (; nbits; dst_off += n, src_off += n, nbits -= n) {
		n = step_bits(dst_off, nbits);
		value = fetch(src, src_off, n) << dst_off % WORD_BITS;
		/* Do not dirty the cache of a destination for nothing. */
		if (!value)
			continue;
		word = &dst[dst_off / WORD_BITS];
		*word = set ? *word | value : *word & ~value;
	}
}

void hwdbm_bitmap_or(unsigned long *dst, unsigned long dst_off,
		     const unsigned long *src, unsigned long src_off,
		     unsigned long nbits)
{
	apply(dst, dst_off, src, src_off, nbits, true);
}

void hwdbm_bitmap_andnot(unsigned long *dst, unsigned long dst_off,
			 const unsigned long *src, unsigned long src_off,
			 unsigned long nbits)
{
	apply(dst, dst_off, src, src_off, nbits, false);
}

void hwdbm_bitmap_fold(unsigned long *dst, unsigned long dst_off,
		       const unsigned long *src, unsigned long nbits,
		       unsigned int shift, unsigned long phase)
{
	unsigned long i, unit;

	if (!shift) {
		hwdbm_bitmap_or(dst, dst_off + phase, src, 0, nbits);
		return;
	}
	/* The first set bit of a coarse unit decides; go on at the next unit. */
	for (i = find_next_bit(src, nbits, 0); i < nbits;
	     i = find_next_bit(src, nbits, ((unit + 1) << shift) - phase)) {
		unit = (i + phase) >> shift;
		hwdbm_bitmap_set(dst, dst_off + unit, 1);
	}
}

void hwdbm_bitmap_unfold(unsigned long *dst, const unsigned long *src,
			 unsigned long src_off, unsigned long nbits,
			 unsigned int shift, unsigned long phase)
{
	unsigned long i, end, first, last;

	if (!nbits)
		return;
	memset(dst, 0, BITS_TO_LONGS(nbits) * sizeof(*dst));
	src_off += phase >> shift;
	phase -= phase >> shift << shift;
	if (!shift) {
		hwdbm_bitmap_or(dst, 0, src, src_off, nbits);
		return;
	}
	end = src_off + ((nbits - 1 + phase) >> shift) + 1;
	for (i = find_next_bit(src, end, src_off); i < end;
	     i = find_next_bit(src, end, i + 1)) {
		/* The unit in fine bits, @phase not yet taken off. */
		first = max((i - src_off) << shift, phase);
		last = min((i - src_off + 1) << shift, nbits + phase);
		hwdbm_bitmap_set(dst, first - phase, last - first);
	}
}

/* @src's bits where @mask has ones, @dst's elsewhere. */
static u8 blend(u8 dst, u8 src, u8 mask)
{
	return (dst & ~mask) | (src & mask);
}

void hwdbm_bitmap_merge_bytes(u8 *dst, const u8 *src, unsigned int first_bit,
			      unsigned long nbits, bool or_first)
{
	unsigned long last_bit = first_bit + nbits - 1, last = last_bit / 8;
	u8 head = 0xff << first_bit, tail = 0xff >> (7 - last_bit % 8);
	u8 keep;

	if (!nbits)
		return;
	keep = or_first ? dst[0] & (1U << first_bit) : 0;
	if (!last) {
		dst[0] = blend(dst[0], src[0], head & tail) | keep;
		return;
	}
	dst[0] = blend(dst[0], src[0], head) | keep;
	memcpy(dst + 1, src + 1, last - 1);
	dst[last] = blend(dst[last], src[last], tail);
}
