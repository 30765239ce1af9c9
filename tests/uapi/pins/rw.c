// SPDX-License-Identifier: GPL-2.0-only
/* vfio_dma_rw(): the device reads and writes by the CPU, without a pin. */
#include "peer.h"
#include "pins.h"
#include "tap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define BYTES (3 * 4096 + 77)
#define MIB (1 << 20)

/* Two mappings of two pages each, neighbours at IOVA, apart in memory. */
static void both_ways(struct cage *cage, char *low, char *high, uint32_t how,
		      const char *who)
{
	static unsigned int turn = 7;
	char sent[BYTES], seen[BYTES] = "";
	uint32_t first = 2 * PAGE - 1000;	/* in the lower mapping */
	int i, ret;

	turn++;
	for (i = 0; i < BYTES; i++)
		sent[i] = (char)(i * turn + i / 256);
	ret = sim_rw(&cage->sims[0], IOVA + 1000, sent, BYTES,
		     how | SIM_COPY_WRITE);
	tap_ok(!ret && !memcmp(low + 1000, sent, first) &&
		       !memcmp(high, sent + first, BYTES - first),
	       "%s writes over two mappings: %d", who, ret);
	ret = sim_rw(&cage->sims[0], IOVA + 1000, seen, BYTES, how);
	tap_ok(!ret && !memcmp(seen, sent, BYTES),
	       "%s reads over two mappings: %d", who, ret);
}

/* Of a byte each, at either end of a mapping. */
static void at_the_ends(struct cage *cage, char *low)
{
	const uint64_t ends[] = { 0, 2 * PAGE - 1 };
	int i, ret;

	for (i = 0; i < 2; i++) {
		char seen = 0;

		low[ends[i]] = 'x';
		ret = sim_rw(&cage->sims[0], IOVA + ends[i], &seen, 1, 0);
		tap_ok(!ret && seen == 'x', "byte %lu is read: %d", ends[i], ret);
		seen = 'y';
		ret = sim_rw(&cage->sims[0], IOVA + ends[i], &seen, 1,
			     SIM_COPY_WRITE);
		tap_ok(!ret && low[ends[i]] == 'y', "and written: %d", ret);
	}
}

void test_rw(void)
{
	struct cage cage;
	char *low = ram_alloc(2), *high = ram_alloc(2);
	char *big = ram_alloc(MIB / PAGE), *copy = calloc(1, MIB);
	int ret;

	cage_open(&cage, 1);
	cage_map(&cage, low, IOVA, 2);
	cage_map(&cage, high, IOVA + 2 * PAGE, 2);
	both_ways(&cage, low, high, 0, "the owner");
	both_ways(&cage, low, high, SIM_COPY_KTHREAD, "a kernel thread");
	at_the_ends(&cage, low);
	cage_map(&cage, big, 2 * IOVA, MIB / PAGE);
	ret = sim_rw(&cage.sims[0], 2 * IOVA, copy, MIB, 0);
	tap_ok(!ret && !memcmp(copy, big, MIB), "1 MiB is read: %d", ret);
	locked_is(&cage, 0, "read and written");
	cage_close(&cage);
	ram_free(low, 2);
	ram_free(high, 2);
	ram_free(big, MIB / PAGE);
	free(copy);
}

static void rw_error(struct cage *cage, uint64_t iova, uint32_t bytes,
		     uint32_t how, int want, const char *what)
{
	static char buf[4 * 4096];

	tap_ret(sim_rw(&cage->sims[0], iova, buf, bytes, how), want, "%s", what);
	tap_ret(sim_rw(&cage->sims[0], iova, buf, bytes, how | SIM_COPY_KTHREAD),
		want, "%s, by a kernel thread", what);
}

