/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VFIO's container, group and device, as thin calls that return 0 or -errno.
 *
 * Every argument that goes to the container ends right before a PROT_NONE
 * page, so that a kernel which reads or writes more than argsz says is seen
 * (as EFAULT) in each and every test.
 */
#ifndef HWDBM_TEST_VFIO_H
#define HWDBM_TEST_VFIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/vfio.h>
#include <linux/vfio_iommu_type1_hwdbm.h>

#define DIRTY_START	VFIO_IOMMU_DIRTY_PAGES_FLAG_START
#define DIRTY_STOP	VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP
#define DIRTY_GET	VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP
#define DIRTY_NOCLEAR	VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP_NOCLEAR
#define DIRTY_CLEAR	VFIO_IOMMU_DIRTY_PAGES_FLAG_CLEAR_BITMAP

#define MAP_RW		(VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE)

/* ---- vfio_open.c: what is there, and opening it ---- */

struct vfio_dev {
	char bdf[16];
	int group_nr;
	int group;		/* fd, -1 when closed */
	int fd;			/* device fd, -1 when closed */
};

#define VFIO_EDU_ID	"0x11e8"

/*
 * The devices bound to a PCI driver with this device id, in the order of their
 * addresses; how many there are, up to @max. Without @driver: vfio-pci.
 */
int vfio_find_bound(const char *driver, const char *id, struct vfio_dev *devs,
		    int max);
int vfio_find(const char *id, struct vfio_dev *devs, int max);
int vfio_find_edus(struct vfio_dev *devs, int max);

int vfio_container_open(void);		/* fd or -errno */
int vfio_check_extension(int container, unsigned long what);
int vfio_set_iommu(int container, unsigned long type);
int vfio_group_open(struct vfio_dev *dev);
int vfio_group_attach(struct vfio_dev *dev, int container);
int vfio_group_detach(struct vfio_dev *dev);
int vfio_device_open(struct vfio_dev *dev);
void vfio_device_close(struct vfio_dev *dev);
void vfio_group_close(struct vfio_dev *dev);

/* All of it: container fd with @dev in it and its device open; or bail. */
int vfio_setup(struct vfio_dev *dev, unsigned long type);
void vfio_teardown(struct vfio_dev *dev, int container);

/* ---- vfio_pci.c: a device's regions; these bail on an error ---- */

struct vfio_region_info vfio_region(int fd, uint32_t index);
/* Bits of the command register that go, and bits that come. */
void vfio_pci_command(int fd, uint16_t clear, uint16_t set);

/* ---- vfio_dma.c: mappings and GET_INFO ---- */

int vfio_map(int container, void *vaddr, uint64_t iova, uint64_t size,
	     uint32_t flags);

/* @unmapped, where not NULL, gets the size that the kernel wrote back. */
int vfio_unmap(int container, uint64_t iova, uint64_t size, uint32_t flags,
	       uint64_t *unmapped);
int vfio_unmap_dirty(int container, uint64_t iova, uint64_t size,
		     uint32_t flags, struct vfio_bitmap *bitmap,
		     uint64_t *unmapped);

/* The whole of GET_INFO, to be freed; bails on an error. */
struct vfio_iommu_type1_info *vfio_info(int container);
struct vfio_info_cap_header *vfio_info_cap(struct vfio_iommu_type1_info *info,
					   unsigned int id);
long vfio_dma_avail(int container);	/* -1: no such capability */

/* Fixed part of our capability; false where the container has none. */
bool vfio_policy(int container, struct vfio_iommu_type1_info_cap_hwdbm *cap);

/* Bails unless the container's policy is @policy. */
void vfio_expect_policy(int container, unsigned int policy);

/* ---- vfio_dirty.c: DIRTY_PAGES ---- */

/* START, STOP, or anything else that takes no data. */
int vfio_dirty_flag(int container, uint32_t flags);

/* GET, NOCLEAR and CLEAR. */
int vfio_dirty_range(int container, uint32_t flag, uint64_t iova,
		     uint64_t size, uint64_t pgsize, void *bitmap,
		     uint64_t bytes);

/* The same with any argsz: that many bytes are there, no more. */
int vfio_dirty_raw(int container, uint32_t argsz, uint32_t flags,
		   const struct vfio_iommu_type1_dirty_bitmap_get *range);

/* Any ioctl with @have bytes of argument before the PROT_NONE page. */
int vfio_raw(int container, unsigned long cmd, void *arg, size_t have);

#endif
