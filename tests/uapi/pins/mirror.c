// SPDX-License-Identifier: GPL-2.0-only
/*
 * A migration of a container with devices that pin: two write all the time,
 * through pins that come and go and by vfio_dma_rw(), while their log is asked
 * and what it names is copied. Mappings are unmapped with their log and mapped
 * again, and an IOMMU's group joins and leaves. Each time the writers stop and
 * the log is asked once more, memory and mirror must be equal.
 */
#include "bitmap.h"
#include "edu.h"
#include "pins.h"
#include "tap.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS 4
#define SLOT 32			/* pages */
#define PAGES (SLOTS * SLOT)
#define PHASES 16
#define ROUNDS 40		/* a phase */
#define MAX_YIELDS 20000
#define AHEAD 12		/* writes */

struct writer {
	pthread_t thread;
	const struct vfio_dev *sim;
	struct rng rng;
	atomic_ulong writes;
};

static struct cage cage;
static struct rig rig;
static struct writer writers[2];
static char *ram, *copy;
static atomic_bool stop;
static atomic_ulong goal;
static unsigned long copied;

static void write_pinned(struct writer *w)
{
	uint64_t page = rng_below(&w->rng, PAGES - 4), i;
	uint32_t n = (uint32_t)rng_below(&w->rng, 4) + 1;
	uint64_t data;

	/* nothing may be mapped there at the moment */
	if (sim_pin(w->sim, IOVA + page * PAGE, n, SIM_RDWR) < 0)
		return;
	for (i = rng_below(&w->rng, 8); i; i--) {
		uint64_t at = (page + rng_below(&w->rng, n)) * PAGE;

		data = rng_next(&w->rng);
		at += 8 * rng_below(&w->rng, PAGE / 8);
		if (!sim_poke(w->sim, IOVA + at, &data, 8))
			atomic_fetch_add(&w->writes, 1);
	}
	/* some stay pinned until somebody unpins or unmaps them */
	if (!rng_one_in(&w->rng, 16))
		sim_unpin(w->sim, IOVA + page * PAGE, n);
	else
		sim_unpin(w->sim, IOVA + rng_below(&w->rng, PAGES) * PAGE, 1);
}

static void write_rw(struct writer *w)
{
	char data[2 * 4096];
	uint32_t n = (uint32_t)rng_below(&w->rng, sizeof(data)) + 1;
	uint64_t at = rng_below(&w->rng, PAGES * PAGE - sizeof(data));

	rng_fill(&w->rng, data, n);
	if (!sim_rw(w->sim, IOVA + at, data, n,
		    SIM_COPY_WRITE | (n & 1 ? SIM_COPY_KTHREAD : 0)))
		atomic_fetch_add(&w->writes, 1);
}

static unsigned long written(void)
{
	return atomic_load(&writers[0].writes) + atomic_load(&writers[1].writes);
}

static void *writer(void *arg)
{
	struct writer *w = arg;

	while (!atomic_load(&stop)) {
		/* what is written while the log is asked, at most */
		if (written() > atomic_load(&goal) + AHEAD) {
			sched_yield();
			continue;
		}
		if (rng_one_in(&w->rng, 4))
			write_rw(w);
		else
			write_pinned(w);
	}
	return NULL;
}

static void copy_dirty(const void *map, uint64_t first, uint64_t pages)
{
	uint64_t i;

	for (i = 0; i < pages; i++) {
		uint64_t at = (first + i) * PAGE;

		if (!bit_get(map, i))
			continue;
		memcpy(copy + at, ram + at, PAGE);
		copied++;
	}
}

static void ask(uint32_t flag, void *map)
{
	int ret = vfio_dirty_range(cage.container, flag, IOVA, PAGES * PAGE,
				   PAGE, map, PAGES / 8);

	if (ret)
		tap_bail("flag %#x: %s", flag, strerror(-ret));
}

static void round_get(void)
{
	uint8_t map[PAGES / 8] = { 0 };

	ask(DIRTY_GET, map);
	copy_dirty(map, 0, PAGES);
}

/* A part of what is dirty. */
static void round_clear(struct rng *rng)
{
	uint8_t map[PAGES / 8] = { 0 };
	uint64_t i;

	ask(DIRTY_NOCLEAR, map);
	for (i = 0; i < PAGES; i++)
		if (rng_one_in(rng, 3))
			bit_put(map, i, false);
	ask(DIRTY_CLEAR, map);
	copy_dirty(map, 0, PAGES);
}

