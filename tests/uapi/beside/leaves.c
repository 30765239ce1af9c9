// SPDX-License-Identifier: GPL-2.0-only
/*
 * Three domains in one container, whose leaves are of 2 MiB, 64 KiB and 4 KiB:
 * what is dirty is the sum of what each has had written, each by its own leaves,
 * also where several write the same page; and each forgets on CLEAR what the
 * others do.
 */
#include "beside.h"
#include "bitmap.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

#define IOVA	0x40000000ULL
#define NR	(2 * PAGE_2M / PAGE_4K)

enum who { EDU, WIDE, NARROW, DEVICES };

static const unsigned int leaf_pages[DEVICES] = { 512, 16, 1 };

/* What is dirty in each domain, and what the log keeps besides. */
static bool bits[DEVICES][NR], kept[NR];

static void writes(enum who who, unsigned int page)
{
	unsigned int leaf = page - page % leaf_pages[who];
	char text[] = "by the simulator";

	if (who == EDU)
		rig_write(&rig, IOVA + page * PAGE_4K);
	else
		must(simdma_write(&sims[who - WIDE], IOVA + page * PAGE_4K,
				  text, sizeof(text)), "DMA");
	memset(&bits[who][leaf], true, leaf_pages[who]);
}

static bool is_dirty(unsigned int page)
{
	return bits[EDU][page] || bits[WIDE][page] || bits[NARROW][page] ||
	       kept[page];
}

static void all_clean(void)
{
	memset(bits, 0, sizeof(bits));
	memset(kept, 0, sizeof(kept));
}

/* Of a leaf that is cleared in part the rest is kept. */
static void clears(unsigned int first, unsigned int nr)
{
	unsigned char map[NR / 8] = {};
	unsigned int page;

	for (page = first; page < first + nr; page++)
		bit_put(map, page, true);
	must(vfio_dirty_range(rig.container, DIRTY_CLEAR, IOVA, NR * PAGE_4K,
			      PAGE_4K, map, sizeof(map)), "CLEAR");
	for (page = 0; page < NR; page++)
		kept[page] = is_dirty(page) && !bit_get(map, page);
	memset(bits, 0, sizeof(bits));
}

static void as_expected(const unsigned char *map, const char *how,
			const char *when)
{
	unsigned int page, wrong = 0, dirty = 0;

	for (page = 0; page < NR; page++) {
		dirty += is_dirty(page);
		if (bit_get(map, page) != is_dirty(page) && !wrong++)
			tap_diag("page %u is %d", page, bit_get(map, page));
	}
	tap_ok(!wrong, "%s: %s tells of %u pages, %u are wrong", when, how,
	       dirty, wrong);
}

static void log_is(uint32_t flag, const char *when)
{
	unsigned char map[NR / 8];

	memset(map, 0xa5, sizeof(map));
	must(vfio_dirty_range(rig.container, flag, IOVA, NR * PAGE_4K, PAGE_4K,
			      map, sizeof(map)), "asking");
	as_expected(map, flag == DIRTY_GET ? "GET" : "NOCLEAR", when);
	if (flag == DIRTY_GET)
		all_clean();
}

static void unmap_tells(const char *when)
{
	unsigned char map[NR / 8];
	struct vfio_bitmap out = {
		.pgsize = PAGE_4K,
		.size = sizeof(map),
		.data = (void *)map,
	};

	memset(map, 0xa5, sizeof(map));
	must(vfio_unmap_dirty(rig.container, IOVA, NR * PAGE_4K,
			      VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP, &out,
			      NULL), "UNMAP");
	as_expected(map, "UNMAP", when);
	all_clean();
}

/* Each elsewhere, and where another's leaf ends or begins. */
static void apart(void)
{
	writes(EDU, 700);
	writes(WIDE, 20);
	writes(WIDE, 511);
	writes(NARROW, 100);
	writes(NARROW, 15);
}

static void together(unsigned int page)
{
	writes(NARROW, page);
	writes(EDU, page);
	writes(WIDE, page);
}

/* Their IOTLBs know the pages as dirty each time the log has been cleaned. */
static void asked_in_each_way(void)
{
	log_is(DIRTY_NOCLEAR, "nothing written");
	apart();
	log_is(DIRTY_NOCLEAR, "apart");
	log_is(DIRTY_NOCLEAR, "apart, again");
	log_is(DIRTY_GET, "apart");
	log_is(DIRTY_GET, "said once");
	apart();
	log_is(DIRTY_GET, "apart, written again");
	together(5);
	together(600);
	log_is(DIRTY_GET, "together");
	log_is(DIRTY_GET, "said once");
}

static void cleared_in_part(void)
{
	enum who who;

	together(5);
	clears(5, 1);
	log_is(DIRTY_NOCLEAR, "one page of three leaves is cleared");
	clears(0, NR);
	for (who = EDU; who < DEVICES; who++) {
		writes(who, 5);
		log_is(DIRTY_NOCLEAR, "one of three writes it again");
		clears(0, 8);
		log_is(DIRTY_NOCLEAR, "part of its leaf is cleared");
		writes(who, 5);
		log_is(DIRTY_NOCLEAR, "and it writes again");
		clears(0, NR);
	}
	log_is(DIRTY_GET, "all is cleared");
}

static void unmapped(void *mem)
{
	apart();
	writes(NARROW, 600);
	unmap_tells("apart");
	must(vfio_map(rig.container, mem, IOVA, NR * PAGE_4K, MAP_RW), "MAP");
	log_is(DIRTY_NOCLEAR, "mapped anew");
	writes(WIDE, 1023);
	writes(NARROW, 3);
	unmap_tells("two of three have written");
}

/* One goes, and what its domain alone knew is kept. */
static void one_goes(void *mem)
{
	must(vfio_map(rig.container, mem, IOVA, NR * PAGE_4K, MAP_RW), "MAP");
	apart();
	leave(&sims[0]);
	log_is(DIRTY_GET, "the one with leaves of 64 KiB has left");
	join(&sims[0]);
	writes(EDU, 3);
	writes(NARROW, 800);
	log_is(DIRTY_GET, "it is back, the others write");
	apart();
	unmap_tells("all three");
}

void unlike_leaves(void)
{
	void *mem = mem_alloc(NR * PAGE_4K, LEAF_2M);

	join(&sims[0]);
	join(&sims[1]);
	must(vfio_map(rig.container, mem, IOVA, NR * PAGE_4K, MAP_RW), "MAP");
	must(vfio_dirty_flag(rig.container, DIRTY_START), "START");
	rig_policy_is(&rig, VFIO_HWDBM_POLICY_HWDBM, VFIO_HWDBM_REASON_NONE,
		      DEVICES, "three of a kind each");
	asked_in_each_way();
	cleared_in_part();
	unmapped(mem);
	one_goes(mem);
	must(vfio_dirty_flag(rig.container, DIRTY_STOP), "STOP");
	leave(&sims[1]);
	leave(&sims[0]);
	mem_free(mem, NR * PAGE_4K);
}
