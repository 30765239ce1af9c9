/* SPDX-License-Identifier: GPL-2.0-only */
/* A migration of memory that a device keeps writing, three ways. */
#ifndef HWDBM_TEST_DEMO_H
#define HWDBM_TEST_DEMO_H

#include "mem.h"

#include <stdbool.h>
#include <stdint.h>

#define PAGES		16384ULL	/* 64 MiB */
#define HOT_PAGES	300ULL		/* half of the writes go here */
#define HOT_FIRST	5200ULL
#define WARM_PAGES	900ULL		/* a quarter here, the rest anywhere */
#define WARM_FIRST	11000ULL
#define PAGES_A_WRITE	2		/* pages sent for each device write */
#define WRITES_A_CALL	32		/* device writes while a call runs */
#define MAX_ROUNDS	12
#define DOWNTIME_PAGES	64		/* what may be left when the device stops */

enum how { HOW_GET, HOW_CLEAR };

/* One way to migrate, and what came of it. */
struct column {
	const char *name;
	unsigned long type;	/* for VFIO_SET_IOMMU */
	enum how how;

	int rounds;
	uint64_t sent, reported, written, left;	/* pages */
	uint64_t device_writes;
	uint32_t failed;	/* DMAs */
	bool converged, equal;
	/* in how many rounds each page was reported, was written */
	uint8_t *reports, *writes;
};

/* migrate.c */
void migrate(struct column *col, uint64_t seed);

/* heat.c: @counts of @rounds rounds, for every page */
void heat_map(const char *title, const uint8_t *counts, int rounds, bool color);
void heat_legend(bool color);

#endif
