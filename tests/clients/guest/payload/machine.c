// SPDX-License-Identifier: GPL-2.0-only
#include "machine.h"

#define SERIAL_STATUS		5	/* from PORT_SERIAL */
#define SERIAL_HAS_BYTE		1

#define PORT_PCI_ADDRESS	0xcf8
#define PORT_PCI_DATA		0xcfc
#define PCI_ENABLE		0x80000000u

static void out_8(uint16_t port, uint8_t value)
{
	asm volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static uint8_t in_8(uint16_t port)
{
	uint8_t value;

	asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static void out_32(uint16_t port, uint32_t value)
{
	asm volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}

static uint32_t in_32(uint16_t port)
{
	uint32_t value;

	asm volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

void say(const char *text)
{
	while (*text)
		out_8(PORT_CONSOLE, *text++);
}

void say_hex(const char *text, uint32_t value)
{
	int shift;

	say(text);
	for (shift = 28; shift >= 0; shift -= 4)
		out_8(PORT_CONSOLE, "0123456789abcdef"[value >> shift & 15]);
}

void end(uint32_t code)
{
	out_32(PORT_EXIT, code);
	for (;;)
		asm volatile("cli; hlt");
}

void fail(const char *why, uint32_t a, uint32_t b)
{
	say("FAILED: ");
	say(why);
	say_hex(" ", a);
	say_hex(" ", b);
	say("\n");
	end(EXIT_FAILED);
}

int told(void)
{
	if (!(in_8(PORT_SERIAL + SERIAL_STATUS) & SERIAL_HAS_BYTE))
		return 0;
	return in_8(PORT_SERIAL);
}

uint32_t pci_read(uint32_t function, uint32_t reg)
{
	out_32(PORT_PCI_ADDRESS, PCI_ENABLE | function << 8 | reg);
	return in_32(PORT_PCI_DATA);
}

void pci_write(uint32_t function, uint32_t reg, uint32_t value)
{
	out_32(PORT_PCI_ADDRESS, PCI_ENABLE | function << 8 | reg);
	out_32(PORT_PCI_DATA, value);
}
