/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * vfio_iommu_type1_hwdbm: the contract with user space.
 *
 * What this backend adds to the VFIO container interface of <linux/vfio.h>.
 * All of type1 and type1v2 (MAP_DMA, UNMAP_DMA, GET_INFO, DIRTY_PAGES) is
 * served as described there; only the additions and the differences stand
 * here, and the errors in full.
 *
 * VFIO_SET_IOMMU with VFIO_TYPE1_HWDBM_IOMMU comes here always; with
 * VFIO_TYPE1_IOMMU or VFIO_TYPE1v2_IOMMU if the module was loaded with claim=
 * (and after vfio_iommu_type1: VFIO asks who registered last). With
 * claim=hwdbm a container is left to the next backend if its first group has
 * no dirty bits in hardware; EOPNOTSUPP if there is none.
 *
 * Errors of VFIO_SET_IOMMU and VFIO_GROUP_SET_CONTAINER, which bring groups in;
 * on error nothing has changed.
 *
 *   EOPNOTSUPP claim=hwdbm, see above
 *   EPERM      the group's interrupts are not remapped, and
 *              allow_unsafe_interrupts is off
 *   EINVAL     a mapping lies where the group's devices cannot do DMA
 *   EBUSY      the address of a mapping is invalid (UNMAP_DMA with VADDR); or
 *              the IOMMU driver says so
 *   ENODEV, EFAULT  memory is mapped that only now has to be pinned (so far
 *              there were only groups without an IOMMU), and its process is
 *              gone, or it is not there
 *   ENOMEM, EINTR   as below; and errors of the IOMMU driver
 *
 * Errors of VFIO_IOMMU_GET_INFO: EINVAL (argsz too small), EFAULT, ENOMEM, and
 * EINTR, as of VFIO_CHECK_EXTENSION, on a fatal signal.
 *
 * Errors of VFIO_IOMMU_DIRTY_PAGES. A refused call has changed nothing, but for
 * EINTR, which may leave clean pages dirty.
 *
 *   EINVAL     no flag, more than one, or an unknown one; argsz too small;
 *              range empty or not aligned to pgsize; pgsize not a power of
 *              two between the smallest IOMMU page and 1 GiB; bitmap too
 *              small for the range or not a user address; logging is off; a
 *              GET or GET_NOCLEAR range that cuts through a mapping
 *   EOVERFLOW  iova + size exceeds 2^64 (a range may end at 2^64 - 1)
 *   EFAULT     the argument or the bitmap cannot be read or written, or the
 *              bitmap's memory cannot be pinned (device memory); every page
 *              that was dirty still is
 *   ENOMEM     no memory; state as before
 *   EINTR      a fatal signal ended the call; every page that was dirty
 *              still is
 *   EACCES     the container is a type 1 (v1) container: it has no log
 *
 * Errors of VFIO_IOMMU_MAP_DMA; on error nothing is mapped.
 *
 *   EINVAL     argsz too small, unknown flags, neither READ nor WRITE (nor
 *              VADDR alone), size 0, not aligned to the smallest IOMMU page, or
 *              outside the valid IOVA ranges; with VADDR also a mapping whose
 *              address is valid, or of another IOVA or size
 *   EOVERFLOW  the IOVA or the address wraps (stock before 7.x: EINVAL)
 *   EEXIST     it overlaps a mapping
 *   ENOSPC     dma_entry_limit is reached
 *   ENOENT     with VADDR: nothing is mapped there
 *   EFAULT     there is neither memory that can be pinned nor device memory
 *              (as mmap of a VFIO device's BAR gives), or READ or WRITE is more
 *              than the process itself may do there, or the size is more than
 *              a process can have. While there are only groups without an
 *              IOMMU nothing is pinned, and nobody looks
 *   ENOMEM     no memory, or past RLIMIT_MEMLOCK without CAP_IPC_LOCK
 *   ENODEV     the last group is leaving the container (when it has left, every
 *              call is EINVAL)
 *   EINTR      a fatal signal
 *   and what the IOMMU driver, or the pinning of unusual memory, says
 *
 * Errors of VFIO_IOMMU_UNMAP_DMA. Nothing is unmapped on error, but for EINTR,
 * and EFAULT where the argument can be read and not written: then the call did
 * what it was to do, and could not say how much.
 *
 *   EINVAL     argsz too small, unknown flags, size 0, not aligned, cuts
 *              through a mapping (not in a v1 container); with GET_DIRTY_BITMAP
 *              also what is said of bitmaps above, or together with VADDR; with
 *              ALL also an IOVA or size other than 0; with VADDR also where an
 *              address is invalid already
 *   EBUSY      with VADDR: a group without an IOMMU is in; without: a driver
 *              keeps pages in the range pinned
 *   EOVERFLOW  iova + size exceeds 2^64 (stock before 7.x: EINVAL)
 *   EFAULT, ENOMEM  as above
 *   EINTR      a fatal signal came between two mappings
 */
#ifndef _UAPI_LINUX_VFIO_IOMMU_TYPE1_HWDBM_H
#define _UAPI_LINUX_VFIO_IOMMU_TYPE1_HWDBM_H

#include <linux/types.h>
#include <linux/vfio.h>

/**
 * VFIO_TYPE1_HWDBM_IOMMU - argument of VFIO_SET_IOMMU and CHECK_EXTENSION
 *
 * Selects this backend by name ("HWDB" in ASCII), whoever else is
 * registered. Semantics are those of VFIO_TYPE1v2_IOMMU.
 */
#define VFIO_TYPE1_HWDBM_IOMMU			0x48574442

/**
 * VFIO_DIRTY_LOG_MANUAL_CLEAR - argument of VFIO_CHECK_EXTENSION
 *
 * Answers 1 on a container that this backend serves with v2 semantics:
 * GET_BITMAP_NOCLEAR and CLEAR_BITMAP are there. A query only; it switches
 * nothing on. 0 before VFIO_SET_IOMMU, because another backend may come to serve
 * the container.
 */
#ifndef VFIO_DIRTY_LOG_MANUAL_CLEAR
#define VFIO_DIRTY_LOG_MANUAL_CLEAR		11
#endif

/*
 * Flags of VFIO_IOMMU_DIRTY_PAGES beside START, STOP and GET_BITMAP. Exactly
 * one flag a call. Both take a struct vfio_iommu_type1_dirty_bitmap_get in
 * data[], as GET_BITMAP does.
 *
 * For all three: bitmap.pgsize is any power of two from the smallest IOMMU
 * page to 1 GiB, and iova and size are multiples of it. A bit of a coarse
 * bitmap is the OR of its pages over all mappings that share it. Bits of
 * clean pages are written as 0, bits outside mappings are left alone: the
 * caller need not zero its buffer. bitmap.data may have any alignment.
 *
 * GET_BITMAP_NOCLEAR
 *   Reports what is dirty and cleans nothing: a later GET_BITMAP or
 *   GET_BITMAP_NOCLEAR reports at least the same pages.
 *
 * CLEAR_BITMAP
 *   The bitmap is input. Every mapped page whose bit is set is marked clean,
 *   in the IOMMU and in software, and is reported again only once it has
 *   been written again. Any subset of pages, holes and parts of mappings are
 *   welcome. Where one leaf of the IOMMU's tables is larger than what is
 *   cleared, its other pages stay dirty.
 *
 *   CLEAR, THEN COPY. A page that is copied first and cleared afterwards
 *   loses what the device wrote in between, and nothing will tell. Clear the
 *   page, and when the call has returned copy it.
 */
#ifndef VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP_NOCLEAR
#define VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP_NOCLEAR	(1 << 3)
#endif
#ifndef VFIO_IOMMU_DIRTY_PAGES_FLAG_CLEAR_BITMAP
#define VFIO_IOMMU_DIRTY_PAGES_FLAG_CLEAR_BITMAP	(1 << 4)
#endif

/*
 * Pages that a driver has pinned for a device without an IOMMU are dirty for as
 * long as they are, and up to and including the first GET_BITMAP or
 * CLEAR_BITMAP after the last unpin. What a driver writes through VFIO (dma_rw)
 * is dirty, also where the write failed half-way.
 */

/*
 * UNMAP_DMA with VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP: under the hwdbm policy,
 * and where the reader of every domain is VFIO_HWDBM_READER_TABLES, a write of a
 * device that races with the unmap is in the bitmap or does not reach memory. (A
 * device of the pinned policy writes only what its driver has pinned.) With other
 * readers the bitmap is what was dirty before the unmap began, and DMA that races
 * with it is undefined: stop the device's use of a range before unmapping it.
 *
 * A mapping that another thread makes in the range during the call may be left
 * alone, and so may one in which a driver pins pages meanwhile and keeps them: size
 * is then less than what was mapped, and the bits of what is left are not written.
 *
 * A fatal signal may end an UNMAP_DMA between two mappings (EINTR); size is then
 * not written back.
 *
 * Together with VFIO_DMA_UNMAP_FLAG_ALL (iova and size 0) the bitmap starts
 * at IOVA 0 and must reach the end of the last mapping, else EINVAL and
 * nothing is unmapped.
 */

/**
 * VFIO_IOMMU_TYPE1_INFO_CAP_HWDBM - id of our capability in GET_INFO's chain
 */
#define VFIO_IOMMU_TYPE1_INFO_CAP_HWDBM		0x4857

/* vfio_iommu_type1_info_cap_hwdbm.policy: where dirtiness comes from now */
#define VFIO_HWDBM_POLICY_PINNED	0	/* pages pinned by drivers */
#define VFIO_HWDBM_POLICY_HWDBM		1	/* the IOMMU's dirty bits */
#define VFIO_HWDBM_POLICY_FULL		2	/* every mapped page is dirty */

/* vfio_iommu_type1_info_cap_hwdbm.reason: why that policy */
#define VFIO_HWDBM_REASON_NONE		0	/* nothing stands against HWDBM */
#define VFIO_HWDBM_REASON_NO_DOMAIN	1	/* no IOMMU domain attached */
#define VFIO_HWDBM_REASON_INCAPABLE	2	/* a domain cannot track */
#define VFIO_HWDBM_REASON_HW_ERROR	3	/* a domain failed while tracking */

/* vfio_iommu_type1_hwdbm_domain.reader: how its dirty bits are read */
#define VFIO_HWDBM_READER_NONE		0	/* not at all */
#define VFIO_HWDBM_READER_GATHER	1	/* driver's op, via its flush range */
#define VFIO_HWDBM_READER_TABLES	2	/* from the IOMMU's page tables */

/**
 * struct vfio_iommu_type1_hwdbm_domain - one IOMMU domain of the container
 * @flags: VFIO_HWDBM_DOMAIN_* below
 * @reader: VFIO_HWDBM_READER_*
 * @pgsize_bitmap: leaf sizes of its tables, one bit a size in bytes
 */
struct vfio_iommu_type1_hwdbm_domain {
	__u32	flags;
#define VFIO_HWDBM_DOMAIN_CAPABLE	(1 << 0)  /* allocated with tracking */
#define VFIO_HWDBM_DOMAIN_TRACKING	(1 << 1)  /* its bits count: logging */
#define VFIO_HWDBM_DOMAIN_FAILED	(1 << 2)  /* its hardware failed */
#define VFIO_HWDBM_DOMAIN_COHERENT	(1 << 3)  /* enforces coherency */
	__u32	reader;
	__u64	pgsize_bitmap;
};

/**
 * struct vfio_iommu_type1_info_cap_hwdbm - the dirty policy of the container
 * @header: id VFIO_IOMMU_TYPE1_INFO_CAP_HWDBM, version 1
 * @policy: VFIO_HWDBM_POLICY_*, as it would be asked for now
 * @reason: VFIO_HWDBM_REASON_*
 * @flags: VFIO_HWDBM_INFO_LOGGING while START is in force
 * @nr_domains: entries of @domains
 * @granule: bytes that one bit of the software log stands for
 * @log_bytes: memory that the software log holds now, in bytes
 * @domains: one entry an IOMMU domain
 *
 * As every capability it may begin at a multiple of 4 only (kernels before 6.6):
 * copy it before its 64-bit fields are used.
 */
struct vfio_iommu_type1_info_cap_hwdbm {
	struct vfio_info_cap_header header;
	__u32	policy;
	__u32	reason;
	__u32	flags;
#define VFIO_HWDBM_INFO_LOGGING		(1 << 0)
	__u32	nr_domains;
	__u64	granule;
	__u64	log_bytes;
	struct vfio_iommu_type1_hwdbm_domain domains[];
};

#endif /* _UAPI_LINUX_VFIO_IOMMU_TYPE1_HWDBM_H */
