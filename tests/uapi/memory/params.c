// SPDX-License-Identifier: GPL-2.0-only
/* Parameters: the same names as stock's, and what they do. */
#include "memory.h"
#include "proc.h"
#include "tap.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define LIMIT 5

static void write_param(const char *name, const char *value)
{
	char path[128];

	if (proc_write(backend_param(name, path, sizeof(path)), value))
		tap_bail("%s: cannot write %s", path, value);
}

static void same_names(void)
{
	static const char *const names[] = {
		"allow_unsafe_interrupts", "disable_hugepages",
		"dma_entry_limit",
	};
	char ours[128], stock[128];
	struct stat a, b;
	int i;

	for (i = 0; i < 3; i++) {
		snprintf(stock, sizeof(stock),
			 "/sys/module/vfio_iommu_type1/parameters/%s",
			 names[i]);
		backend_param(names[i], ours, sizeof(ours));
		if (stat(stock, &b)) {
			tap_skip(names[i], "stock is not loaded");
			continue;
		}
		if (stat(ours, &a))
			a.st_mode = 0;
		tap_ok(a.st_mode == b.st_mode,
		       "%s is there, its mode %#o as stock's %#o", names[i],
		       a.st_mode, b.st_mode);
	}
}

/* As loaded: nobody has written it yet. */
static void same_limit(void)
{
	static const char stock[] =
		"/sys/module/vfio_iommu_type1/parameters/dma_entry_limit";
	char ours[128];
	long a = proc_file_number(backend_param("dma_entry_limit", ours,
						sizeof(ours)));
	long b = proc_file_number(stock);

	if (b >= 0)
		tap_ok(a == b, "dma_entry_limit is %ld, stock's %ld", a, b);
}

static int map_page(struct rig *rig, char *p, int slot)
{
	return vfio_map(rig->container, p, IOVA + (uint64_t)slot * PAGE_4K,
			PAGE_4K, MAP_RW);
}

static int unmap_page(struct rig *rig, int slot)
{
	return vfio_unmap(rig->container, IOVA + (uint64_t)slot * PAGE_4K,
			  PAGE_4K, 0, NULL);
}

/* Tells in words what DMA_AVAIL is, and what it should be. */
static void avail_is(struct rig *rig, long want, const char *when)
{
	long got = vfio_dma_avail(rig->container);

	tap_ok(got == want, "room for %ld mappings %s: %ld", want, when, got);
}

static void full_up(struct rig *rig, char *p)
{
	int i, ret = 0;

	avail_is(rig, LIMIT, "at first");
	for (i = 0; i < LIMIT && !ret; i++)
		ret = map_page(rig, p, i);
	tap_ret(ret, 0, "MAP as often as the limit says");
	avail_is(rig, 0, "then");
	tap_ret(map_page(rig, p, LIMIT), -ENOSPC, "MAP once more");
	tap_ret(map_page(rig, p, 0), -EEXIST, "MAP where something is");
	tap_ret(unmap_page(rig, 2), 0, "UNMAP of one");
	avail_is(rig, 1, "after it");
	tap_ret(map_page(rig, NULL, LIMIT), -EFAULT, "MAP that fails");
	avail_is(rig, 1, "after it");
	write_param("dma_entry_limit", "1000");
	tap_ret(map_page(rig, p, LIMIT), 0, "MAP of another");
	tap_ret(map_page(rig, p, 2), -ENOSPC,
		"the limit is that of when the container was opened");
	tap_ret(vfio_unmap(rig->container, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL, NULL),
		0, "UNMAP with ALL");
	avail_is(rig, LIMIT, "after it");
}

static void entry_limit(char *p)
{
	struct rig rig;
	char path[128], old[32], few[8];

	snprintf(old, sizeof(old), "%ld", proc_file_number(
		 backend_param("dma_entry_limit", path, sizeof(path))));
	snprintf(few, sizeof(few), "%d", LIMIT);
	write_param("dma_entry_limit", few);
	backend_open(&rig, 0);
	full_up(&rig, p);
	rig_close(&rig);
	backend_open(&rig, 0);
	avail_is(&rig, 1000, "in a container that is opened later");
	rig_close(&rig);
	write_param("dma_entry_limit", "0");
	backend_open(&rig, 0);
	tap_ret(map_page(&rig, p, 0), -ENOSPC, "MAP where none is allowed");
	rig_close(&rig);
	write_param("dma_entry_limit", old);
}

static char hugepages(void)
{
	char path[128], value = 0;
	FILE *f = fopen(backend_param("disable_hugepages", path, sizeof(path)),
			"re");

	if (!f || fread(&value, 1, 1, f) != 1)
		tap_bail("%s cannot be read", path);
	fclose(f);
	return value;
}

/* Mapped under the one value, unmapped under the other. */
static void switch_hugepages(void)
{
	static const char *const values[] = { "N", "Y", "N" };
	char *p = mem_alloc(2 * PAGE_2M, LEAF_2M);
	char old[2] = { hugepages(), 0 };
	struct rig rig;
	uint64_t n;
	int i, ret;

	backend_open(&rig, 0);
	for (i = 0; i < 2; i++) {
		write_param("disable_hugepages", values[i]);
		ret = vfio_map(rig.container, p, IOVA, 2 * PAGE_2M, MAP_RW);
		tap_ret(ret, 0, "MAP of huge pages, disable_hugepages=%c",
			hugepages());
		write_param("disable_hugepages", values[i + 1]);
		tap_ok(rig_reaches(&rig, IOVA + PAGE_2M + 9 * PAGE_4K,
				   p + PAGE_2M + 9 * PAGE_4K),
		       "the device gets at them");
		n = 0;
		ret = vfio_unmap(rig.container, IOVA, 2 * PAGE_2M, 0, &n);
		tap_ok(!ret && n == 2 * PAGE_2M,
		       "UNMAP, disable_hugepages=%c: %s, %#lx bytes",
		       hugepages(), strerror(-ret), n);
	}
	rig_close(&rig);
	write_param("disable_hugepages", old);
	mem_free(p, 2 * PAGE_2M);
}

void test_params(void)
{
	char *p = mem_alloc(PAGE_4K, LEAF_4K);

	same_names();
	same_limit();
	entry_limit(p);
	switch_hugepages();
	mem_free(p, PAGE_4K);
}
