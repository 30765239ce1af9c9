/* SPDX-License-Identifier: GPL-2.0-only */
/* Containers with devices that pin the pages they touch. */
#ifndef HWDBM_TEST_PINS_H
#define HWDBM_TEST_PINS_H

#include "backend.h"
#include "mem.h"
#include "rig.h"
#include "rng.h"
#include "simdev.h"

#include <stdbool.h>
#include <stdint.h>

#define PAGE	PAGE_4K
#define IOVA	0x10000000ULL
#define MAX_SIMS 2

/* ---- cage.c: a container with emulated devices, and what a test asks of it */

struct cage {
	struct vfio_dev sims[MAX_SIMS];
	int nr_sims;
	int container;
	long avail;		/* mappings that may be made, when it was fresh */
	long locked_kib;	/* of this process, the same */
};

/* A container of the backend with @nr_sims devices, open; or bail. */
void cage_open(struct cage *cage, int nr_sims);
/*
 * The same with one device that is behind the IOMMU and pins all the same: the
 * simulator's edu. False where it has none.
 */
bool cage_open_edu(struct cage *cage);
/* The @nth simulated device and its group come to a container. */
int cage_join(struct cage *cage, int nth);
/*
 * Unmaps all; then no page may be pinned or locked and every mapping be there
 * to be had. And closes everything.
 */
void cage_close(struct cage *cage);

/*
 * The first edu of vfio-pci and its group come to the container, 0 or -errno,
 * and go. This one pins nothing.
 */
int edu_joins(struct cage *cage, struct rig *rig);
void edu_leaves(struct rig *rig);

/* Memory of small pages, each of its own content, populated. */
char *ram_alloc(uint64_t pages);
void ram_free(char *ram, uint64_t pages);

/* MAP or bail. */
void cage_map(struct cage *cage, void *ram, uint64_t iova, uint64_t pages);
void cage_map_as(struct cage *cage, void *ram, uint64_t iova, uint64_t pages,
		 uint32_t flags);
/* UNMAP or bail, and of all of it. */
void cage_unmap(struct cage *cage, uint64_t iova, uint64_t pages);

/* Test points: what the owner is charged beyond the start, in pages. */
bool locked_is(struct cage *cage, long pages, const char *when);
/* What the first device holds: pins, and pages. */
bool holds(struct cage *cage, unsigned long pins, unsigned long pages,
	   const char *when);
/* The device gets at the very page that @at is for the owner, pinned. */
bool reaches(struct cage *cage, uint64_t iova, char *at, const char *what);

/*
 * The log: a character a page, '0' or '1', and '?' for either. @flag is GET or
 * NOCLEAR.
 */
bool log_is(struct cage *cage, uint32_t flag, uint64_t iova, const char *want,
	    const char *when);
int log_clear(struct cage *cage, uint64_t iova, const char *bits);
bool start_logging(struct cage *cage);

/* Ours only: VFIO_HWDBM_POLICY_* in force. */
void policy_is(struct cage *cage, unsigned int policy, const char *when);

/* Told to a peer: MAP so many pages of its own. owner.c */
long peer_map_own(long container, long iova, long pages);

/* ---- the tests; each leaves nothing behind */

void test_alone(void);
void test_huge(void);

void test_pin(void);
void test_pin_mappings(void);
void test_pin_half(void);
void test_pin_rights(void);
void test_pin_kinds(void);
void test_pin_limits(void);
void test_pin_memlock(void);
void test_pin_given_up(void);
void test_pin_v1(void);

void test_unmap(void);
void test_unmap_several(void);
void test_unmap_late(void);
void test_unmap_never(void);

void test_rw(void);
void test_rw_errors(void);
void test_rw_others(void);

void test_slow(void);

void test_log_rw(void);
void test_log_pins(void);
void test_log_manual(void);
void test_log_unmap(void);

void test_both_charge(void);
void test_both_leave(void);
void test_both_log(void);
void test_both_reserved(void);
void test_both_zero(void);
void test_both_vaddr(void);
void test_both_owners(void);

void test_promote(void);
void test_promote_manual(void);
void test_promote_not(void);
void test_promote_unlogged(void);
void test_promote_unmap(void);
void test_promote_close(void);
void test_promote_leave(void);
void test_promote_eio(void);
void test_full(void);
void test_full_manual(void);
void test_full_close(void);
void test_full_leave(void);
void test_several(void);
void test_grown(void);

void test_owner_exits(void);
void test_owner_execs(void);
void test_owner_copied(void);
void test_close_orders(void);
void test_close_kept(void);

void test_edge_wrap(void);
void test_edge_kept(void);

void test_mirror(uint64_t seed);
void test_storm(uint64_t seed, int seconds);
void test_storm_killed(uint64_t seed, int lives);

#endif
