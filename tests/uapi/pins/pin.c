// SPDX-License-Identifier: GPL-2.0-only
/* vfio_pin_pages() and vfio_unpin_pages(). */
#include "edu.h"
#include "kernel.h"
#include "peer.h"
#include "pins.h"
#include "proc.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static uint64_t pfn_of(const char *at)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t entry = 0;

	if (fd < 0 || pread(fd, &entry, sizeof(entry),
			    (off_t)((uintptr_t)at / PAGE * sizeof(entry))) !=
			      sizeof(entry))
		tap_bail("pagemap: %m");
	close(fd);
	return entry & ((1ull << 55) - 1);
}

static bool pfns_are(const uint64_t *pfns, const char *ram, int pages)
{
	int i;

	for (i = 0; i < pages; i++)
		if (pfns[i] != pfn_of(ram + i * PAGE))
			return false;
	return true;
}

static void pinned(int got, int want, const char *what)
{
	tap_ok(got == want, "%s: %d pages, want %d", what, got, want);
}

void test_pin(void)
{
	struct cage cage;
	char *ram = ram_alloc(8);
	uint64_t pfns[8];

	cage_open(&cage, 2);
	cage_map(&cage, ram, IOVA, 8);
	pinned(sim_pin_pfns(&cage.sims[0], IOVA + 2 * PAGE, 1, SIM_RDWR, pfns), 1,
	       "PIN of a page");
	tap_ok(pfns_are(pfns, ram + 2 * PAGE, 1), "it is the right one");
	reaches(&cage, IOVA + 2 * PAGE, ram + 2 * PAGE, "pinned");
	locked_is(&cage, 1, "one page pinned");
	pinned(sim_pin(&cage.sims[0], IOVA + 2 * PAGE, 1, SIM_PROT_READ), 1,
	       "PIN of it again");
	pinned(sim_pin(&cage.sims[1], IOVA + 2 * PAGE, 1, SIM_PROT_READ), 1,
	       "PIN of it by another device");
	locked_is(&cage, 1, "pinned three times");
	tap_ret(sim_unpin(&cage.sims[0], IOVA + 2 * PAGE, 1), 0, "UNPIN");
	tap_ret(sim_unpin(&cage.sims[1], IOVA + 2 * PAGE, 1), 0, "UNPIN");
	locked_is(&cage, 1, "unpinned twice");
	reaches(&cage, IOVA + 2 * PAGE, ram + 2 * PAGE, "pinned once more");
	tap_ret(sim_unpin(&cage.sims[0], IOVA + 2 * PAGE, 1), 0, "UNPIN");
	locked_is(&cage, 0, "unpinned three times");

	pinned(sim_pin_pfns(&cage.sims[0], IOVA, 8, SIM_RDWR, pfns), 8,
	       "PIN of eight pages");
	tap_ok(pfns_are(pfns, ram, 8), "they are the right ones");
	locked_is(&cage, 8, "eight pages pinned");
	tap_ret(sim_unpin(&cage.sims[0], IOVA + 3 * PAGE, 2), 0, "UNPIN of two");
	locked_is(&cage, 6, "two of them unpinned");
	/* nobody has pinned these: nothing happens */
	tap_ret(sim_unpin_unchecked(&cage.sims[0], IOVA + 3 * PAGE, 2), 0,
		"UNPIN of what is not pinned");
	locked_is(&cage, 6, "unpinned what is not pinned");
	tap_ret(sim_unpin(&cage.sims[0], IOVA, 3), 0, "UNPIN of the rest");
	tap_ret(sim_unpin(&cage.sims[0], IOVA + 5 * PAGE, 3), 0,
		"UNPIN of the rest");
	locked_is(&cage, 0, "all unpinned");
	cage_close(&cage);
	ram_free(ram, 8);
}