static void round_unmap(struct rng *rng)
{
	uint64_t first = rng_below(rng, SLOTS) * SLOT, word = 0;
	struct vfio_bitmap map = {
		.pgsize = PAGE, .size = sizeof(word), .data = (void *)&word,
	};
	int ret;

	ret = vfio_unmap_dirty(cage.container, IOVA + first * PAGE, SLOT * PAGE,
			       VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP, &map, NULL);
	if (ret)
		tap_bail("UNMAP with its log: %s", strerror(-ret));
	copy_dirty(&word, first, SLOT);
	cage_map(&cage, ram + first * PAGE, IOVA + first * PAGE, SLOT);
}

/* Neither side runs away from the other, whatever the machine. */
static void let_write(unsigned long writes)
{
	int i;

	atomic_store(&goal, written() + writes);
	for (i = 0; i < MAX_YIELDS && written() < atomic_load(&goal); i++)
		sched_yield();
}

static void edu_comes(void)
{
	int ret = vfio_group_open(&rig.dev);

	if (!ret)
		ret = vfio_group_attach(&rig.dev, cage.container);
	if (!ret)
		ret = vfio_device_open(&rig.dev);
	if (ret)
		tap_bail("the IOMMU's group: %s", strerror(-ret));
	edu_open(&rig.edu, rig.dev.fd);
}

static void edu_copies(struct rng *rng)
{
	edu_fetch(&rig.edu, IOVA + rng_below(rng, PAGES) * PAGE + 64, 0, 256);
	edu_store(&rig.edu, IOVA + rng_below(rng, PAGES) * PAGE + 1024, 0, 256);
}

/* Half of the phases have the IOMMU for a while. */
static void rounds(struct rng *rng, bool edu)
{
	int i;

	for (i = 0; i < ROUNDS; i++) {
		uint64_t what = rng_below(rng, 8);

		let_write(rng_below(rng, 12));
		if (edu && i == ROUNDS / 4)
			edu_comes();
		if (edu && i >= ROUNDS / 4 && i < ROUNDS * 3 / 4)
			edu_copies(rng);
		if (edu && i == ROUNDS * 3 / 4 - 1) {
			edu_close(&rig.edu);
			vfio_group_close(&rig.dev);
		}
		if (what == 0)
			round_unmap(rng);
		else if (what < 4 || backend.stock)
			round_get();
		else
			round_clear(rng);
	}
}

static void phase(struct rng *rng, bool edu)
{
	int i;

	atomic_store(&stop, false);
	for (i = 0; i < 2; i++)
		if (pthread_create(&writers[i].thread, NULL, writer, &writers[i]))
			tap_bail("no thread");
	rounds(rng, edu);
	atomic_store(&stop, true);
	for (i = 0; i < 2; i++)
		pthread_join(writers[i].thread, NULL);
	round_get();
}

static unsigned long differing(void)
{
	unsigned long i, n = 0;

	for (i = 0; i < PAGES; i++) {
		if (!memcmp(copy + i * PAGE, ram + i * PAGE, PAGE))
			continue;
		/* seen once is enough */
		memcpy(copy + i * PAGE, ram + i * PAGE, PAGE);
		n++;
	}
	return n;
}

void test_mirror(uint64_t seed)
{
	unsigned long missed = 0, i, asked = PHASES * (ROUNDS + 1);
	bool edu = vfio_find_edus(&rig.dev, 1) && !backend_all_dirty();
	struct rng rng;

	rng_init(&rng, seed);
	ram = ram_alloc(PAGES);
	copy = malloc(PAGES * PAGE);
	memcpy(copy, ram, PAGES * PAGE);
	copied = 0;
	cage_open(&cage, 2);
	for (i = 0; i < SLOTS; i++)
		cage_map(&cage, ram + i * SLOT * PAGE, IOVA + i * SLOT * PAGE,
			 SLOT);
	start_logging(&cage);
	for (i = 0; i < 2; i++) {
		writers[i].sim = &cage.sims[i];
		atomic_store(&writers[i].writes, 0);
		rng_init(&writers[i].rng, seed + 1 + i);
	}
	for (i = 0; i < PHASES; i++) {
		phase(&rng, edu && i & 1);
		missed += differing();
	}
	tap_ok(!missed, "%lu writes, %lu rounds: missed=%lu", written(), asked,
	       missed);
	tap_ok(copied < asked * PAGES / 2, "%lu pages copied of %lu asked for",
	       copied, asked * PAGES);
	cage_close(&cage);
	free(copy);
	ram_free(ram, PAGES);
}
