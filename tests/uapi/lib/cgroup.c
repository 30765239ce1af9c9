// SPDX-License-Identifier: GPL-2.0-only
#include "proc.h"
#include "stranger.h"
#include "tap.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROOT	"/sys/fs/cgroup"
#define TRIES	100
#define TRY_US	50000

void cgroup_mount(void)
{
	if (mount("cgroup", ROOT, "cgroup2", 0, NULL) && errno != EBUSY)
		tap_bail("cgroup2: %m");
	if (proc_write(ROOT "/cgroup.subtree_control", "+memory"))
		tap_bail("this kernel has no memory controller of cgroup v2");
}

static void set(const struct cgroup *cg, const char *file, const char *value)
{
	char path[160];
	int ret;

	snprintf(path, sizeof(path), "%s/%s", cg->path, file);
	ret = proc_write(path, value);
	if (ret)
		tap_bail("%s: %s", path, strerror(-ret));
}

void cgroup_limit(struct cgroup *cg, long max)
{
	char text[32];

	snprintf(text, sizeof(text), "%ld", max);
	set(cg, "memory.max", text);
	cg->max = max;
}

void cgroup_make(struct cgroup *cg, const char *name, long max)
{
	snprintf(cg->path, sizeof(cg->path), ROOT "/%s", name);
	if (mkdir(cg->path, 0755))
		tap_bail("mkdir %s: %m", cg->path);
	cgroup_limit(cg, max);
}

/* Its processes are gone, or about to be. */
void cgroup_remove(struct cgroup *cg)
{
	int i;

	for (i = 0; i < TRIES && rmdir(cg->path); i++)
		usleep(TRY_US);
	if (i == TRIES)
		tap_bail("rmdir %s: %m", cg->path);
}

long cgroup_number(const struct cgroup *cg, const char *file, const char *key)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/%s", cg->path, file);
	return key ? proc_number(path, key) : proc_file_number(path);
}

void cgroup_check_full(const struct cgroup *cg, bool close)
{
	long peak = cgroup_number(cg, "memory.peak", NULL);
	long times = cgroup_number(cg, "memory.events", "max");

	tap_ok(times > 0 && (!close || peak > cg->max / 2),
	       "the limit of %ld KiB was met %ld times; %ld KiB charged at most",
	       cg->max >> 10, times, peak >> 10);
}
