// SPDX-License-Identifier: GPL-2.0-only
#include "edu.h"
#include "edu_regs.h"
#include "machine.h"
#include "pages.h"

#define EDU_VENDOR_DEVICE	0x11e81234u
#define PCI_SLOTS		32
#define PCI_COMMAND		0x04
#define PCI_COMMAND_MEMORY	2u
#define PCI_COMMAND_MASTER	4u
#define PCI_BAR0		0x10

#define EDU_POLLS	1000000

static uint32_t function;
static uint32_t registers;
static uint32_t runs, refused, started_before, failed_before;

static volatile uint32_t *reg(uint32_t at)
{
	return (volatile uint32_t *)(registers + at);
}

/* The upper half of this register is status, where ones would clear. */
static void set_command(uint32_t command)
{
	pci_write(function, PCI_COMMAND, command);
}

uint32_t edu_function(void)
{
	return function;
}

static void expect_alive(void)
{
	uint32_t id = *reg(EDU_ID);

	if ((id & 0xffff) != 0x00ed)
		fail("the device's id reads", id, registers);
	*reg(EDU_INVERTED) = id;
	if (*reg(EDU_INVERTED) != ~id)
		fail("the device does not invert", id, *reg(EDU_INVERTED));
}

void edu_find(void)
{
	uint32_t slot = 0;

	while (pci_read(slot * 8, 0) != EDU_VENDOR_DEVICE)
		if (++slot == PCI_SLOTS)
			fail("no edu device on bus 0", 0, 0);
	function = slot * 8;
	registers = pci_read(function, PCI_BAR0) & ~0xfu;
	if (!registers)
		fail("the firmware gave the device no address", slot, 0);
	set_command(PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	expect_alive();
	started_before = *reg(EDU_DMA_STARTED);
	failed_before = *reg(EDU_DMA_FAILED);
	if (started_before == UINT32_MAX)
		fail("the device does not count its DMAs", 0, 0);
}

void edu_move(uint32_t to)
{
	set_command(0);
	pci_write(function, PCI_BAR0, to);
	registers = pci_read(function, PCI_BAR0) & ~0xfu;
	if (registers != to)
		fail("the device does not move", to, registers);
	set_command(PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	expect_alive();
}

static void run(uint32_t command, uint32_t bytes)
{
	uint32_t polls = EDU_POLLS;

	write_64(reg(EDU_DMA_COUNT), bytes, 0);
	write_64(reg(EDU_DMA_COMMAND), EDU_RUN | command, 0);
	while (*reg(EDU_DMA_COMMAND) & EDU_RUN)
		if (!polls--)
			fail("a DMA does not end", runs, command);
	/* the device wrote behind the compiler's back */
	asm volatile("" : : : "memory");
	runs++;
}

void edu_fetch(uint32_t high, uint32_t low, uint32_t at, uint32_t bytes)
{
	write_64(reg(EDU_DMA_SRC), low, high);
	write_64(reg(EDU_DMA_DST), EDU_BUFFER_AT + at, 0);
	run(0, bytes);
}

void edu_store(uint32_t high, uint32_t low, uint32_t at, uint32_t bytes)
{
	write_64(reg(EDU_DMA_SRC), EDU_BUFFER_AT + at, 0);
	write_64(reg(EDU_DMA_DST), low, high);
	run(EDU_TO_RAM, bytes);
}

void edu_store_refused(uint32_t high, uint32_t low)
{
	edu_store(high, low, 0, PAGE);
	refused++;
}

void edu_check_counts(void)
{
	uint32_t started = *reg(EDU_DMA_STARTED) - started_before;
	uint32_t failed = *reg(EDU_DMA_FAILED) - failed_before;

	if (started != runs)
		fail("DMAs that the device and we count", started, runs);
	if (failed != refused)
		fail("DMAs that failed, and that should", failed, refused);
}

void edu_quiesce(void)
{
	set_command(PCI_COMMAND_MEMORY);
}
