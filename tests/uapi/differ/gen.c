// SPDX-License-Identifier: GPL-2.0-only
/* Draws calls: most can succeed, and each way to be wrong comes up. */
#include "differ.h"
#include "msi.h"

#include <string.h>
#include <sys/ioctl.h>

#define HOT		0x10000000ULL	/* where most mappings are */
#define HOT_PAGES	2048
#define COUNT(a)	(sizeof(a) / sizeof(*(a)))

static bool percent(struct rng *rng, unsigned int n)
{
	return rng_below(rng, 100) < n;
}

static uint64_t pages(struct rng *rng, uint64_t n)
{
	return rng_below(rng, n) * PAGE_4K;
}

/* Around the ends of the ranges that GET_INFO tells. */
static uint64_t near_border(struct rng *rng)
{
	const struct info *info = &infos[STOCK];
	uint64_t end;

	if (!info->iovas.nr_iovas)
		return pages(rng, 16);
	end = info->range[rng_below(rng, info->iovas.nr_iovas)].end + 1;
	return end - 16 * PAGE_4K + pages(rng, 32);
}

uint64_t gen_iova(struct rng *rng)
{
	switch (rng_below(rng, 20)) {
	case 0:
		return pages(rng, 64);
	case 1:
		return MSI_FIRST - 16 * PAGE_4K + pages(rng, 288);
	case 2:
		return near_border(rng);
	case 3:
		return -pages(rng, 32);
	case 4:
		return rng_next(rng) << 12 >> rng_below(rng, 40) &
		       ~(PAGE_4K - 1);
	case 5:
	case 6:
		return HOT + rng_below(rng, 8) * PAGE_2M;
	default:
		return HOT + pages(rng, HOT_PAGES);
	}
}

void gen_place(struct rng *rng, struct call *call, size_t size)
{
	static const uint32_t wrong[] = { 0, 3, 4, 8, 12, 15 };

	call->have = size;
	call->arg.argsz = (uint32_t)size;
	call->place = P_WHOLE;
	if (percent(rng, 94))
		return;
	switch (rng_below(rng, 9)) {
	case 0:
		call->arg.argsz = wrong[rng_below(rng, 6)];
		break;
	case 1:
		call->arg.argsz = (uint32_t)size - 1 -
				  (uint32_t)rng_below(rng, 8);
		break;
	case 2:
		call->arg.argsz += 1 + (uint32_t)rng_below(rng, 64);
		break;
	case 3:
		call->arg.argsz = (uint32_t)rng_next(rng);
		break;
	case 4:
		call->place = P_SHORT;
		call->have = rng_below(rng, size);
		break;
	case 5:
		call->place = P_NULL;
		break;
	case 6:
		call->place = P_KERNEL;
		break;
	case 7:
		call->place = P_READONLY;
		break;
	case 8:
		call->place = P_ODD;
		break;
	}
}

static enum region gen_region(struct rng *rng)
{
	static const enum region often[] = {
		R_SMALL, R_SMALL, R_SMALL, R_SMALL, R_THP, R_THP, R_HUGE,
		R_SHARED, R_FRESH, R_ZERO, R_FILE, R_COW,
	};

	if (percent(rng, 82))
		return often[rng_below(rng, COUNT(often))];
	return (enum region)rng_below(rng, R_ABS);
}

static uint64_t gen_size(struct rng *rng, uint64_t room)
{
	switch (rng_below(rng, 40)) {
	case 0:
		return 0;
	case 1:
		return PAGE_4K + rng_below(rng, PAGE_4K);
	case 2:
		return PAGE_4K << rng_below(rng, 52);
	case 3:
		return -pages(rng, 16);
	case 4:
		return rng_next(rng) << 11;
	case 5:
	case 6:
		return PAGE_2M;
	case 7:
		return room;
	case 8:
		return room + PAGE_4K + pages(rng, 600);
	case 9:
	case 10:
	case 11:
		return PAGE_4K + pages(rng, 600);
	default:
		return PAGE_4K + pages(rng, 16);
	}
}

static const struct mapping *any_mapping(struct rng *rng)
{
	return &model.m[rng_below(rng, (uint64_t)model.nr)];
}

/* Some pages into a mapping, or right before or behind it. */
static void gen_beside(struct rng *rng, struct vfio_iommu_type1_dma_map *map)
{
	const struct mapping *m = any_mapping(rng);

	map->iova = m->iova + m->size - pages(rng, 3);
	if (rng_one_in(rng, 2))
		map->iova = m->iova - map->size + pages(rng, 3);
	if (rng_one_in(rng, 4))
		map->iova = m->iova;
	if (rng_one_in(rng, 16))
		map->size = -map->iova;
}

static struct pointer gen_pointer(struct rng *rng)
{
	static const uint64_t absolute[] = {
		0, PAGE_4K, 0x7ffffffff000, 0x800000000000, 0xffff888000000000,
		-PAGE_4K, -2 * PAGE_4K, 0x00ffffffffff0000,
	};
	struct pointer p = { R_ABS, absolute[rng_below(rng, 8)] };

