// SPDX-License-Identifier: GPL-2.0-only
/* A device behind the IOMMU and devices that pin, in one container. */
#include "edu.h"
#include "kernel.h"
#include "peer.h"
#include "pins.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGES 16

static struct rig rig;

static bool have_edu(void)
{
	struct vfio_dev devs[1];

	if (vfio_find_edus(devs, 1))
		return true;
	tap_skip("an IOMMU's group in the same container", "no edu device");
	return false;
}

/* Returns the memory that is mapped at IOVA. */
static char *open_both(struct cage *cage, uint64_t pages)
{
	char *ram = ram_alloc(pages);
	int ret;

	cage_open(cage, 1);
	ret = edu_joins(cage, &rig);
	if (ret)
		tap_bail("the IOMMU's group does not join: %s", strerror(-ret));
	cage_map(cage, ram, IOVA, pages);
	return ram;
}

static void both_policy(struct cage *cage, const char *when)
{
	policy_is(cage, backend_all_dirty() ? VFIO_HWDBM_POLICY_FULL :
					      VFIO_HWDBM_POLICY_HWDBM, when);
}

void test_both_charge(void)
{
	struct cage cage;
	char *ram;

	if (!have_edu())
		return;
	ram = open_both(&cage, PAGES);
	both_policy(&cage, "both kinds");
	locked_is(&cage, PAGES, "mapped");
	sim_pin(&cage.sims[0], IOVA + 3 * PAGE, 4, SIM_RDWR);
	locked_is(&cage, PAGES, "pinned besides");
	reaches(&cage, IOVA + 3 * PAGE, ram + 3 * PAGE, "pinned besides");
	tap_ok(rig_reaches(&rig, IOVA + 3 * PAGE, ram + 3 * PAGE),
	       "so does the other device");
	sim_unpin(&cage.sims[0], IOVA + 3 * PAGE, 1);
	locked_is(&cage, PAGES, "one unpinned");
	cage_unmap(&cage, IOVA, PAGES);
	holds(&cage, 0, 0, "unmapped");
	locked_is(&cage, 0, "unmapped");

	cage_map(&cage, ram, IOVA, PAGES);
	sim_pin(&cage.sims[0], IOVA, PAGES, SIM_RDWR);
	vfio_group_close(&cage.sims[0]);
	locked_is(&cage, PAGES, "the device that pins has left");
	tap_ok(rig_reaches(&rig, IOVA, ram), "the other goes on");
	tap_ret(cage_join(&cage, 0), 0, "it comes back");
	holds(&cage, 0, 0, "come back");
	edu_leaves(&rig);
	locked_is(&cage, 0, "the other has left");
	cage_close(&cage);
	ram_free(ram, PAGES);
}

/*
 * The IOMMU leaves a container that logs, and comes back. What its device wrote
 * and nobody asked for must be in the log, and ours has nothing else there.
 */
void test_both_leave(void)
{
	struct cage cage;
	char *ram;

	if (!have_edu())
		return;
	ram = open_both(&cage, PAGES);
	start_logging(&cage);
	rig_write(&rig, IOVA + PAGE);
	rig_write(&rig, IOVA + 3 * PAGE);
	sim_pin(&cage.sims[0], IOVA + 5 * PAGE, 1, SIM_RDWR);
	sim_rw(&cage.sims[0], IOVA + 7 * PAGE, ram, 8, SIM_COPY_WRITE);
	edu_leaves(&rig);
	policy_is(&cage, VFIO_HWDBM_POLICY_PINNED, "the IOMMU has left");
	locked_is(&cage, 1, "the IOMMU has left");
	reaches(&cage, IOVA + 5 * PAGE, ram + 5 * PAGE, "the IOMMU has left");
	log_is(&cage, DIRTY_GET, IOVA,
	       backend_all_dirty() ? "1111111111111111" : "0101010100000000",
	       "the IOMMU has left");
	log_is(&cage, DIRTY_GET, IOVA, "0000010000000000", "pinned alone");

	tap_ret(edu_joins(&cage, &rig), 0, "the IOMMU comes back");
	both_policy(&cage, "come back");
	locked_is(&cage, PAGES, "come back");
	tap_ok(rig_reaches(&rig, IOVA + 8 * PAGE, ram + 8 * PAGE),
	       "its device gets at mappings older than it");
	log_is(&cage, DIRTY_GET, IOVA,
	       backend_all_dirty() ? "1111111111111111" : "0000010010000000",
	       "come back");
	sim_unpin(&cage.sims[0], IOVA + 5 * PAGE, 1);
	locked_is(&cage, PAGES, "unpinned what was charged before");
	log_is(&cage, DIRTY_GET, IOVA,
	       backend_all_dirty() ? "1111111111111111" : "0000010000000000",
	       "once after the unpin");
	sim_pin(&cage.sims[0], IOVA + 9 * PAGE, 2, SIM_RDWR);
	edu_leaves(&rig);
	locked_is(&cage, 2, "left, and two pinned meanwhile");
	sim_unpin(&cage.sims[0], IOVA + 9 * PAGE, 2);
	locked_is(&cage, 0, "unpinned");
	cage_close(&cage);
	ram_free(ram, PAGES);
}

