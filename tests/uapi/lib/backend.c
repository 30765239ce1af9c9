// SPDX-License-Identifier: GPL-2.0-only
#include "backend.h"
#include "kernel.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>

#define MAX_DEVICES 8
#define PROBE 64	/* bytes */

struct backend backend;

void backend_args(int *argc, char **argv, unsigned long type,
		  unsigned long ours)
{
	int i, out = 1;

	backend.type = ours;
	for (i = 1; i < *argc; i++) {
		if (strcmp(argv[i], "--type") || i + 1 == *argc) {
			argv[out++] = argv[i];
			continue;
		}
		backend.stock = !strcmp(argv[++i], "stock");
		if (!backend.stock && strcmp(argv[i], "claimed"))
			tap_bail("--type wants stock or claimed, not %s",
				 argv[i]);
		backend.type = type;
	}
	*argc = out;
	argv[out] = NULL;
	tap_diag("backend: %s, SET_IOMMU(%#lx)",
		 backend.stock ? "stock" : "ours", backend.type);
}

const char *backend_param(const char *name, char *buf, size_t n)
{
	snprintf(buf, n, "/sys/module/%s/parameters/%s",
		 backend.stock ? "vfio_iommu_type1" : "vfio_iommu_type1_hwdbm",
		 name);
	return buf;
}

bool backend_is_old_stock(void)
{
	return backend.stock && !kernel_since(7, 0);
}

bool backend_all_dirty(void)
{
	return backend.stock || !kernel_since(6, 7);
}

void backend_expect(int container)
{
	struct vfio_iommu_type1_info_cap_hwdbm cap;

	if (vfio_policy(container, &cap) == backend.stock)
		tap_bail("%s serves this container",
			 backend.stock ? "ours" : "stock");
}

void backend_open(struct rig *rig, int index)
{
	struct vfio_dev devs[MAX_DEVICES];

	if (index >= vfio_find_edus(devs, MAX_DEVICES))
		tap_bail("this test wants %d edu devices", index + 1);
	rig->dev = devs[index];
	rig->container = vfio_setup(&rig->dev, backend.type);
	backend_expect(rig->container);
	edu_open(&rig->edu, rig->dev.fd);
}

bool rig_reaches(struct rig *rig, uint64_t iova, void *seen)
{
	static uint8_t turn;
	uint32_t failed = edu_failed(&rig->edu);
	char *at = seen;
	char want[PROBE];
	int i;

	turn++;
	for (i = 0; i < PROBE; i++)
		want[i] = (char)(turn * 31 + i * 7);
	memcpy(at, want, PROBE);
	memset(at + PROBE, ~want[0], PROBE);
	edu_fetch(&rig->edu, iova, 0, PROBE);
	edu_store(&rig->edu, iova + PROBE, 0, PROBE);
	return edu_failed(&rig->edu) == failed &&
	       !memcmp(at + PROBE, want, PROBE);
}

bool rig_refused(struct rig *rig, uint64_t iova)
{
	uint32_t failed = edu_failed(&rig->edu);

	edu_fetch(&rig->edu, iova, 0, PROBE);
	edu_store(&rig->edu, iova, 0, PROBE);
	return edu_failed(&rig->edu) == failed + 2;
}
