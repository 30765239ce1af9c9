// SPDX-License-Identifier: GPL-2.0-only
#include "machine.h"
#include "pages.h"
#include "vtd.h"

#define VTD_AT			0xfed90000u
#define VTD_VERSION		0x00
#define VTD_CAPABILITY		0x08
#define VTD_COMMAND		0x18
#define VTD_STATUS		0x1c
#define VTD_ROOT_TABLE		0x20
#define VTD_CONTEXT_COMMAND	0x28
#define VTD_INVALIDATE_ADDRESS	0xf0	/* where QEMU has them */
#define VTD_INVALIDATE		0xf8

#define CAPABILITY_CACHING	0x80u
#define COMMAND_TRANSLATE	0x80000000u
#define COMMAND_ROOT_TABLE	0x40000000u
#define BUSY			0x80000000u	/* of the upper halves */
#define CONTEXT_ALL		0x20000000u
#define INVALIDATE_PAGE		0x30000000u

#define DOMAIN			1u
#define PRESENT			1u
#define READ_WRITE		3u
#define THREE_LEVELS		1u

#define POLLS			1000000

/* Entries of 64 bits, whose upper halves stay 0; of 128 in the first two. */
static uint32_t root[WORDS] __attribute__((aligned(PAGE)));
static uint32_t context[WORDS] __attribute__((aligned(PAGE)));
static uint32_t level_3[WORDS] __attribute__((aligned(PAGE)));
static uint32_t level_2[WORDS] __attribute__((aligned(PAGE)));
static volatile uint32_t level_1[WORDS] __attribute__((aligned(PAGE)));

static volatile uint32_t *reg(uint32_t at)
{
	return (volatile uint32_t *)(VTD_AT + at);
}

static void wait_for(uint32_t at, uint32_t bit, uint32_t value)
{
	uint32_t polls = POLLS;

	while ((*reg(at) & bit) != value)
		if (!polls--)
			fail("the IOMMU does not get ready", at, *reg(at));
}

static void command(uint32_t bit, uint32_t value)
{
	uint32_t status = *reg(VTD_STATUS);

	*reg(VTD_COMMAND) = (status & COMMAND_TRANSLATE & ~bit) | value;
	wait_for(VTD_STATUS, bit, value);
}

void vtd_on(uint32_t function)
{
	if (!*reg(VTD_VERSION) || *reg(VTD_VERSION) == UINT32_MAX)
		fail("no IOMMU", *reg(VTD_VERSION), 0);
	if (!(*reg(VTD_CAPABILITY) & CAPABILITY_CACHING))
		fail("the IOMMU has no caching mode", *reg(VTD_CAPABILITY), 0);
	root[0] = (uint32_t)context | PRESENT;
	context[function * 4] = (uint32_t)level_3 | PRESENT;
	context[function * 4 + 2] = DOMAIN << 8 | THREE_LEVELS;
	level_3[(WINDOW_HIGH << 2 | WINDOW_LOW >> 30) * 2] =
		(uint32_t)level_2 | READ_WRITE;
	level_2[(WINDOW_LOW >> 21 & 511) * 2] = (uint32_t)level_1 | READ_WRITE;
	write_64(reg(VTD_ROOT_TABLE), (uint32_t)root, 0);
	command(COMMAND_ROOT_TABLE, COMMAND_ROOT_TABLE);
	write_64(reg(VTD_CONTEXT_COMMAND), 0, BUSY | CONTEXT_ALL);
	wait_for(VTD_CONTEXT_COMMAND + 4, BUSY, 0);
	command(COMMAND_TRANSLATE, COMMAND_TRANSLATE);
}

void vtd_off(void)
{
	command(COMMAND_TRANSLATE, 0);
}

/* In caching mode after every change, also of what was not there. */
static void set(uint32_t page, uint32_t entry)
{
	level_1[page * 2] = entry;
	write_64(reg(VTD_INVALIDATE_ADDRESS), WINDOW_LOW + page * PAGE, WINDOW_HIGH);
	write_64(reg(VTD_INVALIDATE), 0, BUSY | INVALIDATE_PAGE | DOMAIN);
	wait_for(VTD_INVALIDATE + 4, BUSY, 0);
}

void vtd_map(uint32_t page, uint32_t at)
{
	vtd_unmap(page);
	set(page, at | READ_WRITE);
}

void vtd_unmap(uint32_t page)
{
	set(page, 0);
}
