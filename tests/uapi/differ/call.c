// SPDX-License-Identifier: GPL-2.0-only
/* Carries a call out on one side: same argument, that side's pointers. */
#define _GNU_SOURCE
#include "differ.h"
#include "guard.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define KERNEL_ADDRESS	0xffff888000001000ULL
#define READONLY_MAX	(8 * PAGE_4K)

static char *arg_end;			/* a page, and then PROT_NONE */
static char *bits_end[SIDES];		/* of BITS_MAX, and then the gap */
static char *bits_readonly[SIDES];	/* READONLY_MAX, and then the gap */
static uint8_t *bits_copy[SIDES];
static long limit_pages = -1;
static int status_fd;
static long locked_now;		/* as read last: reading is what takes longest */

static char *before_gap(size_t n)
{
	char *p = mmap(NULL, n + BITS_GAP, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED || mprotect(p, n, PROT_READ | PROT_WRITE))
		tap_bail("no address space: %m");
	return p;
}

void call_init(void)
{
	int side;

	arg_end = (char *)guard_alloc(PAGE_4K) + PAGE_4K;
	for (side = 0; side < SIDES; side++) {
		bits_end[side] = before_gap(BITS_MAX) + BITS_MAX;
		bits_readonly[side] = before_gap(READONLY_MAX);
		bits_copy[side] = malloc(BITS_MAX);
		if (!bits_copy[side])
			tap_bail("no memory");
	}
	status_fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	if (status_fd < 0)
		tap_bail("/proc/self/status: %m");
}

struct vfio_bitmap *call_bitmap(struct call *call)
{
	if (call->buffer == B_NO)
		return NULL;
	return call->op == OP_UNMAP ? &call->arg.unmap_bitmap :
				      &call->arg.range.bitmap;
}

const struct vfio_bitmap *call_bitmap_const(const struct call *call)
{
	return call_bitmap((struct call *)call);
}

bool call_range(const struct call *call, uint64_t *iova, uint64_t *size)
{
	switch (call->op) {
	case OP_MAP:
		*iova = call->arg.map.iova;
		*size = call->arg.map.size;
		return true;
	case OP_UNMAP:
		*iova = call->arg.unmap.iova;
		*size = call->arg.unmap.size;
		return true;
	case OP_DIRTY:
		*iova = call->arg.range.iova;
		*size = call->arg.range.size;
		return call->buffer != B_NO;
	default:
		return false;
	}
}

bool call_ends_space(const struct call *call)
{
	uint64_t iova, size;

	return call_range(call, &iova, &size) && size && !(iova + size);
}

static void set_capability(bool on)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &head, data))
		tap_bail("capget: %m");
	data[0].effective &= ~(1u << CAP_IPC_LOCK);
	if (on)
		data[0].effective |= 1u << CAP_IPC_LOCK;
	if (syscall(SYS_capset, &head, data))
		tap_bail("capset: %m");
}

void call_limit(long pages)
{
	if ((pages < 0) != (limit_pages < 0))
		set_capability(pages < 0);
	limit_pages = pages;
}

/* Both containers are one process's, so the limit moves with what is locked. */
static void set_limit(long locked)
{
	struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };

	if (limit_pages >= 0)
		limit.rlim_cur = (rlim_t)locked * 1024 +
				 (rlim_t)limit_pages * PAGE_4K;
	if (setrlimit(RLIMIT_MEMLOCK, &limit))
		tap_bail("setrlimit: %m");
}

long call_locked_kib(void)
{
	char text[4096], *line;
	ssize_t n = pread(status_fd, text, sizeof(text) - 1, 0);

	if (n <= 0)
		tap_bail("/proc/self/status: %m");
	text[n] = 0;
	line = strstr(text, "VmLck:");
	if (!line)
		tap_bail("no VmLck in /proc/self/status");
	locked_now = strtol(line + 6, NULL, 10);
	return locked_now;
}

static uint64_t bitmap_at(int side, const struct call *call)
{
	switch (call->buffer) {
	case B_GOOD:
	case B_SHORT:
		return (uintptr_t)bits_end[side] - call->real - call->odd;
	case B_READONLY:
		return (uintptr_t)bits_readonly[side];
	case B_NONE:
		return (uintptr_t)bits_end[side];
	case B_KERNEL:
		return KERNEL_ADDRESS;
	case B_BAR:
		return memory_at(side, (struct pointer){ R_BAR, 0x80000 });
	default:
		return 0;
	}
}

static void place_bits(int side, const struct call *call, const uint8_t *fill)
{
	char *p = bits_readonly[side];

	if (call->buffer == B_GOOD || call->buffer == B_SHORT)
		memcpy((void *)bitmap_at(side, call), fill, call->real);
	if (call->buffer != B_READONLY)
		return;
	mprotect(p, READONLY_MAX, PROT_READ | PROT_WRITE);
	memcpy(p, fill, call->real < READONLY_MAX ? call->real : READONLY_MAX);
	mprotect(p, READONLY_MAX, PROT_READ);
}

/* The field that holds the pointer to this side's memory, or NULL. */
static void *pointer_field(union arg *arg, const struct call *call)
{
	if (call->op == OP_MAP)
		return &arg->map.vaddr;
	if (call->buffer == B_NO)
		return NULL;
	return call->op == OP_UNMAP ? &arg->unmap_bitmap.data :
				      &arg->range.bitmap.data;
}

static char *place_arg(const struct call *call)
{
	switch (call->place) {
	case P_NULL:
		return NULL;
	case P_KERNEL:
		return (char *)KERNEL_ADDRESS;
	case P_ODD:
		return arg_end - call->have - 3;
	default:
		return arg_end - call->have;
	}
}

static int do_ioctl(int side, const struct call *call, char *at)
{
	unsigned long value = (unsigned long)at;
	int ret;

	if (call->op == OP_EXT)
		value = call->number;
	ret = ioctl(sides.container[side], call->cmd, value);
	return ret < 0 ? -errno : ret;
}

void call_run(int side, const struct call *call, const uint8_t *fill,
	      struct answer *answer)
{
	bool readable = call->place != P_NULL && call->place != P_KERNEL;
	char *at = place_arg(call), *page = arg_end - PAGE_4K;
	uint64_t value = call->op == OP_MAP ? memory_at(side, call->vaddr) :
					      bitmap_at(side, call);
	long before = locked_now;
	union arg arg = call->arg;
	void *field = pointer_field(&arg, call);

	if (field)
		memcpy(field, &value, sizeof(value));
	place_bits(side, call, fill);
	if (readable)
		memcpy(at, &arg, call->have);
	if (call->place == P_READONLY)
		mprotect(page, PAGE_4K, PROT_READ);
	set_limit(before);
	answer->ret = do_ioctl(side, call, at);
	if (call->place == P_READONLY)
		mprotect(page, PAGE_4K, PROT_READ | PROT_WRITE);
	answer->locked = call_locked_kib() - before;
	if (readable)
		memcpy(&arg, at, call->have);
	/* A pointer that was left alone is none that differs. */
	if (field && !memcmp(field, &value, sizeof(value)))
		memset(field, 0, sizeof(value));
	answer->arg = arg;
	answer->bits = NULL;
	if (call->buffer == B_GOOD || call->buffer == B_SHORT) {
		answer->bits = bits_copy[side];
		memcpy(answer->bits, (void *)bitmap_at(side, call), call->real);
	}
}
