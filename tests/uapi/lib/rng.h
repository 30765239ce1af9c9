/* SPDX-License-Identifier: GPL-2.0-only */
/* Seeded random numbers (xorshift64*): the same seed, the same run. */
#ifndef HWDBM_TEST_RNG_H
#define HWDBM_TEST_RNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rng {
	uint64_t state;
};

/* The seed: HWDBM_SEED, else the clock. The caller prints it. */
uint64_t rng_default_seed(void);

void rng_init(struct rng *rng, uint64_t seed);
uint64_t rng_next(struct rng *rng);
void rng_fill(struct rng *rng, void *buf, size_t n);

/* 0 to @n - 1; @n must not be 0. */
static inline uint64_t rng_below(struct rng *rng, uint64_t n)
{
	return rng_next(rng) % n;
}

/* True in one of @n calls. */
static inline bool rng_one_in(struct rng *rng, uint64_t n)
{
	return rng_below(rng, n) == 0;
}

#endif
