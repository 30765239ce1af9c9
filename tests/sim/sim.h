/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The simulator's own ioctls, shared with the programs of tests/uapi.
 *
 * An emulated device (platform device hwdbm-sim.N, N from 0) is a VFIO device
 * without an IOMMU behind it, as mediated devices are: it reaches memory by
 * pinning pages through VFIO, or by vfio_dma_rw(). These go to its device fd.
 * All of them return 0, or what is said there, or -1 with errno: EFAULT where
 * an argument or a buffer cannot be read or written, EINVAL for unknown flags
 * and sizes out of range, ENOMEM, and what VFIO answers.
 *
 * QEMU's edu, once bound to the PCI driver hwdbm-sim-pci (by driver_override:
 * take-edu does it), is a VFIO device too, with the group that its IOMMU gives
 * it. It does all that an emulated device does, and DMA through the IOMMU.
 *
 * A simulated IOMMU (platform device hwdbm-sim-iommu.N, N from 0) has devices
 * behind it (platform devices hwdbm-sim-dma.M, M from 0 through all IOMMUs), VFIO
 * devices with a group each. They too do all that an emulated device does, and
 * DMA through their IOMMU: SIM_DMA and SIM_BURST. What the IOMMU itself is to do
 * is told by SIM_ORDER and asked by SIM_WATCH, on the fd of any of its devices.
 *
 * A simulated IOMMU has an IOTLB that forgets nothing but what it is told to:
 * a translation that was used once is used until it is invalidated. A write
 * through a leaf that is clean sets its dirty bit and leaves an entry that will
 * not look at the leaf again.
 */
#ifndef HWDBM_SIM_H
#define HWDBM_SIM_H

#include <linux/ioctl.h>
#include <linux/types.h>

/* "SIM_DEVICE_NAME.N" is what GET_DEVICE_FD wants, and a platform device. */
#define SIM_DEVICE_NAME	"hwdbm-sim"

#define SIM_PCI_DRIVER	"hwdbm-sim-pci"

#define SIM_PAGE	4096
#define SIM_MAX_PAGES	512		/* of one PIN or UNPIN: VFIO's limit */
#define SIM_MAX_BYTES	(16 << 20)	/* of one COPY or RW */

#define SIM_PROT_READ	(1 << 0)
#define SIM_PROT_WRITE	(1 << 1)

/**
 * struct sim_pin - argument of SIM_PIN
 * @iova: of the first page, a multiple of SIM_PAGE
 * @npages: 0 to any number: VFIO itself is to judge those over the limit
 * @prot: SIM_PROT_*
 * @pfns: address of @npages __u64, which get the page frame numbers; or 0
 *
 * Returns what vfio_pin_pages() does: the number of pages. A page may be pinned
 * several times, and is then to be unpinned as often.
 */
struct sim_pin {
	__u64	iova;
	__u32	npages;
	__u32	prot;
	__u64	pfns;
};

/**
 * struct sim_unpin - argument of SIM_UNPIN
 * @iova: of the first page, a multiple of SIM_PAGE
 * @npages: 1 to SIM_MAX_PAGES
 * @flags: SIM_UNPIN_UNCHECKED: also what this device has not pinned; its own
 *	record is left as it is
 *
 * Undoes one pin of each page. EINVAL, with nothing done, if the device has not
 * pinned all of them.
 */
struct sim_unpin {
	__u64	iova;
	__u32	npages;
	__u32	flags;
#define SIM_UNPIN_UNCHECKED	(1 << 0)
};

/**
 * struct sim_copy - argument of SIM_COPY and of SIM_RW
 * @iova: of the first byte, any
 * @data: address of the caller's buffer
 * @bytes: 1 to SIM_MAX_BYTES
 * @flags: SIM_COPY_WRITE: from @data to @iova, else the other way.
 *	SIM_COPY_KTHREAD (of SIM_RW only): in a kernel thread, which has no
 *	address space of its own
 *
 * SIM_COPY is DMA: it goes through the pages that the device has pinned, and
 * asks nobody. EINVAL, with nothing copied, if one of them is not pinned.
 * SIM_RW is vfio_dma_rw().
 */
