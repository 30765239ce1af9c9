// SPDX-License-Identifier: GPL-2.0-only
#include "bitmap.h"
#include "guard.h"
#include "mem.h"
#include "policy.h"
#include "proc.h"
#include "rig.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <unistd.h>

#define READ_ALL	3	/* SYSLOG_ACTION_READ_ALL, without clearing */
#define LOG_BYTES	(1 << 20)
#define HELD_TRIES	2500
#define HELD_US		2000
#define SMALL_LEAVES \
	"/sys/module/vfio_iommu_type1_hwdbm/parameters/disable_hugepages"

struct vfio_dev dev[DEVICES];
int container = -1;

static char *pages;

void must(int ret, const char *what)
{
	if (ret)
		tap_bail("%s: %s", what, strerror(-ret));
}

int try_join(int who)
{
	int ret;

	must(vfio_group_open(&dev[who]), "opening a group");
	ret = vfio_group_attach(&dev[who], container);
	if (ret)
		vfio_group_close(&dev[who]);
	else
		must(vfio_device_open(&dev[who]), "GET_DEVICE_FD");
	return ret;
}

void join(int who)
{
	must(try_join(who), "GROUP_SET_CONTAINER");
}

void open_container(int first)
{
	container = vfio_setup(&dev[first], VFIO_TYPE1_HWDBM_IOMMU);
}

void leave(int who)
{
	vfio_device_close(&dev[who]);
	must(vfio_group_detach(&dev[who]), "GROUP_UNSET_CONTAINER");
	vfio_group_close(&dev[who]);
}

void close_container(void)
{
	int i;

	for (i = 0; i < DEVICES; i++)
		vfio_group_close(&dev[i]);
	close(container);
	container = -1;
}

void start(void)
{
	must(vfio_dirty_flag(container, DIRTY_START), "START");
}

void stop(void)
{
	must(vfio_dirty_flag(container, DIRTY_STOP), "STOP");
}

void map(void *mem, uint64_t iova, uint64_t bytes)
{
	must(vfio_map(container, mem, iova, bytes, MAP_RW), "MAP");
}

void unmap(uint64_t iova, uint64_t bytes)
{
	uint64_t unmapped = 0;

	must(vfio_unmap(container, iova, bytes, 0, &unmapped), "UNMAP");
	if (unmapped != bytes)
		tap_bail("UNMAP of %#lx bytes: %#lx went", bytes, unmapped);
}

void map_pages(uint64_t iova)
{
	pages = mem_alloc_scattered(NR * PAGE);
	map(pages, iova, NR * PAGE);
}

void unmap_pages(uint64_t iova)
{
	unmap(iova, NR * PAGE);
	mem_free(pages, NR * PAGE);
}

void dma_at(int who, uint64_t iova)
{
	static uint64_t stamp;

	stamp++;
	must(simdma_write(&dev[who], iova, &stamp, sizeof(stamp)), "DMA");
}

void dma(int who, uint64_t page)
{
	dma_at(who, IOVA + page * PAGE + 1000);
}

static void log_is(uint32_t flag, const char *want, const char *name,
		   const char *when)
{
	struct rig rig = { .container = container };

	tap_ok(rig_log_is(&rig, flag, IOVA, PAGE, want), "%s: %s is %s", when,
	       name, want);
}

void get_is(const char *want, const char *when)
{
	log_is(DIRTY_GET, want, "GET", when);
}

void look_is(const char *want, const char *when)
{
	log_is(DIRTY_NOCLEAR, want, "NOCLEAR", when);
}

void clear(const char *bits)
{
	struct rig rig = { .container = container };

	must(rig_clear(&rig, IOVA, PAGE, bits), "CLEAR");
}

void ask(uint32_t flag, uint64_t iova, uint64_t nr, void *map)
{
	uint8_t *end = guard_alloc(bit_bytes(nr));

	memset(end, 0xa5, bit_bytes(nr));
	must(vfio_dirty_range(container, flag, iova, nr * PAGE, PAGE, end,
			      bit_bytes(nr)), "asking for dirty pages");
	memcpy(map, end, bit_bytes(nr));
	guard_free(end, bit_bytes(nr));
}

bool only(const void *map, uint64_t nr, uint64_t from, uint64_t to)
{
	uint64_t i;

	for (i = 0; i < nr; i++) {
		if (bit_get(map, i) == (i >= from && i <= to))
			continue;
		tap_diag("page %lu: %d", i, bit_get(map, i));
		return false;
	}
	return true;
}

