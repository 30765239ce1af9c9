// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "bitmap.h"
#include "edu.h"
#include "faults.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define RUBBISH	0xa5

struct world w = { .container = -1 };
static const struct vfio_dev *host;	/* the device in the container */
static struct vfio_dev *its_guest;
static struct edu edu;
static bool edu_is_open;

static const unsigned int main_pages[] = { 1, 5, 40 }, side_pages[] = { 3 };
static const unsigned int guest_page = 50;
#define COUNT(a) (sizeof(a) / sizeof(*(a)))

void must(int ret, const char *what)
{
	if (ret < 0)
		tap_bail("%s: %s", what, strerror(-ret));
}

bool expect(bool ok, const char *what)
{
	if (!ok)
		tap_diag("not so: %s", what);
	return ok;
}

/* Pages of their own, written: no fault of theirs is in the way. */
static void *memory(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		tap_bail("mmap: %m");
	memset(p, 1, bytes);
	return p;
}

static void open_orders(struct vfio_dev *dev)
{
	int c = vfio_container_open();

	must(c, "/dev/vfio/vfio");
	must(vfio_group_open(dev), "the group that orders");
	must(vfio_group_attach(dev, c), "SET_CONTAINER");
	must(vfio_set_iommu(c, VFIO_TYPE1_HWDBM_IOMMU), "SET_IOMMU");
	must(vfio_device_open(dev), dev->bdf);
}

const struct vfio_dev *orders_of(enum iommu iommu)
{
	if (iommu == FIRST_IOMMU)
		return w.dma[0].fd >= 0 ? &w.dma[0] : NULL;
	return w.nr_dma == MAX_DMA ? &w.dma[2] : NULL;
}

struct vfio_dev *second(void)
{
	return &w.dma[w.nr_dma > 1];
}

struct vfio_dev *guest(void)
{
	return its_guest;
}

void world_find(void)
{
	w.nr_dma = simdma_find(w.dma, MAX_DMA);
	w.simulated = w.nr_dma > 0;
	if (!w.simulated)
		w.nr_dma = vfio_find_edus(w.dma, 2);
	if (!w.nr_dma)
		tap_bail("neither an edu nor a device of a simulated IOMMU");
	if (w.simulated && w.nr_dma == MAX_DMA)
		open_orders(&w.dma[2]);
	w.have_emul = sim_find(&w.emul, 1) == 1;
	w.main = memory(MAIN_PAGES * PAGE);
	w.side = memory(SIDE_PAGES * PAGE);
	w.bits = memory(SPAN_BYTES);
}

void world_close(void)
{
	int i;

	if (edu_is_open)
		edu_close(&edu);
	edu_is_open = false;
	for (i = 0; i < w.nr_dma; i++)
		if (&w.dma[i] != orders_of(SECOND_IOMMU))
			vfio_group_close(&w.dma[i]);
	if (w.have_emul)
		vfio_group_close(&w.emul);
	if (w.container >= 0)
		close(w.container);
	w.container = -1;
	host = NULL;
}

bool world_none(void)
{
	world_close();
	return true;
}

static void open_device(struct vfio_dev *dev)
{
	must(vfio_device_open(dev), dev->bdf);
	if (dev == &w.emul || w.simulated)
		return;
	edu_open(&edu, dev->fd);
	edu_is_open = true;
}

static void open_world(struct vfio_dev *dev)
{
	world_close();
	w.container = vfio_container_open();
	must(w.container, "/dev/vfio/vfio");
	must(vfio_group_open(dev), "the group");
	must(vfio_group_attach(dev, w.container), "SET_CONTAINER");
	must(vfio_set_iommu(w.container, VFIO_TYPE1_HWDBM_IOMMU), "SET_IOMMU");
	open_device(dev);
	must(map_main(), "MAP");
	must(map_side(), "MAP");
}

/* The guest is not in between two operations: then its world is the host's. */
static bool want(bool there, struct vfio_dev *dev, struct vfio_dev *joins)
{
	if (!there)
		return false;
	if (host != dev)
		open_world(dev);
	host = dev;
	its_guest = joins;
	return true;
}

bool world_dma(void)
{
	return want(w.nr_dma, &w.dma[0], NULL);
}

bool world_pins(void)
{
	return want(w.simulated, &w.dma[0], NULL);
}