struct sim_copy {
	__u64	iova;
	__u64	data;
	__u32	bytes;
	__u32	flags;
#define SIM_COPY_WRITE		(1 << 0)
#define SIM_COPY_KTHREAD	(1 << 1)
};

/**
 * struct sim_behave - argument of SIM_BEHAVE
 * @unpin_at: the notification of an unmap (1: the first from now) from which
 *	on the device unpins what it has pinned there; 0: never
 * @flags: SIM_BEHAVE_KEEP: when it is closed it keeps its pins, as no driver
 *	may. By the time that it is opened again its container must be gone: it
 *	then gives the pages back to the kernel, of which VFIO learns nothing
 *
 * Forgets the notifications seen so far. A device that is opened begins with
 * @unpin_at 1, no flags and none seen.
 */
struct sim_behave {
	__u32	unpin_at;
	__u32	flags;
#define SIM_BEHAVE_KEEP		(1 << 0)
};

#define SIM_NOTICES	32

/**
 * struct sim_state - result of SIM_STATE
 * @pins: pins held: pages, each as often as it is pinned
 * @pages: pages that are pinned
 * @notified: notifications of an unmap seen
 * @notices: the first of them, as they came
 * @notices.iova: first byte of what is to be unmapped
 * @notices.bytes: its size
 */
struct sim_state {
	__u64	pins;
	__u64	pages;
	__u64	notified;
	struct {
		__u64	iova;
		__u64	bytes;
	} notices[SIM_NOTICES];
};

#define SIM_DMA_BUFFER	4096

/**
 * struct sim_dma - argument of SIM_STORE and SIM_FETCH, an edu's only
 * @iova: of the first byte, any
 * @bytes: 1 to SIM_DMA_BUFFER
 * @offset: into the edu's buffer, which has SIM_DMA_BUFFER bytes
 *
 * STORE is DMA from the buffer to @iova, FETCH the other way. Pins do not come
 * into it. EIO if the edu says that it went wrong, ETIMEDOUT if it goes on.
 */
struct sim_dma {
	__u64	iova;
	__u32	bytes;
	__u32	offset;
};

#define SIM_DMA_DEVICE_NAME	"hwdbm-sim-dma"
#define SIM_IOMMU_NAME		"hwdbm-sim-iommu"
#define SIM_MAX_IOMMUS		4

/**
 * struct sim_write - one write of SIM_BURST
 * @iova: of the first byte, a multiple of 8
 * @value: what is stored there, in the machine's byte order
 */
struct sim_write {
	__u64	iova;
	__u64	value;
};

#define SIM_MAX_WRITES	4096

/**
 * struct sim_burst - argument of SIM_BURST
 * @writes: address of @count struct sim_write
 * @count: 1 to SIM_MAX_WRITES
 * @refused: out, how many of them were refused: not mapped, not writeable
 *
 * Writes of 8 bytes by DMA, one after the other. SIM_DMA takes a struct sim_copy
 * and does the same for any bytes: EIO where the IOMMU refuses a byte; what comes
 * before it is done.
 */
struct sim_burst {
	__u64	writes;
	__u32	count;
	__u32	refused;
};

/* Calls to the driver of an IOMMU, in which an error can be ordered. */
#define SIM_OP_ALLOC		0	/* of a domain, tracking or not */
#define SIM_OP_ATTACH		1
#define SIM_OP_MAP		2	/* a leaf; those before it stay, as with VT-d */
#define SIM_OP_SET_DIRTY	3
#define SIM_OP_READ		4	/* read_and_clear_dirty: a leaf */
#define SIM_OPS			5

