// SPDX-License-Identifier: GPL-2.0-only
/* IOVAs that can be used, and what else a container says of its IOMMU. */
#include "memory.h"
#include "tap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MSI_FIRST	0xfee00000ULL
#define MSI_END		0xfef00000ULL
#define MAX		32

struct ranges {
	uint32_t nr;
	struct vfio_iova_range at[MAX];
	uint64_t pgsizes;
	int cc;
};

static void read_ranges(int container, struct ranges *r)
{
	struct vfio_iommu_type1_info *info = vfio_info(container);
	struct vfio_iommu_type1_info_cap_iova_range *cap;

	cap = (void *)vfio_info_cap(info, VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE);
	if (!cap || !cap->nr_iovas || cap->nr_iovas > MAX)
		tap_bail("GET_INFO tells no IOVA ranges, or too many");
	memset(r, 0, sizeof(*r));
	r->nr = cap->nr_iovas;
	memcpy(r->at, cap->iova_ranges, r->nr * sizeof(*r->at));
	r->pgsizes = info->iova_pgsizes;
	free(info);
	r->cc = vfio_check_extension(container, VFIO_DMA_CC_IOMMU);
}

static bool same(const struct ranges *a, const struct ranges *b)
{
	return !memcmp(a, b, sizeof(*a));
}

/* How a MAP of a page there ends; what it maps is unmapped again. */
static int try_page(struct world *w, void *p, uint64_t iova, uint64_t size)
{
	int ret = vfio_map(w->rig.container, p, iova, size, MAP_RW);

	if (!ret)
		vfio_unmap(w->rig.container, iova, size, 0, NULL);
	return ret;
}

static void borders(struct world *w, const struct ranges *r, char *p)
{
	bool inside = true, outside = true;
	uint64_t first, end;
	uint32_t i;

	for (i = 0; i < r->nr; i++) {
		first = r->at[i].start;
		end = r->at[i].end + 1;
		tap_diag("range %#lx to %#lx", first, end - 1);
		inside &= !try_page(w, p, first, PAGE_4K);
		/* 6.12's stock never unmaps nor unpins what ends at 2^64 - 1 */
		if (end || !backend.stock)
			inside &= !try_page(w, p, end - PAGE_4K, PAGE_4K);
		if (first)
			outside &= try_page(w, p, first - PAGE_4K, PAGE_4K) ==
					   -EINVAL &&
				   try_page(w, p, first - PAGE_4K,
					    2 * PAGE_4K) == -EINVAL;
		if (end)
			outside &= try_page(w, p, end, PAGE_4K) == -EINVAL &&
				   try_page(w, p, end - PAGE_4K,
					    2 * PAGE_4K) == -EINVAL;
	}
	tap_ok(inside, "the first and the last page of each range can be mapped");
	tap_ok(outside, "the pages around them cannot: EINVAL");
}

static void msi_window(struct world *w, const struct ranges *r, char *p)
{
	int fd = w->rig.container, ret;
	bool told = false;
	uint32_t i;

	for (i = 0; i < r->nr; i++)
		told |= r->at[i].start < MSI_END && r->at[i].end >= MSI_FIRST;
	tap_ok(!told, "no range reaches into the MSI window");
	tap_ret(try_page(w, p, MSI_FIRST, PAGE_4K), -EINVAL, "MAP at its start");
	tap_ret(try_page(w, p, MSI_END - PAGE_4K, PAGE_4K), -EINVAL,
		"MAP at its end");
	ret = vfio_map(fd, p, MSI_FIRST - PAGE_4K, PAGE_4K, MAP_RW);
	tap_ret(ret, 0, "MAP right below it");
	ret = vfio_map(fd, p + PAGE_4K, MSI_END, PAGE_4K, MAP_RW);
	tap_ret(ret, 0, "MAP right above it");
	tap_ok(rig_reaches(&w->rig, MSI_FIRST - PAGE_4K, p) &&
	       rig_reaches(&w->rig, MSI_END, p + PAGE_4K),
	       "the device gets at both");
	ret = vfio_map(fd, p + 2 * PAGE_4K, MSI_END + PAGE_4K, PAGE_4K, MAP_RW);
	tap_ret(ret, 0, "MAP next to that one");
	edu_fetch(&w->rig.edu, MSI_END, 0, 64);
	edu_store(&w->rig.edu, MSI_END + PAGE_4K - 32, 0, 64);
	tap_ok(!memcmp(p + 2 * PAGE_4K - 32, p + PAGE_4K, 32) &&
	       !memcmp(p + 2 * PAGE_4K, p + PAGE_4K + 32, 32),
	       "a write goes over from the one mapping to the other");
	vfio_unmap(fd, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL, NULL);
}

/* Groups of one IOMMU: what they bring they take along again. */
static void joined(struct world *w, const struct ranges *alone)
{
	struct vfio_dev devs[2];
	struct ranges two, again;

	if (vfio_find_edus(devs, 2) < 2) {
		tap_skip("ranges with a second group", "one edu device only");
		return;
	}
	if (vfio_group_open(&devs[1]))
		tap_bail("the second group: %m");
	tap_ret(vfio_group_attach(&devs[1], w->rig.container), 0,
		"a second group joins");
	read_ranges(w->rig.container, &two);
	tap_ok(same(alone, &two), "it takes no IOVAs away");
	vfio_group_close(&devs[1]);
	read_ranges(w->rig.container, &again);
	tap_ok(same(alone, &again), "nor does its leaving");
}

void test_ranges(struct world *w)
{
	char *p = mem_alloc(4 * PAGE_4K, LEAF_4K);
	struct ranges r;

	read_ranges(w->rig.container, &r);
	borders(w, &r, p);
	msi_window(w, &r, p);
	joined(w, &r);
	mem_free(p, 4 * PAGE_4K);
}

/* The same device in a container of stock's, then in one of ours. */
void test_as_stock(void)
{
	struct backend mine = backend;
	struct ranges stock, ours;
	struct rig rig;

	if (backend.stock)
		return;
	if (backend.type != VFIO_TYPE1_HWDBM_IOMMU) {
		tap_skip("ours against stock", "claim=all hides stock");
		return;
	}
	backend.stock = true;
	backend.type = VFIO_TYPE1v2_IOMMU;
	backend_open(&rig, 0);
	read_ranges(rig.container, &stock);
	rig_close(&rig);
	backend = mine;
	backend_open(&rig, 0);
	read_ranges(rig.container, &ours);
	rig_close(&rig);
	tap_ok(stock.pgsizes == ours.pgsizes, "page sizes %#lx, stock's %#lx",
	       ours.pgsizes, stock.pgsizes);
	tap_ok(stock.cc == ours.cc, "coherency %d, stock's %d", ours.cc,
	       stock.cc);
	tap_ok(same(&stock, &ours), "%u IOVA ranges, stock has %u, all the same",
	       ours.nr, stock.nr);
}
