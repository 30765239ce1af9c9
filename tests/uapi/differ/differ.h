/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stock vfio_iommu_type1 and ours, side by side: every call goes to a
 * container of each, and each must answer as the other does.
 *
 *   main      options, epochs
 *   sides     the two containers, their modules and devices
 *   memory    what is mapped: the same memory twice
 *   model     the mappings that both containers must have by now
 *   gen*      draws a call
 *   call      carries it out on one side
 *   judge     compares the two answers; info, bits: parts of them
 *   meant     the differences that are meant
 *   report    says what differs and counts what was seen
 */
#ifndef HWDBM_TEST_DIFFER_H
#define HWDBM_TEST_DIFFER_H

#include "bitmap.h"
#include "edu.h"
#include "mem.h"
#include "rng.h"
#include "vfio.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { STOCK, OURS, SIDES };

/* ---- memory.c ---- */

enum region {
	R_SMALL,	/* anonymous, 4 KiB pages */
	R_THP,		/* anonymous, transparent huge pages */
	R_HUGE,		/* hugetlb */
	R_SHARED,	/* a memfd */
	R_FRESH,	/* anonymous, never touched */
	R_ZERO,		/* anonymous, read only so far: the zero page */
	R_FILE,		/* a file, shared */
	R_COW,		/* a file, private */
	R_FILE_RO,	/* a file, private, PROT_READ */
	R_RO,		/* anonymous, PROT_READ */
	R_MIXED,	/* anonymous, of changing protection */
	R_NONE,		/* PROT_NONE */
	R_BAR,		/* the device's BAR0: no struct page behind it */
	R_ABS,		/* no region: an address as it is */
};

struct pointer {
	enum region region;
	uint64_t offset;
};

void memory_make(void);
void memory_refill(uint64_t seed);
/* The device's own memory comes and goes with it. */
void memory_plug(int side, int device_fd);
void memory_unplug(int side);
void memory_change(struct rng *rng, char *text, size_t n);
/* Where both sides must be equal; the name of a region that is not, or NULL. */
const char *memory_unequal(void);
uint64_t memory_at(int side, struct pointer p);
/* Whether the byte @offset behind @p is the device's. */
bool memory_is_bar(struct pointer p, uint64_t offset);
uint64_t memory_size(enum region region);
const char *memory_name(enum region region);

/* ---- call.c ---- */

enum op { OP_MAP, OP_UNMAP, OP_DIRTY, OP_INFO, OP_EXT, OP_OTHER, OPS };

enum place {
	P_WHOLE,	/* ends right before a PROT_NONE page */
	P_SHORT,	/* so does this, but too early */
	P_ODD,		/* at an odd address */
	P_READONLY,
	P_NULL,
	P_KERNEL,
};

enum buffer {
	B_NO,		/* the call has no bitmap */
	B_GOOD,		/* ends right before a PROT_NONE page */
	B_SHORT,	/* so does this, but smaller than the call says */
	B_READONLY,
	B_NONE,		/* PROT_NONE */
	B_NULL,
	B_KERNEL,
	B_BAR,
};

#define ARG_MAX		512
#define BITS_MAX	(256UL << 10)
/* Behind them no memory: a call that lies of its bitmap's size must fault. */
#define BITS_GAP	(1UL << 44)

union arg {
	uint8_t bytes[ARG_MAX];
	uint32_t argsz;
	struct vfio_iommu_type1_dma_map map;
	struct {
		struct vfio_iommu_type1_dma_unmap unmap;
		struct vfio_bitmap unmap_bitmap;
	};
	struct {
		struct vfio_iommu_type1_dirty_bitmap dirty;
		struct vfio_iommu_type1_dirty_bitmap_get range;
	};
	struct vfio_iommu_type1_info info;
};

struct call {
	enum op op;
	unsigned long cmd;
	enum place place;
	size_t have;		/* bytes of the argument that there are */
	union arg arg;
	unsigned long number;	/* OP_EXT: what is asked for */
	struct pointer vaddr;	/* OP_MAP */
	enum buffer buffer;
	size_t real;		/* bytes of the bitmap that there are */
	unsigned int odd;	/* bytes between the bitmap and its guard */
};

struct answer {
	int ret;		/* or -errno */
	long locked;		/* KiB that the call locked */
	union arg arg;
	uint8_t *bits;		/* the bitmap's bytes afterwards */
};

/* The bitmap that a call has, or NULL. */
struct vfio_bitmap *call_bitmap(struct call *call);
const struct vfio_bitmap *call_bitmap_const(const struct call *call);
/* The range that a call is about; false where it has none. */
bool call_range(const struct call *call, uint64_t *iova, uint64_t *size);
/* Whether that range ends at 2^64 - 1. */
bool call_ends_space(const struct call *call);