/**
 * struct sim_order - argument of SIM_ORDER
 * @op: SIM_OP_*
 * @error: a positive errno
 * @nth: the call from now on that fails first, 1 the next; 0: none fails
 * @times: how many fail from then on, ~0: all
 * @hold: SIM_HOLD: invalidations of this IOMMU that begin from now on do not
 *	take effect, and do not return, until SIM_RELEASE is ordered, or the fd
 *	that ordered it is closed, or ten seconds have gone by.
 *	SIM_HOLD_KEEP leaves this as it is, and is the only one that goes with
 *	an @op to order
 * @flags: 0
 *
 * Orders last until they are used up or replaced, not until the fd is closed.
 */
struct sim_order {
	__u32	op;
	__u32	error;
	__u32	nth;
	__u32	times;
	__u32	hold;
#define SIM_HOLD_KEEP	0
#define SIM_HOLD	1
#define SIM_RELEASE	2
	__u32	flags;
};

/* For a trap only: an invalidation. */
#define SIM_TRAP_SYNC	5

/**
 * struct sim_trap - argument of SIM_TRAP
 * @iova: of a write of 8 bytes by this device, a multiple of 8
 * @value: what is stored there
 * @iommu: whose calls count, by number: this device's or another
 * @op: SIM_OP_MAP: the write comes when the leaf has been made.
 *	SIM_OP_READ: before the leaf is looked at. SIM_TRAP_SYNC: before the
 *	invalidation takes effect
 * @nth: the call from now on that the write goes with, 1 the next; 0: forget it
 * @flags: 0
 *
 * A write at a moment that no thread could hit: once, and in place of what the
 * same IOMMU had been told before. It is forgotten when the device is closed.
 */
struct sim_trap {
	__u64	iova;
	__u64	value;
	__u32	iommu;
	__u32	op;
	__u32	nth;
	__u32	flags;
};

/**
 * struct sim_watch - result of SIM_WATCH, of the IOMMU behind the device
 * @calls: to each SIM_OP_* since the module was loaded; an attach that the IOMMU
 *	refuses because the domain is another's is none
 * @failed: of these, by order
 * @trapped: writes by traps that this IOMMU had, and that were not refused
 * @syncs: invalidations that were finished
 * @held: invalidations that are held now
 * @domains: that there are
 * @leaves: that are mapped, in all of them
 * @entries: in the IOTLB, of all of them
 * @late: DMA that came upon an entry of the IOTLB whose leaf is gone, or is
 *	another, while its page (or the huge page it is part of) was pinned still:
 *	done, as by an IOMMU. It came between an unmap and the invalidation for it
 * @stale: the same, with a page that nobody has pinned any more. It was refused,
 *	since the page may be somebody else's; an IOMMU would not have done so.
 *	Nothing but 0 is good
 * @iommu: the number of the IOMMU
 * @tracking: 1 if the domain that the device is attached to tracks dirty pages
 *	now, else 0
 */
struct sim_watch {
	__u64	calls[SIM_OPS];
	__u64	failed[SIM_OPS];
	__u64	trapped;
	__u64	syncs;
	__u64	held;
	__u64	domains;
	__u64	leaves;
	__u64	entries;
	__u64	late;
	__u64	stale;
	__u32	iommu;
	__u32	tracking;
};

#define SIM_PIN		_IOW('~', 0xc0, struct sim_pin)
#define SIM_UNPIN	_IOW('~', 0xc1, struct sim_unpin)
#define SIM_COPY	_IOW('~', 0xc2, struct sim_copy)
#define SIM_RW		_IOW('~', 0xc3, struct sim_copy)
#define SIM_BEHAVE	_IOW('~', 0xc4, struct sim_behave)
#define SIM_STATE	_IOR('~', 0xc5, struct sim_state)
#define SIM_STORE	_IOW('~', 0xc6, struct sim_dma)
#define SIM_FETCH	_IOW('~', 0xc7, struct sim_dma)
#define SIM_DMA		_IOW('~', 0xc8, struct sim_copy)
#define SIM_BURST	_IOWR('~', 0xc9, struct sim_burst)
#define SIM_ORDER	_IOW('~', 0xca, struct sim_order)
#define SIM_WATCH	_IOR('~', 0xcb, struct sim_watch)
#define SIM_TRAP	_IOW('~', 0xcc, struct sim_trap)

#endif
