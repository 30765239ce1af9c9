// SPDX-License-Identifier: GPL-2.0-only
#include "kernel.h"
#include "tap.h"

#include <stdio.h>
#include <sys/utsname.h>

bool kernel_since(int major, int minor)
{
	struct utsname name;
	int is_major, is_minor;

	if (uname(&name) ||
	    sscanf(name.release, "%d.%d", &is_major, &is_minor) != 2)
		tap_bail("uname: %m");
	return is_major > major || (is_major == major && is_minor >= minor);
}