bool world_pair(void)
{
	return want(w.nr_dma > 1, &w.dma[0], &w.dma[1]);
}

bool world_incapable(void)
{
	return want(w.nr_dma == MAX_DMA, &w.dma[0], &w.dma[3]);
}

bool world_emul(void)
{
	return want(w.have_emul, &w.emul, NULL);
}

bool world_mixed(void)
{
	return want(w.have_emul, &w.emul, second());
}

int map_main(void)
{
	return vfio_map(w.container, w.main, MAIN_IOVA, MAIN_PAGES * PAGE,
			MAP_RW);
}

int map_side(void)
{
	return vfio_map(w.container, w.side, SIDE_IOVA, SIDE_PAGES * PAGE,
			MAP_RW);
}

static void write_page(uint64_t iova)
{
	char data[] = "written";

	if (w.emul.fd >= 0)
		must(sim_rw(&w.emul, iova, data, sizeof(data), SIM_COPY_WRITE),
		     "dma_rw");
	else if (w.simulated)
		must(simdma_write(&w.dma[0], iova, data, sizeof(data)), "DMA");
	else
		edu_store(&edu, iova, 0, sizeof(data));
}

void write_some(void)
{
	unsigned int i;

	for (i = 0; i < COUNT(main_pages); i++)
		write_page(MAIN_IOVA + main_pages[i] * PAGE);
	for (i = 0; i < COUNT(side_pages); i++)
		write_page(SIDE_IOVA + side_pages[i] * PAGE);
}

void guest_writes(void)
{
	struct vfio_dev *dev = guest();
	uint64_t iova = MAIN_IOVA + guest_page * PAGE;
	char data[] = "by a guest";

	must(vfio_device_open(dev), dev->bdf);
	if (w.simulated) {
		must(simdma_write(dev, iova, data, sizeof(data)), "DMA");
	} else {
		struct edu other;

		edu_open(&other, dev->fd);
		edu_store(&other, iova, 0, sizeof(data));
		edu_close(&other);
	}
	vfio_device_close(dev);
}

void log_off(void)
{
	must(vfio_dirty_flag(w.container, DIRTY_STOP), "STOP");
}

/* The log has no memory of its own before it is written. */
void log_anew(void)
{
	log_off();
	must(vfio_dirty_flag(w.container, DIRTY_START), "START");
}

void log_dirty(void)
{
	log_anew();
	write_some();
	bits_fill();
}

bool has_main(const uint8_t *map)
{
	unsigned int i;
	bool has = true;

	for (i = 0; i < COUNT(main_pages); i++)
		has &= bit_get(map, main_pages[i]);
	return expect(has, "the first mapping's pages are reported");
}

bool has_side(const uint8_t *map)
{
	unsigned int i;
	bool has = true;

	for (i = 0; i < COUNT(side_pages); i++)
		has &= bit_get(map, side_pages[i]);
	return expect(has, "the second mapping's pages are reported");
}

void bits_fill(void)
{
	memset(w.bits, RUBBISH, SPAN_BYTES);
}

bool bits_untouched(void)
{
	size_t i;

	for (i = 0; i < SPAN_BYTES && w.bits[i] == RUBBISH; i++)
		;
	return expect(i == SPAN_BYTES, "the caller's bitmap is as it was");
}

int ask(uint32_t flag, uint64_t pgsize)
{
	return vfio_dirty_range(w.container, flag, MAIN_IOVA, SPAN, pgsize,
				w.bits, SPAN_BYTES);
}

/* NOCLEAR of SPAN, or NULL. */
static const uint8_t *look(void)
{
	static uint8_t *map;
	int ret;

	if (!map)
		map = memory(SPAN_BYTES);
	memset(map, 0, SPAN_BYTES);
	ret = vfio_dirty_range(w.container, DIRTY_NOCLEAR, MAIN_IOVA, SPAN, PAGE,
			       map, SPAN_BYTES);
	if (ret)
		tap_diag("NOCLEAR: %s", strerror(-ret));
	return expect(!ret, "the log can be asked") ? map : NULL;
}

bool still_dirty(void)
{
	const uint8_t *map = look();

	return map && has_main(map) & has_side(map + SIDE_BIT / 8);
}

bool guest_dirty(void)
{
	const uint8_t *map = look();

	return map && expect(bit_get(map, guest_page),
			     "the guest's page is reported");
}
