// SPDX-License-Identifier: GPL-2.0-only
/*
 * Everything at once: pins, mappings, the log, and an IOMMU that comes and goes.
 * Each answer must be one that the other threads can have caused; what a device
 * writes to a page it has pinned must be in the owner's memory; and at the end
 * nothing may be left.
 */
#include "edu.h"
#include "pins.h"
#include "tap.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SLOTS 8
#define SLOT 16			/* pages */
#define PAGES (SLOTS * SLOT)

enum who { PINNER_0, PINNER_1, WRITER, MAPPER, LOGGER, MOVER, NR };

static const char *const names[NR] = {
	"pins", "pins of the other", "dma_rw", "MAP and UNMAP", "the log",
	"the IOMMU's group"
};

struct actor {
	pthread_t thread;
	enum who who;
	struct rng rng;
	unsigned long acts, served, refused, wrong;
	int first_wrong;
};

static struct cage cage;
static struct vfio_dev edu;
static char *ram;
static atomic_bool stop;

/* 0 or more is served; @refusal is what others may cause. */
static bool answer(struct actor *a, int ret, int refusal)
{
	if (ret >= 0) {
		a->served++;
		return true;
	}
	if (ret == refusal) {
		a->refused++;
	} else {
		if (!a->wrong)
			a->first_wrong = ret;
		a->wrong++;
	}
	return false;
}

static uint64_t any_pages(struct actor *a, uint32_t *n)
{
	uint64_t page = rng_below(&a->rng, PAGES);

	*n = (uint32_t)rng_below(&a->rng, 2 * SLOT) + 1;
	if (*n > PAGES - page)
		*n = (uint32_t)(PAGES - page);
	return page;
}

static void act_pin(struct actor *a)
{
	const struct vfio_dev *sim = &cage.sims[a->who - PINNER_0];
	size_t at = (a->who - PINNER_0) * 512 + 1024;	/* each its own */
	uint32_t n;
	uint64_t page = any_pages(a, &n);
	uint64_t sent = rng_next(&a->rng);

	if (!answer(a, sim_pin(sim, IOVA + page * PAGE, n, SIM_RDWR), -EINVAL))
		return;
	page += rng_below(&a->rng, n);
	/* the mapping may be gone by now, the memory is not */
	if (answer(a, sim_poke(sim, IOVA + page * PAGE + at, &sent, 8), -EINVAL) &&
	    memcmp(ram + page * PAGE + at, &sent, 8)) {
		a->wrong++;
		a->first_wrong = -EBADMSG;
	}
	if (!rng_one_in(&a->rng, 3))
		return;
	page = any_pages(a, &n);
	answer(a, sim_unpin(sim, IOVA + page * PAGE, n), -EINVAL);
}

static void act_rw(struct actor *a)
{
	static __thread char buf[4 * SLOT * 4096];
	uint64_t offset = rng_below(&a->rng, (PAGES - 2 * SLOT) * PAGE);
	uint32_t n = (uint32_t)rng_below(&a->rng, 2 * SLOT * PAGE) + 1;

	/* a write would disturb what the pinners write: only to the page's end */
	if (rng_one_in(&a->rng, 2)) {
		offset |= 0xf00;
		answer(a, sim_rw(&cage.sims[0], IOVA + offset, buf, 0x80,
				 SIM_COPY_WRITE |
				 (n & 1 ? SIM_COPY_KTHREAD : 0)),
		       -EINVAL);
		return;
	}
	answer(a, sim_rw(&cage.sims[1], IOVA + offset, buf, n,
			 n & 1 ? SIM_COPY_KTHREAD : 0),
	       -EINVAL);
}

static void act_map(struct actor *a)
{
	uint64_t slot = rng_below(&a->rng, SLOTS) * SLOT;
	uint8_t map[PAGES / 8];
	struct vfio_bitmap bitmap = {
		.pgsize = PAGE, .size = sizeof(map), .data = (void *)map,
	};
	uint64_t iova = IOVA + slot * PAGE;

	switch (rng_below(&a->rng, 16)) {
	case 0:
		answer(a, vfio_unmap(cage.container, 0, 0,
				     VFIO_DMA_UNMAP_FLAG_ALL, NULL), 0);
		break;
	case 1:
	case 2:
		/* refused while logging is off */
		answer(a, vfio_unmap_dirty(cage.container, iova, SLOT * PAGE,
					   VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP,
					   &bitmap, NULL), -EINVAL);
		break;
	case 3:
	case 4:
		answer(a, vfio_unmap(cage.container, iova, SLOT * PAGE, 0, NULL), 0);
		break;
	default:
		answer(a, vfio_map(cage.container, ram + slot * PAGE, iova,
				   SLOT * PAGE, MAP_RW), -EEXIST);
		break;
	}
}

