// SPDX-License-Identifier: GPL-2.0-only
/*
 * The differences that are meant: what stock answers, what ours does, when,
 * and why. All others are errors, and so is, in the long run, a rule here that
 * nothing uses.
 */
#include "differ.h"
#include "tap.h"

#include <errno.h>
#include <string.h>
#include <sys/utsname.h>

#define ANY	1000000		/* what there can be of 0 and EINVAL and the like */
#define ANY_MAP	1000001		/* what MAP says of a range that is free */
#define V1	1
#define V2	2
#define GET	VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP
#define ALL	VFIO_DMA_UNMAP_FLAG_ALL

struct rule {
	const char *name;
	int versions;		/* of type 1's semantics: V1, V2 */
	const char *kernels;	/* how a release begins */
	enum op op;		/* OPS: no answer, counted by name */
	int stock, ours;	/* 0, -errno or ANY */
	bool (*when)(const struct call *call);
	bool resync;		/* the two are in different states then */
	const char *why;
};

static bool wraps(uint64_t start, uint64_t size)
{
	return size && start + (size - 1) < start;
}

static bool map_wraps(const struct call *c)
{
	/* Both sides' addresses wrap, or neither's. */
	return wraps(c->arg.map.iova, c->arg.map.size) ||
	       wraps(memory_at(STOCK, c->vaddr), c->arg.map.size);
}

/* Than a process, whose last page is nobody's. */
static bool too_large(const struct call *c)
{
	return c->arg.map.size >= 1ULL << 47;
}

static bool range_wraps(const struct call *c)
{
	uint64_t iova, size;

	return call_range(c, &iova, &size) && wraps(iova, size);
}

static bool coarse(const struct call *c)
{
	const struct vfio_bitmap *bitmap = call_bitmap_const(c);

	return bitmap && bitmap->pgsize > PAGE_4K &&
	       bitmap->pgsize <= 1ULL << 30 &&
	       !(bitmap->pgsize & (bitmap->pgsize - 1));
}

static bool large(const struct call *c)
{
	const struct vfio_bitmap *bitmap = call_bitmap_const(c);

	return bitmap && bitmap->size > 1ULL << 28;
}

static bool in_bar(const struct call *c)
{
	return c->buffer == B_BAR;
}

static bool noclear(const struct call *c)
{
	return c->arg.dirty.flags == DIRTY_NOCLEAR;
}

static bool clear(const struct call *c)
{
	return c->arg.dirty.flags == DIRTY_CLEAR;
}

static bool all_and_bitmap(const struct call *c)
{
	return c->arg.unmap.flags == (ALL | GET);
}

/* The bitmap cannot be written, or not as far as the mappings go. */
static bool bad_bitmap(const struct call *c)
{
	return c->buffer != B_NO && (c->buffer != B_GOOD ||
	       call_bitmap_const(c)->size > c->real);
}

/* Claims more room than there is. */
static bool short_argument(const struct call *c)
{
	return c->arg.argsz > c->have;
}

static bool asks_type(const struct call *c)
{
	return (c->number == VFIO_TYPE1_IOMMU ||
		c->number == VFIO_TYPE1v2_IOMMU) && !strcmp(sides.claim, "none");
}

static bool asks_nesting(const struct call *c)
{
	return c->number == VFIO_TYPE1_NESTING_IOMMU;
}

static bool asks_ours(const struct call *c)
{
	return c->number == VFIO_TYPE1_HWDBM_IOMMU;
}

static bool asks_clear(const struct call *c)
{
	return c->number == VFIO_DIRTY_LOG_MANUAL_CLEAR;
}