/* One call over two mappings whose memory is not together. */
void test_pin_mappings(void)
{
	struct cage cage;
	char *low = ram_alloc(4), *high = ram_alloc(4);
	uint64_t pfns[6];

	cage_open(&cage, 1);
	cage_map(&cage, high, IOVA, 4);
	cage_map(&cage, low, IOVA + 4 * PAGE, 4);
	pinned(sim_pin_pfns(&cage.sims[0], IOVA + PAGE, 6, SIM_RDWR, pfns), 6,
	       "PIN over two mappings");
	tap_ok(pfns_are(pfns, high + PAGE, 3) && pfns_are(pfns + 3, low, 3),
	       "they are the right pages");
	reaches(&cage, IOVA + 3 * PAGE, high + 3 * PAGE, "end of the first");
	reaches(&cage, IOVA + 4 * PAGE, low, "start of the second");
	locked_is(&cage, 6, "six pages pinned");
	tap_ret(sim_unpin(&cage.sims[0], IOVA + PAGE, 6), 0, "UNPIN over both");
	locked_is(&cage, 0, "unpinned");
	cage_close(&cage);
	ram_free(low, 4);
	ram_free(high, 4);
}

/* What fails half-way leaves what it found. */
void test_pin_half(void)
{
	struct cage cage;
	char *ram = ram_alloc(8);

	cage_open(&cage, 1);
	cage_map(&cage, ram, IOVA, 4);
	cage_map(&cage, ram + 6 * PAGE, IOVA + 6 * PAGE, 2);
	sim_pin(&cage.sims[0], IOVA + PAGE, 1, SIM_RDWR);
	tap_ret(sim_pin(&cage.sims[0], IOVA, 8, SIM_RDWR), -EINVAL,
		"PIN over a hole");
	locked_is(&cage, 1, "after a hole");
	holds(&cage, 1, 1, "after a hole");
	reaches(&cage, IOVA + PAGE, ram + PAGE, "the page pinned before");
	tap_ret(sim_pin(&cage.sims[0], IOVA + 4 * PAGE, 1, SIM_RDWR), -EINVAL,
		"PIN of a hole");
	tap_ret(sim_pin(&cage.sims[0], -PAGE, 1, SIM_RDWR), -EINVAL,
		"PIN of the last page there is");
	munmap(ram + 3 * PAGE, PAGE);
	tap_ret(sim_pin(&cage.sims[0], IOVA, 4, SIM_RDWR), -EFAULT,
		"PIN over an address without memory");
	locked_is(&cage, 1, "after no memory");
	mprotect(ram + 2 * PAGE, PAGE, PROT_READ);
	tap_ret(sim_pin(&cage.sims[0], IOVA + 2 * PAGE, 1, SIM_PROT_READ),
		-EFAULT, "PIN of memory that may not be written");
	tap_ret(sim_unpin(&cage.sims[0], IOVA + PAGE, 1), 0, "UNPIN");
	locked_is(&cage, 0, "unpinned");
	cage_close(&cage);
	ram_free(ram, 8);
}

void test_pin_rights(void)
{
	struct cage cage;
	char *ram = ram_alloc(4);

	cage_open(&cage, 1);
	cage_map_as(&cage, ram, IOVA, 2, VFIO_DMA_MAP_FLAG_READ);
	cage_map_as(&cage, ram + 2 * PAGE, IOVA + 2 * PAGE, 2,
		    VFIO_DMA_MAP_FLAG_WRITE);
	tap_ret(sim_pin(&cage.sims[0], IOVA, 1, SIM_PROT_WRITE), -EPERM,
		"PIN to write what is mapped to be read");
	tap_ret(sim_pin(&cage.sims[0], IOVA, 1, SIM_RDWR), -EPERM,
		"PIN to read and write it");
	pinned(sim_pin(&cage.sims[0], IOVA, 1, SIM_PROT_READ), 1,
	       "PIN to read it");
	tap_ret(sim_pin(&cage.sims[0], IOVA + 2 * PAGE, 1, SIM_PROT_READ),
		-EPERM, "PIN to read what is mapped to be written");
	tap_ret(sim_pin(&cage.sims[0], IOVA + PAGE, 2, SIM_PROT_READ), -EPERM,
		"PIN over both");
	locked_is(&cage, 1, "refused");
	pinned(sim_pin(&cage.sims[0], IOVA + 2 * PAGE, 1, SIM_PROT_WRITE), 1,
	       "PIN to write it");
	pinned(sim_pin(&cage.sims[0], IOVA + PAGE, 1, 0), 1,
	       "PIN for neither");
	locked_is(&cage, 3, "pinned");
	tap_ret(sim_unpin(&cage.sims[0], IOVA, 3), 0, "UNPIN");
	cage_close(&cage);
	ram_free(ram, 4);
}

