// SPDX-License-Identifier: GPL-2.0-only
/* CHECK_EXTENSION, SET_IOMMU and GET_INFO. */
#define _GNU_SOURCE
#include "badinput.h"
#include "tap.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static void extension(int container, unsigned long what, int want,
		      const char *when)
{
	int got = vfio_check_extension(container, what);

	tap_ok(got == want, "CHECK_EXTENSION(%lu) %s: %d, want %d", what, when,
	       got, want);
}

static void before(int container)
{
	bool stock = !access("/sys/module/vfio_iommu_type1", F_OK);

	extension(container, VFIO_TYPE1_HWDBM_IOMMU, 1, "before SET_IOMMU");
	extension(container, VFIO_TYPE1v2_IOMMU, stock,
		  stock ? "before SET_IOMMU, answered by stock" :
			  "before SET_IOMMU, without stock");
	extension(container, VFIO_UNMAP_ALL, 1, "before SET_IOMMU");
	extension(container, VFIO_DMA_CC_IOMMU, 0, "before SET_IOMMU");
	extension(container, VFIO_DIRTY_LOG_MANUAL_CLEAR, 0, "before SET_IOMMU");
	extension(container, VFIO_NOIOMMU_IOMMU, 0, "before SET_IOMMU");
	tap_ret(vfio_set_iommu(container, VFIO_TYPE1_HWDBM_IOMMU), -EINVAL,
		"SET_IOMMU of a container without a group");
}

static void after(int container)
{
	struct {
		struct vfio_iommu_type1_info_cap_hwdbm fixed;
		struct vfio_iommu_type1_hwdbm_domain domain;
	} cap;
	struct vfio_iommu_type1_info *info = vfio_info(container);

	memcpy(&cap, vfio_info_cap(info, VFIO_IOMMU_TYPE1_INFO_CAP_HWDBM),
	       sizeof(cap));
	extension(container, VFIO_TYPE1_HWDBM_IOMMU, 1, "of our container");
	extension(container, VFIO_TYPE1_IOMMU, 0, "of our container");
	extension(container, VFIO_TYPE1v2_IOMMU, 0, "of our container");
	extension(container, VFIO_TYPE1_NESTING_IOMMU, 0, "of our container");
	extension(container, VFIO_NOIOMMU_IOMMU, 0, "of our container");
	extension(container, VFIO_UNMAP_ALL, 1, "of our container");
	extension(container, VFIO_UPDATE_VADDR, 1, "of our container");
	extension(container, VFIO_DIRTY_LOG_MANUAL_CLEAR, 1, "of our container");
	extension(container, VFIO_DMA_CC_IOMMU,
		  !!(cap.domain.flags & VFIO_HWDBM_DOMAIN_COHERENT),
		  "of our container, as GET_INFO says");
	tap_ret(vfio_set_iommu(container, VFIO_TYPE1_HWDBM_IOMMU), -EINVAL,
		"SET_IOMMU twice");
}

void test_setup(struct vfio_dev *dev)
{
	int container = vfio_container_open();

	if (container < 0)
		tap_bail("/dev/vfio/vfio: %s", strerror(-container));
	before(container);
	if (vfio_group_open(dev) || vfio_group_attach(dev, container))
		tap_bail("cannot attach the group of %s", dev->bdf);
	tap_ret(vfio_set_iommu(container, 0x48574443), -ENODEV,
		"SET_IOMMU of a type that nobody serves");
	tap_ret(vfio_set_iommu(container, VFIO_TYPE1_HWDBM_IOMMU), 0,
		"SET_IOMMU of our type");
	after(container);
	vfio_teardown(dev, container);
}

/* GET_INFO with @argsz, of which @have bytes are there. */
static int get_info(struct bad *b, uint32_t argsz, size_t have,
		    struct vfio_iommu_type1_info *out)
{
	unsigned char buf[256] = { 0 };
	int ret;

	memcpy(buf, &argsz, sizeof(argsz));
	ret = vfio_raw(b->rig.container, VFIO_IOMMU_GET_INFO, buf, have);
	memcpy(out, buf, sizeof(*out));
	return ret;
}

void test_info(struct bad *b)
{
	struct vfio_iommu_type1_info info;
	struct vfio_iommu_type1_info *whole = vfio_info(b->rig.container);
	int container = b->rig.container, ret;

	refused(b, get_info(b, 0, 16, &info), -EINVAL, "GET_INFO, argsz 0");
	refused(b, get_info(b, 15, 16, &info), -EINVAL, "GET_INFO, argsz 15");
	ret = get_info(b, 16, 16, &info);
	refused(b, ret, 0, "GET_INFO, argsz 16");
	tap_ok(info.argsz == whole->argsz && info.iova_pgsizes & PAGE_4K,
	       "says what it needs: %u bytes", info.argsz);
	ret = get_info(b, sizeof(info), sizeof(info), &info);
	tap_ok(!ret && info.argsz == whole->argsz && !info.cap_offset,
	       "GET_INFO without room for the chain");
	ret = get_info(b, whole->argsz - 1, whole->argsz - 1, &info);
	tap_ok(!ret && info.argsz == whole->argsz && !info.cap_offset,
	       "GET_INFO one byte short of the chain");
	ret = get_info(b, 64, 16, &info);
	refused(b, ret, -EFAULT, "GET_INFO, argsz 64 of which 16 bytes are there");
	ret = ioctl(container, VFIO_IOMMU_GET_INFO, NULL) ? -errno : 0;
	refused(b, ret, -EFAULT, "GET_INFO(NULL)");
	ret = ioctl(container, _IO(VFIO_TYPE, VFIO_BASE + 99), NULL) ? -errno : 0;
	refused(b, ret, -ENOTTY, "an ioctl that does not exist");
}
