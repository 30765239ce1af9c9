// SPDX-License-Identifier: GPL-2.0-only
#include "guard.h"
#include "tap.h"

#include <stdint.h>
#include <sys/mman.h>

#define PAGE 4096UL

static size_t pages_for(size_t n)
{
	return (n + PAGE - 1) / PAGE * PAGE;
}

void *guard_alloc(size_t n)
{
	size_t len = pages_for(n);
	char *p = mmap(NULL, len + PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED || mprotect(p + len, PAGE, PROT_NONE))
		tap_bail("no memory for a guarded buffer of %zu bytes", n);
	return p + len - n;
}

void guard_free(void *p, size_t n)
{
	size_t len = pages_for(n);

	munmap((char *)p + n - len, len + PAGE);
}
