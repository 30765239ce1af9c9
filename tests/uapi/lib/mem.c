// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "mem.h"
#include "proc.h"
#include "tap.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/memfd.h>
#include <sys/mman.h>
#include <unistd.h>

#define NR_HUGEPAGES "/proc/sys/vm/nr_hugepages"
#define PM_PFN ((1ULL << 55) - 1)

static uint64_t pfn_of(int pagemap, const void *p)
{
	uint64_t entry;
	off_t at = (off_t)((uintptr_t)p / PAGE_4K * sizeof(entry));

	if (pread(pagemap, &entry, sizeof(entry), at) != sizeof(entry))
		return 0;
	return entry & PM_PFN;
}

/* Makes sure that @want more huge pages than are in use can be had. */
static void want_hugepages(long want)
{
	long total = proc_file_number(NR_HUGEPAGES);
	long free_now = proc_number("/proc/meminfo", "HugePages_Free");
	char text[32];

	if (free_now >= want)
		return;
	snprintf(text, sizeof(text), "%ld", total + want - free_now);
	proc_write("/proc/sys/vm/compact_memory", "1");
	proc_write(NR_HUGEPAGES, text);
	if (proc_number("/proc/meminfo", "HugePages_Free") < want)
		tap_bail("cannot get %ld huge pages of 2 MiB; more --mem", want);
}

struct page {
	uint64_t pfn;
	size_t index;
};

static int by_pfn_downward(const void *a, const void *b)
{
	const struct page *x = a, *y = b;

	return x->pfn < y->pfn ? 1 : x->pfn > y->pfn ? -1 : 0;
}

/*
 * Lays the pages of the file @fd out at @base by falling physical address:
 * then no page follows its physical predecessor.
 */
static void lay_out_downward(char *base, size_t size, size_t page, int fd)
{
	int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	size_t i, n = size / page;
	struct page *pages = calloc(n, sizeof(*pages));

	if (pagemap < 0 || !pages)
		tap_bail("cannot see physical addresses");
	for (i = 0; i < n; i++) {
		pages[i].index = i;
		pages[i].pfn = pfn_of(pagemap, base + i * page);
		if (!pages[i].pfn)
			tap_bail("pagemap hides physical addresses");
	}
	qsort(pages, n, sizeof(*pages), by_pfn_downward);
	for (i = 0; i < n; i++)
		if (mmap(base + i * page, page, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED | MAP_POPULATE, fd,
			 (off_t)(pages[i].index * page)) == MAP_FAILED)
			tap_bail("cannot lay out pages: %m");
	close(pagemap);
	free(pages);
}

static void *alloc_downward(size_t size, size_t page, unsigned int flags)
{
	int fd = memfd_create("hwdbm", MFD_CLOEXEC | flags);
	char *p;

	if (fd < 0 || ftruncate(fd, (off_t)size))
		tap_bail("memfd: %m");
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
		 fd, 0);
	if (p == MAP_FAILED)
		tap_bail("mmap of a memfd: %m");
	lay_out_downward(p, size, page, fd);
	close(fd);
	return p;
}

static void *alloc_huge(size_t size)
{
	want_hugepages((long)(size / PAGE_2M));
	return alloc_downward(size, PAGE_2M, MFD_HUGETLB | MFD_HUGE_2MB);
}

void *mem_alloc_scattered(size_t size)
{
	return alloc_downward(size, PAGE_4K, 0);
}

void *mem_alloc(size_t size, enum leaf leaf)
{
	char *p, *aligned;
	size_t at;

	if (leaf == LEAF_2M)
		return alloc_huge(size);
	p = mmap(NULL, size + PAGE_2M, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		tap_bail("mmap of %zu bytes: %m", size);
	aligned = (char *)(((uintptr_t)p + PAGE_2M - 1) & ~(PAGE_2M - 1));
	if (aligned > p)
		munmap(p, (size_t)(aligned - p));
	munmap(aligned + size, (size_t)(p + PAGE_2M - aligned));
	/* fails where the kernel has no THP, and then says what we want */
	madvise(aligned, size, MADV_NOHUGEPAGE);
	for (at = 0; leaf == LEAF_ANY && at < size; at += 2 * PAGE_2M)
		madvise(aligned + at, PAGE_2M, MADV_HUGEPAGE);
	memset(aligned, 0, size);
	return aligned;
}

void mem_free(void *p, size_t size)
{
	munmap(p, size);
}

void mem_give_up(void *p, size_t size)
{
	if (madvise(p, size, MADV_FREE))
		tap_bail("MADV_FREE: %m");
}

/*
 * Each processor has a batch of pages that are under way to where they can be
 * reclaimed. To drop caches empties them.
 */
void mem_reclaim(void *p, size_t size)
{
	if (proc_write("/proc/sys/vm/drop_caches", "1") ||
	    madvise(p, size, MADV_PAGEOUT))
		tap_bail("MADV_PAGEOUT: %m");
}
