// SPDX-License-Identifier: GPL-2.0-only
#include "bitmap.h"
#include "guard.h"
#include "rig.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __aarch64__
#define BORN_DIRTY true
#else
#define BORN_DIRTY false
#endif
#define MAX_DEVICES 8
#define HUGEPAGES_PARAM \
	"/sys/module/vfio_iommu_type1_hwdbm/parameters/disable_hugepages"

bool rig_open(struct rig *rig, int index)
{
	struct vfio_dev devs[MAX_DEVICES];
	int n = vfio_find_edus(devs, MAX_DEVICES);

	if (index >= n)
		return false;
	rig->dev = devs[index];
	rig->container = vfio_setup(&rig->dev, VFIO_TYPE1_HWDBM_IOMMU);
	edu_open(&rig->edu, rig->dev.fd);
	return true;
}

void rig_close(struct rig *rig)
{
	edu_close(&rig->edu);
	vfio_teardown(&rig->dev, rig->container);
}

bool rig_4k_leaves(void)
{
	FILE *f = fopen(HUGEPAGES_PARAM, "re");
	int c = f ? fgetc(f) : 0;

	if (f)
		fclose(f);
	return c == 'Y' || c == '1';
}

void *rig_map(struct rig *rig, uint64_t iova, uint64_t pages)
{
	void *mem = mem_alloc(pages * PAGE_4K, LEAF_4K);
	int ret = vfio_map(rig->container, mem, iova, pages * PAGE_4K, MAP_RW);

	if (ret)
		tap_bail("MAP of %lu pages at %#lx: %s", pages, iova,
			 strerror(-ret));
	return mem;
}

void rig_report_once(struct rig *rig, uint64_t iova, uint64_t pages)
{
	uint64_t bytes = bit_bytes(pages);
	void *map;

	if (!BORN_DIRTY)
		return;
	map = calloc(1, bytes);
	if (vfio_dirty_range(rig->container, DIRTY_GET, iova, pages * PAGE_4K,
			     PAGE_4K, map, bytes))
		tap_bail("GET of what has just been mapped");
	free(map);
}

void rig_unmap(struct rig *rig, void *mem, uint64_t iova, uint64_t pages)
{
	uint64_t unmapped = 0;
	int ret = vfio_unmap(rig->container, iova, pages * PAGE_4K, 0, &unmapped);

	if (ret || unmapped != pages * PAGE_4K)
		tap_bail("UNMAP of %lu pages at %#lx: %s, %#lx bytes", pages,
			 iova, strerror(-ret), unmapped);
	mem_free(mem, pages * PAGE_4K);
}

void rig_write(struct rig *rig, uint64_t iova)
{
	edu_store(&rig->edu, iova + 1000, 0, 24);
}

void rig_read(struct rig *rig, uint64_t iova)
{
	edu_fetch(&rig->edu, iova + 2000, 2048, 24);
}

bool rig_log_is(struct rig *rig, uint32_t flag, uint64_t iova, uint64_t pgsize,
		const char *want)
{
	static const uint8_t rubbish[] = { 0xa5, 0xff, 0x00, 0x3c };
	static unsigned int turn;
	uint8_t fill = rubbish[turn++ % sizeof(rubbish)];
	uint64_t bits = strlen(want), bytes = bit_bytes(bits), bit;
	uint8_t *map = guard_alloc(bytes);
	bool same = true;
	int ret;

	memset(map, fill, bytes);
	ret = vfio_dirty_range(rig->container, flag, iova, bits * pgsize, pgsize,
			       map, bytes);
	if (ret) {
		tap_diag("flag %#x at %#lx: %s", flag, iova, strerror(-ret));
		same = false;
	}
	for (bit = 0; same && bit < bytes * 8; bit++) {
		bool old = fill >> (bit % 8) & 1, got = bit_get(map, bit);
		char c = bit < bits ? want[bit] : '.';

		if (got == (c == '.' ? old : c == '1'))
			continue;
		tap_diag("flag %#x at %#lx, bit %lu: %d where '%c' is wanted (was %d)",
			 flag, iova, bit, got, c, old);
		same = false;
	}
	guard_free(map, bytes);
	return same;
}

int rig_clear(struct rig *rig, uint64_t iova, uint64_t pgsize, const char *bits)
{
	uint64_t nr = strlen(bits), bytes = bit_bytes(nr), bit;
	uint8_t *map = guard_alloc(bytes);
	int ret;

	memset(map, 0, bytes);
	for (bit = 0; bit < nr; bit++)
		bit_put(map, bit, bits[bit] == '1');
	ret = vfio_dirty_range(rig->container, DIRTY_CLEAR, iova, nr * pgsize,
			       pgsize, map, bytes);
	guard_free(map, bytes);
	return ret;
}

void rig_policy_is(const struct rig *rig, uint32_t policy, uint32_t reason,
		   uint32_t domains, const char *when)
{
	struct vfio_iommu_type1_info_cap_hwdbm cap;

	if (!vfio_policy(rig->container, &cap))
		tap_bail("GET_INFO does not tell the policy");
	tap_ok(cap.policy == policy && cap.reason == reason &&
		       cap.nr_domains == domains,
	       "%s: policy %u, reason %u, %u domains, want %u, %u, %u", when,
	       cap.policy, cap.reason, cap.nr_domains, policy, reason, domains);
}
