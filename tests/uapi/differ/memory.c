// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory of every kind that user space has, once for each side at the same
 * distance from an arena's start; what lies between is PROT_NONE. The device's
 * own memory has other memory for neighbours, so that one mapping can have both.
 */
#define _GNU_SOURCE
#include "differ.h"
#include "proc.h"
#include "tap.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/memfd.h>
#include <sys/mman.h>
#include <unistd.h>

#define ARENA	(64UL << 20)
#define RW	(PROT_READ | PROT_WRITE)

/* What a region is when an epoch begins. */
enum start { FILLED, UNTOUCHED, AS_IT_IS };

static const struct {
	const char *name;
	size_t size;
	int prot;
	enum start start;
} regions[] = {
	[R_SMALL] = { "small", 1 << 20, RW, FILLED },
	[R_THP] = { "thp", 4 << 20, RW, FILLED },
	[R_HUGE] = { "huge", 4 << 20, RW, FILLED },
	[R_SHARED] = { "shared", 256 << 10, RW, FILLED },
	[R_FRESH] = { "fresh", 256 << 10, RW, UNTOUCHED },
	[R_ZERO] = { "zero", 256 << 10, RW, UNTOUCHED },
	[R_FILE] = { "file", 256 << 10, RW, FILLED },
	[R_COW] = { "cow", 64 << 10, RW, UNTOUCHED },
	[R_FILE_RO] = { "file-ro", 64 << 10, PROT_READ, UNTOUCHED },
	[R_RO] = { "ro", 64 << 10, PROT_READ, FILLED },
	[R_MIXED] = { "mixed", 64 << 10, RW, FILLED },
	[R_NONE] = { "none", 64 << 10, PROT_NONE, AS_IT_IS },
	[R_BAR] = { "bar", 1 << 20, PROT_NONE, AS_IT_IS },
	[R_ABS] = { "", 0, 0, AS_IT_IS },
};

static char *arena[SIDES];
static uint64_t at[R_ABS + 1];

uint64_t memory_at(int side, struct pointer p)
{
	if (p.region == R_ABS)
		return p.offset;
	return (uintptr_t)arena[side] + at[p.region] + p.offset;
}

bool memory_is_bar(struct pointer p, uint64_t offset)
{
	uint64_t in_arena = at[p.region] + p.offset + offset;

	return p.region != R_ABS && in_arena >= at[R_BAR] &&
	       in_arena - at[R_BAR] < regions[R_BAR].size;
}

uint64_t memory_size(enum region region)
{
	return regions[region].size;
}

const char *memory_name(enum region region)
{
	return regions[region].name;
}

static char *base(int side, enum region region)
{
	return arena[side] + at[region];
}

static void place(int side, enum region r, int flags, int fd)
{
	if (mmap(base(side, r), regions[r].size, regions[r].prot,
		 flags | MAP_FIXED, fd, 0) == MAP_FAILED)
		tap_bail("memory '%s': %m", regions[r].name);
}

static void place_file(int side, enum region r, int flags)
{
	char path[] = "/tmp/differ-XXXXXX";
	int fd = mkstemp(path);
	size_t i;

	if (fd < 0 || unlink(path))
		tap_bail("a file in /tmp: %m");
	for (i = 0; i < regions[r].size; i += 8)
		if (pwrite(fd, &i, 8, (off_t)i) != 8)
			tap_bail("a file in /tmp: %m");
	place(side, r, flags, fd);
	close(fd);
}

static void place_memfd(int side, enum region r, unsigned int flags)
{
	int fd = memfd_create("differ", MFD_CLOEXEC | flags);

	if (fd < 0 || ftruncate(fd, (off_t)regions[r].size))
		tap_bail("memfd: %m");
	place(side, r, MAP_SHARED, fd);
	close(fd);
}

