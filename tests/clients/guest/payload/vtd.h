/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The machine's own IOMMU, a VT-d: one device behind a window of IO addresses.
 * QEMU maps in the container below what is mapped here.
 */
#ifndef PAYLOAD_VTD_H
#define PAYLOAD_VTD_H

#include <stdint.h>

/* In words of 32 bits; the window's pages follow each other. */
#define WINDOW_HIGH	0x12u
#define WINDOW_LOW	0x34600000u
#define WINDOW_PAGES	512u

void vtd_on(uint32_t function);
void vtd_off(void);

/* Page @page of the window is the memory at @at, whatever it was. */
void vtd_map(uint32_t page, uint32_t at);
void vtd_unmap(uint32_t page);

#endif
