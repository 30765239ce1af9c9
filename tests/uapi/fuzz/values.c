// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the numbers of a program become. Values that are right, or nearly so,
 * are far likelier than wild ones, and the same ones come again and again: else
 * no two calls would have to do with each other.
 */
#define _GNU_SOURCE
#include "tap.h"
#include "values.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#define AREA		(4UL << 20)
#define COUNT(a)	(sizeof(a) / sizeof(*(a)))

static int zero;		/* /dev/zero */
static char *areas[6], *bitmaps[4];

uint64_t iova_of(uint32_t a)
{
	static const uint64_t bases[] = {
		0, 0x10000000, 1ULL << 32, 0xfedf0000, (1ULL << 39) - 0x10000,
		(1ULL << 47) - 0x10000, 0ULL - 0x10000, 1ULL << 30,
	};
	uint64_t base = a & 0x60 ? bases[1] : bases[a % COUNT(bases)];
	uint64_t at = base + (a >> 8 & 63) * PAGE;

	return a >> 25 == 127 ? at + (a >> 16 & 0xff) : at;
}

uint64_t size_of(uint32_t a)
{
	/* the large ones take long on a debug kernel: seldom */
	static const uint64_t pages[] = { 1, 1, 2, 3, 4, 8, 8, 16 },
		more[] = { 8, 32, 63, 64, 64, 512, 513, 32768, 1ULL << 17 };
	static const uint64_t wild[] = { 0, 1, ~0ULL, 1ULL << 63, PAGE - 1,
					 PAGE + 8, 0ULL - PAGE, 1ULL << 33 };

	if (a >> 26 == 63)
		return wild[a % COUNT(wild)];
	if (a >> 8 & 3)
		return pages[a % COUNT(pages)] * PAGE;
	return more[a % COUNT(more)] * PAGE;
}

uint64_t pgsize_of(uint32_t a)
{
	if (a & 0x60)
		return PAGE;
	return a >> 26 == 63 ? a & 0xffff : PAGE << (a >> 8) % 20;
}

void *address_of(uint32_t a)
{
	/* nothing of ours: devices write there */
	if (a >> 26 == 63)
		return (void *)(a & 1 ? (uintptr_t)a << 32 | 1UL << 63 :
					(uintptr_t)(a & 0xf000));
	return areas[a % COUNT(areas)] + (a >> 8 & 0xff) * PAGE;
}

char *bitmap_of(uint32_t a)
{
	return bitmaps[a & 12 ? 0 : a & 3] + (a >> 26 == 63 ? a >> 8 & 7 : 0);
}

/* The last two stay as they are. Written by the kernel, which never dies of it. */
int change_memory(const uint32_t *a)
{
	char *at = areas[a[0] % (COUNT(areas) - 2)] + (a[1] & 0xff) * PAGE;
	size_t n = (1 + (a[2] & 31)) * PAGE;
	static const int prots[] = { PROT_NONE, PROT_READ };

	switch (a[3] % 4) {
	case 0:
		return madvise(at, n, MADV_DONTNEED);
	case 1:
		return madvise(at, n, MADV_REMOVE);
	case 2:
		mprotect(at, n, prots[a[4] & 1]);
		usleep(a[4] >> 8 & 0xff);
		return mprotect(at, n, PROT_READ | PROT_WRITE);
	default:
		return (int)pread(zero, at, n, 0);
	}
}

static char *area(size_t n, int prot, int flags, int fd)
{
	char *p = mmap(NULL, n + PAGE, prot, flags, fd, 0);

	if (p == MAP_FAILED)
		tap_bail("mmap: %m");
	return p;
}

void values_init(void)
{
	int rw = PROT_READ | PROT_WRITE, file = memfd_create("fuzz", 0);
	unsigned int i;

	zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	if (zero < 0 || file < 0 || ftruncate(file, AREA))
		tap_bail("memfd: %m");
	for (i = 0; i < 3; i++)
		areas[i] = area(AREA, rw, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	madvise(areas[0], AREA, MADV_HUGEPAGE);
	areas[3] = area(AREA, rw, MAP_SHARED, file);
	areas[4] = area(AREA, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	areas[5] = area(AREA, rw, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	munmap(areas[5] + 64 * PAGE, 16 * PAGE);
	for (i = 0; i < COUNT(bitmaps); i++)
		bitmaps[i] = area(BITMAP, i == 3 ? PROT_READ : rw,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1);
	munmap(bitmaps[1] + PAGE, PAGE);
	bitmaps[2] += BITMAP - 64;	/* what is asked for ends in nothing */
}
