/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For the probes. Each asks for one property of the kernel that the module is
 * built for, and its headers' names and text outside PROBE_BASE must compile
 * whatever the answer: probe.sh tells so a "no" from a probe that is broken.
 */
#ifndef HWDBM_PROBE_H
#define HWDBM_PROBE_H

#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/types.h>

/* Compiles if THING exists and has exactly TYPE. */
#define PROBE_TYPE(thing, ...) \
	static_assert(__builtin_types_compatible_p(typeof(thing), __VA_ARGS__))

#define PROBE_MEMBER(type, member) (((type *)0)->member)

#endif /* HWDBM_PROBE_H */
