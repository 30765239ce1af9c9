// SPDX-License-Identifier: GPL-2.0-only
/* GET_INFO of both sides, taken apart. */
#include "differ.h"
#include "kernel.h"
#include "tap.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#define INFO_MAX	512

struct info infos[SIDES];

static void take(struct info *info, const struct vfio_info_cap_header *cap,
		 size_t room)
{
	const struct vfio_iommu_type1_info_dma_avail *avail = (const void *)cap;
	const struct vfio_iommu_type1_info_cap_iova_range *iovas =
		(const void *)cap;

	switch (cap->id) {
	case VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION:
		info->has_migration = true;
		memcpy(&info->migration, cap, sizeof(info->migration));
		info->migration.header.next = 0;
		break;
	case VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL:
		info->has_avail = cap->version == 1;
		info->avail = avail->avail;
		break;
	case VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE:
		info->iovas = *iovas;
		info->iovas.header.next = 0;
		if (iovas->nr_iovas > RANGES_MAX ||
		    sizeof(*iovas) + iovas->nr_iovas * sizeof(*info->range) >
			    room)
			info->malformed = true;
		else
			memcpy(info->range, iovas->iova_ranges,
			       iovas->nr_iovas * sizeof(*info->range));
		break;
	case VFIO_IOMMU_TYPE1_INFO_CAP_HWDBM:
		info->has_ours = true;
		break;
	default:
		info->unknown++;
	}
}

/* @buf: what an ioctl left in a buffer of @room bytes. */
static void parse(struct info *info, const char *buf, size_t room)
{
	const struct vfio_iommu_type1_info *head = (const void *)buf;
	uint32_t at = head->cap_offset;
	/* VFIO aligns them since 6.6 */
	uint32_t align = kernel_since(6, 6) ? 8 : 4;
	int caps = 0;

	memset(info, 0, sizeof(*info));
	info->flags = head->flags;
	info->argsz = head->argsz;
	info->pgsizes = head->iova_pgsizes;
	while (at && caps++ < 8) {
		const struct vfio_info_cap_header *cap =
			(const void *)(buf + at);

		if (at + sizeof(*cap) > room || at % align) {
			info->malformed = true;
			return;
		}
		take(info, cap, room - at);
		at = cap->next;
	}
}

void info_read(int side)
{
	struct vfio_iommu_type1_info *head;
	char buf[INFO_MAX] __attribute__((aligned(8))) = "";

	head = (void *)buf;
	head->argsz = sizeof(buf);
	if (ioctl(sides.container[side], VFIO_IOMMU_GET_INFO, head))
		tap_bail("GET_INFO: %m");
	parse(&infos[side], buf, sizeof(buf));
}

static bool same_migration(const struct info *stock, const struct info *ours)
{
	const struct vfio_iommu_type1_info_cap_migration *s, *o;

	s = &stock->migration;
	o = &ours->migration;
	if (!stock->has_migration || !ours->has_migration)
		return stock->has_migration == ours->has_migration;
	if (s->header.version != o->header.version || s->flags != o->flags)
		return false;
	if (s->pgsize_bitmap == PAGE_4K &&
	    o->pgsize_bitmap == (0x7fffffffULL & -PAGE_4K))
		meant_use("info-pgsizes");
	else if (s->pgsize_bitmap != o->pgsize_bitmap)
		return false;
	if (s->max_dirty_bitmap_size == 1ULL << 28 &&
	    o->max_dirty_bitmap_size == UINT64_MAX)
		meant_use("info-no-largest");
	else if (s->max_dirty_bitmap_size != o->max_dirty_bitmap_size)
		return false;
	return true;
}

const char *info_differ(const struct info *s, const struct info *o)
{
	static char text[80];

	if (s->malformed || o->malformed)
		return "GET_INFO: a malformed chain";
	if (s->unknown || o->unknown || s->has_ours)
		return "GET_INFO: an unknown capability";
	if (s->flags != o->flags || s->pgsizes != o->pgsizes)
		return "GET_INFO: flags or page sizes";
	if (s->has_avail != o->has_avail || s->avail != o->avail) {
		snprintf(text, sizeof(text), "GET_INFO: DMA_AVAIL %u and %u",
			 s->avail, o->avail);
		return text;
	}
	if (memcmp(&s->iovas, &o->iovas, sizeof(s->iovas)) ||
	    memcmp(s->range, o->range, sizeof(s->range)))
		return "GET_INFO: IOVA ranges";
	if (!same_migration(s, o))
		return "GET_INFO: migration";
	if (o->has_ours)
		meant_use("info-own");
	return NULL;
}

/* Bytes that a call needs for the whole chain. */
static uint32_t needed(int side)
{
	struct vfio_iommu_type1_info head = { .argsz = sizeof(head) };

	if (ioctl(sides.container[side], VFIO_IOMMU_GET_INFO, &head))
		tap_bail("GET_INFO: %m");
	return head.argsz;
}

/* Whether a side's answer is right for what it needs; NULL, or what is not. */
static const char *alone(int side, const struct call *call,
			 const struct answer *a)
{
	const uint8_t *was = call->arg.bytes, *is = a->arg.bytes;
	uint32_t argsz = call->arg.argsz, need = needed(side), end;

	/* Where the answer ends: of the fixed part, what is asked for. */
	end = argsz < sizeof(a->arg.info) ? argsz : sizeof(a->arg.info);
	if (argsz >= need)
		end = need;
	else if (a->arg.argsz != need)
		return "GET_INFO: argsz is not what is needed";
	else if (argsz >= sizeof(a->arg.info) && a->arg.info.cap_offset)
		return "GET_INFO: a chain that does not fit";
	if (end < call->have && memcmp(was + end, is + end, call->have - end))
		return "GET_INFO: bytes behind the answer";
	return NULL;
}

const char *info_differ_call(const struct call *call, struct answer *a)
{
	struct info parsed[SIDES];
	uint32_t argsz = call->arg.argsz;
	const char *what;
	int side;

	if (a[STOCK].ret)
		return NULL;
	for (side = 0; side < SIDES; side++) {
		what = alone(side, call, &a[side]);
		if (what)
			return what;
		/* What is not asked for is what the caller had there. */
		if (argsz < sizeof(call->arg.info))
			a[side].arg.info.cap_offset = 0;
		parse(&parsed[side], (char *)a[side].arg.bytes, ARG_MAX);
	}
	if (argsz < needed(OURS)) {
		meant_use("info-longer");
		return parsed[STOCK].flags != parsed[OURS].flags ||
		       parsed[STOCK].pgsizes != parsed[OURS].pgsizes ?
			       "GET_INFO: flags or page sizes" : NULL;
	}
	return info_differ(&parsed[STOCK], &parsed[OURS]);
}
