// SPDX-License-Identifier: GPL-2.0-only
/* src/bitmap.c against twins that move one bit at a time. */
#include <sys/mman.h>
#include <unistd.h>

#include "cmocka_shim.h"
#include "random.h"

#include <linux/bitops.h>
#include "bitmap.h"

#define ROUNDS	20000
/* Bits beyond which random cases add nothing: some words, never aligned. */
#define SPAN	300

static bool get(const unsigned long *map, unsigned long i)
{
	return map[i / 64] >> (i % 64) & 1;
}

static void put(unsigned long *map, unsigned long i, bool bit)
{
	map[i / 64] &= ~(1UL << (i % 64));
	map[i / 64] |= (unsigned long)bit << (i % 64);
}

/* Exactly as many words as hold @bits, so that ASan guards both ends. */
static unsigned long *make(unsigned long bits)
{
	unsigned long *map = malloc(BITS_TO_LONGS(bits) * sizeof(*map));

	random_bits(map, BITS_TO_LONGS(bits));
	return map;
}

static unsigned long *copy(const unsigned long *map, unsigned long bits)
{
	unsigned long bytes = BITS_TO_LONGS(bits) * sizeof(*map);

	return memcpy(malloc(bytes), map, bytes);
}

/* Compare to the last bit of the last word, and free both. */
static void same(unsigned long *got, unsigned long *want, unsigned long bits)
{
	assert_memory_equal(got, want, BITS_TO_LONGS(bits) * sizeof(*got));
	free(got);
	free(want);
}

static void assert_untouched(void)
{
	unsigned long *none = NULL;

	/* Any access through NULL would be fatal. */
	hwdbm_bitmap_set(none, 64, 0);
	hwdbm_bitmap_clear(none, 64, 0);
	hwdbm_bitmap_or(none, 63, none, 64, 0);
	hwdbm_bitmap_andnot(none, 63, none, 64, 0);
	hwdbm_bitmap_fold(none, 63, none, 0, 0, 0);
	hwdbm_bitmap_fold(none, 63, none, 0, 9, 511);
	hwdbm_bitmap_unfold(none, none, 64, 0, 0, 0);
	hwdbm_bitmap_unfold(none, none, 64, 0, 9, 511);
	assert_false(hwdbm_bitmap_any(none, 64, 0));
	assert_true(hwdbm_bitmap_all(none, 64, 0));
}

static void empty_ranges(void **state)
{
	u8 byte = 0x5a;

	(void)state;
	assert_untouched();
	hwdbm_bitmap_merge_bytes(&byte, (u8[]){ 0xff }, 3, 0, false);
	hwdbm_bitmap_merge_bytes(&byte, (u8[]){ 0xff }, 3, 0, true);
	assert_int_equal(byte, 0x5a);
}

static void set_clear_case(unsigned long first, unsigned long nbits)
{
	unsigned long bits = first + nbits, i;
	unsigned long *got = make(bits), *want = copy(got, bits);
	bool any = false, all = true;

	for (i = first; i < bits; i++) {
		any |= get(got, i);
		all &= get(got, i);
	}
	assert_int_equal(hwdbm_bitmap_any(got, first, nbits), any);
	assert_int_equal(hwdbm_bitmap_all(got, first, nbits), all);
	if (random_one_in(2)) {
		hwdbm_bitmap_set(got, first, nbits);
		for (i = first; i < bits; i++)
			put(want, i, true);
	} else {
		hwdbm_bitmap_clear(got, first, nbits);
		for (i = first; i < bits; i++)
			put(want, i, false);
	}
	same(got, want, bits);
}

static void or_andnot_case(unsigned long dst_off, unsigned long src_off,
			   unsigned long nbits)
{
	unsigned long bits = dst_off + nbits, i;
	unsigned long *src = make(src_off + nbits);
	unsigned long *got = make(bits), *want = copy(got, bits);

	if (random_one_in(2)) {
		hwdbm_bitmap_or(got, dst_off, src, src_off, nbits);
		for (i = 0; i < nbits; i++)
			if (get(src, src_off + i))
				put(want, dst_off + i, true);
	} else {
		hwdbm_bitmap_andnot(got, dst_off, src, src_off, nbits);
		for (i = 0; i < nbits; i++)
			if (get(src, src_off + i))
				put(want, dst_off + i, false);
	}
	same(got, want, bits);
	free(src);
}

static void fold_case(unsigned long dst_off, unsigned long nbits,
		      unsigned int shift, unsigned long phase)
{
	unsigned long bits = dst_off, i;
	unsigned long *src = make(nbits), *got, *want;

	if (nbits)
		bits += ((nbits - 1 + phase) >> shift) + 1;
	got = make(bits);
	want = copy(got, bits);
	hwdbm_bitmap_fold(got, dst_off, src, nbits, shift, phase);
	for (i = 0; i < nbits; i++)
		if (get(src, i))
			put(want, dst_off + ((i + phase) >> shift), true);
	same(got, want, bits);
	free(src);
}

static void unfold_case(unsigned long src_off, unsigned long nbits,
			unsigned int shift, unsigned long phase)
{
	unsigned long *got = make(nbits), *want = copy(got, nbits), *src, i;
	unsigned long bits = src_off;

	if (nbits)
		bits += ((nbits - 1 + phase) >> shift) + 1;
	src = make(bits);
	hwdbm_bitmap_unfold(got, src, src_off, nbits, shift, phase);
	memset(want, 0, BITS_TO_LONGS(nbits) * sizeof(*want));
	for (i = 0; i < nbits; i++)
		put(want, i, get(src, src_off + ((i + phase) >> shift)));
	same(got, want, nbits);
	free(src);
}

