/* SPDX-License-Identifier: GPL-2.0-only */
/* QEMU's `edu`, by its registers in BAR0. */
#ifndef HWDBM_TEST_EDU_REGS_H
#define HWDBM_TEST_EDU_REGS_H

#define EDU_ID		0x00
#define EDU_INVERTED	0x04
#define EDU_DMA_SRC	0x80
#define EDU_DMA_DST	0x88
#define EDU_DMA_COUNT	0x90
#define EDU_DMA_COMMAND	0x98
#define EDU_DMA_FAILED	0xa0	/* not in stock QEMU: tests/qemu/README.md */
#define EDU_DMA_STARTED	0xa8
#define EDU_BUFFER_AT	0x40000	/* in BAR0 too, with the lab's QEMU */

#define EDU_RUN		1u
#define EDU_TO_RAM	2u

#endif
