// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that fails by itself, in the middle: where it is to be pinned for a
 * device, where it is to take a bitmap, where a driver writes to it.
 */
#define _GNU_SOURCE
#include "faults.h"
#include "proc.h"
#include "simdev.h"
#include "tap.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define IOVA		(8ULL << 30)
#define BYTES		(2UL << 20)
#define HUGE		(2UL << 20)
#define HUGE_PAGES	"/proc/sys/vm/nr_hugepages"

static char *fresh(size_t n, int flags, int fd)
{
	char *p = mmap(NULL, n, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (p == MAP_FAILED)
		tap_bail("mmap: %m");
	return p;
}

static struct {
	long locked, avail;
} before;

static void remember(void)
{
	before.locked = proc_locked_kib();
	before.avail = vfio_dma_avail(w.container);
}

static bool nothing_left(void)
{
	return expect(proc_locked_kib() == before.locked, "nothing is locked") &
	       expect(vfio_dma_avail(w.container) == before.avail,
		      "nothing is mapped");
}

static void map_fails(char *p, size_t n, const char *what)
{
	int ret;

	remember();
	ret = vfio_map(w.container, p, IOVA, n, MAP_RW);
	tap_ok(expect(ret == -EFAULT || ret == -ENOMEM, strerror(-ret)) &&
		       nothing_left() && still_dirty(),
	       "MAP of %s: %s, nothing left, nothing lost", what,
	       strerror(-ret));
	if (!ret)
		vfio_unmap(w.container, IOVA, n, 0, NULL);
}

static void map_works(char *p, size_t n, const char *what)
{
	int ret = vfio_map(w.container, p, IOVA, n, MAP_RW);

	tap_ret(ret, 0, "MAP of %s", what);
	if (!ret)
		must(vfio_unmap(w.container, IOVA, n, 0, NULL), "UNMAP");
}

static void mappings(void)
{
	char *p = fresh(BYTES, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	int fd = memfd_create("short", 0);

	memset(p, 1, BYTES);
	mprotect(p + BYTES / 2, PAGE, PROT_NONE);
	map_fails(p, BYTES, "memory with a page of no use");
	mprotect(p + BYTES / 2, PAGE, PROT_READ);
	map_fails(p, BYTES, "memory with a page to be read only");
	mprotect(p + BYTES / 2, PAGE, PROT_READ | PROT_WRITE);
	map_works(p, BYTES, "the same with all rights");
	munmap(p + BYTES / 2, PAGE);
	map_fails(p, BYTES, "memory with a hole");
	munmap(p, BYTES);

	if (fd < 0 || ftruncate(fd, BYTES / 2))
		tap_bail("memfd: %m");
	p = fresh(BYTES, MAP_SHARED, fd);
	map_fails(p, BYTES, "a file that ends in the middle");
	if (ftruncate(fd, BYTES))
		tap_bail("ftruncate: %m");
	map_works(p, BYTES, "the same of full length");
	munmap(p, BYTES);
	close(fd);
}

static bool set_pool(long pages)
{
	char text[32];

	snprintf(text, sizeof(text), "%ld", pages);
	return !proc_write(HUGE_PAGES, text) &&
	       proc_file_number(HUGE_PAGES) == pages;
}

/* One more than others hold. */
static void huge_pages(void)
{
	long held = proc_file_number(HUGE_PAGES);
	char *p;

	if (!set_pool(held + 1)) {
		tap_skip("a pool of huge pages", "no huge page to be had");
		return;
	}
	p = fresh(2 * HUGE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB |
				    MAP_NORESERVE, -1);
	map_fails(p, 2 * HUGE, "two huge pages of which there is one");
	map_works(p, HUGE, "the one that there is");
	munmap(p, 2 * HUGE);
	set_pool(held);
}

/* The bitmap's page for the second mapping; the first one's can be pinned. */
static char *second_page(void)
{
	return (char *)(((uintptr_t)w.bits + SIDE_BIT / 8) & ~(PAGE - 1));
}

static int get(void)
{
	return ask(DIRTY_GET, PAGE);
}

static int clear(void)
{
	return ask(DIRTY_CLEAR, PAGE);
}

static int unmap(void)
{
	struct vfio_bitmap bitmap = {
		.pgsize = PAGE, .size = SPAN_BYTES, .data = (void *)w.bits,
	};

	return vfio_unmap_dirty(w.container, MAIN_IOVA, SPAN,
				VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP, &bitmap,
				NULL);
}

static void bitmap_fails(int (*call)(void), int prot, const char *what)
{
	int ret;

	log_dirty();
	remember();
	mprotect(second_page(), PAGE, prot);
	ret = call();
	mprotect(second_page(), PAGE, PROT_READ | PROT_WRITE);
	tap_ok(expect(ret == -EFAULT, strerror(-ret)) & bits_untouched() &&
		       nothing_left() && still_dirty(),
	       "%s: %s, all is as it was", what, strerror(-ret));
}

static void bitmaps(void)
{
	bitmap_fails(get, PROT_NONE, "GET to a page of no use");
	bitmap_fails(get, PROT_READ, "GET to a page to be read only");
	bitmap_fails(clear, PROT_NONE, "CLEAR from a page of no use");
	bitmap_fails(unmap, PROT_NONE, "UNMAP to a page of no use");
	bitmap_fails(unmap, PROT_READ, "UNMAP to a page to be read only");
	tap_ret(get(), 0, "GET of the same");
	tap_ok(has_main(w.bits) & has_side(w.bits + SIDE_BIT / 8),
	       "it has what was dirty through all of that");
}

/* The copy ends at a hole: what it has written, and more, is dirty. */
static void writes(void)
{
	char data[2 * PAGE], *p;
	uint64_t bits = 0;
	int ret;

	if (!world_emul()) {
		tap_skip("dma_rw to a hole", "the module sim is not loaded");
		return;
	}
	p = fresh(2 * PAGE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	memset(data, 7, sizeof(data));
	mprotect(p + PAGE, PAGE, PROT_NONE);
	must(vfio_map(w.container, p, IOVA, 2 * PAGE, MAP_RW), "MAP");
	log_anew();
	ret = sim_rw(&w.emul, IOVA, data, sizeof(data), SIM_COPY_WRITE);
	tap_ret(ret, -EFAULT, "dma_rw to two pages of which one is of no use");
	must(vfio_dirty_range(w.container, DIRTY_GET, IOVA, 2 * PAGE, PAGE,
			      &bits, 8), "GET");
	tap_ok(bits & 1, "the one that was written is dirty");
	must(vfio_unmap(w.container, IOVA, 2 * PAGE, 0, NULL), "UNMAP");
	munmap(p, 2 * PAGE);
}

void test_memory(void)
{
	if (!world_dma())
		return;
	log_dirty();
	mappings();
	huge_pages();
	bitmaps();
	writes();
}
