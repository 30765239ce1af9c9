/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef HWDBM_VERSION_H
#define HWDBM_VERSION_H

/* The same as PACKAGE_VERSION in dkms.conf; a gate compares them. */
#define HWDBM_VERSION "0.1.0"

#endif /* HWDBM_VERSION_H */
