/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A container with devices behind several simulated IOMMUs, whose dirty log is
 * asked after each event of the policy's transition table.
 */
#ifndef HWDBM_TEST_POLICY_H
#define HWDBM_TEST_POLICY_H

#include "simdma.h"
#include "vfio.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define PAGE	4096ULL
#define IOVA	0x40000000ULL
#define NR	16ULL
#define NONE	"0000000000000000"
#define ALL	"1111111111111111"

/* The devices, by the IOMMU that they are behind; main.c says what the VM needs. */
enum {
	A,	/* the first IOMMU: tracks; leaves of 4K, 2M, 1G; 48 bits */
	A2,	/* behind the same one */
	B,	/* tracks; any power of two from 4K, replicated; 40 bits; not coherent */
	C,	/* does not track; 39 bits */
	D,	/* tracks; leaves of 64K and 2M, born dirty; 48 bits */
	D2,	/* in the same group */
	DEVICES
};

extern struct vfio_dev dev[DEVICES];
extern int container;

/* Each bails where the call fails. */
void must(int ret, const char *what);
void open_container(int first);
void close_container(void);
void join(int who);
/* The group is closed again on an error. */
int try_join(int who);
void leave(int who);
void start(void);
void stop(void);
void map(void *mem, uint64_t iova, uint64_t bytes);
void unmap(uint64_t iova, uint64_t bytes);
void map_pages(uint64_t iova);		/* NR scattered pages of our own */
void unmap_pages(uint64_t iova);

/* DMA of a few bytes in the middle of a page; bails if it is refused. */
void dma(int who, uint64_t page);
void dma_at(int who, uint64_t iova);

/* What GET, NOCLEAR and CLEAR say of the NR pages at IOVA. */
void get_is(const char *want, const char *when);
void look_is(const char *want, const char *when);
void clear(const char *bits);

/* @pages bits, one a page of 4 KiB: what GET or NOCLEAR says from @iova on. */
void ask(uint32_t flag, uint64_t iova, uint64_t pages, void *map);
/* The pages @from to @to of a map of @pages are dirty, and no other. */
bool only(const void *map, uint64_t pages, uint64_t from, uint64_t to);

/* UNMAP with bitmap of NR pages at IOVA, with ALL or without. */
void unmap_is(bool all, const char *want, const char *when);
/* Mapped again after that, the same memory. */
void map_again(void);

void policy_is(uint32_t policy, uint32_t reason, uint32_t domains,
	       const char *when);
void is_hwdbm(uint32_t domains, const char *when);
void is_full(uint32_t domains, const char *when);
void is_error(uint32_t domains, const char *when);
void is_pinned(uint32_t domains, const char *when);

/* Leaves of 4 KiB only, or as large as memory allows. */
void small_leaves(bool on);
/* Warnings in the kernel's log of dirty bits that cannot be read; of @who. */
int warnings(void);
int warnings_of(int who);
struct sim_watch watch(int who);
/* An invalidation of its IOMMU; false if @done comes first, or nothing. */
bool wait_until_held(int who, const atomic_bool *done);
void fail(int who, uint32_t op, int error, uint32_t nth, uint32_t times);
void heal(int who, uint32_t op);

void test_start(void);	/* start.c: START, STOP, MAP, UNMAP */
void test_moves(void);	/* moves.c: groups come and go */
void test_pinned(void);	/* pinned.c: to pinned scope, and back */
void test_errors(void);	/* errors.c: a read fails */
void test_refused(void);/* refused.c: any other call fails */
void test_leaves(void);	/* leaves.c: leaves of every kind */
void test_traps(void);	/* traps.c: writes at the worst moment */
void test_held(void);	/* held.c: an invalidation that takes its time */
void test_late(void);	/* late.c: a bitmap that takes its time */
void test_vaddr(void);	/* vaddr.c: addresses that change */
void test_gone(void);	/* gone.c: a mapping that goes */
void test_apart(void);	/* refused.c: only if it is named */

#endif
