/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory that ends right before a page nobody may touch. */
#ifndef HWDBM_TEST_GUARD_H
#define HWDBM_TEST_GUARD_H

#include <stddef.h>

/* @n bytes, the last of them right below a PROT_NONE page. */
void *guard_alloc(size_t n);
void guard_free(void *p, size_t n);

#endif
