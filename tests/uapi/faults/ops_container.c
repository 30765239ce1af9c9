// SPDX-License-Identifier: GPL-2.0-only
/* Groups and devices that come and go, GET_INFO and CHECK_EXTENSION. */
#include "faults.h"
#include "simdev.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- the first group ---- */

static void before_set(void)
{
	world_close();
	w.container = -1;
}

static int fresh = -1;

static void before_first(void)
{
	before_set();
	fresh = vfio_container_open();
	must(fresh, "/dev/vfio/vfio");
	must(vfio_group_open(&w.dma[0]), "the group");
	must(vfio_group_attach(&w.dma[0], fresh), "SET_CONTAINER");
}

static int run_set_iommu(void)
{
	return vfio_set_iommu(fresh, VFIO_TYPE1_HWDBM_IOMMU);
}

/* To the first group of a container that has chosen its backend. */
static enum verdict after_first(int ret)
{
	struct vfio_iommu_type1_info info = { .argsz = sizeof(info) };

	if (ret) {
		ret = vfio_raw(fresh, VFIO_IOMMU_GET_INFO, &info, sizeof(info));
		return expect(ret == -EINVAL, "no backend serves it") ?
			       AS_BEFORE : WRONG;
	}
	ret = vfio_map(fresh, w.main, MAIN_IOVA, PAGE, MAP_RW);
	vfio_group_close(&w.dma[0]);
	close(fresh);
	return expect(!ret, "it can be used") ? DONE : WRONG;
}

/* ---- another one ---- */

static void before_second(void)
{
	log_dirty();
	if (w.dma[1].group < 0)
		must(vfio_group_open(&w.dma[1]), "the second group");
}

static int run_second(void)
{
	return vfio_group_attach(&w.dma[1], w.container);
}

static enum verdict after_second(int ret)
{
	if (!still_dirty())
		return WRONG;
	if (ret)
		return AS_BEFORE;
	must(vfio_group_detach(&w.dma[1]), "UNSET_CONTAINER");
	return still_dirty() ? DONE : WRONG;
}

static void before_leave(void)
{
	before_second();
	must(run_second(), "SET_CONTAINER");
}

static int run_leave(void)
{
	return vfio_group_detach(&w.dma[1]);
}

static enum verdict after_leave(int ret)
{
	return expect(!ret, "a group can always leave") && still_dirty() ?
		       DONE : WRONG;
}

/* ---- the first IOMMU of a container that had none, and its last ---- */

static void before_promise(void)
{
	log_dirty();
	if (w.dma[0].group < 0)
		must(vfio_group_open(&w.dma[0]), "the group");
}

static int run_promise(void)
{
	return vfio_group_attach(&w.dma[0], w.container);
}

static enum verdict after_promise(int ret)
{
	if (!still_dirty())
		return WRONG;
	if (ret)
		return AS_BEFORE;
	must(vfio_group_detach(&w.dma[0]), "UNSET_CONTAINER");
	return still_dirty() ? DONE : WRONG;
}

static void before_withdraw(void)
{
	before_promise();
	must(run_promise(), "SET_CONTAINER");
}

static int run_withdraw(void)
{
	return vfio_group_detach(&w.dma[0]);
}

/* ---- devices ---- */

static void before_open(void)
{
	vfio_device_close(&w.emul);
}

static int run_open(void)
{
	return vfio_device_open(&w.emul);
}

static enum verdict after_open(int ret)
{
	char byte = 0;

	if (ret)
		return AS_BEFORE;
	ret = sim_rw(&w.emul, MAIN_IOVA, &byte, 1, SIM_COPY_WRITE);
	return expect(!ret, "the device can be used") ? DONE : WRONG;
}

static void before_close(void)
{
	if (w.emul.fd < 0)
		must(vfio_device_open(&w.emul), w.emul.bdf);
	log_dirty();
	must(sim_pin(&w.emul, MAIN_IOVA, 4, SIM_RDWR), "SIM_PIN");
}

static int run_close(void)
{
	vfio_device_close(&w.emul);
	return 0;
}

static enum verdict after_close(int ret)
{
	bool dirty = still_dirty();

	(void)ret;
	must(vfio_device_open(&w.emul), w.emul.bdf);
	return dirty ? DONE : WRONG;
}

static void before_end(void)
{
	world_close();
	world_dma();
	log_dirty();
}

static int run_end(void)
{
	world_close();
	return 0;
}

static enum verdict after_end(int ret)
{
	(void)ret;
	return DONE;
}

/* ---- asking ---- */

static int run_info(void)
{
	struct {
		struct vfio_iommu_type1_info info;
		char more[1024];
	} arg = { .info.argsz = sizeof(arg) };

	return vfio_raw(w.container, VFIO_IOMMU_GET_INFO, &arg, sizeof(arg));
}

static int run_extensions(void)
{
	static const unsigned long of[] = {
		VFIO_TYPE1_HWDBM_IOMMU, VFIO_DMA_CC_IOMMU, VFIO_UNMAP_ALL,
		VFIO_UPDATE_VADDR, VFIO_DIRTY_LOG_MANUAL_CLEAR,
	};
	unsigned int i;
	int ret = 0;

	for (i = 0; i < sizeof(of) / sizeof(*of) && ret >= 0; i++)
		ret = vfio_check_extension(w.container, of[i]);
	return ret < 0 ? ret : 0;
}

static enum verdict after_asking(int ret)
{
	return ret ? AS_BEFORE : DONE;
}

const struct op ops_container[] = {
	{ "SET_IOMMU", world_none, before_first, run_set_iommu, after_first,
	  false },
	{ "GET_INFO", world_dma, NULL, run_info, after_asking, false },
	{ "CHECK_EXTENSION", world_dma, NULL, run_extensions, after_asking,
	  false },
	{ "a second group joins", world_pair, before_second, run_second,
	  after_second, true },
	{ "a second group leaves", world_pair, before_leave, run_leave,
	  after_leave, true },
	{ "the container ends", world_dma, before_end, run_end, after_end,
	  false },
	{ "a first IOMMU joins", world_mixed, before_promise, run_promise,
	  after_promise, false },
	{ "the last IOMMU leaves", world_mixed, before_withdraw, run_withdraw,
	  after_leave, false },
	{ "a device is opened", world_emul, before_open, run_open, after_open,
	  false },
	{ "a device is closed", world_emul, before_close, run_close,
	  after_close, false },
	{ .name = NULL },
};
