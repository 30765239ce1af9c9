// SPDX-License-Identifier: GPL-2.0-only
/* What the shim headers declare, and the tests' random numbers. */
#include <limits.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include <linux/bitmap.h>
#include <linux/bug.h>
#include <linux/compiler.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "../random.h"

unsigned long shim_warnings;
unsigned long shim_rescheds;
unsigned long shim_fail_after = SHIM_NEVER;
unsigned int shim_fail_permille;
bool shim_failed;
unsigned long shim_asked;
unsigned long shim_live;
unsigned long shim_live_bytes;
void (*shim_before_access)(const volatile void *where);
void (*shim_bit_cleared)(volatile unsigned long *word, unsigned int bit);

static u64 random_state;

static bool must_fail(void)
{
	if (shim_fail_after != SHIM_NEVER && !shim_fail_after--)
		return true;
	return shim_fail_permille && random_below(1000) < shim_fail_permille;
}

/* In front of every block, so that freeing can tell its size. */
struct block {
	size_t		bytes;
	unsigned long	data[];
};

void *shim_zalloc(size_t n, size_t size, gfp_t flags)
{
	struct block *b;
	size_t bytes;

	/* Memory made for user space is charged, and its size never warned of. */
	if ((flags & GFP_KERNEL_ACCOUNT) != GFP_KERNEL_ACCOUNT)
		abort();
	shim_asked++;
	if (__builtin_mul_overflow(n, size, &bytes))
		return NULL;
	if (bytes > INT_MAX) {
		shim_warnings += !(flags & __GFP_NOWARN);
		return NULL;
	}
	if (must_fail()) {
		shim_failed = true;
		return NULL;
	}
	b = calloc(1, sizeof(*b) + bytes);
	if (!b)
		abort();
	b->bytes = bytes;
	shim_live++;
	shim_live_bytes += bytes;
	return b->data;
}

void shim_free(const void *p)
{
	struct block *b;

	if (!p)
		return;
	b = (struct block *)((char *)p - offsetof(struct block, data));
	shim_live--;
	shim_live_bytes -= b->bytes;
	free(b);
}

unsigned long shim_find_next(const unsigned long *map, unsigned long size,
			     unsigned long start, bool wanted)
{
	unsigned long word, i = start;

	while (i < size) {
		word = map[i / BITS_PER_LONG];
		if (!wanted)
			word = ~word;
		word >>= i % BITS_PER_LONG;
		if (word) {
			i += __builtin_ctzl(word);
			return i < size ? i : size;
		}
		i += BITS_PER_LONG - i % BITS_PER_LONG;
	}
	return size;
}

int random_setup(void **state)
{
	const char *env = getenv("HWDBM_SEED");
	FILE *f;

	(void)state;
	if (env) {
		random_state = strtoull(env, NULL, 0);
	} else {
		f = fopen("/dev/urandom", "r");
		if (!f || fread(&random_state, sizeof(random_state), 1, f) != 1)
			return -1;
		fclose(f);
	}
	printf("# HWDBM_SEED=0x%llx\n", (unsigned long long)random_state);
	fflush(stdout);
	return 0;
}

/* A 64-bit counter stepped by an odd constant, mixed by multiply and shift. */
u64 random_u64(void)
{
	u64 x = random_state += 0x9e3779b97f4a7c15ull;

	x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93ull;
	x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93ull;
	return x ^ (x >> 32);
}

u64 random_below(u64 n)
{
	return random_u64() % n;
}

bool random_one_in(unsigned int n)
{
	return !random_below(n);
}

void random_bits(unsigned long *map, unsigned long words)
{
	unsigned int kind = random_below(5);
	unsigned long i;

	for (i = 0; i < words; i++) {
		map[i] = random_u64();
		if (kind == 0)
			map[i] = 0;
		else if (kind == 1)
			map[i] = ~0UL;
		else if (kind == 2)
			map[i] &= random_u64() & random_u64() & random_u64();
		else if (kind == 3 && random_one_in(2))
			map[i] = random_one_in(2) ? ~0UL : 0;
	}
}