void test_rw_errors(void)
{
	struct cage cage;
	char *ram = ram_alloc(8);

	cage_open(&cage, 1);
	rw_error(&cage, IOVA, 8, 0, -EINVAL, "a read where nothing is mapped");
	rw_error(&cage, IOVA, 8, SIM_COPY_WRITE, -EINVAL,
		 "a write where nothing is mapped");
	cage_map(&cage, ram, IOVA, 2);
	rw_error(&cage, IOVA + PAGE, 2 * PAGE, 0, -EINVAL,
		 "a read that runs into a hole");
	rw_error(&cage, IOVA - 8, 16, SIM_COPY_WRITE, -EINVAL,
		 "a write that comes out of a hole");
	rw_error(&cage, -8ull, 8, 0, -EINVAL, "a read of the last bytes there are");
	cage_map_as(&cage, ram + 2 * PAGE, IOVA + 2 * PAGE, 2,
		    VFIO_DMA_MAP_FLAG_READ);
	rw_error(&cage, IOVA + 2 * PAGE, 8, SIM_COPY_WRITE, -EPERM,
		 "a write of what is mapped to be read");
	rw_error(&cage, IOVA + 2 * PAGE, 8, 0, 0, "a read of it");
	rw_error(&cage, IOVA + 2 * PAGE - 8, 16, SIM_COPY_WRITE, -EPERM,
		 "a write that runs into it");
	cage_map_as(&cage, ram + 4 * PAGE, IOVA + 4 * PAGE, 2,
		    VFIO_DMA_MAP_FLAG_WRITE);
	rw_error(&cage, IOVA + 4 * PAGE, 8, 0, -EPERM,
		 "a read of what is mapped to be written");
	cage_map(&cage, ram + 6 * PAGE, IOVA + 6 * PAGE, 2);
	munmap(ram + 7 * PAGE, PAGE);
	rw_error(&cage, IOVA + 7 * PAGE, 8, 0, -EFAULT,
		 "a read where there is no memory");
	rw_error(&cage, IOVA + 7 * PAGE - 8, 16, 0, -EFAULT,
		 "a read that runs into no memory");
	rw_error(&cage, IOVA + 7 * PAGE - 8, 16, SIM_COPY_WRITE, -EFAULT,
		 "a write that runs into no memory");
	cage_close(&cage);
	ram_free(ram, 8);
}

/* By another process: @how is of SIM_COPY_*. */
static long peer_rw(long fd, long iova, long how)
{
	struct vfio_dev sim = { .fd = (int)fd };
	char buf[8] = "by peer";

	return sim_rw(&sim, (uint64_t)iova, buf, sizeof(buf), (uint32_t)how);
}

static long peer_map_hello(long container, long iova, long c)
{
	char *ram = ram_alloc(1);

	(void)c;
	strcpy(ram, "hello");
	return vfio_map((int)container, ram, (uint64_t)iova, PAGE, MAP_RW);
}

/* Memory is the owner's: the caller's own must not be taken for it. */
void test_rw_others(void)
{
	struct cage cage;
	char *ram = ram_alloc(1), seen[8] = "";
	struct peer peer;
	int fd, ret;

	cage_open(&cage, 1);
	fd = cage.sims[0].fd;
	peer_start(&peer);
	cage_map(&cage, ram, IOVA, 1);
	strcpy(ram, "ours");
	tap_ret((int)peer_call(&peer, peer_rw, fd, IOVA, 0), -EFAULT,
		"a read by a process that is not the owner");
	tap_ret((int)peer_call(&peer, peer_rw, fd, IOVA, SIM_COPY_WRITE), -EFAULT,
		"a write by it");
	tap_ok(!strcmp(ram, "ours"), "nothing was written");
	tap_ret((int)peer_call(&peer, peer_rw, fd, IOVA,
			       SIM_COPY_WRITE | SIM_COPY_KTHREAD),
		0, "a write by a kernel thread in its name");
	tap_ok(!strcmp(ram, "by peer"), "it was written");
	if (peer_call(&peer, peer_map_hello, cage.container, 2 * IOVA, 0))
		tap_bail("the other process cannot MAP");
	tap_ret(sim_rw(&cage.sims[0], 2 * IOVA, seen, 8, 0), -EFAULT,
		"a read of its memory by us");
	ret = sim_rw(&cage.sims[0], 2 * IOVA, seen, 8, SIM_COPY_KTHREAD);
	tap_ok(!ret && !strcmp(seen, "hello"),
	       "a read of its memory by a kernel thread: %d", ret);
	peer_end(&peer);
	cage_close(&cage);
	ram_free(ram, 1);
}
