/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_SCHED_H
#define SHIM_LINUX_SCHED_H

extern unsigned long shim_rescheds;

#define cond_resched()	((void)shim_rescheds++)

#endif
