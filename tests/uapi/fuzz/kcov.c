// SPDX-License-Identifier: GPL-2.0-only
/*
 * Coverage that the kernel tells: every place of the module that a thread came
 * through, in order. New is a place, and a step from one place to another.
 */
#include "fuzz.h"
#include "tap.h"

#include <fcntl.h>
#include <pthread.h>
#include <linux/kcov.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define KCOV_FILE	"/sys/kernel/debug/kcov"
#define PLACES		(1u << 16)
#define STEPS		(1u << 20)

static uint64_t places[PLACES];	/* a hash table of addresses */
static uint8_t steps[STEPS / 8];	/* a bit for each hash: some collide */
static unsigned long nr_places;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

bool kcov_there(void)
{
	return !access(KCOV_FILE, F_OK);
}

bool kcov_open(struct kcov *kcov)
{
	size_t bytes = KCOV_ENTRIES * sizeof(uint64_t);

	kcov->trace = NULL;
	kcov->fd = open(KCOV_FILE, O_RDWR | O_CLOEXEC);
	if (kcov->fd < 0)
		return false;
	if (ioctl(kcov->fd, KCOV_INIT_TRACE, (unsigned long)KCOV_ENTRIES))
		tap_bail("KCOV_INIT_TRACE: %m");
	kcov->trace = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
			   kcov->fd, 0);
	if (kcov->trace == MAP_FAILED)
		tap_bail("mmap of kcov: %m");
	if (ioctl(kcov->fd, KCOV_ENABLE, KCOV_TRACE_PC))
		tap_bail("KCOV_ENABLE: %m");
	return true;
}

void kcov_begin(struct kcov *kcov)
{
	if (kcov->trace)
		__atomic_store_n(&kcov->trace[0], 0, __ATOMIC_RELAXED);
}

static uint64_t hash(uint64_t x)
{
	x *= 0x9e3779b97f4a7c15ULL;
	return x ^ x >> 29;
}

static bool new_place(uint64_t pc)
{
	unsigned int i = (unsigned int)(hash(pc) % PLACES);

	while (places[i] && places[i] != pc)
		i = (i + 1) % PLACES;
	if (places[i] || nr_places > PLACES / 2)
		return false;
	places[i] = pc;
	nr_places++;
	return true;
}

static bool new_step(uint64_t from, uint64_t to)
{
	uint64_t bit = hash(hash(from) + to) % STEPS;
	uint8_t mask = (uint8_t)(1u << bit % 8);

	if (steps[bit / 8] & mask)
		return false;
	steps[bit / 8] |= mask;
	return true;
}

unsigned int kcov_end(struct kcov *kcov)
{
	unsigned int fresh = 0;
	uint64_t i, n, from = 0;

	if (!kcov->trace)
		return 0;
	n = __atomic_load_n(&kcov->trace[0], __ATOMIC_RELAXED);
	if (n >= KCOV_ENTRIES)
		n = KCOV_ENTRIES - 1;
	pthread_mutex_lock(&lock);
	for (i = 1; i <= n; i++) {
		uint64_t pc = kcov->trace[i];

		fresh += new_place(pc);
		fresh += new_step(from, pc);
		from = pc;
	}
	pthread_mutex_unlock(&lock);
	return fresh;
}

unsigned long kcov_points(void)
{
	return nr_places;
}
