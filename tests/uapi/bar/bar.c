// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "bar.h"
#include "tap.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <linux/pci_regs.h>

#define MAX_DEVICES 8
#define WORDS 8

void bar_memory(struct bar *bar, bool on)
{
	vfio_pci_command(bar->dev.fd, PCI_COMMAND_MEMORY,
			 on ? PCI_COMMAND_MEMORY : 0);
}

void *bar_see(struct bar *bar, void *at, uint64_t offset, uint64_t size,
	      int prot)
{
	void *p = mmap(at, size, prot, MAP_SHARED | (at ? MAP_FIXED : 0),
		       bar->dev.fd, bar->offset + (off_t)offset);

	if (p == MAP_FAILED)
		tap_bail("mmap of a BAR: %m");
	return p;
}

void bar_open(struct bar *bar, const char *id, int index, unsigned int region)
{
	struct vfio_dev devs[MAX_DEVICES];
	struct vfio_region_info info;

	if (index >= vfio_find(id, devs, MAX_DEVICES))
		tap_bail("this test wants a device %s, number %d", id, index);
	bar->dev = devs[index];
	bar->container = vfio_setup(&bar->dev, backend.type);
	info = vfio_region(bar->dev.fd, region);
	bar->size = info.size;
	bar->offset = (off_t)info.offset;
	bar_memory(bar, true);
	bar->at = bar_see(bar, NULL, 0, bar->size, PROT_READ | PROT_WRITE);
}

void bar_close(struct bar *bar)
{
	if (bar->at)
		munmap(bar->at, bar->size);
	bar->at = NULL;
	vfio_teardown(&bar->dev, bar->container);
}

int bar_map(struct world *w, const void *vaddr, uint64_t iova, uint64_t size)
{
	return vfio_map(w->rig.container, (void *)vaddr, iova, size, MAP_RW);
}

void bar_unmap(struct world *w, uint64_t iova, uint64_t size, const char *what)
{
	uint64_t n = 0;
	int ret = vfio_unmap(w->rig.container, iova, size, 0, &n);

	tap_ok(!ret && n == size, "UNMAP %s: %s, %#lx bytes of %#lx", what,
	       strerror(-ret), n, size);
}

bool buffer_reached(struct world *w, uint64_t iova)
{
	volatile uint64_t *at = (void *)(w->small.at + EDU_BUFFER_AT);
	uint32_t failed = edu_failed(&w->rig.edu);
	static uint64_t turn;
	bool good = true;
	int i;

	turn++;
	for (i = 0; i < WORDS; i++) {
		at[i] = turn * 0x0123456789abcdefULL + (uint64_t)i;
		at[WORDS + i] = 0;
	}
	edu_fetch(&w->rig.edu, iova, 0, WORDS * 8);
	edu_store(&w->rig.edu, iova + WORDS * 8, 0, WORDS * 8);
	for (i = 0; i < WORDS; i++)
		good &= at[WORDS + i] ==
			turn * 0x0123456789abcdefULL + (uint64_t)i;
	return good && edu_failed(&w->rig.edu) == failed;
}
