/* SPDX-License-Identifier: GPL-2.0-only */
/* TAP output: one line a test point, the plan at the end. */
#ifndef HWDBM_TEST_TAP_H
#define HWDBM_TEST_TAP_H

#include <stdbool.h>

/* Returns @ok, so that a caller can stop on failure. */
bool tap_ok(bool ok, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void tap_diag(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void tap_skip(const char *name, const char *why);

/* @got is 0 or -errno; the line says what was wanted and what came. */
bool tap_ret(int got, int want, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Prints the plan; what main() returns. */
int tap_done(void);

/* For what the machine must provide before anything can be tested. */
_Noreturn void tap_bail(const char *fmt, ...)
	__attribute__((format(printf, 1, 2)));

/* The whole program has nothing to do here. */
_Noreturn void tap_skip_all(const char *why);

#endif