/* Mappings that are older than the IOMMU, and not to its taste. */
void test_both_reserved(void)
{
	struct vfio_iommu_type1_info *info;
	struct cage cage;
	char *ram;

	if (!have_edu())
		return;
	ram = ram_alloc(4);
	cage_open(&cage, 1);
	cage_map(&cage, ram, 0xfee00000, 2);	/* interrupts, to an IOMMU */
	sim_pin(&cage.sims[0], 0xfee00000, 1, SIM_RDWR);
	tap_ret(edu_joins(&cage, &rig), -EINVAL, "a mapping is where the IOMMU has none");
	locked_is(&cage, 1, "refused");
	cage_unmap(&cage, 0xfee00000, 2);

	cage_map(&cage, ram, IOVA, 4);
	sim_pin(&cage.sims[0], IOVA, 1, SIM_RDWR);
	munmap(ram + 3 * PAGE, PAGE);
	tap_ret(edu_joins(&cage, &rig), -EFAULT, "a mapping has no memory");
	locked_is(&cage, 1, "refused");
	reaches(&cage, IOVA, ram, "refused");
	cage_unmap(&cage, IOVA, 4);
	tap_ret(edu_joins(&cage, &rig), 0, "without it the IOMMU comes");
	info = vfio_info(cage.container);
	tap_ok(vfio_info_cap(info, VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE),
	       "and GET_INFO has its ranges");
	free(info);
	tap_ret(vfio_map(cage.container, ram, 0xfee00000, PAGE, MAP_RW), -EINVAL,
		"MAP there");
	edu_leaves(&rig);
	cage_close(&cage);
	ram_free(ram, 4);
}

/* Two pages to be read: the kernel's page of zeros, and one of our own. */
static char *zero_and_ram(void)
{
	int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	char *ram = ram_alloc(2);

	/* of a file that cannot be written the kernel makes no copies */
	if (fd < 0 || mmap(ram, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, fd,
			   0) != ram)
		tap_bail("/dev/zero: %m");
	close(fd);
	return ram;
}

/*
 * The page of zeros is nobody's locked memory, pinned or not; from 7.0 on it is a
 * page like any other to stock, and so to ours.
 */
void test_both_zero(void)
{
	const int zero = kernel_since(7, 0);
	struct cage cage;
	char *ram;

	if (!have_edu())
		return;
	ram = zero_and_ram();
	cage_open(&cage, 1);
	tap_ret(edu_joins(&cage, &rig), 0, "the IOMMU's group joins");
	cage_map_as(&cage, ram, IOVA, 2, VFIO_DMA_MAP_FLAG_READ);
	locked_is(&cage, zero + 1, "mapped");
	tap_ok(sim_pin(&cage.sims[0], IOVA, 1, SIM_PROT_READ) == 1,
	       "PIN of the page of zeros");
	edu_leaves(&rig);
	locked_is(&cage, zero, "the IOMMU has left, it is pinned");
	tap_ok(sim_pin(&cage.sims[0], IOVA + PAGE, 1, SIM_PROT_READ) == 1,
	       "PIN of the other page");
	locked_is(&cage, zero + 1, "both are pinned");
	tap_ret(sim_unpin(&cage.sims[0], IOVA, 2), 0, "UNPIN");
	locked_is(&cage, 0, "unpinned");
	cage_close(&cage);
	ram_free(ram, 2);
}

