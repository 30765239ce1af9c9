/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Accesses to memory that others change. Before each a test may have them do so,
 * so that they come between any two, without threads.
 */
#ifndef SHIM_LINUX_COMPILER_H
#define SHIM_LINUX_COMPILER_H

/* Called before each access to @where, if not NULL. */
extern void (*shim_before_access)(const volatile void *where);

static inline void shim_access(const volatile void *where)
{
	if (shim_before_access)
		shim_before_access(where);
}

#define READ_ONCE(x) ({					\
	const volatile __typeof__(x) *shim_x = &(x);	\
	shim_access(shim_x);				\
	*shim_x; })

/* The value is made before the others have their chance. */
#define WRITE_ONCE(x, value)				\
	do {						\
		volatile __typeof__(x) *shim_x = &(x);	\
		__typeof__(x) shim_value = (value);	\
		shim_access(shim_x);			\
		*shim_x = shim_value;			\
	} while (0)

#endif
