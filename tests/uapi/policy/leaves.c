// SPDX-License-Identifier: GPL-2.0-only
/*
 * Leaves of every kind: what one domain maps by 4 KiB another has in one, or
 * replicated, and whoever cleans a leaf says so of all of it.
 */
#include "bitmap.h"
#include "mem.h"
#include "policy.h"
#include "tap.h"

#include <errno.h>
#include <string.h>

#define LEAF	(PAGE_2M / PAGE)
#define K64	(64 * 1024ULL)

/* NR pages that are one leaf of 64 KiB behind B, of 16 entries. */
static void each_entry(void)
{
	char *mem = mem_alloc(PAGE_2M, LEAF_2M);
	uint64_t i;

	small_leaves(false);
	open_container(A);
	join(B);
	map(mem, IOVA, NR * PAGE);
	small_leaves(true);
	tap_ok(watch(A).leaves == NR && watch(B).leaves == 1,
	       "one leaf of 64 KiB: %llu and %llu", watch(A).leaves,
	       watch(B).leaves);
	for (i = 0; i < NR; i++)
		dma(B, i);
	start();
	look_is(NONE, "each entry written before START");
	for (i = 0; i < NR; i++) {
		dma(B, i);
		get_is(ALL, "any of its entries dirties the leaf");
		get_is(NONE, "and all of them are cleaned");
	}
	for (i = 0; i < NR; i++)
		dma(B, i);
	clear("0001000000000000");
	look_is("1110111111111111", "CLEAR of one page keeps the others");
	clear(ALL);
	dma(B, 3);
	dma(B, 12);
	get_is(ALL, "no entry is trusted after that");
	dma(A, 5);
	look_is("0000010000000000", "the other domain's leaves are small");
	dma(B, 15);
	clear("0000000000000001");
	look_is("1111111111111110", "both");
	dma(B, 0);
	clear(ALL);
	dma(B, 15);
	leave(B);
	get_is(ALL, "and with the domain gone");
	unmap(IOVA, NR * PAGE);
	stop();
	close_container();
	mem_free(mem, PAGE_2M);
}

static void clear_range(uint64_t iova, uint64_t from, uint64_t to)
{
	uint64_t map[64];

	memset(map, 0xff, sizeof(map));
	must(vfio_dirty_range(container, DIRTY_CLEAR, iova + from * PAGE,
			      (to - from + 1) * PAGE, PAGE, map,
			      bit_bytes(to - from + 1)), "CLEAR");
}

/* A leaf that lies in two chunks of the log: 128 MiB from the first page. */
#define CHUNK	32768ULL
#define BEFORE	(K64 / PAGE)		/* pages before the first whole leaf */
#define PAGES	(BEFORE + 66 * LEAF)
#define CUT	(BEFORE + 63 * LEAF)	/* first page of that leaf */

_Static_assert((CUT < CHUNK) && (CHUNK < CUT + LEAF), "a leaf in two chunks");

static uint64_t log_words[(PAGES + 63) / 64];

static void across_chunks(int who)
{
	uint64_t iova = IOVA + PAGE_2M - K64;
	char *mem = mem_alloc(67 * PAGE_2M, LEAF_2M);

	small_leaves(false);
	open_container(who);
	map(mem + PAGE_2M - K64, iova, PAGES * PAGE);
	small_leaves(true);
	start();
	dma_at(who, iova + CUT * PAGE);
	ask(DIRTY_NOCLEAR, iova, PAGES, log_words);
	tap_ok(only(log_words, PAGES, CUT, CUT + LEAF - 1),
	       "written in the first chunk: the leaf is dirty in both");
	clear_range(iova, CUT + LEAF - 2, CUT + LEAF - 1);
	ask(DIRTY_NOCLEAR, iova, PAGES, log_words);
	tap_ok(only(log_words, PAGES, CUT, CUT + LEAF - 3),
	       "CLEAR in the second keeps the first");
	dma_at(who, iova + (CUT + LEAF - 1) * PAGE);
	clear_range(iova, CUT, CUT + 3);
	ask(DIRTY_GET, iova, PAGES, log_words);
	tap_ok(only(log_words, PAGES, CUT + 4, CUT + LEAF - 1),
	       "CLEAR in the first keeps the second");
	ask(DIRTY_GET, iova, PAGES, log_words);
	tap_ok(only(log_words, PAGES, 1, 0), "then nothing");
	dma_at(who, iova + (CUT + 9) * PAGE);
	ask(DIRTY_GET, iova, PAGES, log_words);
	tap_ok(only(log_words, PAGES, CUT, CUT + LEAF - 1), "written again");
	unmap(iova, PAGES * PAGE);
	stop();
	close_container();
	mem_free(mem, 67 * PAGE_2M);
}

/*
 * One domain has no leaf of less than 64 KiB: nor has the log, while it is in.
 * The other has leaves of 64, 128, 256 and 512 KiB there, as addresses allow.
 */
static void coarse(void)
{
	char *mem = mem_alloc(PAGE_2M, LEAF_2M);
	uint64_t iova = IOVA + K64, fine[4], wide;

	small_leaves(false);
	open_container(B);
	join(D);
	map(mem + K64, iova, 15 * K64);
	tap_ok(watch(B).leaves == 4 && watch(D).leaves == 15,
	       "leaves that grow, and of 64 KiB: %llu and %llu",
	       watch(B).leaves, watch(D).leaves);
	tap_ret(vfio_map(container, mem, 2 * IOVA, PAGE, MAP_RW), -EINVAL,
		"MAP of 4 KiB");
	start();
	tap_ret(vfio_dirty_range(container, DIRTY_GET, iova, 15 * K64, PAGE,
				 fine, sizeof(fine)), -EINVAL, "GET by 4 KiB");
	dma_at(B, IOVA + 2 * K64 + 5 * PAGE);
	dma_at(D, IOVA + 9 * K64 + 5 * PAGE);
	must(vfio_dirty_range(container, DIRTY_NOCLEAR, iova, 15 * K64, K64,
			      &wide, sizeof(wide)), "NOCLEAR");
	tap_ok((wide & 0x7fff) == 0x106, "NOCLEAR by 64 KiB: %#lx", wide & 0x7fff);
	leave(D);
	ask(DIRTY_NOCLEAR, iova, 240, fine);
	tap_ok(bit_count(fine, 240) == 48 && bit_get(fine, 16) &&
	       bit_get(fine, 47) && bit_get(fine, 128) && bit_get(fine, 143),
	       "it has left: all of its leaf, and the other's");
	join(D);
	dma_at(D, IOVA + 7 * K64);
	dma_at(D, IOVA + 15 * K64);
	must(vfio_dirty_range(container, DIRTY_GET, iova, 15 * K64, K64, &wide,
			      sizeof(wide)), "GET");
	tap_ok((wide & 0x7fff) == 0x4146, "GET by 64 KiB: %#lx", wide & 0x7fff);
	small_leaves(true);
	unmap(iova, 15 * K64);
	stop();
	close_container();
	mem_free(mem, PAGE_2M);
}

void test_leaves(void)
{
	each_entry();
	across_chunks(A);
	across_chunks(B);
	coarse();
}
