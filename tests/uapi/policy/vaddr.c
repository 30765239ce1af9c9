// SPDX-License-Identifier: GPL-2.0-only
/*
 * Addresses that change (VFIO_UPDATE_VADDR) under a device behind an IOMMU whose
 * driver pins and copies as well: it may stay, but has to wait for the new ones.
 */
#include "late.h"
#include "mem.h"
#include "policy.h"
#include "tap.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#define SHORT	(200 * 1000)	/* us: a bound, which decides nothing */
#define TICK	2000

static struct late late;
static atomic_bool taken;

static int take_address(uint64_t bytes)
{
	return vfio_unmap(container, IOVA, bytes, VFIO_DMA_UNMAP_FLAG_VADDR,
			  NULL);
}

static void give_address(void *mem, uint64_t bytes)
{
	tap_ret(vfio_map(container, mem, IOVA, bytes, VFIO_DMA_MAP_FLAG_VADDR),
		0, "MAP with VADDR");
}

static void driver_waits(void)
{
	char *mem = mem_alloc_scattered(NR * PAGE), data[8] = "pinned";

	open_container(A);
	map(mem, IOVA, NR * PAGE);
	tap_ret(sim_pin(&dev[A], IOVA + PAGE, 1, SIM_RDWR), 1, "PIN");
	tap_ret(take_address(NR * PAGE), 0, "UNMAP with VADDR");
	tap_ret(sim_pin(&dev[A], IOVA, 1, SIM_RDWR), -EBUSY,
		"PIN at an address that is not known");
	tap_ret(sim_rw(&dev[A], IOVA, data, 8, SIM_COPY_WRITE), -EBUSY,
		"a write there");
	tap_ret(sim_rw(&dev[A], IOVA, data, 8, 0), -EBUSY, "a read there");
	tap_ret(sim_poke(&dev[A], IOVA + PAGE, data, 8), 0, "DMA to what is pinned");
	tap_ok(!strcmp(mem + PAGE, "pinned"), "goes on");
	tap_ret(sim_unpin(&dev[A], IOVA + PAGE, 1), 0, "UNPIN");
	give_address(mem, NR * PAGE);
	tap_ret(sim_pin(&dev[A], IOVA, 1, SIM_RDWR), 1, "PIN then");
	tap_ret(sim_rw(&dev[A], IOVA, data, 8, SIM_COPY_WRITE), 0, "a write then");
	tap_ret(sim_unpin(&dev[A], IOVA, 1), 0, "UNPIN");
	unmap(IOVA, NR * PAGE);
	close_container();
	mem_free(mem, NR * PAGE);
}

static void *copy(void *arg)
{
	char data[8] = "written";

	(void)arg;
	return (void *)(intptr_t)sim_rw(&dev[A], IOVA, data, sizeof(data),
					SIM_COPY_WRITE);
}

static void *take(void *arg)
{
	int ret = take_address(PAGE);

	(void)arg;
	atomic_store(&taken, true);
	return (void *)(intptr_t)ret;
}

static pthread_t start_thread(void *(*what)(void *))
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, what, NULL))
		tap_bail("no thread");
	return thread;
}

static int result(pthread_t thread)
{
	void *ret;

	pthread_join(thread, &ret);
	return (int)(intptr_t)ret;
}

/* When UNMAP has returned, nobody writes to the old address any more. */
static void copy_under_way(void)
{
	pthread_t writer, taker;
	int left;

	open_container(A);
	late_alloc(&late, 1);
	late_put(&late, 0);
	map(late.mem, IOVA, PAGE);
	late_take(&late, 0);
	writer = start_thread(copy);
	tap_ok(late_is_wanted(&late), "a copy waits for its page");
	taker = start_thread(take);
	for (left = SHORT; left > 0 && !atomic_load(&taken); left -= TICK)
		usleep(TICK);
	tap_ok(!atomic_load(&taken), "UNMAP with VADDR waits for the copy");
	late_give(&late, 0);
	tap_ret(result(writer), 0, "the copy");
	tap_ret(result(taker), 0, "UNMAP with VADDR");
	tap_ok(!strcmp(late.mem, "written"), "it was written");
	give_address(late.mem, PAGE);
	unmap(IOVA, PAGE);
	close_container();
	late_free(&late);
}

void test_vaddr(void)
{
	driver_waits();
	copy_under_way();
}
