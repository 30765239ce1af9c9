// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls that wait for memory which nobody brings (userfaultfd), and whose
 * process is killed then; MAP refuses such memory. We hold the same container:
 * it must be as before.
 */
#define _GNU_SOURCE
#include "balance.h"
#include "faults.h"
#include "simdev.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define IOVA	(8ULL << 30)
#define NOT_LATE 1	/* the call came back */
#define LATE	(4 * PAGE)	/* memory that does not come */

static int uffd;

static int open_uffd(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);

	if (fd < 0 || !ioctl(fd, UFFDIO_API, &api))
		return fd;
	close(fd);
	return -1;
}

/* In the child, all of it: pages of @p from @from on never come. */
static void hold_back(char *p, size_t n)
{
	struct uffdio_register arg = {
		.range = { .start = (uintptr_t)p, .len = n },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};

	if (ioctl(uffd, UFFDIO_REGISTER, &arg))
		_exit(3);
}

/* Somebody waits for such a page: that is the moment. */
static void *kill_us(void *arg)
{
	struct uffd_msg msg;

	if (read(uffd, &msg, sizeof(msg)) == sizeof(msg))
		kill(getpid(), SIGKILL);
	return arg;
}

static char *late_memory(size_t n)
{
	char *p = mmap(NULL, n + LATE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		_exit(4);
	memset(p, 0, n);
	hold_back(p + n, LATE);
	return p;
}

/* The first page is there, the second mapping's is late. */
static void *late_bitmap(void)
{
	char *p = mmap(NULL, SPAN_BYTES + PAGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t at = SIDE_BIT / 8 / PAGE * PAGE;

	if (p == MAP_FAILED)
		_exit(4);
	memset(p, 0, PAGE);
	hold_back(p + at, PAGE);
	return p;
}

static void do_map(void)
{
	vfio_map(w.container, late_memory(8 * PAGE), IOVA, 8 * PAGE + LATE,
		 MAP_RW);
}

static void do_get(void)
{
	vfio_dirty_range(w.container, DIRTY_GET, MAIN_IOVA, SPAN, PAGE,
			 late_bitmap(), SPAN_BYTES);
}

static void do_clear(void)
{
	char *map = late_bitmap();

	memset(map, 0xff, PAGE);
	vfio_dirty_range(w.container, DIRTY_CLEAR, MAIN_IOVA, SPAN, PAGE, map,
			 SPAN_BYTES);
}

static void do_unmap(void)
{
	struct vfio_bitmap bitmap = {
		.pgsize = PAGE, .size = SPAN_BYTES, .data = late_bitmap(),
	};

	vfio_unmap_dirty(w.container, MAIN_IOVA, SPAN,
			 VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP, &bitmap, NULL);
}

static _Noreturn void be_killed(void (*call)(void))
{
	pthread_t thread;

	uffd = open_uffd();
	if (uffd < 0 || pthread_create(&thread, NULL, kill_us, NULL))
		_exit(2);
	call();
	_exit(NOT_LATE);
}

static void one(void (*call)(void), bool waits, const char *what)
{
	struct balance before;
	int status;
	pid_t pid;

	log_dirty();
	balance_take(&before, w.container);
	fflush(stdout);
	pid = fork();
	if (pid < 0)
		tap_bail("fork: %m");
	if (!pid)
		be_killed(call);
	if (waitpid(pid, &status, 0) != pid)
		tap_bail("waitpid: %m");
	if (waits)
		tap_ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
		       "%s: killed (%#x)", what, status);
	else
		tap_ok(WIFEXITED(status) && WEXITSTATUS(status) == NOT_LATE,
		       "%s: does not wait (%#x)", what, status);
	tap_ok(still_dirty(), "%s: nothing lost", what);
	balance_same(&before, what);
}

void test_killed(void)
{
	int fd = open_uffd();

	if (fd < 0) {
		tap_skip("calls that are killed", "no userfaultfd here");
		return;
	}
	close(fd);
	if (!world_dma())
		return;
	/* what is pinned would be copied by fork() */
	madvise(w.main, MAIN_PAGES * PAGE, MADV_DONTFORK);
	madvise(w.side, SIDE_PAGES * PAGE, MADV_DONTFORK);
	/* as stock: it has a lock that is not to be held so long */
	one(do_map, false, "MAP of memory that is late");
	one(do_get, true, "GET to a bitmap that is late");
	one(do_clear, true, "CLEAR from a bitmap that is late");
	one(do_unmap, true, "UNMAP to a bitmap that is late");
	madvise(w.main, MAIN_PAGES * PAGE, MADV_DOFORK);
	madvise(w.side, SIDE_PAGES * PAGE, MADV_DOFORK);
}
