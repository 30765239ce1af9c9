// SPDX-License-Identifier: GPL-2.0-only
/*
 * An invalidation that takes its time. A leaf has been cleaned, and the device
 * still writes through a translation that is cached as dirty, so that nothing
 * says so. Whoever takes the page's bit from the software log meanwhile, and
 * returns, has its caller copy the page too early: every write must be covered
 * by an answer that returns after it.
 */
#include "bitmap.h"
#include "mem.h"
#include "policy.h"
#include "tap.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LEAF	(PAGE_2M / PAGE)
#define WORDS	(LEAF / 64)
#define P	5		/* pages of one leaf */
#define Q	300
#define SHORT	(200 * 1000)	/* us: a bound, which decides nothing */
#define TICK	2000

enum what {
	GET, LOOK, CLEAR_P, CLEAR_Q, UNMAP, LEAVE, CALLS,
	/* transitions, which harvest all domains, or the one that leaves */
	A_LEAVES = CALLS, A_PINS, C_JOINS,
};

static const char *const names[] = {
	"GET", "NOCLEAR", "CLEAR of one page", "CLEAR of another", "UNMAP",
	"a group that leaves", "a domain that leaves", "a first pin",
	"a group that joins and cannot track",
};

struct caller {
	enum what what;
	pthread_t thread;
	atomic_bool done;
	uint64_t answer[WORDS];	/* what its caller copies then */
};

static void get(uint32_t flag, uint64_t *answer)
{
	must(vfio_dirty_range(container, flag, IOVA, PAGE_2M, PAGE, answer,
			      WORDS * 8), "asking");
}

/* The answer are the pages that were cleared: they are copied after it. */
static void clear_page(uint64_t page, uint64_t *answer)
{
	bit_put(answer, page, true);
	must(vfio_dirty_range(container, DIRTY_CLEAR, IOVA, PAGE_2M, PAGE,
			      answer, WORDS * 8), "CLEAR");
}

static void unmap_into(uint64_t *answer)
{
	struct vfio_bitmap out = {
		.pgsize = PAGE,
		.size = WORDS * 8,
		.data = (void *)answer,
	};

	must(vfio_unmap_dirty(container, IOVA, PAGE_2M,
			      VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP, &out, NULL),
	     "UNMAP");
}

static void *run(void *data)
{
	struct caller *c = data;

	switch (c->what) {
	case GET:
		get(DIRTY_GET, c->answer);
		break;
	case LOOK:
		get(DIRTY_NOCLEAR, c->answer);
		break;
	case CLEAR_P:
		clear_page(P, c->answer);
		break;
	case CLEAR_Q:
		clear_page(Q, c->answer);
		break;
	case UNMAP:
		unmap_into(c->answer);
		break;
	case LEAVE:
		leave(A2);
		break;
	case A_LEAVES:
		leave(A);
		break;
	case A_PINS:
		if (sim_pin(&dev[A], IOVA, 1, SIM_RDWR) != 1)
			tap_bail("SIM_PIN");
		break;
	case C_JOINS:
		join(C);
		break;
	}
	atomic_store(&c->done, true);
	return NULL;
}

static void begin(struct caller *c, enum what what)
{
	memset(c, 0, sizeof(*c));
	c->what = what;
	if (pthread_create(&c->thread, NULL, run, c))
		tap_bail("no thread");
}

static void wait_until_done(struct caller *c, int bound)
{
	for (; bound > 0 && !atomic_load(&c->done); bound -= TICK)
		usleep(TICK);
}

static void cover(uint64_t *all, const uint64_t *answer)
{
	int i;

	for (i = 0; i < (int)WORDS; i++)
		all[i] |= answer[i];
}

/*
 * Who is in for the two to meet. The device of a domain that leaves is closed:
 * another one behind the same IOMMU, in a container of its own, holds it.
 */
static int open_for(enum what first, enum what second, int *other)
{
	if (first == A_LEAVES) {
		open_container(A2);
		*other = container;
		open_container(B);
		join(A);
		return A2;
	}
	open_container(A);
	if (second == LEAVE)
		join(A2);
	return A;
}

/*
 * @first cleans the leaf and is held; @second gets its turn; then the device
 * writes two pages. Whether @second has returned before that is its own matter:
 * its answer counts if it has not.
 */
