/* SPDX-License-Identifier: GPL-2.0-only */
/* The PC around us: ports, the console, PCI, the end. */
#ifndef PAYLOAD_MACHINE_H
#define PAYLOAD_MACHINE_H

#include <stdint.h>

/* Where isa-debugcon, isa-debug-exit and the serial port are. */
#define PORT_CONSOLE	0xe9
#define PORT_EXIT	0xf4
#define PORT_SERIAL	0x3f8

/* QEMU exits with status 2 * code + 1; what it gives itself is 0, 1 or 2. */
#define EXIT_PASSED	0x2a
#define EXIT_FAILED	0x20

#define TOLD_ANSWER	'a'
#define TOLD_STOP	's'

void say(const char *text);
void say_hex(const char *text, uint32_t value);

_Noreturn void end(uint32_t code);
/* Says why, with two numbers, and ends. */
_Noreturn void fail(const char *why, uint32_t a, uint32_t b);

/* The byte that has come in on the serial port, or 0. */
int told(void);

/* Functions of bus 0 are slot * 8 + function. */
uint32_t pci_read(uint32_t function, uint32_t reg);
void pci_write(uint32_t function, uint32_t reg, uint32_t value);

void write_64(volatile void *at, uint32_t low, uint32_t high);

#endif
