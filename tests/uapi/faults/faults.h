/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every failure point of every operation: the n-th thing that can fail fails,
 * for n = 1, 2, ... until it no longer does. After each the state must be what
 * it was, nothing may be lost, and the same call must work.
 */
#ifndef HWDBM_TEST_FAULTS_H
#define HWDBM_TEST_FAULTS_H

#include "counters.h"
#include "simdma.h"
#include "vfio.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE	4096ULL

/* ---- source.c: what fails ---- */

/* Simulated IOMMUs: the one of dma[0], and the one of guest(). */
enum iommu { FIRST_IOMMU, SECOND_IOMMU, NR_IOMMUS };

struct source {
	const char *name;
	enum iommu iommu;			/* a simulated one's, */
	unsigned int op;			/* SIM_OP_*: this call */
	void (*arm)(const struct source *s, unsigned int n);
	bool (*struck)(const struct source *s);	/* and no longer armed */
};

/* Why the kernel's own fault injection is not to be had, or NULL. */
const char *nth_missing(void);
extern const struct source nth_source;
/* Errors of simulated IOMMUs; ends with a name of NULL. */
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
 * @reaches: calls to a simulated IOMMU, by what names it, and by its op a bit each:
 *	those that the operation makes, and no others
 */
struct op {
	const char *name;
	bool (*world)(void);
	void (*before)(void);
	int (*run)(void);
	enum verdict (*after)(int ret);
	unsigned int reaches[NR_IOMMUS];
};

#define ALLOCS	(1 << SIM_OP_ALLOC)
#define ATTACHES	(1 << SIM_OP_ATTACH)
#define MAPS	(1 << SIM_OP_MAP)
#define TRACKS	(1 << SIM_OP_SET_DIRTY)
#define READS	(1 << SIM_OP_READ)

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

#define MAX_DMA		4

/*
 * @dma: devices behind an IOMMU. Of four the third is behind the same one as the
 *	second, in a container of its own, and there to order that one's errors;
 *	the fourth is behind one that cannot track
 */
struct world {
	struct vfio_dev dma[MAX_DMA];
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
bool world_mixed(void);	/* the same, and guest() can be had */
bool world_incapable(void);	/* as pair; guest() is one that cannot track */
bool world_pins(void);	/* as dma; dma[0] pins */

/* Behind the second IOMMU, where there is one. */
struct vfio_dev *second(void);
/* Who joins where others are; nobody has opened it. */
struct vfio_dev *guest(void);
/* It opens its device, writes a page that nobody else does, and closes it. */
void guest_writes(void);
/* On whose fd errors of that IOMMU are ordered, or NULL: nobody's, now. */
const struct vfio_dev *orders_of(enum iommu iommu);

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
/* And of what guest_writes() wrote. */
bool guest_dirty(void);
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
