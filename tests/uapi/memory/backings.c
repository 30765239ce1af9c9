// SPDX-License-Identifier: GPL-2.0-only
/* Kinds of memory, each mapped for the device, used and given back. */
#define _GNU_SOURCE
#include "kernel.h"
#include "memory.h"
#include "proc.h"
#include "tap.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The device reads and writes its first, middle and last page. */
static void works(struct world *w, char *p, uint64_t size, const char *what)
{
	uint64_t at[] = { 0, size / 2, size - PAGE_4K };
	long kib = (long)(size / 1024);
	bool good = true;
	int i;

	map_is(w, p, IOVA, size, MAP_RW, 0, kib, what);
	for (i = 0; i < 3; i++)
		good &= rig_reaches(&w->rig, IOVA + at[i], p + at[i]);
	tap_ok(good, "the device gets at it");
	unmap_is(w, IOVA, size, kib, what);
}

static void huge(struct world *w)
{
	uint64_t size = 3 * PAGE_2M;
	char *p = mem_alloc(size, LEAF_2M);

	works(w, p, size, "of huge pages");
	/* the ends within a huge page: what is pinned is told by small ones */
	works(w, p + 5 * PAGE_4K, size - 9 * PAGE_4K, "of parts of huge pages");
	works(w, p + 7 * PAGE_4K, PAGE_4K, "of a 512th of a huge page");
	mem_free(p, size);
}

static void thp(struct world *w)
{
	uint64_t size = 4 * PAGE_2M;
	char *p = mem_alloc(size, LEAF_ANY);

	if (proc_number("/proc/self/smaps_rollup", "AnonHugePages") > 0)
		works(w, p, size, "of transparent huge pages, in turns");
	else
		tap_skip("transparent huge pages", "the kernel gave none");
	mem_free(p, size);
}

static void shared_memory(struct world *w)
{
	char *p, *again;
	int fd;

	p = shared(SIZE, &fd);
	works(w, p, SIZE, "of shared memory that nobody has touched");
	again = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	map_is(w, p, IOVA, SIZE, MAP_RW, 0, KIB, "of shared memory");
	tap_ok(rig_reaches(&w->rig, IOVA, again), "seen elsewhere");
	map_is(w, again, IOVA + SIZE, SIZE, MAP_RW, 0, KIB,
	       "of the same from elsewhere: it counts again");
	tap_ok(rig_reaches(&w->rig, IOVA + SIZE, p), "and is the same");
	unmap_is(w, IOVA, SIZE, KIB, "of the one");
	tap_ok(rig_reaches(&w->rig, IOVA + SIZE, p), "leaves the other");
	unmap_is(w, IOVA + SIZE, SIZE, KIB, "of the other");
	munmap(again, SIZE);
	munmap(p, SIZE);
	close(fd);
}

static int make_file(const char *path, char *content, size_t n)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	size_t i;

	for (i = 0; i < n; i++)
		content[i] = (char)(i * 13 + i / PAGE_4K);
	if (fd < 0 || write(fd, content, n) != (ssize_t)n)
		tap_bail("%s: %m", path);
	return fd;
}

static void files(struct world *w)
{
	static char content[SIZE], now[SIZE];
	int fd = make_file("/tmp/file", content, SIZE);
	char *ro = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0);
	char *cow = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);

	map_is(w, ro, IOVA, SIZE, RD, 0, KIB, "of a file, read-only");
	tap_ok(device_sees(w, IOVA + SIZE - PAGE_4K, content + SIZE - PAGE_4K),
	       "the device reads the file");
	unmap_is(w, IOVA, SIZE, KIB, "of it");
	works(w, cow, SIZE, "of a private copy of a file");
	if (pread(fd, now, SIZE, 0) != (ssize_t)SIZE)
		tap_bail("/tmp/file: %m");
	tap_ok(!memcmp(now, content, SIZE), "the file is as it was");
	munmap(ro, SIZE);
	munmap(cow, SIZE);
	close(fd);
	unlink("/tmp/file");
}

/*
 * Untouched memory to be read only. The kernel gives pages of its own to what
 * is pinned for long, not the zero page: they count. Before 6.2 it did not.
 */
static void zeros(struct world *w)
{
	const long kib = kernel_since(6, 2) ? KIB : 0;
	static const char zero[64];
	char *p = fresh(SIZE, PROT_READ | PROT_WRITE);
	char seen = 0;
	uint64_t i;

	for (i = 0; i < SIZE / 2; i += PAGE_4K)
		seen |= ((volatile char *)p)[i];
	tap_ok(!seen, "half of it is the zero page");
	map_is(w, p, IOVA, SIZE, RD, 0, kib, "of untouched memory to be read");
	tap_ok(device_sees(w, IOVA, zero) &&
	       device_sees(w, IOVA + SIZE - PAGE_4K, zero),
	       "the device reads zeros");
	memset(p, 0x42, SIZE);
	tap_ok(device_sees(w, IOVA, kib ? p : zero) &&
	       device_sees(w, IOVA + SIZE - PAGE_4K, kib ? p : zero),
	       "and what we write there later%s", kib ? "" : ", not before 6.2");
	unmap_is(w, IOVA, SIZE, kib, "of it");
	munmap(p, SIZE);
}

void test_backings(struct world *w)
{
	char *p = fresh(SIZE, PROT_READ | PROT_WRITE);

	works(w, p, SIZE, "of memory that nobody has touched");
	works(w, p, PAGE_4K, "of a single page");
	munmap(p, SIZE);
	p = mem_alloc_scattered(SIZE);
	works(w, p, SIZE, "of pages that are no neighbours");
	mem_free(p, SIZE);
	huge(w);
	thp(w);
	shared_memory(w);
	files(w);
	zeros(w);
}