/* A word's bits as text, the first page first. */
static const char *text_of(uint64_t word)
{
	static char text[NR + 1];
	uint64_t i;

	for (i = 0; i < NR; i++)
		text[i] = word >> i & 1 ? '1' : '0';
	return text;
}

void unmap_is(bool all, const char *want, const char *when)
{
	uint64_t bytes = bit_bytes(IOVA / PAGE + NR), first = 0, unmapped = 0;
	uint64_t *map = calloc(1, bytes);
	struct vfio_bitmap out = {
		.pgsize = PAGE,
		.size = all ? bytes : sizeof(first),
		.data = all ? (void *)map : (void *)&first,
	};
	uint32_t flags = VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP;

	if (!map)
		tap_bail("no memory");
	if (all)
		flags |= VFIO_DMA_UNMAP_FLAG_ALL;
	must(vfio_unmap_dirty(container, all ? 0 : IOVA, all ? 0 : NR * PAGE,
			      flags, &out, &unmapped), "UNMAP with bitmap");
	if (all)
		first = map[IOVA / PAGE / 64];
	tap_ok(unmapped == NR * PAGE && !strcmp(text_of(first), want),
	       "%s: UNMAP reports %s, want %s", when, text_of(first), want);
	free(map);
}

void map_again(void)
{
	map(pages, IOVA, NR * PAGE);
}

void small_leaves(bool on)
{
	must(proc_write(SMALL_LEAVES, on ? "Y" : "N"), SMALL_LEAVES);
}

static int count(const char *name)
{
	static const char text[] = "reading dirty bits of ";
	char *log = calloc(1, LOG_BYTES + 1), *at;
	int n = 0;

	if (!log || klogctl(READ_ALL, log, LOG_BYTES) < 0)
		tap_bail("cannot read the kernel's log");
	for (at = log; (at = strstr(at, text));) {
		at += strlen(text);
		n += !name || (strstr(at, name) == at &&
			       at[strlen(name)] == ' ');
	}
	free(log);
	return n;
}

int warnings(void)
{
	return count(NULL);
}

int warnings_of(int who)
{
	return count(dev[who].bdf);
}

struct sim_watch watch(int who)
{
	struct sim_watch w;

	simdma_watch(&dev[who], &w);
	return w;
}

bool wait_until_held(int who, const atomic_bool *done)
{
	int tries;

	for (tries = 0; tries < HELD_TRIES && !atomic_load(done); tries++) {
		if (watch(who).held)
			return true;
		usleep(HELD_US);
	}
	return false;
}

void fail(int who, uint32_t op, int error, uint32_t nth, uint32_t times)
{
	must(simdma_fail(&dev[who], op, error, nth, times), "SIM_ORDER");
}

void heal(int who, uint32_t op)
{
	must(simdma_heal(&dev[who], op), "SIM_ORDER");
}

void policy_is(uint32_t policy, uint32_t reason, uint32_t domains,
	       const char *when)
{
	struct rig rig = { .container = container };

	rig_policy_is(&rig, policy, reason, domains, when);
}

void is_hwdbm(uint32_t domains, const char *when)
{
	policy_is(VFIO_HWDBM_POLICY_HWDBM, VFIO_HWDBM_REASON_NONE, domains, when);
}

void is_full(uint32_t domains, const char *when)
{
	policy_is(VFIO_HWDBM_POLICY_FULL, VFIO_HWDBM_REASON_INCAPABLE, domains,
		  when);
}

void is_error(uint32_t domains, const char *when)
{
	policy_is(VFIO_HWDBM_POLICY_FULL, VFIO_HWDBM_REASON_HW_ERROR, domains,
		  when);
}

void is_pinned(uint32_t domains, const char *when)
{
	struct vfio_iommu_type1_info_cap_hwdbm cap;

	if (!vfio_policy(container, &cap))
		tap_bail("GET_INFO does not tell the policy");
	tap_ok(cap.policy == VFIO_HWDBM_POLICY_PINNED &&
	       cap.nr_domains == domains, "%s: policy %u, %u domains, want %u, %u",
	       when, cap.policy, cap.nr_domains, VFIO_HWDBM_POLICY_PINNED,
	       domains);
}
