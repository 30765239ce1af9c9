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
	must(vfio_group_open(second()), "the group");
	must(vfio_group_attach(second(), fresh), "SET_CONTAINER");
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
	vfio_group_close(second());
	close(fresh);
	return expect(!ret, "it can be used") ? DONE : WRONG;
}

/* ---- another one, beside devices with an IOMMU or without ---- */

static void before_second(void)
{
	log_dirty();
	if (guest()->group < 0)
		must(vfio_group_open(guest()), "the second group");
}

static int run_second(void)
{
	return vfio_group_attach(guest(), w.container);
}

static enum verdict after_second(int ret)
{
	if (!still_dirty())
		return WRONG;
	if (ret)
		return AS_BEFORE;
	must(vfio_group_detach(guest()), "UNSET_CONTAINER");
	return still_dirty() ? DONE : WRONG;
}

static void before_leave(void)
{
	before_second();
	must(run_second(), "SET_CONTAINER");
	guest_writes();
}

static int run_leave(void)
{
	return vfio_group_detach(guest());
}

static enum verdict after_leave(int ret)
{
	return expect(!ret, "a group can always leave") && still_dirty() &&
			       guest_dirty() ?
		       DONE : WRONG;
}

/* ---- a device behind an IOMMU that pins: no more is asked of the IOMMU ---- */

static void before_first_pin(void)
{
	log_dirty();
}

static int run_first_pin(void)
{
	int ret = sim_pin(&w.dma[0], MAIN_IOVA, 4, SIM_RDWR);

	return ret < 0 ? ret : 0;
}

/* The next to open it may not pin. */
static enum verdict after_first_pin(int ret)
{
	bool dirty = still_dirty();

	vfio_device_close(&w.dma[0]);
	must(vfio_device_open(&w.dma[0]), w.dma[0].bdf);
	if (!dirty)
		return WRONG;
	return ret ? AS_BEFORE : DONE;
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

static struct answer {
	struct vfio_iommu_type1_info info;
	char more[1024];
} answer;

static int run_info(void)
{
	memset(&answer, 0, sizeof(answer));
	answer.info.argsz = sizeof(answer);
	return vfio_raw(w.container, VFIO_IOMMU_GET_INFO, &answer,
			sizeof(answer));
}

/* What is told is all of it, or an error. */
static enum verdict after_info(int ret)
{
	static struct answer whole;

	if (ret)
		return AS_BEFORE;
	if (!whole.info.argsz)
		whole = answer;
	return expect(!memcmp(&answer, &whole, sizeof(whole)),
		      "GET_INFO tells what it always told") ? DONE : WRONG;
}

static int nr_extensions;

static int run_extensions(void)
{
	static const unsigned long of[] = {
		VFIO_TYPE1_HWDBM_IOMMU, VFIO_DMA_CC_IOMMU, VFIO_UNMAP_ALL,
		VFIO_UPDATE_VADDR, VFIO_DIRTY_LOG_MANUAL_CLEAR,
	};
	unsigned int i;
	int ret = 0;

	nr_extensions = 0;
	for (i = 0; i < sizeof(of) / sizeof(*of) && ret >= 0; i++) {
		ret = vfio_check_extension(w.container, of[i]);
		nr_extensions += ret > 0;
	}
	return ret < 0 ? ret : 0;
}

static enum verdict after_extensions(int ret)
{
	static int whole;

	if (ret)
		return AS_BEFORE;
	if (!whole)
		whole = nr_extensions;
	return expect(nr_extensions == whole && whole,
		      "the same extensions are there") ? DONE : WRONG;
}

#define ALL_OF_A_JOIN	(ALLOCS | ATTACHES | MAPS | TRACKS | READS)

const struct op ops_container[] = {
	{ "SET_IOMMU", world_none, before_first, run_set_iommu, after_first,
	  { 0, ALLOCS | ATTACHES | TRACKS } },
	{ "GET_INFO", world_dma, NULL, run_info, after_info, { 0 } },
	{ "CHECK_EXTENSION", world_dma, NULL, run_extensions, after_extensions,
	  { 0 } },
	{ "a second group joins", world_pair, before_second, run_second,
	  after_second, { 0, ALL_OF_A_JOIN } },
	{ "a second group leaves", world_pair, before_leave, run_leave,
	  after_leave, { 0, READS } },
	{ "an incapable group joins", world_incapable, before_second,
	  run_second, after_second, { READS } },
	{ "an incapable group leaves", world_incapable, before_leave,
	  run_leave, after_leave, { 0 } },
	{ "a device begins to pin", world_pins, before_first_pin,
	  run_first_pin, after_first_pin, { READS } },
	{ "the container ends", world_none, before_end, run_end, after_end,
	  { 0 } },
	{ "a first IOMMU joins", world_mixed, before_second, run_second,
	  after_second, { 0, ALL_OF_A_JOIN } },
	{ "the last IOMMU leaves", world_mixed, before_leave, run_leave,
	  after_leave, { 0, READS } },
	{ "a device is opened", world_emul, before_open, run_open, after_open,
	  { 0 } },
	{ "a device is closed", world_emul, before_close, run_close,
	  after_close, { 0 } },
	{ .name = NULL },
};
