// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls that are under way when the last group leaves.
 *
 * VFIO hands an ioctl to the backend without a reference and releases the
 * backend's container as soon as the last group has left it. A MAP that comes
 * right behind would pin pages that nothing remembers; a GET that waits for a
 * page of its bitmap would wake up in freed memory.
 */
#define _GNU_SOURCE
#include "leaks.h"
#include "tap.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define CALLERS 3
#define PAGES 512
#define PAGE 4096ul
#define BIG_PAGES 8192		/* what the detach has to take down meanwhile */
#define BIG_IOVA (1ul << 32)
#define MIN_TURNS 50
#define MAX_TURNS 2000

static int container;
static atomic_bool done;
static atomic_ulong served, too_late;

static void count(int ret)
{
	atomic_fetch_add(ret ? &too_late : &served, 1);
}

static void *caller(void *arg)
{
	unsigned long iova = (unsigned long)arg * PAGES * PAGE;
	uint64_t bitmap[PAGES / 64];
	char *mem = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (mem == MAP_FAILED)
		tap_bail("mmap: %m");
	while (!atomic_load(&done)) {
		count(vfio_map(container, mem, iova, PAGES * PAGE, MAP_RW));
		vfio_dirty_flag(container, DIRTY_START);
		count(vfio_dirty_range(container, DIRTY_GET, iova, PAGES * PAGE,
				       PAGE, bitmap, sizeof(bitmap)));
		count(vfio_unmap(container, iova, PAGES * PAGE, 0, NULL));
		vfio_check_extension(container, VFIO_DMA_CC_IOMMU);
	}
	munmap(mem, PAGES * PAGE);
	return NULL;
}

static void one_turn(struct vfio_dev *dev, struct rng *rng, char *big)
{
	if (vfio_group_attach(dev, container) ||
	    vfio_set_iommu(container, VFIO_TYPE1_HWDBM_IOMMU))
		tap_bail("cannot come back to the container: %m");
	vfio_map(container, big, BIG_IOVA, BIG_PAGES * PAGE, MAP_RW);
	usleep((useconds_t)rng_below(rng, 3000));
	if (vfio_group_detach(dev))
		tap_bail("cannot leave the container: %m");
}

static void start_callers(pthread_t *threads)
{
	unsigned long i;

	atomic_store(&done, false);
	for (i = 0; i < CALLERS; i++)
		if (pthread_create(&threads[i], NULL, caller, (void *)i))
			tap_bail("no thread");
}

void test_late_calls(struct vfio_dev *dev, struct rng *rng, int seconds)
{
	char *big = mmap(NULL, BIG_PAGES * PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	pthread_t threads[CALLERS];
	struct counters before;
	int i, turns = 0;
	time_t start;

	if (big == MAP_FAILED)
		tap_bail("mmap: %m");
	counters_baseline(&before);
	container = vfio_container_open();
	if (container < 0 || vfio_group_open(dev))
		tap_bail("cannot open a container and a group");
	start_callers(threads);
	start = time(NULL);
	while (turns < MIN_TURNS ||
	       (turns < MAX_TURNS && time(NULL) - start < seconds)) {
		one_turn(dev, rng, big);
		turns++;
	}
	atomic_store(&done, true);
	for (i = 0; i < CALLERS; i++)
		pthread_join(threads[i], NULL);
	vfio_group_close(dev);
	close(container);
	munmap(big, BIG_PAGES * PAGE);
	tap_ok(served && too_late,
	       "the last group left %d times; %lu calls served, %lu too late",
	       turns, served, too_late);
	counters_settle(&before, "the last group leaves under calls");
}
