// SPDX-License-Identifier: GPL-2.0-only
#include "edu.h"
#include "edu_regs.h"
#include "tap.h"
#include "vfio.h"

#include <stdatomic.h>
#include <sys/mman.h>
#include <linux/pci_regs.h>

/* Each poll is a trap to QEMU; the patched device needs none at all. */
#define EDU_POLLS	10000000

static void write64(struct edu *edu, uint32_t reg, uint64_t value)
{
	*(volatile uint64_t *)(edu->bar + reg) = value;
}

static uint32_t read32(struct edu *edu, uint32_t reg)
{
	return *(volatile uint32_t *)(edu->bar + reg);
}

void edu_open(struct edu *edu, int device_fd)
{
	struct vfio_region_info bar;
	void *p;

	vfio_pci_command(device_fd, 0, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	bar = vfio_region(device_fd, VFIO_PCI_BAR0_REGION_INDEX);
	p = mmap(NULL, bar.size, PROT_READ | PROT_WRITE, MAP_SHARED, device_fd,
		 (off_t)bar.offset);
	if (p == MAP_FAILED)
		tap_bail("edu: BAR0: %m");
	edu->bar = p;
	edu->bar_bytes = bar.size;
	if ((read32(edu, EDU_ID) & 0xffff) != 0x00ed)
		tap_bail("edu: id register reads %#x", read32(edu, EDU_ID));
	if (edu_started(edu) == UINT32_MAX)
		tap_bail("edu: no DMA counters, this QEMU is not the patched one");
}

void edu_close(struct edu *edu)
{
	if (edu->bar)
		munmap((void *)edu->bar, edu->bar_bytes);
	edu->bar = NULL;
}

static void run(struct edu *edu, uint32_t command)
{
	int polls = EDU_POLLS;

	write64(edu, EDU_DMA_COMMAND, EDU_RUN | command);
	while (read32(edu, EDU_DMA_COMMAND) & EDU_RUN)
		if (!polls--)
			tap_bail("edu: DMA does not end");
	/* the device wrote behind the compiler's back */
	atomic_thread_fence(memory_order_seq_cst);
}

void edu_fetch(struct edu *edu, uint64_t iova, uint32_t offset, uint32_t n)
{
	write64(edu, EDU_DMA_SRC, iova);
	write64(edu, EDU_DMA_DST, EDU_BUFFER_AT + offset);
	write64(edu, EDU_DMA_COUNT, n);
	run(edu, 0);
}

void edu_store(struct edu *edu, uint64_t iova, uint32_t offset, uint32_t n)
{
	write64(edu, EDU_DMA_SRC, EDU_BUFFER_AT + offset);
	write64(edu, EDU_DMA_DST, iova);
	write64(edu, EDU_DMA_COUNT, n);
	run(edu, EDU_TO_RAM);
}

uint32_t edu_started(struct edu *edu)
{
	return read32(edu, EDU_DMA_STARTED);
}

uint32_t edu_failed(struct edu *edu)
{
	return read32(edu, EDU_DMA_FAILED);
}