/* Each kind of device in one log. */
void test_both_log(void)
{
	uint64_t word = 0;
	struct vfio_bitmap map = {
		.pgsize = PAGE, .size = sizeof(word), .data = (void *)&word,
	};
	struct cage cage;
	char *ram;
	int ret;

	if (!have_edu())
		return;
	if (backend_all_dirty()) {
		tap_skip("the log of both", "every page is reported");
		return;
	}
	ram = open_both(&cage, PAGES);
	sim_pin(&cage.sims[0], IOVA + PAGE, 1, SIM_RDWR);
	start_logging(&cage);
	rig_write(&rig, IOVA + 2 * PAGE);
	sim_rw(&cage.sims[0], IOVA + 5 * PAGE, ram, 8, SIM_COPY_WRITE);
	sim_pin(&cage.sims[0], IOVA + 7 * PAGE, 2, SIM_RDWR);
	log_is(&cage, DIRTY_NOCLEAR, IOVA, "0110010110000000", "both");
	tap_ret(log_clear(&cage, IOVA, "1111111100000000"), 0, "CLEAR of a half");
	log_is(&cage, DIRTY_NOCLEAR, IOVA, "0100000110000000", "pins stay dirty");
	rig_write(&rig, IOVA + 2 * PAGE);
	sim_unpin(&cage.sims[0], IOVA + 7 * PAGE, 2);
	log_is(&cage, DIRTY_GET, IOVA, "0110000110000000", "written again");
	log_is(&cage, DIRTY_GET, IOVA, "0100000000000000", "one is pinned");
	vfio_group_close(&cage.sims[0]);
	log_is(&cage, DIRTY_GET, IOVA, "0100000000000000", "its device has left");
	log_is(&cage, DIRTY_GET, IOVA, "0000000000000000", "its device is gone");
	cage_join(&cage, 0);
	sim_pin(&cage.sims[0], IOVA + PAGE, 1, SIM_RDWR);
	rig_write(&rig, IOVA + 15 * PAGE);
	ret = vfio_unmap_dirty(cage.container, IOVA, PAGES * PAGE,
			       VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP, &map, NULL);
	tap_ok(!ret && word == 0x8002, "UNMAP with pins: %d, log %#lx", ret, word);
	holds(&cage, 0, 0, "unmapped");
	edu_leaves(&rig);
	cage_close(&cage);
	ram_free(ram, PAGES);
}

/* Devices that pin cannot live with addresses that are being changed. */
void test_both_vaddr(void)
{
	struct cage cage;
	char *ram;

	if (!have_edu())
		return;
	ram = open_both(&cage, 4);
	tap_ret(vfio_unmap(cage.container, IOVA, 4 * PAGE,
			   VFIO_DMA_UNMAP_FLAG_VADDR, NULL),
		-EBUSY, "UNMAP with VADDR beside a device that pins");
	vfio_group_close(&cage.sims[0]);
	tap_ok(vfio_check_extension(cage.container, VFIO_UPDATE_VADDR) == 1,
	       "without it the extension is there");
	tap_ret(vfio_unmap(cage.container, IOVA, 4 * PAGE,
			   VFIO_DMA_UNMAP_FLAG_VADDR, NULL),
		0, "UNMAP with VADDR");
	tap_ret(cage_join(&cage, 0), -EBUSY, "then a device that pins");
	vfio_group_close(&cage.sims[0]);
	tap_ret(vfio_map(cage.container, ram, IOVA, 4 * PAGE,
			 VFIO_DMA_MAP_FLAG_VADDR),
		0, "MAP with VADDR");
	tap_ret(cage_join(&cage, 0), 0, "the device may join again");
	sim_pin(&cage.sims[0], IOVA, 1, SIM_RDWR);
	reaches(&cage, IOVA, ram, "joined");
	locked_is(&cage, 4, "joined");
	cage_unmap(&cage, IOVA, 4);
	edu_leaves(&rig);
	cage_close(&cage);
	ram_free(ram, 4);
}

/* The IOMMU comes, brought by who is not the owner of all that is mapped. */
void test_both_owners(void)
{
	struct cage cage;
	struct peer peer;
	char *ram;
	int ret;

	if (!have_edu())
		return;
	if (backend.stock) {
		tap_skip("an IOMMU's group joins mappings of two processes",
			 "stock takes the caller's memory for the owner's");
		return;
	}
	ram = ram_alloc(2);
	cage_open(&cage, 1);
	peer_start(&peer);
	if (peer_call(&peer, peer_map_own, cage.container, IOVA, 8))
		tap_bail("the other process cannot MAP");
	cage_map(&cage, ram, 2 * IOVA, 2);
	tap_ret(edu_joins(&cage, &rig), 0, "the IOMMU joins mappings of two processes");
	locked_is(&cage, 2, "of two processes");
	tap_ok(peer_call(&peer, peer_locked_kib, 0, 0, 0) == 32,
	       "the other one's 8 pages are on its own account");
	edu_fetch(&rig.edu, IOVA, 0, 4);
	edu_store(&rig.edu, 2 * IOVA + 64, 0, 4);
	tap_ok(!memcmp(ram + 64, "page", 4), "and the device gets at them");
	edu_leaves(&rig);
	locked_is(&cage, 0, "left");
	tap_ok(!peer_call(&peer, peer_locked_kib, 0, 0, 0),
	       "nothing of the other is locked");
	peer_end(&peer);
	ret = edu_joins(&cage, &rig);
	tap_ok(ret < 0, "when one of them is gone it is refused: %s",
	       strerror(-ret));
	locked_is(&cage, 0, "refused");
	cage_unmap(&cage, IOVA, 8);
	tap_ret(edu_joins(&cage, &rig), 0, "without its mapping it is not");
	locked_is(&cage, 2, "joined");
	edu_leaves(&rig);
	cage_close(&cage);
	ram_free(ram, 2);
}
