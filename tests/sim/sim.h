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
 * @flags: 0
 *
 * Forgets the notifications seen so far. A device that is opened begins with
 * @unpin_at 1 and none seen.
 */
struct sim_behave {
	__u32	unpin_at;
	__u32	flags;
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

#define SIM_PIN		_IOW('~', 0xc0, struct sim_pin)
#define SIM_UNPIN	_IOW('~', 0xc1, struct sim_unpin)
#define SIM_COPY	_IOW('~', 0xc2, struct sim_copy)
#define SIM_RW		_IOW('~', 0xc3, struct sim_copy)
#define SIM_BEHAVE	_IOW('~', 0xc4, struct sim_behave)
#define SIM_STATE	_IOR('~', 0xc5, struct sim_state)
#define SIM_STORE	_IOW('~', 0xc6, struct sim_dma)
#define SIM_FETCH	_IOW('~', 0xc7, struct sim_dma)

#endif
