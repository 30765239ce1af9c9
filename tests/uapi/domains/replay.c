// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is mapped already, a new domain gets as it is, rights and leaves, and
 * loses with the others.
 */
#include "backend.h"
#include "domains.h"
#include "edu.h"
#include "mem.h"
#include "tap.h"

#include <string.h>

#define BIG (IOVA + (1ULL << 21)) /* 2 MiB in one piece */
#define READ_ONLY (IOVA + (2ULL << 21))

static char *map(uint64_t iova, uint64_t size, enum leaf leaf, uint32_t rights)
{
	char *at = mem_alloc(size, leaf);

	tap_ret(vfio_map(container, at, iova, size, rights), 0, "MAP at %#lx",
		iova);
	return at;
}

/* Nothing is read where it is written, so that the refusal is the write's. */
static bool write_refused(struct rig *rig, uint64_t iova)
{
	uint32_t failed = edu_failed(&rig->edu);

	edu_store(&rig->edu, iova, 0, 8);
	return edu_failed(&rig->edu) == failed + 1;
}

static bool read_works(struct rig *rig, uint64_t iova)
{
	uint32_t failed = edu_failed(&rig->edu);

	edu_fetch(&rig->edu, iova, 0, 8);
	return edu_failed(&rig->edu) == failed;
}

static void has_the_mappings(int dev, char *big)
{
	struct rig rig = rig_of(dev);

	tap_ok(rig_reaches(&rig, IOVA, mem) &&
		       rig_reaches(&rig, IOVA + (NR - 1) * PAGE_4K,
				   mem + (NR - 1) * PAGE_4K),
	       "device %d reaches the first mapping", dev);
	tap_ok(rig_reaches(&rig, BIG, big) &&
		       rig_reaches(&rig, BIG + PAGE_2M - PAGE_4K,
				   big + PAGE_2M - PAGE_4K),
	       "and the second, both ends");
	tap_ok(read_works(&rig, READ_ONLY), "and can read the third");
	tap_ok(write_refused(&rig, READ_ONLY), "but not write it");
}

/* With disable_hugepages not all of 2 MiB is one leaf, whoever has mapped it. */
static void has_small_leaves(int dev)
{
	struct rig rig = rig_of(dev);

	start();
	rig_write(&rig, BIG + 5 * PAGE_4K);
	tap_ok(rig_log_is(&rig, DIRTY_GET, BIG, PAGE_2M / 8, "10000000"),
	       "device %d writes: one of eight parts is dirty", dev);
	stop();
}

/* Of every mapping, not only of the first. */
static void saves_both(void)
{
	struct rig leaving = rig_of(1), other = rig_of(0);

	start();
	rig_write(&leaving, IOVA + 2 * PAGE_4K);
	rig_write(&leaving, BIG + PAGE_2M / 2);
	leave(1);
	tap_ok(log_is(DIRTY_GET, "0010000000000000") &&
		       rig_log_is(&other, DIRTY_GET, BIG, PAGE_2M / 8,
				  "00001000"),
	       "what device 1 wrote to either mapping is kept as it leaves");
	stop();
	join(1);
}

static void has_lost_them(int dev)
{
	struct rig rig = rig_of(dev);

	tap_ok(rig_refused(&rig, BIG) &&
		       rig_refused(&rig, BIG + PAGE_2M - PAGE_4K) &&
		       !read_works(&rig, READ_ONLY),
	       "after UNMAP device %d reaches them no more", dev);
}

/* Called with group 0 in, not logging. */
void test_replay(void)
{
	char *big = map(BIG, PAGE_2M, LEAF_2M, MAP_RW);
	char *only = map(READ_ONLY, PAGE_4K, LEAF_4K,
			 VFIO_DMA_MAP_FLAG_READ);

	join(1);
	has_the_mappings(0, big);
	has_the_mappings(1, big);
	has_small_leaves(1);
	saves_both();
	tap_ret(vfio_unmap(container, BIG, PAGE_2M, 0, NULL), 0, "UNMAP");
	tap_ret(vfio_unmap(container, READ_ONLY, PAGE_4K, 0, NULL), 0, "UNMAP");
	has_lost_them(0);
	has_lost_them(1);
	leave(1);
	mem_free(big, PAGE_2M);
	mem_free(only, PAGE_4K);
}
