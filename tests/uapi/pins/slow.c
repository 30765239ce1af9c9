// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vfio_dma_rw() that waits for its page: memory whose faults we answer. The
 * rest of the container goes on meanwhile; a GET then does not make the page
 * clean for good, and an UNMAP waits.
 */
#include "late.h"
#include "pins.h"
#include "tap.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#define PAGES 4

static struct cage cage;
static struct late late;

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
	late_alloc(&late, PAGES);
	other = ram_alloc(1);
	cage_open(&cage, 1);
	cage_map(&cage, late.mem, IOVA, PAGES);
	start_logging(&cage);

	writer = start(write_page, 1);
	tap_ok(late_is_wanted(&late), "a write waits for its page");
	log_is(&cage, DIRTY_GET, IOVA, "0?00", "while it waits");
	cage_map(&cage, other, 2 * IOVA, 1);
	tap_ok(sim_pin(&cage.sims[0], 2 * IOVA, 1, SIM_RDWR) == 1,
	       "another page is pinned while it waits");
	late_give(&late, 1);
	tap_ret(result(writer), 0, "the write");
	tap_ok(!strcmp(late.mem + PAGE, "written"), "it was written");
	log_is(&cage, DIRTY_GET, IOVA, "0100", "though asked before");

	writer = start(write_page, 2);
	tap_ok(late_is_wanted(&late), "a write waits for its page");
	unmapper = start(unmap, 0);
	cage_unmap(&cage, 2 * IOVA, 1);
	usleep(20000);
	tap_ok(!atomic_load(&unmapped), "UNMAP waits for the write");
	late_give(&late, 2);
	tap_ret(result(writer), 0, "the write");
	tap_ret(result(unmapper), 0, "UNMAP");
	tap_ok(!strcmp(late.mem + 2 * PAGE, "written"), "it was written");
	cage_close(&cage);
	late_free(&late);
	ram_free(other, 1);
}