/* Pages of other kinds than memory that is there and the process's alone. */
void test_pin_kinds(void)
{
	char *huge = mem_alloc(PAGE_2M, LEAF_2M), *shared = mem_alloc_scattered(2 * PAGE);
	char *fresh = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct cage cage;
	uint64_t pfns[3];

	if (fresh == MAP_FAILED)
		tap_bail("mmap: %m");
	cage_open(&cage, 1);
	cage_map(&cage, huge, IOVA, PAGE_2M / PAGE);
	pinned(sim_pin_pfns(&cage.sims[0], IOVA + 509 * PAGE, 3, SIM_RDWR, pfns),
	       3, "PIN of parts of a huge page");
	tap_ok(pfns_are(pfns, huge + 509 * PAGE, 3), "they are the right ones");
	reaches(&cage, IOVA + 511 * PAGE, huge + 511 * PAGE, "its last");
	locked_is(&cage, 3, "of a huge page");
	cage_map(&cage, shared, 2 * IOVA, 2);
	pinned(sim_pin(&cage.sims[0], 2 * IOVA + PAGE, 1, SIM_RDWR), 1,
	       "PIN of shared memory");
	reaches(&cage, 2 * IOVA + PAGE, shared + PAGE, "shared");
	/* as long as nobody writes it, a page is the one that is all zeroes */
	cage_map_as(&cage, fresh, 3 * IOVA, 2, VFIO_DMA_MAP_FLAG_READ);
	tap_ok(!fresh[PAGE], "a page is looked at");
	pinned(sim_pin(&cage.sims[0], 3 * IOVA, 2, SIM_PROT_READ), 2,
	       "PIN of pages that were never written");
	locked_is(&cage, kernel_since(6, 2) ? 6 : 4, "all of them");
	if (kernel_since(6, 2)) { /* before, it got no page of its own */
		reaches(&cage, 3 * IOVA, fresh, "never written");
		reaches(&cage, 3 * IOVA + PAGE, fresh + PAGE, "looked at");
	}
	cage_close(&cage);
	munmap(fresh, 2 * PAGE);
	mem_free(shared, 2 * PAGE);
	mem_free(huge, PAGE_2M);
}

/* A page that cannot be pinned for good: a device's registers. */
static void pin_registers(struct cage *cage)
{
	struct vfio_dev devs[1];
	struct edu edu;
	int other;

	if (!vfio_find_edus(devs, 1)) {
		tap_skip("PIN of device memory", "no edu device");
		return;
	}
	other = vfio_setup(&devs[0], backend.type);
	edu_open(&edu, devs[0].fd);
	cage_map(cage, (void *)edu.bar, IOVA + (1 << 30), 1);
	tap_ret(sim_pin(&cage->sims[0], IOVA + (1 << 30), 1, SIM_RDWR), -EINVAL,
		"PIN of device memory");
	cage_unmap(cage, IOVA + (1 << 30), 1);
	edu_close(&edu);
	vfio_teardown(&devs[0], other);
}

void test_pin_limits(void)
{
	struct cage cage;
	char *ram = ram_alloc(SIM_MAX_PAGES + 1);

	cage_open(&cage, 1);
	cage_map(&cage, ram, IOVA, SIM_MAX_PAGES + 1);
	tap_ret(sim_pin(&cage.sims[0], IOVA, 0, SIM_RDWR), -EINVAL,
		"PIN of no page");
	tap_ret(sim_pin(&cage.sims[0], IOVA, SIM_MAX_PAGES + 1, SIM_RDWR),
		-E2BIG, "PIN of more pages than VFIO takes");
	pinned(sim_pin(&cage.sims[0], IOVA, SIM_MAX_PAGES, SIM_RDWR),
	       SIM_MAX_PAGES, "PIN of as many as it takes");
	locked_is(&cage, SIM_MAX_PAGES, "so many pages pinned");
	tap_ret(sim_unpin(&cage.sims[0], IOVA, SIM_MAX_PAGES), 0, "UNPIN");
	locked_is(&cage, 0, "unpinned");
	pin_registers(&cage);
	cage_close(&cage);
	ram_free(ram, SIM_MAX_PAGES + 1);
}

