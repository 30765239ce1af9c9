/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bitmaps as the dirty log uses them, one byte at a time, so that a bitmap
 * may start at any address: bit n is bit n % 8 of byte n / 8, which is what
 * little-endian words of any size come to.
 */
#ifndef HWDBM_TEST_BITMAP_H
#define HWDBM_TEST_BITMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool bit_get(const void *map, uint64_t n)
{
	return ((const uint8_t *)map)[n / 8] >> (n % 8) & 1;
}

static inline void bit_put(void *map, uint64_t n, bool on)
{
	uint8_t *byte = (uint8_t *)map + n / 8;

	*byte = (*byte & ~(1u << (n % 8))) | (unsigned int)on << (n % 8);
}

/* Bytes that the kernel wants for @bits bits: whole 64-bit words. */
static inline size_t bit_bytes(uint64_t bits)
{
	return (bits + 63) / 64 * 8;
}

static inline uint64_t bit_count(const void *map, uint64_t bits)
{
	uint64_t n, count = 0;

	for (n = 0; n < bits; n++)
		count += bit_get(map, n);
	return count;
}

#endif
