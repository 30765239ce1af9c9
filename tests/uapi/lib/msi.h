/* SPDX-License-Identifier: GPL-2.0-only */
/* The IOVAs that are interrupts, to a device behind an IOMMU. */
#ifndef HWDBM_TEST_MSI_H
#define HWDBM_TEST_MSI_H

#ifdef __aarch64__
/* where SMMUv3's driver has the doorbells of the interrupt controller mapped */
#define MSI_FIRST	0x08000000ULL
#define MSI_LAST	0x080fffffULL
#else
#define MSI_FIRST	0xfee00000ULL
#define MSI_LAST	0xfeefffffULL
#endif

#endif