void call_init(void);
/* @fill: call->real bytes that the bitmap holds before. */
void call_run(int side, const struct call *call, const uint8_t *fill,
	      struct answer *answer);
/* Locked memory, to be read anew after whatever is not call_run(). */
long call_locked_kib(void);
/* A call may lock @pages more, or what it likes (-1). */
void call_limit(long pages);

/* ---- sides.c ---- */

struct sides {
	bool v1;
	struct vfio_dev dev[SIDES];
	struct edu edu[SIDES];
	uint32_t failed[SIDES];	/* as read last */
	int container[SIDES];
	char claim[16];
	unsigned int limit;	/* dma_entry_limit of both */
};
extern struct sides sides;

void sides_find(void);
void sides_open(struct rng *rng, int epoch);
void sides_close(void);

/* ---- model.c ---- */

struct mapping {
	uint64_t iova, size;
	struct pointer vaddr;
	struct pointer pinned;	/* vaddr as it was when MAP pinned it */
	bool vaddr_invalid;
	uint8_t *written;	/* pages that the device wrote, unreported */
};

struct model {
	struct mapping *m;
	int nr, room;
	bool tracking;
};
extern struct model model;

void model_reset(void);
/* Any mapping that has a byte in [iova, last], or NULL. */
struct mapping *model_overlap(uint64_t iova, uint64_t last);
/* Mappings that begin in a range. */
int model_count(uint64_t iova, uint64_t size);
/* Takes in a call that both sides answered with @ret. */
void model_apply(const struct call *call, int ret, const uint8_t *fill);
void model_wrote(uint64_t iova);
/* Bytes that an UNMAP of this range unmaps. */
uint64_t model_unmaps(const struct call *call);

/* ---- gen.c, gen_dirty.c ---- */

void gen_call(struct rng *rng, struct call *call);
void gen_dirty(struct rng *rng, struct call *call);
void gen_bitmap(struct rng *rng, struct call *call, uint64_t size);
void gen_place(struct rng *rng, struct call *call, size_t size);
uint64_t gen_iova(struct rng *rng);
/* A range as UNMAP and GET like it, and how they do not. */
void gen_range(struct rng *rng, uint64_t *iova, uint64_t *size);

/* ---- info.c ---- */

#define RANGES_MAX 16

struct info {
	uint32_t flags, argsz;
	uint64_t pgsizes;
	struct vfio_iommu_type1_info_cap_migration migration;
	struct vfio_iommu_type1_info_cap_iova_range iovas;
	struct vfio_iova_range range[RANGES_MAX];
	bool has_migration, has_avail, has_ours, malformed;
	uint32_t avail;
	unsigned int unknown;
};
extern struct info infos[SIDES];	/* after the last call */

void info_read(int side);
/* NULL, or what differs. */
const char *info_differ(const struct info *stock, const struct info *ours);
const char *info_differ_call(const struct call *call, struct answer *a);

/* ---- bits.c ---- */

const char *bits_differ(const struct call *call, const struct answer *a,
			const uint8_t *fill);

/* ---- judge.c ---- */

/* False where a difference is not meant. Sets *resync where the sides part. */
bool judge(const struct call *call, struct answer *a, const uint8_t *fill,
	   bool *resync);
/* Nothing mapped, nothing logged, on both sides; "" or what is not so. */
const char *judge_empty(void);
/* Whether this call made stock's container one that cannot become empty. */
bool judge_stuck_by(const struct call *call, const struct answer *a);
/* judge_empty() for ours alone. */
const char *judge_stuck(void);
/* Once the containers are closed. */
const char *judge_closed(bool stuck);
void judge_device(struct rng *rng);

/* ---- meant.c ---- */

struct rule;
const struct rule *meant(const struct call *call, int stock, int ours);
bool meant_resync(const struct rule *rule);
/* A difference that no answer shows: by its rule's name. */
void meant_use(const char *name);
void meant_print(void);

/* ---- report.c ---- */

void report_call(const struct call *call, char *text, size_t n);
const char *report_answer(int ret);
/* @call may be NULL. */
void report_difference(const struct call *call, const char *what,
		       const struct answer *a);
void report_count(const struct call *call, int ret);
void report_page(bool dirty, bool written);
void report_device(bool allowed);
void report_counts(bool wanted);
extern unsigned long report_number;	/* of the call at work */
extern unsigned long report_bad;	/* differences so far */
extern bool report_trace;

#endif
