/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Arithmetic on dirty bitmaps. Pure: no allocation, no locks, no sleep.
 *
 * A bitmap is an array of unsigned long, bit i in word i / 64. The files of
 * the contract with user space are little-endian byte arrays; both are the
 * same bytes on the only hosts we build for, which bitmap.c asserts.
 *
 * No function reads or writes a word (merge_bytes: a byte) that holds no bit
 * of the range it was given. Ranges of different arguments must not overlap
 * in memory. A length of 0 touches nothing. Bit numbers are unsigned long
 * throughout: unlike the kernel's bitmap_set(), nothing is cut to 32 bits.
 */
#ifndef HWDBM_BITMAP_H
#define HWDBM_BITMAP_H

#include <linux/types.h>

/**
 * hwdbm_bitmap_set() - set the bits [@first, @first + @nbits)
 * @map: bitmap
 * @first: first bit
 * @nbits: number of bits
 */
void hwdbm_bitmap_set(unsigned long *map, unsigned long first,
		      unsigned long nbits);

/**
 * hwdbm_bitmap_clear() - clear the bits [@first, @first + @nbits)
 * @map: bitmap
 * @first: first bit
 * @nbits: number of bits
 */
void hwdbm_bitmap_clear(unsigned long *map, unsigned long first,
			unsigned long nbits);

/**
 * hwdbm_bitmap_any() - is a bit of [@first, @first + @nbits) set?
 * @map: bitmap
 * @first: first bit
 * @nbits: number of bits
 *
 * Return: true if so; false for an empty range.
 */
bool hwdbm_bitmap_any(const unsigned long *map, unsigned long first,
		      unsigned long nbits);

/**
 * hwdbm_bitmap_all() - is every bit of [@first, @first + @nbits) set?
 * @map: bitmap
 * @first: first bit
 * @nbits: number of bits
 *
 * Return: true if so, and for an empty range.
 */
bool hwdbm_bitmap_all(const unsigned long *map, unsigned long first,
		      unsigned long nbits);

/**
 * hwdbm_bitmap_or() - set in @dst what is set in @src
 * @dst: bitmap, bit @dst_off + i is ORed with @src's bit @src_off + i
 * @dst_off: bit offset into @dst
 * @src: bitmap
 * @src_off: bit offset into @src
 * @nbits: number of bits
 */
void hwdbm_bitmap_or(unsigned long *dst, unsigned long dst_off,
		     const unsigned long *src, unsigned long src_off,
		     unsigned long nbits);

/**
 * hwdbm_bitmap_andnot() - clear in @dst what is set in @src
 * @dst: bitmap, bit @dst_off + i is cleared if @src's bit @src_off + i is set
 * @dst_off: bit offset into @dst
 * @src: bitmap
 * @src_off: bit offset into @src
 * @nbits: number of bits
 */
void hwdbm_bitmap_andnot(unsigned long *dst, unsigned long dst_off,
			 const unsigned long *src, unsigned long src_off,
			 unsigned long nbits);

/**
 * hwdbm_bitmap_fold() - OR a fine bitmap into a coarser one
 * @dst: coarse bitmap
 * @dst_off: bit of @dst that the coarse unit holding @phase 0 has
 * @src: fine bitmap, read from bit 0
 * @nbits: bits of @src
 * @shift: log2 of the fine bits that one coarse bit stands for, below 64
 * @phase: fine bits between the start of the first coarse unit and @src bit 0
 *
 * Source bit i goes to bit @dst_off + ((i + @phase) >> @shift) of @dst.
 * @nbits + @phase + 2^@shift must not overflow. Clean source words cost one
 * test each; @shift 0 works on whole words.
 */
void hwdbm_bitmap_fold(unsigned long *dst, unsigned long dst_off,
		       const unsigned long *src, unsigned long nbits,
		       unsigned int shift, unsigned long phase);

/**
 * hwdbm_bitmap_unfold() - spread a coarse bitmap over a finer one
 * @dst: fine bitmap, overwritten from bit 0; the rest of its last word, past
 *	@nbits, becomes 0
 * @src: coarse bitmap
 * @src_off: bit of @src that the coarse unit holding @phase 0 has
 * @nbits: bits of @dst
 * @shift: log2 of the fine bits that one coarse bit stands for, below 64
 * @phase: fine bits between the start of the first coarse unit and @dst bit 0
 *
 * Bit i of @dst becomes bit @src_off + ((i + @phase) >> @shift) of @src.
 * @nbits + @phase + 2^@shift must not overflow.
 */
void hwdbm_bitmap_unfold(unsigned long *dst, const unsigned long *src,
			 unsigned long src_off, unsigned long nbits,
			 unsigned int shift, unsigned long phase);

/**
 * hwdbm_bitmap_merge_bytes() - copy a bit range between byte arrays
 * @dst: byte array, bits LSB first
 * @src: byte array, the same bit numbers
 * @first_bit: first bit, 0..7, so within byte 0
 * @nbits: number of bits
 * @or_first: OR the first bit into @dst's instead of replacing it
 *
 * Bits of @dst outside the range keep their values.
 */
void hwdbm_bitmap_merge_bytes(u8 *dst, const u8 *src, unsigned int first_bit,
			      unsigned long nbits, bool or_first);

#endif /* HWDBM_BITMAP_H */
