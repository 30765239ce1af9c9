/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Put before every source of a mutant (scripts/mutants): on a kernel without
 * lockdep the assertions that a lock is held say nothing; here they warn, which
 * ends the VM. A mutex and a lock held for writing know their owner, so another
 * thread that happens to hold one does not hide a lock that is not taken.
 */
#ifndef HWDBM_MUTANT_ASSERTS_H
#define HWDBM_MUTANT_ASSERTS_H

#ifndef __ASSEMBLY__
#include <linux/bug.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/sched.h>

/* The low bits of an owner are flags. */
#define hwdbm_owned(lock) \
	((atomic_long_read(&(lock)->owner) & ~7L) == (long)current)

static inline bool hwdbm_sem_written(const struct rw_semaphore *sem)
{
	return atomic_long_read(&sem->count) & 1 && hwdbm_owned(sem);
}

/* Of other kinds of lock, which only the kernel's headers name, nothing. */
static inline bool hwdbm_held(const void *lock, bool mutex, bool sem)
{
	if (mutex)
		return hwdbm_owned((const struct mutex *)lock);
	return !sem || rwsem_is_locked((struct rw_semaphore *)lock);
}

#define hwdbm_is(l, type) __builtin_types_compatible_p(typeof(*(l)), type)

#undef lockdep_assert_held
#undef lockdep_assert_held_write
#undef lockdep_assert_held_read
#define lockdep_assert_held(l) \
	WARN_ON_ONCE(!hwdbm_held((l), hwdbm_is(l, struct mutex), \
				 hwdbm_is(l, struct rw_semaphore)))
#define lockdep_assert_held_write(l) WARN_ON_ONCE(!hwdbm_sem_written(l))
#define lockdep_assert_held_read(l) WARN_ON_ONCE(!rwsem_is_locked(l))

#endif
#endif
