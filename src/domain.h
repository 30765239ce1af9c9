/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One IOMMU domain of a container and the groups attached to it.
 *
 * Locks: what changes groups or allocates and frees a domain is called with the
 * container's domains_sem held for writing; what maps, unmaps and reads, too, or
 * with it held for reading and the lock of the mapping concerned.
 */
#ifndef HWDBM_DOMAIN_H
#define HWDBM_DOMAIN_H

#include <linux/list.h>
#include <linux/types.h>

#include "dirty_reader.h"
#include "iova_ranges.h"

struct iommu_domain;
struct iommu_group;

/**
 * struct hwdbm_group - an IOMMU group attached to a domain
 * @next: in hwdbm_domain.groups; domains_sem
 * @iommu_group: VFIO keeps it alive while it is attached; immutable
 * @pinned: pinned scope: the driver of its one device pins the pages that the
 *	device writes, as it has shown since the device was opened; domains_sem
 * @sw_msi: the group's MSIs need the window at @sw_msi_base; immutable
 * @sw_msi_base: first byte of that window; immutable
 * @nr_resv: entries of @resv; immutable
 * @resv: IOVAs that its devices cannot use for DMA; immutable
 */
struct hwdbm_group {
	struct list_head next;
	struct iommu_group *iommu_group;
	bool pinned;
	bool sw_msi;
	u64 sw_msi_base;
	unsigned int nr_resv;
	struct hwdbm_iova_range resv[];
};

/**
 * struct hwdbm_domain - an IOMMU domain
 * @next: in hwdbm_container.domains; domains_sem
 * @groups: struct hwdbm_group attached; domains_sem
 * @iommu: the kernel's domain; immutable
 * @reader: how its dirty bits are read, NULL if they are not; immutable
 * @coherent: it enforces cache coherency; immutable
 * @tracking: its dirty bits count: START has cleared what was old. The hardware
 *	sets them from before the first group is attached until the domain is
 *	freed, see hwdbm_domain_alloc(); domains_sem
 * @failed: its hardware failed since START, and the log was told. Set under
 *	domains_sem held for reading, so atomically; reset under it held for writing
 * @name: a device of it, or the last that it had, for messages; domains_sem
 */
struct hwdbm_domain {
	struct list_head next;
	struct list_head groups;
	struct iommu_domain *iommu;
	const struct hwdbm_dirty_reader *reader;
	bool coherent;
	bool tracking;
	bool failed;
	char name[32];
};

/**
 * hwdbm_group_alloc() - describe an IOMMU group
 * @iommu_group: the group
 *
 * Return: the group, attached to nothing, or ERR_PTR (-ENOMEM, or what the
 * IOMMU driver says of its reserved regions). Free it with kfree().
 */
struct hwdbm_group *hwdbm_group_alloc(struct iommu_group *iommu_group);

/** hwdbm_group_single() - does it consist of one device */
bool hwdbm_group_single(const struct hwdbm_group *g);

/** hwdbm_group_msi_safe() - can no device of it fake others' interrupts */
bool hwdbm_group_msi_safe(const struct hwdbm_group *g);

/**
 * hwdbm_group_device_name() - a device of a group, for messages
 * @g: the group
 * @name: gets its name, or "no device"
 * @size: room in @name
 */
void hwdbm_group_device_name(const struct hwdbm_group *g, char *name,
			     size_t size);

/**
 * hwdbm_domain_alloc() - a domain fit for a group, and the group attached
 * @g: the group, which becomes the only one in it
 *
 * With dirty tracking if every device of the group has it and there is a
 * reader for it; cache coherency is enforced where that can be done.
 *
 * Hardware tracking is switched on here, while nothing is attached, and stays
 * on. AMD's driver (6.12) switches it in the device's own table entry only; the
 * entries of its DMA aliases (a PCI bridge, a phantom function) are copied at
 * attach and when the table grows. Switched later, writes by an alias would
 * leave no dirty bit, and nobody would know.
 *
 * Return: the domain in no list, or ERR_PTR with nothing attached.
 */
struct hwdbm_domain *hwdbm_domain_alloc(struct hwdbm_group *g);

/** hwdbm_domain_free() - free an empty domain with its tables */
void hwdbm_domain_free(struct hwdbm_domain *d);

/** hwdbm_domain_joinable() - may a group of @fresh live in @d instead */
bool hwdbm_domain_joinable(const struct hwdbm_domain *d,
			   const struct hwdbm_domain *fresh);

