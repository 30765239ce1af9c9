/* SPDX-License-Identifier: GPL-2.0-only */
/* A container with two groups, each of which has a domain of its own. */
#ifndef HWDBM_TEST_DOMAINS_H
#define HWDBM_TEST_DOMAINS_H

#include "vfio.h"

#include <stdbool.h>
#include <stdint.h>

#define IOVA	0x100000000ULL
#define NR	16ULL
#define NONE	"0000000000000000"
#define ALL	"1111111111111111"

/* The container's fd, and what is mapped at IOVA: NR pages. */
extern int container;
extern char *mem;

void join(int dev);
/* Its device is open, and is closed first. */
void leave(int dev);
struct rig rig_of(int dev);
void write_page(int dev, uint64_t page);
const char *name_of(int dev);

void start(void);
void stop(void);
bool log_is(uint32_t flag, const char *want);

/* Parameters of the module in tests/vm/split. */
void devices_incapable(bool on);
void fail_next_read(void);
/* Whether that read has come. */
bool read_has_failed(void);

/* GET_INFO's policy and reason, and the number of domains. */
void policy_is(uint32_t policy, uint32_t reason, uint32_t domains,
	       const char *when);
void policy_is_hwdbm(uint32_t domains, const char *when);

void test_moves(void);	/* moves.c: domains come and go */
void test_errors(void);	/* errors.c: dirty bits that cannot be read */
void test_replay(void);	/* replay.c: what a new domain gets */

#endif