	if (percent(rng, 2))
		return p;
	p.region = gen_region(rng);
	p.offset = pages(rng, memory_size(p.region) / PAGE_4K);
	if (percent(rng, 30))
		p.offset &= ~(PAGE_2M - 1);
	if (percent(rng, 1))
		p.offset += 1 + rng_below(rng, PAGE_4K - 1);
	return p;
}

static uint32_t gen_map_flags(struct rng *rng)
{
	unsigned int n = (unsigned int)rng_below(rng, 100);

	if (n < 80)
		return MAP_RW;
	if (n < 88)
		return VFIO_DMA_MAP_FLAG_READ;
	if (n < 93)
		return VFIO_DMA_MAP_FLAG_WRITE;
	if (n < 95)
		return 0;
	if (n < 97)
		return MAP_RW | 1u << rng_below(rng, 32);
	if (n < 98)
		return (uint32_t)rng_next(rng);
	return VFIO_DMA_MAP_FLAG_VADDR | (n == 98 ? MAP_RW : 0);
}

/* New memory for a mapping that has lost its address; or not quite. */
static void gen_map_vaddr(struct rng *rng, struct call *call)
{
	struct mapping *m = NULL;
	int i, first = (int)rng_below(rng, (uint64_t)model.nr);

	for (i = 0; i < model.nr; i++) {
		m = &model.m[(first + i) % model.nr];
		if (m->vaddr_invalid)
			break;
	}
	call->arg.map.flags = VFIO_DMA_MAP_FLAG_VADDR;
	call->arg.map.iova = m->iova;
	call->arg.map.size = m->size;
	if (percent(rng, 50))
		call->vaddr = m->vaddr;
	if (percent(rng, 8))
		call->arg.map.size += PAGE_4K;
	if (percent(rng, 8))
		call->arg.map.iova += PAGE_4K;
}

static void gen_map(struct rng *rng, struct call *call)
{
	struct vfio_iommu_type1_dma_map *map = &call->arg.map;
	int tries;

	call->cmd = VFIO_IOMMU_MAP_DMA;
	gen_place(rng, call, sizeof(*map));
	map->flags = gen_map_flags(rng);
	call->vaddr = gen_pointer(rng);
	map->size = gen_size(rng, call->vaddr.region == R_ABS ? PAGE_4K :
			     memory_size(call->vaddr.region) -
			     call->vaddr.offset);
	/* Overlaps should not be all that many mappings come to. */
	for (tries = percent(rng, 75) ? 8 : 1; tries; tries--) {
		map->iova = gen_iova(rng);
		if (!model_overlap(map->iova, map->iova + map->size - 1))
			break;
	}
	if (percent(rng, 1))
		map->iova += 1 + rng_below(rng, PAGE_4K - 1);
	if (model.nr && percent(rng, 8))
		gen_beside(rng, map);
	if (model.nr && percent(rng, 8))
		gen_map_vaddr(rng, call);
}

static void gen_cut(struct rng *rng, uint64_t *iova, uint64_t *size)
{
	uint64_t part = PAGE_4K + pages(rng, *size / PAGE_4K);

	switch (rng_below(rng, 4)) {
	case 0:
		*iova += part;
		break;
	case 1:
		*iova -= part;
		break;
	case 2:
		*size = part;
		break;
	case 3:
		*iova += part;
		*size -= part;
		break;
	}
}

/* From one mapping to another, holes and all. */
static void gen_hull(struct rng *rng, uint64_t *iova, uint64_t *size)
{
	const struct mapping *a = any_mapping(rng), *b = any_mapping(rng);
	const struct mapping *low = a->iova < b->iova ? a : b;
	const struct mapping *high = low == a ? b : a;

	*iova = low->iova;
	*size = high->iova + high->size - low->iova;
}

static void gen_any_range(struct rng *rng, uint64_t *iova, uint64_t *size)
{
	*iova = gen_iova(rng);
	*size = gen_size(rng, HOT_PAGES * PAGE_4K);
	switch (rng_below(rng, 6)) {
	case 0:
		*iova = HOT;
		*size = 2 * HOT_PAGES * PAGE_4K;
		break;
	case 1:
		*size = -*iova;		/* to the very end */
		break;
	case 2:
		*size = -*iova + PAGE_4K + pages(rng, 4);
		break;
	case 3:
		*iova += rng_below(rng, PAGE_4K);
		break;
	}
}

void gen_range(struct rng *rng, uint64_t *iova, uint64_t *size)
{
	const struct mapping *m;
	unsigned int n = (unsigned int)rng_below(rng, 100);

	if (!model.nr || n < 16) {
		gen_any_range(rng, iova, size);
		return;
	}
	if (n < 30) {
		gen_hull(rng, iova, size);
		return;
	}
	m = any_mapping(rng);
	*iova = m->iova;
	*size = m->size;
	if (n < 45)
		gen_cut(rng, iova, size);
	else if (n < 60)
		*size += pages(rng, 32);
	else if (n < 62)
		*size += rng_below(rng, PAGE_4K);
}

