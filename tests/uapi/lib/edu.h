/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * QEMU's `edu` device as a DMA engine, through vfio-pci.
 *
 * It copies between RAM and a buffer of 4096 bytes inside the device, which
 * only its own DMA can reach: bytes to be written are first fetched from RAM.
 * One user at a time.
 */
#ifndef HWDBM_TEST_EDU_H
#define HWDBM_TEST_EDU_H

#include <stdint.h>

#define EDU_BUFFER 4096

struct edu {
	volatile uint8_t *bar;
	uint64_t bar_bytes;
};

/* Maps BAR0 and enables bus mastering; bails on an error. */
void edu_open(struct edu *edu, int device_fd);
void edu_close(struct edu *edu);

/* RAM to the device's buffer at @offset: a read by the device. */
void edu_fetch(struct edu *edu, uint64_t iova, uint32_t offset, uint32_t n);

/* The device's buffer at @offset to RAM: a write by the device. */
void edu_store(struct edu *edu, uint64_t iova, uint32_t offset, uint32_t n);

/* Since the device was made: DMAs started, and of them blocked. */
uint32_t edu_started(struct edu *edu);
uint32_t edu_failed(struct edu *edu);

#endif
