// SPDX-License-Identifier: GPL-2.0-only
#include "rng.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

uint64_t rng_default_seed(void)
{
	const char *seed = getenv("HWDBM_SEED");
	struct timespec ts;

	if (seed && *seed)
		return strtoull(seed, NULL, 0);
	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

void rng_init(struct rng *rng, uint64_t seed)
{
	/* xorshift has one state that it never leaves: 0 */
	rng->state = (seed + 1) * 0x9e3779b97f4a7c15ULL;
	if (!rng->state)
		rng->state = 1;
	rng_next(rng);
	rng_next(rng);
}

uint64_t rng_next(struct rng *rng)
{
	uint64_t x = rng->state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	rng->state = x;
	return (x * 0x2545f4914f6cdd1dULL) >> 11;
}

void rng_fill(struct rng *rng, void *buf, size_t n)
{
	unsigned char *p = buf;

	while (n) {
		uint64_t x = rng_next(rng);
		size_t part = n < 6 ? n : 6;

		memcpy(p, &x, part);
		p += part;
		n -= part;
	}
}
