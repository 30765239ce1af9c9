// SPDX-License-Identifier: GPL-2.0-only
/* Who mapped goes away, and who holds the files goes on. */
#include "counters.h"
#include "peer.h"
#include "pins.h"
#include "proc.h"
#include "tap.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

long peer_map_own(long container, long iova, long pages)
{
	char *ram = ram_alloc((uint64_t)pages);

	return vfio_map((int)container, ram, (uint64_t)iova,
			(uint64_t)pages * PAGE, MAP_RW);
}

static void owner_maps(struct cage *cage, struct peer *peer, uint64_t iova)
{
	long ret = peer_call(peer, peer_map_own, cage->container, (long)iova, 8);

	if (ret)
		tap_bail("MAP by the other process: %s", strerror(-(int)ret));
}

static void locked_over_there(struct peer *peer, long pages, const char *when)
{
	long kib = peer_call(peer, peer_locked_kib, 0, 0, 0);

	tap_ok(kib == pages * 4, "%s: the owner has %ld KiB locked, want %ld",
	       when, kib, pages * 4);
}

static void sees_owner(struct cage *cage, uint64_t iova, const char *when)
{
	char seen[5] = "";
	int ret = sim_peek(&cage->sims[0], iova, seen, 4);

	tap_ok(!ret && !strcmp(seen, "page"), "%s: the device sees its page: %d",
	       when, ret);
}

/* Two pages are pinned; their owner's memory is no more. */
static void owner_is_gone(struct cage *cage)
{
	const struct vfio_dev *sim = &cage->sims[0];
	char buf[8] = "";
	int ret;

	sees_owner(cage, IOVA, "gone");
	tap_ret(sim_pin(sim, IOVA + 2 * PAGE, 1, SIM_RDWR), -ENODEV,
		"PIN of a page whose owner is gone");
	ret = sim_pin(sim, IOVA, 1, SIM_RDWR);
	tap_ok(ret == 1, "PIN of a page that is pinned: %d", ret);
	tap_ret(sim_pin(sim, IOVA + PAGE, 2, SIM_RDWR), -ENODEV,
		"PIN of one that is and one that is not");
	tap_ret(sim_rw(sim, IOVA, buf, 8, 0), -EPERM, "a read from it");
	tap_ret(sim_rw(sim, IOVA, buf, 8, SIM_COPY_KTHREAD | SIM_COPY_WRITE),
		-EPERM, "a write to it by a kernel thread");
	log_is(cage, DIRTY_GET, IOVA, "11000000", "gone");
	tap_ret(sim_unpin(sim, IOVA, 1), 0, "UNPIN");
	sees_owner(cage, IOVA, "still pinned once");
	tap_ret(sim_unpin(sim, IOVA, 1), 0, "UNPIN for good");
	log_is(cage, DIRTY_GET, IOVA, "11000000", "unpinned");
	log_is(cage, DIRTY_GET, IOVA, "01000000", "unpinned");
}

/* 8 pages of another process are mapped, and two of them pinned. */
static void open_owned(struct cage *cage, struct peer *peer)
{
	cage_open(cage, 1);
	start_logging(cage);
	peer_start(peer);
	owner_maps(cage, peer, IOVA);
	sim_pin(&cage->sims[0], IOVA, 2, SIM_RDWR);
}

void test_owner_exits(void)
{
	struct cage cage;
	struct peer peer;

	open_owned(&cage, &peer);
	sees_owner(&cage, IOVA, "alive");
	locked_over_there(&peer, 2, "pinned by somebody else");
	locked_is(&cage, 0, "pinned for somebody else");
	peer_end(&peer);
	owner_is_gone(&cage);
	/* one is still pinned: UNMAP has to have it unpinned */
	cage_unmap(&cage, IOVA, 8);
	holds(&cage, 0, 0, "unmapped");
	cage_close(&cage);
}

void test_owner_execs(void)
{
	struct cage cage;
	struct peer peer;

	open_owned(&cage, &peer);
	peer_exec(&peer, &cage.container, 1);
	locked_over_there(&peer, 0, "exec");
	owner_is_gone(&cage);
	locked_over_there(&peer, 0, "unpinned what it had before");
	owner_maps(&cage, &peer, 2 * IOVA);
	sim_pin(&cage.sims[0], 2 * IOVA, 3, SIM_RDWR);
	sees_owner(&cage, 2 * IOVA, "mapped anew");
	locked_over_there(&peer, 3, "mapped anew");
	cage_unmap(&cage, IOVA, 8);
	cage_unmap(&cage, 2 * IOVA, 8);
	locked_over_there(&peer, 0, "unmapped");
	peer_end(&peer);
	cage_close(&cage);
}

#define LARGE_KIB 16384L

