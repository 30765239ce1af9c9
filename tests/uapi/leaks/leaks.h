/* SPDX-License-Identifier: GPL-2.0-only */
/* Whatever way it ends, nothing is left: proven from the kernel's counters. */
#ifndef HWDBM_TEST_LEAKS_H
#define HWDBM_TEST_LEAKS_H

#include "counters.h"
#include "rng.h"
#include "vfio.h"

#include <stdatomic.h>
#include <stdbool.h>

/* lives.c: one user of the container, from open to its end */
struct life {
	struct vfio_dev *devs;
	int nr_devs;
	uint64_t seed;
	atomic_ulong *acts;	/* shared with the parent: what it has done */
};

/* Goes on until it is killed. Never returns. */
_Noreturn void live_until_killed(const struct life *life);
/* Opens, maps, logs, and closes what it has in a random order. */
void live_and_close(const struct life *life);

/* late.c: calls against a container that has just lost its last group */
void test_late_calls(struct vfio_dev *dev, struct rng *rng, int seconds);

/* module.c */
void test_unload(struct vfio_dev *dev);

#endif