static void merge_case(unsigned int first_bit, unsigned long nbits,
		       bool or_first)
{
	unsigned long bytes = (first_bit + nbits + 7) / 8, i;
	u8 *src = malloc(bytes), *got = malloc(bytes), *want = malloc(bytes);
	u8 bit, old;

	for (i = 0; i < bytes; i++) {
		src[i] = random_u64();
		got[i] = want[i] = random_u64();
	}
	hwdbm_bitmap_merge_bytes(got, src, first_bit, nbits, or_first);
	for (i = first_bit; i < first_bit + nbits; i++) {
		bit = src[i / 8] >> (i % 8) & 1;
		old = want[i / 8] >> (i % 8) & 1;
		if (or_first && i == first_bit)
			bit |= old;
		want[i / 8] ^= (bit ^ old) << (i % 8);
	}
	assert_memory_equal(got, want, bytes);
	free(src);
	free(got);
	free(want);
}

static const unsigned long edges[] = {
	0, 1, 2, 7, 8, 9, 62, 63, 64, 65, 126, 127, 128, 129, 191, 192, 193,
};

/* Every pair of offset and length around the word boundaries. */
static void word_boundaries(void **state)
{
	unsigned int i, j, k;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(edges); i++) {
		for (j = 0; j < ARRAY_SIZE(edges); j++) {
			set_clear_case(edges[i], edges[j]);
			merge_case(i % 8, edges[j], i & 8);
			for (k = 0; k < ARRAY_SIZE(edges); k++) {
				or_andnot_case(edges[k], edges[i], edges[j]);
				fold_case(edges[i], edges[j], k % 10, edges[k]);
				unfold_case(edges[i], edges[j], k % 10,
					    edges[k]);
			}
		}
	}
}

static void random_cases(void **state)
{
	unsigned long a, b, nbits, phase;
	unsigned int i, shift;

	(void)state;
	for (i = 0; i < ROUNDS; i++) {
		a = random_below(SPAN);
		b = random_below(SPAN);
		nbits = random_below(SPAN);
		shift = random_below(10);
		phase = random_below(random_one_in(4) ? SPAN : 1UL << shift);
		set_clear_case(a, nbits);
		or_andnot_case(a, b, nbits);
		fold_case(a, nbits, shift, phase);
		unfold_case(a, nbits, shift, phase);
		/* As a reader has it: the tail of one coarse unit, long. */
		fold_case(a, nbits * 8, shift, phase);
		merge_case(a % 8, nbits, random_one_in(2));
	}
}

static void extreme_shifts(void **state)
{
	unsigned int shift;

	(void)state;
	for (shift = 18; shift < 64; shift++) {
		fold_case(65, 4096, shift, 0);
		unfold_case(65, 4096, shift, 0);
		fold_case(63, 200, shift, (1UL << (shift - 1)) - 100);
		unfold_case(63, 200, shift, (1UL << (shift - 1)) - 100);
	}
	/* The source straddles two coarse units of 1 GiB in 4 KiB pages. */
	fold_case(64, 200, 18, (1UL << 18) - 100);
	unfold_case(64, 200, 18, (1UL << 18) - 100);
}

/*
 * A bitmap of 2^35 bits of which only the word around bit 2^34 can be
 * touched: an offset cut to 32 bits is a fault.
 */
static void offsets_past_32_bits(void **state)
{
	unsigned long base = 1UL << 34, page = sysconf(_SC_PAGESIZE);
	unsigned long one[2] = { 5, 1 }, back[1];
	unsigned long *map, *word;

	(void)state;
	map = mmap(NULL, base / 4, PROT_NONE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert_ptr_not_equal(map, MAP_FAILED);
	word = map + base / 64;
	assert_int_equal(mprotect(word, page, PROT_READ | PROT_WRITE), 0);

	hwdbm_bitmap_set(map, base + 3, 2);
	assert_int_equal(*word, 0x18);
	assert_true(hwdbm_bitmap_any(map, base, 64));
	assert_true(hwdbm_bitmap_all(map, base + 3, 2));
	assert_false(hwdbm_bitmap_any(map, base + 5, 64));
	hwdbm_bitmap_clear(map, base + 4, 1);
	assert_int_equal(*word, 0x8);
	hwdbm_bitmap_or(map, base + 4, one, 0, 3);
	assert_int_equal(*word, 0x58);
	hwdbm_bitmap_andnot(map, base + 6, one, 64, 1);
	assert_int_equal(*word, 0x18);
	hwdbm_bitmap_fold(map, base, one, 3, 1, 0);
	assert_int_equal(*word, 0x1b);
	hwdbm_bitmap_unfold(back, map, base, 10, 1, 0);
	assert_int_equal(*back, 0x3cf & 0x3ff);
	hwdbm_bitmap_unfold(back, map, base + 3, 2, 0, 0);
	assert_int_equal(*back, 0x3);
	munmap(map, base / 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_ranges),
		cmocka_unit_test(word_boundaries),
		cmocka_unit_test(random_cases),
		cmocka_unit_test(extreme_shifts),
		cmocka_unit_test(offsets_past_32_bits),
	};

	return cmocka_run_group_tests_name("bitmap", tests, random_setup, NULL);
}
