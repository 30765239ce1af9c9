/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of iopt_test share. */
#ifndef HWDBM_UNIT_IOPT_TESTS_H
#define HWDBM_UNIT_IOPT_TESTS_H

#include "iopt.h"

/* A walk over the model's tables as they are now. */
struct hwdbm_iopt_cursor iopt_cursor(enum hwdbm_iopt_action action, u64 first,
				     u64 last);
/* One call, which is short and gets somewhere, at the latest with the next. */
int iopt_next(struct hwdbm_iopt_cursor *c, u64 *first, u64 *last);

/* iopt_errors.c */
void broken_leaves(void **state);
void broken_tables(void **state);
void beyond_the_tables(void **state);
void end_of_all_addresses(void **state);
void sealed_leaves(void **state);
void sealed_during_writes(void **state);
void sealed_at_address_0(void **state);

#endif
