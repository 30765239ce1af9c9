// SPDX-License-Identifier: GPL-2.0-only
/* The two containers: which module serves which, and its parameters. */
#define _GNU_SOURCE
#include "differ.h"
#include "kernel.h"
#include "proc.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct sides sides;

static const char *const modules[SIDES] = {
	"vfio_iommu_type1", "vfio_iommu_type1_hwdbm",
};

static void set(int side, const char *name, unsigned int value)
{
	char path[128], text[16];
	int ret;

	snprintf(path, sizeof(path), "/sys/module/%s/parameters/%s",
		 modules[side], name);
	snprintf(text, sizeof(text), "%u", value);
	ret = proc_write(path, text);
	if (ret)
		tap_bail("%s: %s", path, strerror(-ret));
}

static void read_claim(void)
{
	FILE *f = fopen("/sys/module/vfio_iommu_type1_hwdbm/parameters/claim",
			"re");

	strcpy(sides.claim, "none");
	if (!f)
		return;
	if (fscanf(f, "%15s", sides.claim) != 1)
		sides.claim[0] = 0;
	fclose(f);
}

void sides_find(void)
{
	if (vfio_find_edus(sides.dev, SIDES) != SIDES)
		tap_bail("two edu devices bound to vfio-pci are needed");
	read_claim();
	if (sides.v1 && strcmp(sides.claim, "all"))
		tap_bail("--v1 wants our module loaded with claim=all, not %s",
			 sides.claim);
}

static void run(const char *command)
{
	if (system(command))
		tap_bail("'%s' fails", command);
}

/*
 * Where both serve the types, VFIO asks whoever registered last: ours while
 * stock is not there, stock when it has come back.
 */
static bool claimed(void)
{
	return strcmp(sides.claim, "none");
}

static void stock_goes(void)
{
	if (claimed() && !access("/sys/module/vfio_iommu_type1", F_OK))
		run("rmmod vfio_iommu_type1");
}

static void stock_comes(void)
{
	if (claimed())
		run("modprobe vfio_iommu_type1");
}

static unsigned long type_of(int side)
{
	if (sides.v1)
		return VFIO_TYPE1_IOMMU;
	return side == OURS && !claimed() ? VFIO_TYPE1_HWDBM_IOMMU : VFIO_TYPE1v2_IOMMU;
}

static void open_side(int side, struct vfio_dev *dev)
{
	struct vfio_iommu_type1_info_cap_hwdbm cap;
	int container = vfio_setup(dev, type_of(side));

	sides.container[side] = container;
	if (vfio_policy(container, &cap) != (side == OURS))
		tap_bail("type %#lx is served by %s, this needs %s",
			 type_of(side), modules[!side], modules[side]);
	if (side == OURS)
		vfio_expect_policy(container, kernel_since(6, 7) ?
				   VFIO_HWDBM_POLICY_HWDBM :
				   VFIO_HWDBM_POLICY_FULL);
	edu_open(&sides.edu[side], dev->fd);
	sides.failed[side] = edu_failed(&sides.edu[side]);
	memory_plug(side, dev->fd);
}

void sides_open(struct rng *rng, int epoch)
{
	static const unsigned int limits[] = {
		65535, 1, 65535, 8, 65535, 40, 65535, 0,
	};
	bool single = rng_one_in(rng, 3);

	sides.limit = limits[epoch % 8];
	stock_goes();
	set(OURS, "dma_entry_limit", sides.limit);
	set(OURS, "disable_hugepages", single);
	open_side(OURS, &sides.dev[(OURS + epoch) % SIDES]);
	stock_comes();
	set(STOCK, "dma_entry_limit", sides.limit);
	set(STOCK, "disable_hugepages", single);
	open_side(STOCK, &sides.dev[(STOCK + epoch) % SIDES]);
	tap_diag("epoch %d: dma_entry_limit=%u disable_hugepages=%d", epoch,
		 sides.limit, single);
}

void sides_close(void)
{
	int side, i;

	for (side = 0; side < SIDES; side++) {
		memory_unplug(side);
		edu_close(&sides.edu[side]);
	}
	for (i = 0; i < SIDES; i++)
		vfio_group_close(&sides.dev[i]);
	for (side = 0; side < SIDES; side++)
		close(sides.container[side]);
}
