/* SPDX-License-Identifier: GPL-2.0-only */
/* Of a kernel that lets others see both formats of tables. */
#ifndef SHIM_PROBES_H
#define SHIM_PROBES_H

#define HWDBM_HAS_PT_AMDV1	1
#define HWDBM_HAS_PT_VTDSS	1

#endif
