// SPDX-License-Identifier: GPL-2.0-only
/* Nobody has a container, as everybody may, and no group: no way in. */
#define _GNU_SOURCE
#include "guard.h"
#include "tap.h"
#include "tests.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define TYPES	12

static int call(int fd, unsigned long cmd, unsigned long arg)
{
	int ret = ioctl(fd, cmd, arg);

	return ret < 0 ? -errno : ret;
}

static void no_backend(struct note *note, int container)
{
	static const unsigned long extra[] = { VFIO_TYPE1_HWDBM_IOMMU, 0x4857,
					       ~0UL, 1UL << 32, INT64_MAX };
	unsigned long type;

	for (type = 0; type < TYPES; type++)
		note_check(note, vfio_set_iommu(container, type) == -EINVAL,
			   "SET_IOMMU(%lu)", type);
	for (type = 0; type < sizeof(extra) / sizeof(*extra); type++)
		note_check(note,
			   vfio_set_iommu(container, extra[type]) == -EINVAL,
			   "SET_IOMMU(%#lx)", extra[type]);
	note_check(note,
		   vfio_check_extension(container, VFIO_TYPE1_HWDBM_IOMMU) == 1,
		   "CHECK_EXTENSION of our type");
	note_check(note,
		   !vfio_check_extension(container, VFIO_DIRTY_LOG_MANUAL_CLEAR),
		   "MANUAL_CLEAR without a backend");
	note_check(note, !vfio_check_extension(container, VFIO_UPDATE_VADDR),
		   "UPDATE_VADDR without a backend");
}

/* Well-formed and not, every number that there could be. */
static void no_calls(struct note *note, int container, void *mem)
{
	char argument[256];
	unsigned int nr;

	note_check(note, vfio_map(container, mem, 0, PAGE, MAP_RW) == -EINVAL,
		   "MAP");
	note_check(note, vfio_unmap(container, 0, PAGE, 0, NULL) == -EINVAL,
		   "UNMAP");
	note_check(note, vfio_dirty_flag(container, DIRTY_START) == -EINVAL,
		   "START");
	note_check(note, vfio_dirty_range(container, DIRTY_GET, 0, PAGE, PAGE,
					  mem, 8) == -EINVAL, "GET");
	memset(argument, 0xff, sizeof(argument));
	for (nr = 0; nr < 256; nr++) {
		unsigned long cmd = _IO(VFIO_TYPE, nr);
		int ret;

		if (cmd == VFIO_GET_API_VERSION || cmd == VFIO_SET_IOMMU ||
		    cmd == VFIO_CHECK_EXTENSION)
			continue;
		ret = call(container, cmd, (unsigned long)argument);
		note_check(note, ret == -EINVAL, "ioctl %u: %d", nr, ret);
		ret = call(container, cmd, 0);
		note_check(note, ret == -EINVAL, "ioctl %u of 0: %d", nr, ret);
	}
	note_check(note, read(container, argument, 8) < 0, "read");
	note_check(note, write(container, argument, 8) < 0, "write");
	note_check(note, mmap(NULL, PAGE, PROT_READ, MAP_SHARED, container, 0) ==
				 MAP_FAILED, "mmap");
}

static void no_files(struct note *note, int group)
{
	char path[96];

	snprintf(path, sizeof(path), "/dev/vfio/%d", group);
	note_check(note, open(path, O_RDWR) < 0 && errno == EACCES, "%s", path);
	note_check(note, open(path, O_RDONLY) < 0 && errno == EACCES,
		   "%s, to read", path);
	snprintf(path, sizeof(path), "/sys/module/" MODULE "/parameters/%s",
		 "allow_unsafe_interrupts");
	note_check(note, open(path, O_WRONLY) < 0 && errno == EACCES, "%s",
		   path);
	note_check(note, open("/sys/module/" MODULE "/parameters/dma_entry_limit",
			      O_WRONLY) < 0 && errno == EACCES,
		   "dma_entry_limit");
}

/* As many as one may have files: none of them reaches us. */
static void many(struct note *note)
{
	struct rlimit limit = { 4096, 4096 };
	int fd, n = 0;

	setrlimit(RLIMIT_NOFILE, &limit);
	while ((fd = vfio_container_open()) >= 0) {
		n++;
		if (vfio_set_iommu(fd, VFIO_TYPE1_HWDBM_IOMMU) != -EINVAL)
			note_check(note, false, "SET_IOMMU of container %d", n);
	}
	note_check(note, fd == -EMFILE || fd == -ENFILE, "container %d: %d", n,
		   fd);
	atomic_store(&note->done, n);
	note_pause(note);
}

static void alone(struct note *note, void *arg)
{
	const struct world *w = arg;
	void *mem = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int container = vfio_container_open();

	note_check(note, container >= 0, "/dev/vfio/vfio is everybody's");
	no_backend(note, container);
	no_calls(note, container, mem);
	no_files(note, w->others_group);
	many(note);
}

void test_alone(struct world *w)
{
	struct job job = { .run = alone, .arg = w };
	struct stranger s;
	struct counters now;

	stranger_start(&s, &job);
	stranger_pauses(&s);
	counters_read(&now);
	tap_ok(now.refcount == w->idle.refcount && now.pins == w->idle.pins,
	       "%ld containers without a group: %ld references to our module, %ld pinned pages",
	       atomic_load(&s.note->done), now.refcount - w->idle.refcount,
	       now.pins - w->idle.pins);
	stranger_go_on(&s);
	stranger_end(&s);
	tap_ok(!s.note->wrong && s.note->checks > 500,
	       "nobody, without a group: %d of %d calls refused as they should be",
	       s.note->checks - s.note->wrong, s.note->checks);
	counters_back(&w->idle, "a container without a group");
}
