// SPDX-License-Identifier: GPL-2.0-only
#include "bitmap.h"
#include "pins.h"
#include "proc.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int cage_join(struct cage *cage, int nth)
{
	struct vfio_dev *sim = &cage->sims[nth];
	int ret = vfio_group_open(sim);

	if (!ret)
		ret = vfio_group_attach(sim, cage->container);
	if (!ret)
		ret = vfio_device_open(sim);
	return ret;
}

static void open_found(struct cage *cage, int nr_sims)
{
	int i, ret;

	cage->nr_sims = nr_sims;
	cage->container = vfio_setup(&cage->sims[0], backend.type);
	backend_expect(cage->container);
	for (i = 1; i < nr_sims; i++) {
		ret = cage_join(cage, i);
		if (ret)
			tap_bail("a second group: %s", strerror(-ret));
	}
	cage->avail = vfio_dma_avail(cage->container);
	cage->locked_kib = proc_locked_kib();
}

void cage_open(struct cage *cage, int nr_sims)
{
	if (sim_find(cage->sims, MAX_SIMS) < nr_sims)
		tap_bail("this test wants %d simulated devices", nr_sims);
	open_found(cage, nr_sims);
}

bool cage_open_edu(struct cage *cage)
{
	if (!sim_find_edu(&cage->sims[0]))
		return false;
	open_found(cage, 1);
	return true;
}

int edu_joins(struct cage *cage, struct rig *rig)
{
	int ret;

	if (!vfio_find_edus(&rig->dev, 1))
		tap_bail("vfio-pci has no edu");
	ret = vfio_group_open(&rig->dev);
	if (!ret)
		ret = vfio_group_attach(&rig->dev, cage->container);
	if (ret) {
		vfio_group_close(&rig->dev);
		return ret;
	}
	ret = vfio_device_open(&rig->dev);
	if (ret)
		tap_bail("GET_DEVICE_FD: %s", strerror(-ret));
	edu_open(&rig->edu, rig->dev.fd);
	rig->container = cage->container;
	return 0;
}

void edu_leaves(struct rig *rig)
{
	edu_close(&rig->edu);
	vfio_group_close(&rig->dev);
}

void cage_close(struct cage *cage)
{
	int i, ret;

	ret = vfio_unmap(cage->container, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL, NULL);
	if (ret)
		tap_ret(ret, 0, "UNMAP of all at the end");
	if (vfio_dma_avail(cage->container) != cage->avail)
		tap_ok(false, "%ld mappings are to be had, were %ld",
		       vfio_dma_avail(cage->container), cage->avail);
	if (proc_locked_kib() != cage->locked_kib)
		locked_is(cage, 0, "at the end");
	for (i = 0; i < cage->nr_sims; i++) {
		if (sim_pins(&cage->sims[i]))
			tap_ok(false, "device %d still has %ld pins", i,
			       sim_pins(&cage->sims[i]));
		vfio_group_close(&cage->sims[i]);
	}
	close(cage->container);
}

char *ram_alloc(uint64_t pages)
{
	static unsigned int turn;
	char *ram = mem_alloc(pages * PAGE, LEAF_4K);
	uint64_t i;

	for (i = 0; i < pages; i++)
		snprintf(ram + i * PAGE, PAGE, "page %lu of %u", i, turn);
	turn++;
	return ram;
}

void ram_free(char *ram, uint64_t pages)
{
	mem_free(ram, pages * PAGE);
}

void cage_map_as(struct cage *cage, void *ram, uint64_t iova, uint64_t pages,
		 uint32_t flags)
{
	int ret = vfio_map(cage->container, ram, iova, pages * PAGE, flags);

	if (ret)
		tap_bail("MAP of %lu pages at %#lx: %s", pages, iova,
			 strerror(-ret));
}

void cage_map(struct cage *cage, void *ram, uint64_t iova, uint64_t pages)
{
	cage_map_as(cage, ram, iova, pages, MAP_RW);
}

void cage_unmap(struct cage *cage, uint64_t iova, uint64_t pages)
{
	uint64_t unmapped = 0;
	int ret = vfio_unmap(cage->container, iova, pages * PAGE, 0, &unmapped);

	if (ret || unmapped != pages * PAGE)
		tap_bail("UNMAP of %lu pages at %#lx: %s, %#lx bytes", pages,
			 iova, strerror(-ret), unmapped);
}

bool locked_is(struct cage *cage, long pages, const char *when)
{
	long kib = proc_locked_kib() - cage->locked_kib;

	return tap_ok(kib == pages * 4, "%s: %ld KiB locked, want %ld", when,
		      kib, pages * 4);
}

bool holds(struct cage *cage, unsigned long pins, unsigned long pages,
	   const char *when)
{
	struct sim_state state;

	sim_state(&cage->sims[0], &state);
	return tap_ok(state.pins == pins && state.pages == pages,
		      "%s: the device holds %llu pins of %llu pages, want %lu of %lu",
		      when, state.pins, state.pages, pins, pages);
}

bool reaches(struct cage *cage, uint64_t iova, char *at, const char *what)
{
	static unsigned int turn;
	char sent[32], seen[32] = "";
	int ret;

	snprintf(sent, sizeof(sent), "turn %u", turn++);
	ret = sim_poke(&cage->sims[0], iova + 100, sent, sizeof(sent));
	if (!ret && !strcmp(at + 100, sent)) {
		memset(at + 200, '.', sizeof(seen) - 1);
		ret = sim_peek(&cage->sims[0], iova + 200, seen,
			       sizeof(seen) - 1);
	}
	return tap_ok(!ret && !memcmp(seen, at + 200, sizeof(seen) - 1) &&
			      seen[0] == '.',
		      "%s: the device gets at the owner's page", what);
}

bool log_is(struct cage *cage, uint32_t flag, uint64_t iova, const char *want,
	    const char *when)
{
	uint64_t pages = strlen(want), i;
	uint8_t map[64] = { 0 };
	char got[512 + 1] = "";
	bool same = true;
	int ret;

	ret = vfio_dirty_range(cage->container, flag, iova, pages * PAGE, PAGE,
			       map, bit_bytes(pages));
	for (i = 0; i < pages; i++) {
		got[i] = bit_get(map, i) ? '1' : '0';
		same = same && (want[i] == '?' || want[i] == got[i]);
	}
	return tap_ok(!ret && same, "%s: %s reports %s, want %s%s%s", when,
		      flag == DIRTY_GET ? "GET" : "NOCLEAR", got, want,
		      ret ? ": " : "", ret ? strerror(-ret) : "");
}

int log_clear(struct cage *cage, uint64_t iova, const char *bits)
{
	uint64_t pages = strlen(bits), i;
	uint8_t map[64] = { 0 };

	for (i = 0; i < pages; i++)
		bit_put(map, i, bits[i] == '1');
	return vfio_dirty_range(cage->container, DIRTY_CLEAR, iova,
				pages * PAGE, PAGE, map, bit_bytes(pages));
}

bool start_logging(struct cage *cage)
{
	return tap_ret(vfio_dirty_flag(cage->container, DIRTY_START), 0, "START");
}

void policy_is(struct cage *cage, unsigned int policy, const char *when)
{
	struct vfio_iommu_type1_info_cap_hwdbm cap = { .policy = ~0u };

	if (backend.stock)
		return;
	vfio_policy(cage->container, &cap);
	tap_ok(cap.policy == policy, "%s: policy %u, want %u", when, cap.policy,
	       policy);
}
