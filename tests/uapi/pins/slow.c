// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vfio_dma_rw() that waits for its page: memory whose faults we answer. The
 * rest of the container goes on meanwhile; a GET then does not make the page
 * clean for good, and an UNMAP waits.
 */
#include "pins.h"
#include "tap.h"

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGES 4
#define FAULT_MS 20000		/* until a page is asked for */

static struct cage cage;
static char *ram;
static int uffd;

static void open_uffd(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };

	ram = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uffd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	reg.range.start = (uintptr_t)ram;
	reg.range.len = PAGES * PAGE;
	if (ram == MAP_FAILED || uffd < 0 || ioctl(uffd, UFFDIO_API, &api) ||
	    ioctl(uffd, UFFDIO_REGISTER, &reg))
		tap_bail("userfaultfd: %m");
}

/* Somebody waits for a page of ours. */
static bool page_is_wanted(void)
{
	struct pollfd at = { .fd = uffd, .events = POLLIN };

	return poll(&at, 1, FAULT_MS) == 1;
}

static void give_page(uint64_t page)
{
	struct uffd_msg msg;
	struct uffdio_zeropage zero = {
		.range = {
			.start = (uintptr_t)ram + page * PAGE,
			.len = PAGE,
		},
	};

	if (read(uffd, &msg, sizeof(msg)) != sizeof(msg) ||
	    ioctl(uffd, UFFDIO_ZEROPAGE, &zero))
		tap_bail("userfaultfd: %m");
}

static void *write_page(void *arg)
{
	uint64_t page = (uintptr_t)arg;
	char data[8] = "written";

	return (void *)(intptr_t)sim_rw(&cage.sims[0], IOVA + page * PAGE, data,
					sizeof(data), SIM_COPY_WRITE);
}

static atomic_bool unmapped;

static void *unmap(void *arg)
{
	int ret = vfio_unmap(cage.container, IOVA, PAGES * PAGE, 0, NULL);

	(void)arg;
	atomic_store(&unmapped, true);
	return (void *)(intptr_t)ret;
}

static pthread_t start(void *(*what)(void *), uint64_t page)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, what, (void *)(uintptr_t)page))
		tap_bail("no thread");
	return thread;
}

static int result(pthread_t thread)
{
	void *ret;

	pthread_join(thread, &ret);
	return (int)(intptr_t)ret;
}

void test_slow(void)
{
	pthread_t writer, unmapper;
	char *other;

	if (backend.stock) {
		tap_skip("a dma_rw that waits for its page",
			 "stock has all others wait with it");
		return;
	}
	open_uffd();
	other = ram_alloc(1);
	cage_open(&cage, 1);
	cage_map(&cage, ram, IOVA, PAGES);
	start_logging(&cage);

	writer = start(write_page, 1);
	tap_ok(page_is_wanted(), "a write waits for its page");
	log_is(&cage, DIRTY_GET, IOVA, "0?00", "while it waits");
	cage_map(&cage, other, 2 * IOVA, 1);
	tap_ok(sim_pin(&cage.sims[0], 2 * IOVA, 1, SIM_RDWR) == 1,
	       "another page is pinned while it waits");
	give_page(1);
	tap_ret(result(writer), 0, "the write");
	tap_ok(!strcmp(ram + PAGE, "written"), "it was written");
	log_is(&cage, DIRTY_GET, IOVA, "0100", "though asked before");

	writer = start(write_page, 2);
	tap_ok(page_is_wanted(), "a write waits for its page");
	unmapper = start(unmap, 0);
	cage_unmap(&cage, 2 * IOVA, 1);
	usleep(20000);
	tap_ok(!atomic_load(&unmapped), "UNMAP waits for the write");
	give_page(2);
	tap_ret(result(writer), 0, "the write");
	tap_ret(result(unmapper), 0, "UNMAP");
	tap_ok(!strcmp(ram + 2 * PAGE, "written"), "it was written");
	cage_close(&cage);
	close(uffd);
	munmap(ram, PAGES * PAGE);
	ram_free(other, 1);
}