/**
 * hwdbm_domain_attach() - attach a group and list it
 *
 * Return: 0, or a negative errno with nothing changed.
 */
int hwdbm_domain_attach(struct hwdbm_domain *d, struct hwdbm_group *g);

/** hwdbm_domain_detach() - the group's devices can no longer do DMA */
void hwdbm_domain_detach(struct hwdbm_domain *d, struct hwdbm_group *g);

/**
 * hwdbm_domain_set_msi() - give its MSIs their window, if they need one
 *
 * Return: 0, also on a kernel that has no such windows; or -ENOMEM.
 */
int hwdbm_domain_set_msi(struct hwdbm_domain *d, const struct hwdbm_group *g);

/** hwdbm_domain_aperture() - IOVAs that its tables can hold, inclusive */
struct hwdbm_iova_range hwdbm_domain_aperture(const struct hwdbm_domain *d);

/** hwdbm_domain_pgsizes() - its leaf sizes, one bit a size in bytes */
unsigned long hwdbm_domain_pgsizes(const struct hwdbm_domain *d);

/**
 * hwdbm_domain_map() - map a physically contiguous run, of any length
 * @d: the domain
 * @iova: first byte
 * @phys: first physical byte
 * @bytes: length
 * @prot: IOMMU_READ and IOMMU_WRITE
 *
 * Return: 0, or a negative errno with nothing of the run mapped.
 */
int hwdbm_domain_map(struct hwdbm_domain *d, u64 iova, u64 phys, u64 bytes,
		     int prot);

/**
 * hwdbm_domain_unmap() - unmap whole runs that are mapped, and flush
 *
 * Return: false, with a warning, if the driver would not: then its devices may
 * still reach them.
 */
bool hwdbm_domain_unmap(struct hwdbm_domain *d, u64 iova, u64 bytes);

/**
 * hwdbm_domain_run() - the physically contiguous run at an IOVA
 * @d: the domain
 * @iova: first byte, mapped
 * @last: where to end at the latest, inclusive
 * @phys: out, first physical byte
 *
 * Return: its length in bytes. It ends where the memory does, or at a boundary
 * that no leaf crosses.
 */
u64 hwdbm_domain_run(const struct hwdbm_domain *d, u64 iova, u64 last,
		     u64 *phys);

/**
 * hwdbm_domain_unmap_runs() - unmap a range and hand out what it mapped
 * @d: the domain; every other one has the range unmapped already, or will not
 * @iova: first byte, mapped
 * @last: last byte, inclusive
 * @release: gets each physically contiguous run, once no device of @d reaches it
 * @ctx: passed to @release
 *
 * Cannot fail and allocates nothing.
 */
void hwdbm_domain_unmap_runs(struct hwdbm_domain *d, u64 iova, u64 last,
			     void (*release)(void *ctx, u64 phys, u64 bytes),
			     void *ctx);

/** hwdbm_domain_capable() - was it allocated with dirty tracking */
static inline bool hwdbm_domain_capable(const struct hwdbm_domain *d)
{
	return d->reader;
}

/**
 * hwdbm_domain_harvest() - one pass over dirty bits, with its invalidation
 * @d: a capable domain
 * @h: the pass; see there for the locks
 *
 * When it returns, the invalidation of all that was cleaned has finished.
 *
 * Return: 0, or the driver's errno: then dirty bits may be unknown.
 */
int hwdbm_domain_harvest(struct hwdbm_domain *d, struct hwdbm_harvest *h);

/**
 * hwdbm_domain_forget() - clean a range of one mapping, recording nothing
 * @d: a capable domain, tracking
 * @first: first byte
 * @last: last byte, inclusive
 *
 * When it returns, every device write to the range sets a dirty bit: all of
 * it is invalidated, whether or not it was dirty.
 *
 * Return: 0, or the driver's errno: then old dirty bits may be left.
 */
int hwdbm_domain_forget(struct hwdbm_domain *d, u64 first, u64 last);

/**
 * hwdbm_domain_seal() - let no device write to a mapping that goes away
 * @d: a capable domain
 * @first: first byte of the mapping
 * @last: its last byte, inclusive, below U64_MAX
 *
 * When it returns, every write of a device to the range has left its dirty bit or
 * has been refused. Does nothing where the reader cannot: then a write may come
 * later, until the range is unmapped.
 *
 * Return: 0, or a negative errno: then dirty bits may be unknown.
 */
int hwdbm_domain_seal(struct hwdbm_domain *d, u64 first, u64 last);

#endif /* HWDBM_DOMAIN_H */
