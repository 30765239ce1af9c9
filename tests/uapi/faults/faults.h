/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every failure point of every operation: the n-th thing that can fail fails,
 * for n = 1, 2, ... until it no longer does. After each the state must be what
 * it was, nothing may be lost, and the same call must work.
 */
#ifndef HWDBM_TEST_FAULTS_H
#define HWDBM_TEST_FAULTS_H

#include "counters.h"
#include "vfio.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE	4096ULL

/* ---- source.c: what fails ---- */

struct source {
	const char *name;
	unsigned int op;			/* of the simulator's IOMMU */
	void (*arm)(const struct source *s, unsigned int n);
	bool (*struck)(const struct source *s);	/* and no longer armed */
};

/* Why the kernel's own fault injection is not to be had, or NULL. */
const char *nth_missing(void);
extern const struct source nth_source;
/* Errors of a simulated IOMMU; ends with a name of NULL. */
extern const struct source iommu_sources[];

/* ---- sweep.c ---- */

/* What an operation's after() found. */
enum verdict {
	WRONG,		/* said so */
	AS_BEFORE,	/* it failed, and nothing has changed */
	DONE,		/* it did its work, and all is put back */
};

/*
 * @world: what it wants to be there
 * @before: before each call, where there is something to be prepared
 * @run: the call: 0 or -errno
 * @after: judges it
 * @iommu: errors of the IOMMU can reach it, so that these are swept, too
 */
struct op {
	const char *name;
	bool (*world)(void);
	void (*before)(void);
	int (*run)(void);
	enum verdict (*after)(int ret);
	bool iommu;
};

void sweep(const struct op *op, const struct source *s);
/* Operations, points and failed calls so far. */
void sweep_total(void);

/* ---- world.c: containers, devices and what is mapped ---- */

#define MAIN_IOVA	0x10000000ULL
#define MAIN_PAGES	64
#define SIDE_IOVA	(MAIN_IOVA + (512ULL << 20))
#define SIDE_PAGES	16
/* From one to the other: a bitmap of several pages, of which two are used. */
#define SPAN		(SIDE_IOVA + SIDE_PAGES * PAGE - MAIN_IOVA)
#define SPAN_BYTES	((SPAN / PAGE + 63) / 64 * 8)
#define SIDE_BIT	((SIDE_IOVA - MAIN_IOVA) / PAGE)

struct world {
	struct vfio_dev dma[2];		/* behind an IOMMU */
	int nr_dma;
	struct vfio_dev emul;		/* without one */
	bool have_emul, simulated;	/* dma[] are the simulator's */
	int container;
	char *main, *side;		/* memory, mapped or not */
	uint8_t *bits;			/* SPAN_BYTES */
	struct counters idle;
};

extern struct world w;

void world_find(void);
void world_close(void);

/* Worlds; each is as it was where it is there already. false: not here. */
bool world_none(void);	/* no container */
bool world_dma(void);	/* dma[0] open, MAIN and SIDE mapped */
bool world_pair(void);	/* the same, and dma[1] can be had */
bool world_emul(void);	/* emul open, MAIN and SIDE mapped, nothing pinned */
bool world_mixed(void);	/* the same, and dma[0] can be had */

/* Logging anew; and then some pages are written, by whoever is there. */
void log_anew(void);
void log_dirty(void);
void log_off(void);
void write_some(void);

/* Whether a bitmap of MAIN, of SIDE or of both has what write_some() wrote. */
bool has_main(const uint8_t *map);
bool has_side(const uint8_t *map);
/* Whether the next GET would tell of it. */
bool still_dirty(void);
/* The caller's bitmap before a call, and whether that is still there. */
void bits_fill(void);
bool bits_untouched(void);

int ask(uint32_t flag, uint64_t pgsize);	/* over SPAN, into w.bits */
int map_main(void);
int map_side(void);

/* bails */
void must(int ret, const char *what);
/* false, and says what is wrong */
bool expect(bool ok, const char *what);

/* ---- the operations; each list ends with a name of NULL ---- */

extern const struct op ops_container[];	/* ops_container.c */
extern const struct op ops_map[];	/* ops_map.c */
extern const struct op ops_unmap[];	/* ops_unmap.c */
extern const struct op ops_log[];	/* ops_log.c */
extern const struct op ops_emul[];	/* ops_emul.c */

/* ---- failures of memory itself ---- */

void test_memory(void);	/* memory.c */
void test_killed(void);	/* killed.c */

#endif