static long peer_map(long container, long ram, long pages)
{
	return vfio_map((int)container, (void *)ram, IOVA,
			(uint64_t)pages * PAGE, MAP_RW);
}

/* The limit is the owner's, though somebody else makes the device pin. */
void test_pin_memlock(void)
{
	char *ram = ram_alloc(8);
	struct cage cage;
	struct peer peer;

	cage_open(&cage, 1);
	peer_start(&peer);
	peer_call(&peer, peer_memlock_bytes, 4 * PAGE, 0, 0);
	peer_call(&peer, peer_drop_ipc_lock, 0, 0, 0);
	tap_ret((int)peer_call(&peer, peer_map, cage.container, (long)ram, 8), 0,
		"MAP of 8 pages where 4 may be locked");
	pinned(sim_pin(&cage.sims[0], IOVA, 3, SIM_RDWR), 3, "PIN of three");
	tap_ret(sim_pin(&cage.sims[0], IOVA + 3 * PAGE, 3, SIM_RDWR), -ENOMEM,
		"PIN of three more");
	tap_ok(peer_call(&peer, peer_locked_kib, 0, 0, 0) == 12,
	       "three pages are locked");
	pinned(sim_pin(&cage.sims[0], IOVA, 4, SIM_RDWR), 4,
	       "PIN of the three again and one more");
	tap_ret(sim_pin(&cage.sims[0], IOVA + 7 * PAGE, 1, SIM_RDWR), -ENOMEM,
		"PIN of a fifth");
	tap_ok(peer_call(&peer, peer_locked_kib, 0, 0, 0) == 16,
	       "four pages are locked");
	locked_is(&cage, 0, "we are not the owner");
	tap_ret(sim_unpin(&cage.sims[0], IOVA, 3), 0, "UNPIN");
	tap_ret(sim_unpin(&cage.sims[0], IOVA, 4), 0, "UNPIN");
	tap_ok(peer_call(&peer, peer_locked_kib, 0, 0, 0) == 0,
	       "nothing is locked");
	peer_end(&peer);
	cage_close(&cage);
	ram_free(ram, 8);
}

/* What the owner gives up, and the device then writes, is wanted again. */
void test_pin_given_up(void)
{
	struct cage cage;
	char *ram = ram_alloc(2);

	cage_open(&cage, 1);
	cage_map(&cage, ram, IOVA, 1);
	pinned(sim_pin(&cage.sims[0], IOVA, 1, SIM_RDWR), 1, "PIN");
	mem_give_up(ram, 2 * PAGE);
	tap_ret(sim_poke(&cage.sims[0], IOVA, "device", 7), 0,
		"a write of what was given up");
	tap_ret(sim_unpin(&cage.sims[0], IOVA, 1), 0, "UNPIN");
	mem_reclaim(ram, 2 * PAGE);
	tap_ok(!strcmp(ram, "device"), "it is kept: %.7s", ram);
	tap_ok(!ram[PAGE], "what nobody wrote is dropped");
	cage_close(&cage);
	ram_free(ram, 2);
}

/* Type 1 merges mappings as it likes: no pins there. */
void test_pin_v1(void)
{
	unsigned long type = backend.type;
	struct cage cage;
	char *ram = ram_alloc(1);

	backend.type = VFIO_TYPE1_IOMMU;
	cage_open(&cage, 1);
	cage_map(&cage, ram, IOVA, 1);
	tap_ret(sim_pin(&cage.sims[0], IOVA, 1, SIM_RDWR), -EACCES,
		"PIN in a type 1 container");
	locked_is(&cage, 0, "refused");
	cage_close(&cage);
	ram_free(ram, 1);
	backend.type = type;
}