static void meet(enum what first, enum what second)
{
	static struct caller a, b;
	uint64_t covered[WORDS] = { 0 };
	int other = -1, holder = open_for(first, second, &other);
	bool held, early;
	char *mem = mem_alloc(PAGE_2M, LEAF_2M);

	map(mem, IOVA, PAGE_2M);
	start();
	dma(A, P);
	if (first == A_LEAVES)
		dma(A, Q);
	must(simdma_hold(&dev[holder]), "SIM_HOLD");
	begin(&a, first);
	held = wait_until_held(holder, &a.done);
	begin(&b, second);
	wait_until_done(&b, SHORT);
	early = atomic_load(&b.done);
	if (first != A_LEAVES) {
		dma(A, P);
		dma(A, Q);
	}
	must(simdma_release(&dev[holder]), "SIM_RELEASE");
	pthread_join(a.thread, NULL);
	pthread_join(b.thread, NULL);
	cover(covered, a.answer);
	if (!early)
		cover(covered, b.answer);
	if (second != UNMAP) {
		uint64_t rest[WORDS];

		get(DIRTY_GET, rest);
		cover(covered, rest);
		unmap(IOVA, PAGE_2M);
	}
	tap_ok(held, "%s is held", names[first]);
	tap_ok(bit_get(covered, P) && bit_get(covered, Q),
	       "%s during it, which %s: page %d %s, page %d %s", names[second],
	       early ? "does not wait" : "waits", P,
	       bit_get(covered, P) ? "covered" : "LOST", Q,
	       bit_get(covered, Q) ? "covered" : "LOST");
	close_container();
	if (other >= 0)
		close(other);
	mem_free(mem, PAGE_2M);
}

/* Pages stay pinned until no translation leads to them. */
static void unmap_waits(void)
{
	static struct caller a;
	char *mem = mem_alloc(PAGE_2M, LEAF_2M);
	uint64_t late, stale;

	open_container(A);
	map(mem, IOVA, PAGE_2M);
	start();
	dma(A, P);
	late = watch(A).late;
	stale = watch(A).stale;
	must(simdma_hold(&dev[A]), "SIM_HOLD");
	begin(&a, UNMAP);
	tap_ok(wait_until_held(A, &a.done), "UNMAP is held");
	dma(A, P);
	tap_ok(watch(A).late == late + 1 && watch(A).stale == stale,
	       "and the page is pinned still");
	must(simdma_release(&dev[A]), "SIM_RELEASE");
	pthread_join(a.thread, NULL);
	tap_ok(simdma_write(&dev[A], IOVA + P * PAGE, mem, 8) && bit_get(a.answer, P),
	       "then it is out of reach, and was reported");
	stop();
	close_container();
	mem_free(mem, PAGE_2M);
}

static atomic_bool has_asked;

static void *ask_into(void *word)
{
	must(vfio_dirty_range(container, DIRTY_GET, IOVA, NR * PAGE, PAGE, word,
			      sizeof(uint64_t)), "GET");
	atomic_store(&has_asked, true);
	return NULL;
}

/*
 * A bitmap whose page its owner has given up (MADV_FREE) by the time that it is
 * written: the kernel must not take the page for one that nobody wants.
 */
static void bitmap_is_kept(void)
{
	uint64_t *word = mem_alloc(PAGE, LEAF_4K);
	pthread_t asker;

	open_container(A);
	map_pages(IOVA);
	start();
	dma(A, P);
	must(simdma_hold(&dev[A]), "SIM_HOLD");
	atomic_store(&has_asked, false);
	if (pthread_create(&asker, NULL, ask_into, word))
		tap_bail("no thread");
	tap_ok(wait_until_held(A, &has_asked), "GET is held");
	mem_give_up(word, PAGE);
	must(simdma_release(&dev[A]), "SIM_RELEASE");
	pthread_join(asker, NULL);
	mem_reclaim(word, PAGE);
	tap_ok(*word == 1ULL << P, "its bitmap is kept: %#lx", *word);
	stop();
	unmap_pages(IOVA);
	close_container();
	mem_free(word, PAGE);
}

/*
 * Its caller is killed when the last piece has been cleaned: nobody will copy
 * what was to be reported.
 */
static void killed_at_the_end(void)
{
	static atomic_bool never;
	uint64_t word;
	pid_t pid;

	open_container(A);
	map_pages(IOVA);
	start();
	dma(A, P);
	must(simdma_hold(&dev[A]), "SIM_HOLD");
	pid = fork();
	if (pid < 0)
		tap_bail("fork: %m");
	if (!pid) {
		ask_into(&word);
		_exit(0);
	}
	tap_ok(wait_until_held(A, &never), "a GET is held");
	kill(pid, SIGKILL);
	must(simdma_release(&dev[A]), "SIM_RELEASE");
	waitpid(pid, NULL, 0);
	ask(DIRTY_GET, IOVA, NR, &word);
	tap_ok(bit_get(&word, P), "killed: the next one reports its page");
	stop();
	unmap_pages(IOVA);
	close_container();
}

void test_held(void)
{
	static const enum what firsts[] = { GET, CLEAR_P, CLEAR_Q };
	static const enum what seconds[] = { GET, LOOK, CLEAR_P, UNMAP };
	unsigned int i;
	int first, second;

	small_leaves(false);
	for (i = 0; i < 3; i++)
		for (second = 0; second < CALLS; second++)
			meet(firsts[i], second);
	for (first = A_LEAVES; first <= C_JOINS; first++)
		for (i = 0; i < 4; i++)
			meet(first, seconds[i]);
	unmap_waits();
	small_leaves(true);
	bitmap_is_kept();
	killed_at_the_end();
}
