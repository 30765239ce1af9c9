/* SPDX-License-Identifier: GPL-2.0-only */
/* The edu device that was passed through: found, moved, driven. */
#ifndef PAYLOAD_EDU_H
#define PAYLOAD_EDU_H

#include <stdint.h>

/* Ends the payload where there is none, or it does not answer. */
void edu_find(void);

/* As PCI knows it: slot * 8 + function, on bus 0. */
uint32_t edu_function(void);

/* Another address for its registers: the old one is unmapped. */
void edu_move(uint32_t to);

/* Of memory at @high:@low to the device's buffer, and back; both waited for. */
void edu_fetch(uint32_t high, uint32_t low, uint32_t at, uint32_t bytes);
void edu_store(uint32_t high, uint32_t low, uint32_t at, uint32_t bytes);

/* A store that must be refused. */
void edu_store_refused(uint32_t high, uint32_t low);

/* Every DMA since edu_find() has run, and none has failed but the refused. */
void edu_check_counts(void);

/* No DMA from here on. */
void edu_quiesce(void);

#endif
