/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_LINUX_MODULE_H
#define SHIM_LINUX_MODULE_H

#define MODULE_IMPORT_NS(name)	_Static_assert(sizeof(name) > 1, "a string")

#endif
