// SPDX-License-Identifier: GPL-2.0-only
#include "edu.h"
#include "leaks.h"
#include "mem.h"
#include "tap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define IOVA	0x100000000ULL
#define PAGES	256ULL
#define SLOTS	8

struct user {
	struct rng rng;
	struct vfio_dev dev;
	struct edu edu;
	char *mem;
	int container;
	bool mapped[SLOTS];
};

static uint64_t slot_iova(uint64_t slot)
{
	return IOVA + slot * PAGES * PAGE_4K;
}

static bool be_born(struct user *u, const struct life *life)
{
	int tries = 10000;

	rng_init(&u->rng, life->seed);
	u->dev = life->devs[rng_below(&u->rng, (uint64_t)life->nr_devs)];
	u->container = vfio_container_open();
	if (u->container < 0)
		return false;
	/* the one before us may still be on its way out */
	while (vfio_group_open(&u->dev) && tries--)
		usleep(1000);
	if (u->dev.group < 0 || vfio_group_attach(&u->dev, u->container) ||
	    vfio_set_iommu(u->container, VFIO_TYPE1_HWDBM_IOMMU) ||
	    vfio_device_open(&u->dev))
		return false;
	edu_open(&u->edu, u->dev.fd);
	u->mem = mem_alloc(SLOTS * PAGES * PAGE_4K, LEAF_ANY);
	return true;
}

static void toggle(struct user *u, uint64_t slot)
{
	uint8_t map[PAGES / 8];
	struct vfio_bitmap bitmap = { .pgsize = PAGE_4K, .size = sizeof(map) };
	uint64_t size = PAGES * PAGE_4K;
	int ret;

	bitmap.data = (void *)map;
	if (!u->mapped[slot])
		ret = vfio_map(u->container, u->mem + slot * size,
			       slot_iova(slot), size, MAP_RW);
	else if (rng_one_in(&u->rng, 2))
		ret = vfio_unmap(u->container, slot_iova(slot), size, 0, NULL);
	else
		/* refused while logging is off */
		ret = vfio_unmap_dirty(u->container, slot_iova(slot), size,
				       VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP,
				       &bitmap, NULL);
	if (!ret)
		u->mapped[slot] = !u->mapped[slot];
}

static void act(struct user *u)
{
	static const uint32_t flags[] = { DIRTY_GET, DIRTY_NOCLEAR, DIRTY_CLEAR };
	uint64_t slot = rng_below(&u->rng, SLOTS);
	uint8_t map[SLOTS * PAGES / 8] = { 0xff };

	switch (rng_below(&u->rng, 8)) {
	case 0:
	case 1:
		toggle(u, slot);
		break;
	case 2:
		vfio_dirty_flag(u->container, DIRTY_START);
		break;
	case 3:
		if (rng_one_in(&u->rng, 4))
			vfio_dirty_flag(u->container, DIRTY_STOP);
		break;
	case 4:
		vfio_dirty_range(u->container, flags[rng_below(&u->rng, 3)],
				 IOVA, SLOTS * PAGES * PAGE_4K, PAGE_4K, map,
				 sizeof(map));
		break;
	default:
		if (u->mapped[slot])
			edu_store(&u->edu, slot_iova(slot), 0, 64);
		break;
	}
}

_Noreturn void live_until_killed(const struct life *life)
{
	struct user u = { 0 };

	if (!be_born(&u, life))
		_exit(1);
	for (;;) {
		act(&u);
		atomic_fetch_add(life->acts, 1);
	}
}

/* Container, group, device and BAR, in any order; or left to exit. */
static void close_in_any_order(struct user *u)
{
	int left = 0xf;

	while (left) {
		int what = (int)rng_below(&u->rng, 4);

		if (!(left >> what & 1))
			continue;
		left &= ~(1 << what);
		if (what == 0)
			close(u->container);
		else if (what == 1)
			close(u->dev.group);
		else if (what == 2)
			close(u->dev.fd);
		else
			edu_close(&u->edu);
	}
}

void live_and_close(const struct life *life)
{
	struct user u = { 0 };
	uint64_t i, acts;

	if (!be_born(&u, life))
		tap_bail("cannot open a container: %m");
	acts = rng_below(&u.rng, 60);
	for (i = 0; i < acts; i++)
		act(&u);
	close_in_any_order(&u);
	mem_free(u.mem, SLOTS * PAGES * PAGE_4K);
}
