/* SPDX-License-Identifier: GPL-2.0-only */

/* Boot without a boot sector: the note tells the 32-bit entry (PVH). */
	.section .note.pvh, "a", @note
	.balign 4
	.long 4			/* length of the name */
	.long 4			/* length of the entry */
	.long 18		/* physical 32-bit entry */
	.asciz "Xen"
	.long start

/* Entered flat, without paging and interrupts. */
	.text
	.globl start
start:
	cli
	cld
	movl $stack_top, %esp
	pushl %ebx		/* what the loader says */
	call payload_main
1:	hlt
	jmp 1b

/*
 * void write_64(volatile void *at, u32 low, u32 high)
 *
 * In one access, which the device wants: two halves would be two registers.
 */
	.globl write_64
write_64:
	movl 4(%esp), %eax
	movq 8(%esp), %mm0
	movq %mm0, (%eax)
	emms
	ret

	.bss
	.balign 16
	.skip 16384
stack_top:

	.section .note.GNU-stack, "", @progbits