static void act_log(struct actor *a)
{
	static const uint32_t flags[] = { DIRTY_GET, DIRTY_NOCLEAR, DIRTY_CLEAR };
	uint8_t map[PAGES / 8];
	uint64_t what = rng_below(&a->rng, 12);

	memset(map, 0x5a, sizeof(map));
	if (what == 0)
		answer(a, vfio_dirty_flag(cage.container, DIRTY_STOP), 0);
	else if (what < 4)
		answer(a, vfio_dirty_flag(cage.container, DIRTY_START), 0);
	else
		answer(a, vfio_dirty_range(cage.container,
					   backend.stock ? DIRTY_GET : flags[what % 3],
					   IOVA, PAGES * PAGE, PAGE, map,
					   sizeof(map)), -EINVAL);
}

static void act_move(struct actor *a)
{
	int ret;

	if (!answer(a, vfio_group_open(&edu), 0))
		return;
	ret = vfio_group_attach(&edu, cage.container);
	answer(a, ret, 0);
	usleep((useconds_t)rng_below(&a->rng, 20000));
	vfio_group_close(&edu);
	usleep((useconds_t)rng_below(&a->rng, 20000));
}

static void *actor(void *arg)
{
	static void (*const acts[NR])(struct actor *a) = {
		act_pin, act_pin, act_rw, act_map, act_log, act_move,
	};
	struct actor *a = arg;

	while (!atomic_load(&stop)) {
		acts[a->who](a);
		a->acts++;
	}
	return NULL;
}

static void report(const struct actor *a)
{
	tap_ok(a->acts && a->served && !a->wrong,
	       "%s: %lu acts, %lu served, %lu refused, %lu wrong (first: %s)",
	       names[a->who], a->acts, a->served, a->refused, a->wrong,
	       a->wrong ? strerror(-a->first_wrong) : "none");
}

static int start_all(struct actor *actors, uint64_t seed)
{
	int i, nr = vfio_find_edus(&edu, 1) ? NR : MOVER;

	memset(actors, 0, NR * sizeof(*actors));
	ram = ram_alloc(PAGES);
	cage_open(&cage, 2);
	atomic_store(&stop, false);
	for (i = 0; i < nr; i++) {
		actors[i].who = (enum who)i;
		rng_init(&actors[i].rng, seed + (uint64_t)i);
		if (pthread_create(&actors[i].thread, NULL, actor, &actors[i]))
			tap_bail("no thread");
	}
	return nr;
}

void test_storm(uint64_t seed, int seconds)
{
	struct actor actors[NR];
	int i, nr = start_all(actors, seed);
	time_t start = time(NULL);

	while (time(NULL) - start < seconds)
		usleep(100000);
	atomic_store(&stop, true);
	for (i = 0; i < nr; i++)
		pthread_join(actors[i].thread, NULL);
	for (i = 0; i < nr; i++)
		report(&actors[i]);
	cage_close(&cage);
	ram_free(ram, PAGES);
}

_Noreturn static void live(uint64_t seed, atomic_bool *alive)
{
	struct actor actors[NR];

	start_all(actors, seed);
	atomic_store(alive, true);
	for (;;)
		pause();
}

/* Processes that do all this are killed, in the middle of it. */
void test_storm_killed(uint64_t seed, int lives)
{
	atomic_bool *alive = mmap(NULL, sizeof(*alive), PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct rng rng;
	int i, status, killed = 0;

	if (alive == MAP_FAILED)
		tap_bail("mmap: %m");
	rng_init(&rng, seed);
	for (i = 0; i < lives; i++) {
		pid_t pid;

		atomic_store(alive, false);
		fflush(stdout);
		pid = fork();
		if (!pid)
			live(rng_next(&rng) + (uint64_t)i, alive);
		while (pid > 0 && !atomic_load(alive) && !waitpid(pid, &status, WNOHANG))
			usleep(1000);
		if (pid < 0 || !atomic_load(alive))
			tap_bail("a process that pins does not come to life");
		usleep((useconds_t)rng_below(&rng, 50000));
		kill(pid, SIGKILL);
		killed += waitpid(pid, &status, 0) == pid && WIFSIGNALED(status);
	}
	tap_ok(killed == lives, "%d of %d processes killed", killed, lives);
	munmap(alive, sizeof(*alive));
}
