/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The last word of an arm64 guest: a semihosting call by which QEMU exits with
 * the code that scripts/vm waits for. Nothing else in the guest makes this call,
 * and a kernel that dies or powers off makes QEMU exit with another code.
 */
#define SYS_EXIT_EXTENDED	0x20
#define APPLICATION_EXIT	0x20026
#define VERDICT_CODE		99

	.text
	.globl	_start
_start:
	mov	w0, #SYS_EXIT_EXTENDED
	adrp	x1, reason
	add	x1, x1, :lo12:reason
	hlt	#0xf000
	/* No semihosting: exit(1), and init goes on. */
	mov	x0, #1
	mov	x8, #93
	svc	#0

	.section .rodata
	.balign	8
reason:
	.quad	APPLICATION_EXIT, VERDICT_CODE
