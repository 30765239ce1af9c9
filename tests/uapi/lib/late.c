// SPDX-License-Identifier: GPL-2.0-only
#include "late.h"
#include "mem.h"
#include "tap.h"

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FAULT_MS 20000		/* until a page is asked for */

void late_alloc(struct late *late, uint64_t pages)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };

	late->pages = pages;
	late->mem = mmap(NULL, pages * PAGE_4K, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	/* without O_NONBLOCK poll() does not wait */
	late->fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	reg.range.start = (uintptr_t)late->mem;
	reg.range.len = pages * PAGE_4K;
	if (late->mem == MAP_FAILED || late->fd < 0 ||
	    ioctl(late->fd, UFFDIO_API, &api) ||
	    ioctl(late->fd, UFFDIO_REGISTER, &reg))
		tap_bail("userfaultfd: %m");
}

void late_free(struct late *late)
{
	close(late->fd);
	munmap(late->mem, late->pages * PAGE_4K);
}

bool late_is_wanted(const struct late *late)
{
	struct pollfd at = { .fd = late->fd, .events = POLLIN };

	return poll(&at, 1, FAULT_MS) == 1 && at.revents == POLLIN;
}

void late_put(const struct late *late, uint64_t page)
{
	struct uffdio_zeropage zero = {
		.range = {
			.start = (uintptr_t)late->mem + page * PAGE_4K,
			.len = PAGE_4K,
		},
	};

	if (ioctl(late->fd, UFFDIO_ZEROPAGE, &zero))
		tap_bail("userfaultfd: %m");
}

void late_give(const struct late *late, uint64_t page)
{
	struct uffd_msg msg;

	if (read(late->fd, &msg, sizeof(msg)) != sizeof(msg))
		tap_bail("userfaultfd: %m");
	late_put(late, page);
}

void late_take(const struct late *late, uint64_t page)
{
	if (madvise(late->mem + page * PAGE_4K, PAGE_4K, MADV_DONTNEED))
		tap_bail("MADV_DONTNEED: %m");
}
