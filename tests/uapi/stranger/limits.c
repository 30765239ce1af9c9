// SPDX-License-Identifier: GPL-2.0-only
/* Nobody has a group (its node, by chown), and little memory to lock. */
#define _GNU_SOURCE
#include "proc.h"
#include "tap.h"
#include "tests.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define LOCKED	(64UL << 10)
#define ENTRIES	"/sys/module/" MODULE "/parameters/dma_entry_limit"
#define FEW	50

static char *pages(size_t bytes, int prot)
{
	char *p = mmap(NULL, bytes, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		_exit(80);
	return p;
}

static void locked(struct note *note, int c)
{
	char *mem = pages(2 * LOCKED, PROT_READ | PROT_WRITE);
	uint64_t n;
	int ret;

	ret = vfio_map(c, mem, 0, LOCKED + PAGE, MAP_RW);
	note_check(note, ret == -ENOMEM, "a page over the limit: %d", ret);
	note_check(note, !proc_locked_kib(), "refused, but locked");
	ret = vfio_map(c, mem, 0, LOCKED, MAP_RW);
	note_check(note, !ret, "all of the limit: %d", ret);
	ret = vfio_map(c, mem + LOCKED, LOCKED, PAGE, MAP_RW);
	note_check(note, ret == -ENOMEM, "and a page: %d", ret);
	ret = vfio_map(c, mem, LOCKED, PAGE, MAP_RW);
	note_check(note, ret == -ENOMEM, "and a page of the same: %d", ret);
	note_check(note, proc_locked_kib() == (long)(LOCKED >> 10),
		   "locked %ld KiB", proc_locked_kib());
	ret = vfio_unmap(c, 0, LOCKED, 0, &n);
	note_check(note, !ret && n == LOCKED && !proc_locked_kib(),
		   "UNMAP: %d, locked %ld KiB", ret, proc_locked_kib());
	note_check(note, !vfio_map(c, mem, 0, LOCKED, MAP_RW), "again");
	note_check(note, !vfio_unmap(c, 0, LOCKED, 0, &n), "UNMAP again");
}

/* What it may not write itself the device may not write for it. */
static void rights(struct note *note, int c)
{
	char *read_only = pages(PAGE, PROT_READ), *none = pages(PAGE, PROT_NONE);
	int file = open("/proc/self/exe", O_RDONLY), ret;
	char *text = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, file, 0);

	ret = vfio_map(c, read_only, 0, PAGE, MAP_RW);
	note_check(note, ret == -EFAULT, "memory to be read only: %d", ret);
	ret = vfio_map(c, none, 0, PAGE, VFIO_DMA_MAP_FLAG_READ);
	note_check(note, ret == -EFAULT, "memory of no use: %d", ret);
	ret = vfio_map(c, text, 0, PAGE, MAP_RW);
	note_check(note, ret == -EFAULT, "root's program: %d", ret);
	ret = vfio_map(c, (void *)0xffff888000000000UL, 0, PAGE, MAP_RW);
	note_check(note, ret == -EFAULT, "the kernel's memory: %d", ret);
	ret = vfio_map(c, (void *)0xffffffffff600000UL, 0, PAGE,
		       VFIO_DMA_MAP_FLAG_READ);
	note_check(note, ret < 0, "the vsyscall page: %d", ret);
	note_check(note, !proc_locked_kib(), "locked %ld KiB after refusals",
		   proc_locked_kib());
}

static void raise_limit(struct note *note, int c)
{
	struct rlimit more = { 2 * LOCKED, 2 * LOCKED };
	char *mem = pages(2 * LOCKED, PROT_READ | PROT_WRITE);
	int ret;

	note_check(note, setrlimit(RLIMIT_MEMLOCK, &more) && errno == EPERM,
		   "its own limit is raised");
	/* all capabilities, but over nothing of the machine's */
	if (!unshare(CLONE_NEWUSER))
		atomic_store(&note->done, 1);
	ret = vfio_map(c, mem, 0, LOCKED + PAGE, MAP_RW);
	note_check(note, ret == -ENOMEM, "over the limit in a namespace: %d",
		   ret);
}

static void entries(struct note *note, int c)
{
	char *mem = pages(PAGE, PROT_READ | PROT_WRITE);
	int i, ret = 0;

	for (i = 0; i < FEW && !ret; i++)
		ret = vfio_map(c, mem, (uint64_t)i * PAGE, PAGE,
			       VFIO_DMA_MAP_FLAG_READ);
	/* the limit of locked memory comes first, where that is smaller */
	note_check(note, ret == -ENOMEM && i - 1 == (int)(LOCKED / PAGE),
		   "mapping %d: %d", i, ret);
	vfio_unmap(c, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL, NULL);
}

static void few_entries(struct note *note, int c)
{
	char *mem = pages(PAGE, PROT_READ | PROT_WRITE);
	int i, ret = 0;

	for (i = 0; i <= FEW && !ret; i++)
		ret = vfio_map(c, mem, (uint64_t)i * PAGE, PAGE, MAP_RW);
	note_check(note, ret == -ENOSPC && i == FEW + 1, "mapping %d: %d", i,
		   ret);
}

static void with_edu(struct note *note, void *arg)
{
	struct world *w = arg;
	int c = stranger_container(&w->edu);

	note_check(note, c >= 0, "its own group: %d", c);
	locked(note, c);
	rights(note, c);
	entries(note, c);
	raise_limit(note, c);
}

static void with_sim(struct note *note, void *arg)
{
	struct world *w = arg;
	int c = stranger_container(&w->sim);

	note_check(note, c >= 0, "its own group: %d", c);
	few_entries(note, c);
}

static void judge(struct world *w, struct stranger *s, const char *what)
{
	stranger_end(s);
	tap_ok(!s->note->wrong && s->note->checks && !stranger_killed(s),
	       "%s: %d of %d as it should be", what,
	       s->note->checks - s->note->wrong, s->note->checks);
	counters_back(&w->idle, what);
}

void test_limits(struct world *w)
{
	struct job job = { .run = with_edu, .arg = w, .memlock = LOCKED };
	long limit = proc_file_number(ENTRIES);
	struct stranger s;
	char text[32];

	stranger_start(&s, &job);
	judge(w, &s, "nobody, with a group and 64 KiB to lock");
	if (!s.note->done)
		tap_diag("this kernel gives nobody a user namespace");
	snprintf(text, sizeof(text), "%d", FEW);
	if (proc_write(ENTRIES, text))
		tap_bail(ENTRIES);
	job.run = with_sim;
	stranger_start(&s, &job);
	judge(w, &s, "nobody, with a group without an IOMMU and 50 mappings");
	snprintf(text, sizeof(text), "%ld", limit);
	proc_write(ENTRIES, text);
}