static void make_side(int side)
{
	char *p = mmap(NULL, ARENA + PAGE_2M, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	enum region r;

	if (p == MAP_FAILED)
		tap_bail("no address space: %m");
	arena[side] = (char *)(((uintptr_t)p + PAGE_2M - 1) & ~(PAGE_2M - 1));
	for (r = 0; r < R_ABS; r++) {
		switch (r) {
		case R_HUGE:
			place_memfd(side, r, MFD_HUGETLB | MFD_HUGE_2MB);
			break;
		case R_SHARED:
			place_memfd(side, r, 0);
			break;
		case R_FILE:
			place_file(side, r, MAP_SHARED);
			break;
		case R_COW:
		case R_FILE_RO:
			place_file(side, r, MAP_PRIVATE);
			break;
		default:
			place(side, r, MAP_PRIVATE | MAP_ANONYMOUS, -1);
		}
		if (r != R_HUGE)
			madvise(base(side, r), regions[r].size,
				r == R_THP ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
	}
}

void memory_make(void)
{
	uint64_t next = 0;
	char text[16];
	enum region r;

	for (r = 0; r < R_ABS; r++) {
		at[r] = next;
		next += (regions[r].size / PAGE_2M + 2) * PAGE_2M;
	}
	at[R_BAR] = at[R_SMALL] + regions[R_SMALL].size;
	at[R_MIXED] = at[R_BAR] + regions[R_BAR].size;
	if (next > ARENA)
		tap_bail("the arena is too small");
	snprintf(text, sizeof(text), "%llu",
		 SIDES * regions[R_HUGE].size / PAGE_2M);
	proc_write("/proc/sys/vm/nr_hugepages", text);
	make_side(STOCK);
	make_side(OURS);
}

static void refill(struct rng *rng, enum region r)
{
	size_t size = regions[r].size;
	int side;

	for (side = 0; side < SIDES; side++)
		if (mprotect(base(side, r), size, RW))
			tap_bail("mprotect: %m");
	rng_fill(rng, base(STOCK, r), PAGE_4K);
	for (size_t i = PAGE_4K; i < size; i += PAGE_4K)
		memcpy(base(STOCK, r) + i, base(STOCK, r), PAGE_4K);
	for (size_t i = 0; i < size; i += PAGE_4K)
		memcpy(base(STOCK, r) + i, &i, sizeof(i));
	memcpy(base(OURS, r), base(STOCK, r), size);
	for (side = 0; side < SIDES; side++)
		mprotect(base(side, r), size, regions[r].prot);
}

static void touch(int side, enum region r)
{
	size_t i;

	for (i = 0; i < regions[r].size; i += PAGE_4K)
		*(volatile char *)(base(side, r) + i);
}

void memory_refill(uint64_t seed)
{
	struct rng rng;
	enum region r;
	int side;

	rng_init(&rng, seed);
	for (r = 0; r < R_ABS; r++) {
		if (regions[r].start == FILLED)
			refill(&rng, r);
		for (side = 0; side < SIDES; side++) {
			if (regions[r].start == UNTOUCHED)
				madvise(base(side, r), regions[r].size,
					MADV_DONTNEED);
			if (r == R_ZERO)
				touch(side, r);
		}
	}
}

void memory_plug(int side, int device_fd)
{
	struct vfio_region_info info =
		vfio_region(device_fd, VFIO_PCI_BAR0_REGION_INDEX);

	if (info.size != regions[R_BAR].size)
		tap_bail("edu: BAR0 is not of %zu bytes", regions[R_BAR].size);
	if (mmap(base(side, R_BAR), info.size, RW, MAP_SHARED | MAP_FIXED,
		 device_fd, (off_t)info.offset) == MAP_FAILED)
		tap_bail("edu: BAR0: %m");
}

void memory_unplug(int side)
{
	place(side, R_BAR, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

/* What a process may do to its memory while a device has it. */
void memory_change(struct rng *rng, char *text, size_t n)
{
	static const int prots[] = { PROT_NONE, PROT_READ, RW, RW };
	enum region r = rng_one_in(rng, 2) ? R_MIXED :
			rng_one_in(rng, 2) ? R_FRESH : R_ZERO;
	size_t pages = regions[r].size / PAGE_4K;
	size_t page = rng_below(rng, pages);
	size_t nr = 1 + rng_below(rng, pages - page < 8 ? pages - page : 8);
	int prot = prots[rng_below(rng, 4)], side;

	snprintf(text, n, "%s of %s, pages %zu to %zu",
		 r == R_MIXED ? prot == PROT_NONE ? "PROT_NONE" :
				prot == RW ? "PROT_READ|WRITE" : "PROT_READ" :
				"DONTNEED",
		 regions[r].name, page, page + nr - 1);
	for (side = 0; side < SIDES; side++) {
		char *p = base(side, r) + page * PAGE_4K;

		if (r == R_MIXED)
			mprotect(p, nr * PAGE_4K, prot);
		else
			madvise(p, nr * PAGE_4K, MADV_DONTNEED);
		if (r == R_ZERO)
			touch(side, r);
	}
}

const char *memory_unequal(void)
{
	enum region r;
	int side;

	for (r = 0; r < R_ABS; r++) {
		if (regions[r].start == AS_IT_IS)
			continue;
		for (side = 0; r == R_MIXED && side < SIDES; side++)
			mprotect(base(side, r), regions[r].size, RW);
		if (memcmp(base(STOCK, r), base(OURS, r), regions[r].size))
			return regions[r].name;
	}
	return NULL;
}