/* Maps a page of a lot of shared memory, and has the device read it. */
static long peer_has_it_read(long container, long fd, long kib)
{
	struct vfio_dev sim = { .fd = (int)fd };
	char *ram = mmap(NULL, (size_t)kib * 1024, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char seen[8];
	long ret;

	if (ram == MAP_FAILED)
		return -errno;
	memset(ram, 1, (size_t)kib * 1024);
	ret = vfio_map((int)container, ram, IOVA, PAGE, MAP_RW);
	return ret ?: sim_rw(&sim, IOVA, seen, sizeof(seen), 0);
}

static long shared_kib(void)
{
	proc_write("/proc/sys/vm/stat_refresh", "1");
	return proc_number("/proc/meminfo", "Shmem");
}

/* A copy is over when it is over: it does not keep its owner's memory. */
void test_owner_copied(void)
{
	long before, with, after;
	struct cage cage;
	struct peer peer;
	int i;

	cage_open(&cage, 1);
	before = shared_kib();
	peer_start(&peer);
	tap_ret((int)peer_call(&peer, peer_has_it_read, cage.container,
			       cage.sims[0].fd, LARGE_KIB),
		0, "a read of another process's memory, by itself");
	with = shared_kib();
	peer_end(&peer);
	for (i = 0; i < 100 && shared_kib() > before + LARGE_KIB / 2; i++)
		usleep(50000);
	after = shared_kib();
	tap_ok(with > before + LARGE_KIB / 2 && after < before + LARGE_KIB / 2,
	       "it exits, and its memory goes: %ld KiB shared, %ld, %ld", before,
	       with, after);
	cage_unmap(&cage, IOVA, 1);
	cage_close(&cage);
}

/* Device, group and container are closed; @order has a digit for each. */
static void close_in_order(const char *order)
{
	struct counters before;
	struct cage cage;
	char *ram = ram_alloc(4), text[64];
	int i, ret;

	counters_read(&before);
	cage_open(&cage, 1);
	cage_map(&cage, ram, IOVA, 4);
	start_logging(&cage);
	sim_pin(&cage.sims[0], IOVA, 2, SIM_RDWR);
	for (i = 0; i < 3; i++) {
		if (order[i] == 'd')
			close(cage.sims[0].fd);
		else if (order[i] == 'g')
			close(cage.sims[0].group);
		else
			close(cage.container);
		if (memchr(order, 'd', (size_t)i + 1))
			continue;
		ret = sim_pin(&cage.sims[0], IOVA + 2 * PAGE, 1, SIM_RDWR);
		tap_ok(ret == 1, "closed %.*s: the device goes on: %d", i + 1,
		       order, ret);
		reaches(&cage, IOVA + 2 * PAGE, ram + 2 * PAGE, "goes on");
	}
	snprintf(text, sizeof(text), "closed in the order %s", order);
	counters_back(&before, text);
	ram_free(ram, 4);
}

/* In the other process, all of it: a container, a mapping, pins. */
static long peer_lives(long a, long b, long c)
{
	struct cage cage;

	(void)a, (void)b, (void)c;
	cage_open(&cage, 2);
	cage_map(&cage, ram_alloc(8), IOVA, 8);
	vfio_dirty_flag(cage.container, DIRTY_START);
	return sim_pin(&cage.sims[0], IOVA, 8, SIM_RDWR) +
	       sim_pin(&cage.sims[1], IOVA + 4 * PAGE, 4, SIM_RDWR);
}

void test_close_orders(void)
{
	static const char *const orders[] = { "dgc", "dcg", "gdc", "gcd",
					      "cdg", "cgd" };
	struct counters before;
	struct peer peer;
	unsigned int i;

	for (i = 0; i < sizeof(orders) / sizeof(*orders); i++)
		close_in_order(orders[i]);
	counters_read(&before);
	peer_start(&peer);
	tap_ok(peer_call(&peer, peer_lives, 0, 0, 0) == 12,
	       "a process has 12 pins");
	kill(peer.pid, SIGKILL);
	peer_end(&peer);
	counters_back(&before, "and is killed");
}

/*
 * A driver that unpins nothing, not even at the end: its pages stay pinned, but
 * their owner is charged no more, and the container is gone.
 */
void test_close_kept(void)
{
	struct counters before, kept;
	struct cage cage;
	char *ram;

	if (backend.stock) {
		tap_skip("a driver that keeps its pins",
			 "stock's warning stops the kernel");
		return;
	}
	ram = ram_alloc(4);
	counters_read(&before);
	cage_open(&cage, 1);
	cage_map(&cage, ram, IOVA, 4);
	sim_pin(&cage.sims[0], IOVA, 2, SIM_RDWR);
	sim_pin(&cage.sims[0], IOVA + PAGE, 2, SIM_RDWR);
	tap_ret(sim_keep_pins(&cage.sims[0]), 0, "a driver that keeps its pins");
	holds(&cage, 4, 3, "before");
	locked_is(&cage, 3, "before");
	vfio_group_close(&cage.sims[0]);
	close(cage.container);
	kept = before;
	kept.pins += 3;
	counters_back(&kept, "closed: but for three pages");
	/* once for as long as the module is loaded */
	tap_ok(proc_log_count("a driver has left 3 pages pinned") == 1,
	       "the log says so");
	/* opened anew, the driver gives them back */
	cage_open(&cage, 1);
	holds(&cage, 0, 0, "another container");
	cage_close(&cage);
	counters_back(&before, "given back");
	ram_free(ram, 4);
}
