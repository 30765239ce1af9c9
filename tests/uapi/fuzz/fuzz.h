/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A fuzzer of the container's ioctls, and of what devices do beside them. A
 * program is a list of calls whose arguments are plain numbers: exec.c makes
 * something of any number, mostly something valid. Programs that reach code
 * which none has reached before (KCOV) are kept, and changed further.
 */
#ifndef HWDBM_TEST_FUZZ_H
#define HWDBM_TEST_FUZZ_H

#include "rng.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAX_CALLS	32
#define NR_ARGS		5

struct call {
	uint8_t op;
	uint8_t thread;		/* 1: in the second thread, beside the first */
	uint32_t arg[NR_ARGS];
};

struct prog {
	unsigned int nr;
	struct call calls[MAX_CALLS];
};

/* ---- prog.c ---- */

void prog_generate(struct rng *rng, struct prog *p);
/* @other: where calls may be taken from */
void prog_mutate(struct rng *rng, struct prog *p, const struct prog *other);

/* As text: a line 'prog', and a line 'call ...' for each call. */
int call_text(const struct call *c, char *buf, size_t n);
bool call_parse(const char *line, struct call *c);

/* ---- exec.c ---- */

enum {
	OP_CONTAINER, OP_JOIN, OP_SET_IOMMU, OP_OPEN, OP_MAP, OP_START,
	/* up to here: what most programs begin with */
	OP_UNMAP, OP_RANGE, OP_FLAG, OP_INFO, OP_EXTENSION, OP_LEAVE,
	OP_CLOSE_DEVICE, OP_CLOSE_GROUP, OP_CLOSE_CONTAINER, OP_PIN, OP_UNPIN,
	OP_RW, OP_COPY, OP_DMA, OP_BEHAVE, OP_ORDER, OP_RAW, OP_MEMORY,
	NR_OPS
};

/* Finds the devices, makes the memory; bails. Says what there is. */
void exec_init(void);
/* From now on no call orders errors: that is not for a user. */
void exec_no_orders(void);
/* Each call is told to @trace first, if there is one. */
void exec_run(const struct prog *p, void (*trace)(const struct call *c));
/*
 * All is closed, and errors that were ordered are forgotten; false where
 * something is still locked.
 */
bool exec_clean(void);
/* Calls so far; and those that did not fail. */
void exec_counts(unsigned long *calls, unsigned long *worked);

/* The call that took longest, in milliseconds. */
const struct call *exec_slowest(unsigned long *took);

/* ---- run.c ---- */

/* @trace_fd: the kernel's log, or -1. False where there is no coverage. */
bool run_init(int trace_fd);
/* Returns how much of what it reached was new. */
unsigned int run_prog(const struct prog *p);
void run_end(void);

/* ---- corpus.c ---- */

void corpus_load(const char *path);	/* if there is such a file */
void corpus_save(const char *path);	/* bails */
void corpus_add(const struct prog *p);
const struct prog *corpus_get(unsigned int i);	/* NULL: no more */
/* A new one, or one of them, changed. */
void corpus_next(struct rng *rng, struct prog *p);

/* ---- nobody.c ---- */

struct fuzz_options {
	unsigned long seconds, calls;
	uint64_t seed;
	int log_fd;
};

void fuzz_nobody(const struct fuzz_options *o);

/* ---- kcov.c: for the thread that calls ---- */

#define KCOV_ENTRIES	(128 << 10)

struct kcov {
	int fd;
	uint64_t *trace;
};

bool kcov_there(void);
/* False, with @kcov unused, where the kernel has none. */
bool kcov_open(struct kcov *kcov);
void kcov_begin(struct kcov *kcov);
/* What was reached since; how many places, and pairs of places, are new. */
unsigned int kcov_end(struct kcov *kcov);
/* Places so far. */
unsigned long kcov_points(void);

#endif
