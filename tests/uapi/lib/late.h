/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory whose pages come late: when we say so (userfaultfd). */
#ifndef HWDBM_TEST_LATE_H
#define HWDBM_TEST_LATE_H

#include <stdbool.h>
#include <stdint.h>

struct late {
	char *mem;
	uint64_t pages;
	int fd;
};

void late_alloc(struct late *late, uint64_t pages);
void late_free(struct late *late);
/* Waits, with a bound, until somebody waits for a page. */
bool late_is_wanted(const struct late *late);
/* What is wanted is there, full of zeros. */
void late_give(const struct late *late, uint64_t page);
/* The same before anybody wants it, as those must who cannot wait (MAP). */
void late_put(const struct late *late, uint64_t page);
/* It is gone again for the process, and will be wanted. */
void late_take(const struct late *late, uint64_t page);

#endif
