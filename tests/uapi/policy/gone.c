// SPDX-License-Identifier: GPL-2.0-only
/*
 * A mapping that goes while a GET waits for it: another GET is held, and has the
 * mapping's lock; an UNMAP is next in line, and then the GET, which had found the
 * mapping before it was gone. It is to be left alone by then, its bits as well.
 */
#define _GNU_SOURCE
#include "mem.h"
#include "policy.h"
#include "tap.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TRIES	2500
#define US	2000
#define STILL	10
#define OURS	"[vfio_iommu_type1_hwdbm]"

static atomic_bool first_done;
static atomic_int tid;
static uint64_t first, second;
static int unmapped, asked;

static void *get_first(void *arg)
{
	(void)arg;
	ask(DIRTY_GET, IOVA, NR, &first);
	atomic_store(&first_done, true);
	return NULL;
}

static void *unmap_it(void *arg)
{
	(void)arg;
	atomic_store(&tid, gettid());
	unmapped = vfio_unmap(container, IOVA, NR * PAGE, 0, NULL);
	return NULL;
}

static void *get_second(void *arg)
{
	(void)arg;
	atomic_store(&tid, gettid());
	asked = vfio_dirty_range(container, DIRTY_GET, IOVA, NR * PAGE, PAGE,
				 &second, sizeof(second));
	return NULL;
}

/* The functions of locks themselves are left out of a stack. */
static bool waits_for_lock(void)
{
	char path[64], stack[256];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stack",
		 atomic_load(&tid));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, stack, sizeof(stack) - 1);
	if (fd >= 0)
		close(fd);
	stack[n < 0 ? 0 : n] = 0;
	stack[strcspn(stack, "\n")] = 0;
	return strstr(stack, OURS);
}

/* Returns when the call waits for a lock of ours. */
static pthread_t get_in_line(void *(*call)(void *), const char *name)
{
	pthread_t thread;
	int tries, still = 0;

	atomic_store(&tid, 0);
	if (pthread_create(&thread, NULL, call, NULL))
		tap_bail("no thread");
	/* at one look it may just have come by */
	for (tries = 0; tries < TRIES && still < STILL; tries++) {
		still = waits_for_lock() ? still + 1 : 0;
		usleep(US);
	}
	tap_ok(still == STILL, "%s waits for its turn", name);
	return thread;
}

void test_gone(void)
{
	char *mem = mem_alloc_scattered(NR * PAGE);
	pthread_t threads[3];
	uint64_t rubbish;
	int i;

	memset(&rubbish, 0xa5, sizeof(rubbish));
	second = rubbish;
	open_container(A);
	map(mem, IOVA, NR * PAGE);
	start();
	dma(A, 5);
	must(simdma_hold(&dev[A]), "SIM_HOLD");
	if (pthread_create(&threads[0], NULL, get_first, NULL))
		tap_bail("no thread");
	tap_ok(wait_until_held(A, &first_done), "a GET is held");
	threads[1] = get_in_line(unmap_it, "an UNMAP");
	threads[2] = get_in_line(get_second, "another GET");
	must(simdma_release(&dev[A]), "SIM_RELEASE");
	for (i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	tap_ok((first & 0xffff) == 0x20, "the first one's log: %#lx", first);
	tap_ret(unmapped, 0, "UNMAP");
	tap_ok(!asked && second == rubbish,
	       "the mapping is gone when it is the other's turn: %d, %#lx", asked,
	       second);
	stop();
	close_container();
	mem_free(mem, NR * PAGE);
}