/* The first that fits is the one that is used. */
static const struct rule rules[] = {
	{ "map-wraps", V1 | V2, "6.", OP_MAP, -EINVAL, -EOVERFLOW, map_wraps, false,
	  "an IOVA or address that wraps is EOVERFLOW, as on 7.x" },
	{ "map-to-the-end", V1 | V2, "6.", OP_MAP, ANY_MAP, -EEXIST, call_ends_space, true,
	  "6.x's stock finds no overlap with a range that ends at 2^64 - 1" },
	{ "vaddr-to-the-end", V1 | V2, "6.", OP_MAP, -ENOENT, -EINVAL, call_ends_space, false,
	  "6.x's stock finds no mapping in a range that ends at 2^64 - 1" },
	{ "map-too-large", V1 | V2, "", OP_MAP, -ENOMEM, -EFAULT, too_large, false,
	  "stock pins up to the limit before it finds that no memory is that large" },
	{ "unmap-wraps", V1 | V2, "6.", OP_UNMAP, -EINVAL, -EOVERFLOW, range_wraps, false,
	  "a range that wraps is EOVERFLOW, as on 7.x" },
	{ "get-wraps", V2, "6.", OP_DIRTY, -EINVAL, -EOVERFLOW, range_wraps, false,
	  "a range that wraps is EOVERFLOW, as on 7.x" },
	{ "map-wraps-and-more", V1 | V2, "7.", OP_MAP, -EOVERFLOW, -EINVAL, map_wraps, false,
	  "what wraps and is wrong besides is EINVAL; 7.x's stock sees the first before" },
	{ "unmap-wraps-and-more", V1 | V2, "7.", OP_UNMAP, -EINVAL, -EOVERFLOW, range_wraps, false,
	  "what wraps is EOVERFLOW; 7.x's stock looks at the bitmap's size before" },
	{ "get-wraps-and-more", V2, "7.", OP_DIRTY, -EOVERFLOW, -EINVAL, range_wraps, false,
	  "what wraps and is wrong besides is EINVAL; 7.x's stock sees the first before" },
	{ "noclear", V2, "", OP_DIRTY, -EINVAL, ANY, noclear, false,
	  "stock has no GET_BITMAP_NOCLEAR" },
	{ "clear", V2, "", OP_DIRTY, -EINVAL, ANY, clear, false,
	  "stock has no CLEAR_BITMAP" },
	{ "unmap-to-the-end", V1 | V2, "6.", OP_UNMAP, ANY, ANY, call_ends_space, true,
	  "a range may end at 2^64 - 1, as on 7.x; 6.x's stock unmaps nothing then" },
	{ "get-to-the-end", V2, "6.", OP_DIRTY, -EINVAL, ANY, call_ends_space, false,
	  "a range may end at 2^64 - 1, as on 7.x" },
	{ "get-coarse", V2, "", OP_DIRTY, -EINVAL, ANY, coarse, false,
	  "a bit may stand for up to 1 GiB" },
	{ "unmap-coarse", V2, "", OP_UNMAP, -EINVAL, ANY, coarse, true,
	  "a bit may stand for up to 1 GiB" },
	{ "get-large", V2, "", OP_DIRTY, -EINVAL, ANY, large, false,
	  "there is no largest bitmap" },
	{ "unmap-large", V2, "", OP_UNMAP, -EINVAL, ANY, large, true,
	  "there is no largest bitmap" },
	{ "unmap-all-bitmap", V1 | V2, "", OP_UNMAP, -EINVAL, ANY, all_and_bitmap, true,
	  "ALL may come with a bitmap" },
	{ "get-in-bar", V2, "", OP_DIRTY, 0, -EFAULT, in_bar, false,
	  "a bitmap must lie in memory that can be pinned" },
	{ "unmap-in-bar", V2, "", OP_UNMAP, 0, -EFAULT, in_bar, true,
	  "a bitmap must lie in memory that can be pinned" },
	{ "unmap-half", V2, "", OP_UNMAP, -EFAULT, -EFAULT, bad_bitmap, true,
	  "an UNMAP that fails has unmapped nothing; stock's stops in the middle" },
	{ "info-fault", V1 | V2, "", OP_INFO, 0, -EFAULT, short_argument, false,
	  "our chain is longer, and does not fit where argsz says that it does" },
	{ "info-fits", V1 | V2, "", OP_INFO, -EFAULT, 0, short_argument, false,
	  "our chain is longer, and is not written where argsz says no" },
	{ "ext-type", V2, "", OP_EXT, 1, 0, asks_type, false,
	  "types 1 and 3 are stock's with claim=none" },
	{ "ext-nesting", V1 | V2, "6.", OP_EXT, 1, 0, asks_nesting, false,
	  "nesting is not served; 7.x dropped it" },
	{ "ext-ours", V1 | V2, "", OP_EXT, 0, 1, asks_ours, false,
	  "our own type" },
	{ "ext-manual-clear", V2, "", OP_EXT, 0, 1, asks_clear, false,
	  "CLEAR_BITMAP is there" },
	{ "info-pgsizes", V1 | V2, "", OPS, ANY, ANY, NULL, false,
	  "a bit may stand for up to 1 GiB" },
	{ "info-no-largest", V1 | V2, "", OPS, ANY, ANY, NULL, false,
	  "there is no largest bitmap" },
	{ "info-own", V1 | V2, "", OPS, ANY, ANY, NULL, false,
	  "a capability of our own" },
	{ "info-longer", V1 | V2, "", OPS, ANY, ANY, NULL, false,
	  "and so more room is needed" },
	{ "bits-outside", V2, "", OPS, ANY, ANY, NULL, false,
	  "bits of no mapping are left alone; stock overwrites those in a mapping's words" },
};

#define RULES (sizeof(rules) / sizeof(*rules))

static unsigned long uses[RULES];

static bool applies(const struct rule *rule)
{
	static struct utsname name;

	if (!name.release[0])
		uname(&name);
	return rule->versions & (sides.v1 ? V1 : V2) &&
	       !strncmp(name.release, rule->kernels, strlen(rule->kernels));
}

static bool fits(int answer, int wanted)
{
	if (wanted == ANY_MAP)
		return !answer || answer == -EINVAL || answer == -EFAULT ||
		       answer == -ENOMEM || answer == -ENOSPC;
	if (wanted != ANY)
		return answer == wanted;
	return !answer || answer == -EINVAL || answer == -EOVERFLOW ||
	       answer == -EFAULT;
}

const struct rule *meant(const struct call *call, int stock, int ours)
{
	size_t i;

	for (i = 0; i < RULES; i++) {
		const struct rule *r = &rules[i];

		if (r->op != call->op || !applies(r) ||
		    !fits(stock, r->stock) || !fits(ours, r->ours) ||
		    !r->when(call))
			continue;
		uses[i]++;
		return r;
	}
	return NULL;
}

bool meant_resync(const struct rule *rule)
{
	return rule->resync;
}

void meant_use(const char *name)
{
	size_t i;

	for (i = 0; i < RULES; i++) {
		if (strcmp(rules[i].name, name))
			continue;
		if (!applies(&rules[i]))
			tap_bail("the rule '%s' is not for this run", name);
		uses[i]++;
		return;
	}
	tap_bail("no rule '%s'", name);
}

void meant_print(void)
{
	size_t i;

	tap_diag("differences that are meant, and how often each was met:");
	for (i = 0; i < RULES; i++)
		if (applies(&rules[i]))
			tap_diag("%8lu %s: %s%s", uses[i], rules[i].name,
				 rules[i].why, uses[i] ? "" : " (NEVER MET)");
}
