// SPDX-License-Identifier: GPL-2.0-only
/* Control: must not compile, or no probe's "yes" means anything. */
#include "probe.h"

extern int no_such_property;

PROBE_TYPE(no_such_property, long);