static uint32_t gen_unmap_flags(struct rng *rng)
{
	unsigned int n = (unsigned int)rng_below(rng, 100);
	uint32_t flags = 0;

	if (n < 55)
		return 0;
	if (n < 80)
		return VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP;
	if (n < 83)
		return VFIO_DMA_UNMAP_FLAG_ALL;
	if (n < 93)
		flags = VFIO_DMA_UNMAP_FLAG_VADDR;
	else if (n < 98)
		flags = (uint32_t)rng_below(rng, 8);
	else
		flags = 1u << rng_below(rng, 32);
	return flags;
}

static void gen_unmap(struct rng *rng, struct call *call)
{
	struct vfio_iommu_type1_dma_unmap *unmap = &call->arg.unmap;
	uint64_t iova, size;
	uint32_t flags = gen_unmap_flags(rng);
	bool bitmap = flags & VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP;

	call->cmd = VFIO_IOMMU_UNMAP_DMA;
	gen_place(rng, call, bitmap ? sizeof(*unmap) +
		  sizeof(struct vfio_bitmap) : sizeof(*unmap));
	gen_range(rng, &iova, &size);
	/* Else next to nothing would ever be mapped. */
	if (model_count(iova, size) > 3 && percent(rng, 80))
		size = PAGE_4K + pages(rng, 16);
	if (flags & VFIO_DMA_UNMAP_FLAG_ALL && percent(rng, 80))
		iova = size = 0;
	unmap->flags = flags;
	unmap->iova = iova;
	unmap->size = size;
	if (bitmap)
		gen_bitmap(rng, call, size);
}

static void gen_info(struct rng *rng, struct call *call)
{
	size_t size = rng_below(rng, 3) ? rng_below(rng, 400) : 400;

	if (size < sizeof(uint32_t))
		size = sizeof(uint32_t);
	call->cmd = VFIO_IOMMU_GET_INFO;
	rng_fill(rng, call->arg.bytes, ARG_MAX);
	gen_place(rng, call, size);
	if (percent(rng, 20))
		call->arg.argsz = (uint32_t)rng_below(rng, rng_one_in(rng, 2) ?
						      16 : 2 * size);
	if (percent(rng, 5)) {
		call->place = P_SHORT;
		call->have = rng_below(rng, size);
	}
}

static void gen_extension(struct rng *rng, struct call *call)
{
	call->cmd = VFIO_CHECK_EXTENSION;
	switch (rng_below(rng, 8)) {
	case 0:
		call->number = VFIO_TYPE1_HWDBM_IOMMU;
		break;
	case 1:
		call->number = rng_next(rng) << rng_below(rng, 12);
		break;
	case 2:
		call->number = -rng_below(rng, 3);
		break;
	case 3:
		call->number = rng_below(rng, 300);
		break;
	default:
		call->number = rng_below(rng, 14);
		break;
	}
}

static void gen_other(struct rng *rng, struct call *call)
{
	static const unsigned long commands[] = {
		VFIO_GET_API_VERSION, VFIO_SET_IOMMU, VFIO_GROUP_GET_STATUS,
		VFIO_DEVICE_GET_INFO, VFIO_DEVICE_RESET, VFIO_IOMMU_ENABLE,
		VFIO_IOMMU_DISABLE, VFIO_EEH_PE_OP,
		VFIO_IOMMU_SPAPR_REGISTER_MEMORY, VFIO_IOMMU_SPAPR_TCE_CREATE,
	};

	gen_place(rng, call, 64);
	switch (rng_below(rng, 3)) {
	case 0:
		call->cmd = commands[rng_below(rng, COUNT(commands))];
		break;
	case 1:
		call->cmd = _IO(VFIO_TYPE, rng_below(rng, 256));
		break;
	default:
		call->cmd = (uint32_t)rng_next(rng);
		break;
	}
	/* Not those that are known; a number's size bits count too. */
	switch (call->cmd) {
	case VFIO_IOMMU_MAP_DMA:
	case VFIO_IOMMU_UNMAP_DMA:
	case VFIO_IOMMU_DIRTY_PAGES:
	case VFIO_IOMMU_GET_INFO:
	case VFIO_CHECK_EXTENSION:
		call->cmd |= _IOC(_IOC_READ, 0, 0, 8);
		break;
	}
}

void gen_call(struct rng *rng, struct call *call)
{
	unsigned int n = (unsigned int)rng_below(rng, 100);

	memset(call, 0, sizeof(*call));
	/* As many mappings as make holes and neighbours, and no more. */
	if (model.nr > 60 && n < 20)
		n = 40;
	call->op = n < 40 ? OP_MAP : n < 66 ? OP_UNMAP : n < 88 ? OP_DIRTY :
		   n < 93 ? OP_INFO : n < 97 ? OP_EXT : OP_OTHER;
	switch (call->op) {
	case OP_MAP:
		gen_map(rng, call);
		break;
	case OP_UNMAP:
		gen_unmap(rng, call);
		break;
	case OP_DIRTY:
		gen_dirty(rng, call);
		break;
	case OP_INFO:
		gen_info(rng, call);
		break;
	case OP_EXT:
		gen_extension(rng, call);
		break;
	default:
		gen_other(rng, call);
		break;
	}
}
