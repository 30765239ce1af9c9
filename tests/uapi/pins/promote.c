// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device behind the IOMMU whose driver pins as well. With its first pin for
 * writing it is of pinned scope, and what was known until then must be saved.
 * The full-* tests want an IOMMU without dirty bits, the others one with them;
 * and "several" an edu of two functions, the first of which the simulator has.
 */
#include "pins.h"
#include "proc.h"
#include "tap.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PAGES	16
#define NONE	"0000000000000000"
#define ALL	"1111111111111111"
#define PINNED	VFIO_HWDBM_POLICY_PINNED
#define HWDBM	VFIO_HWDBM_POLICY_HWDBM
#define FULL	VFIO_HWDBM_POLICY_FULL
#define EIO_NEXT "/sys/module/split/parameters/eio"

static struct cage cage;
static struct rig other;	/* its driver pins nothing */
static char *ram;

/* A container with the device alone, and all is mapped. */
static void open_alone(void)
{
	if (backend.stock)
		tap_bail("these tests are not for stock, which saves nothing");
	if (!cage_open_edu(&cage))
		tap_bail("the simulator has no edu: take-edu gives it one");
	ram = ram_alloc(PAGES);
	cage_map(&cage, ram, IOVA, PAGES);
}

static void close_all(void)
{
	cage_close(&cage);
	ram_free(ram, PAGES);
}

static void must(int ret, int want, const char *what, unsigned int page)
{
	if (ret != want)
		tap_bail("%s page %u: %d", what, page, ret);
}

static void dma(unsigned int page)
{
	must(sim_store(&cage.sims[0], IOVA + page * PAGE + 1000, 24), 0,
	     "DMA to", page);
}

static void pin(unsigned int page)
{
	must(sim_pin(&cage.sims[0], IOVA + page * PAGE, 1, SIM_RDWR), 1,
	     "PIN of", page);
}

static void unpin(unsigned int page)
{
	must(sim_unpin(&cage.sims[0], IOVA + page * PAGE, 1), 0, "UNPIN of",
	     page);
}

static void get_is(const char *want, const char *when)
{
	log_is(&cage, DIRTY_GET, IOVA, want, when);
}

static void look_is(const char *want, const char *when)
{
	log_is(&cage, DIRTY_NOCLEAR, IOVA, want, when);
}

static void clear(const char *bits)
{
	tap_ret(log_clear(&cage, IOVA, bits), 0, "CLEAR of %s", bits);
}

static void other_joins(const char *when)
{
	tap_ret(edu_joins(&cage, &other), 0, "%s: the other group joins", when);
}

static void reopen(void)
{
	int ret = vfio_device_open(&cage.sims[0]);

	tap_ok(!ret, "the device is opened again: %d", ret);
}

/* The device moves what is in one page to the next one. */
static void moves(unsigned int page)
{
	uint64_t iova = IOVA + page * PAGE;

	memset(ram + (page + 1) * PAGE, 0, 32);
	must(sim_fetch(&cage.sims[0], iova, 32), 0, "DMA from", page);
	must(sim_store(&cage.sims[0], iova + PAGE, 32), 0, "DMA to", page + 1);
	tap_ok(!memcmp(ram + page * PAGE, ram + (page + 1) * PAGE, 32),
	       "the device does DMA");
}

/* The hardware's bits are saved as the device is promoted. */
void test_promote(void)
{
	open_alone();
	policy_is(&cage, HWDBM, "nothing is pinned");
	moves(0);
	start_logging(&cage);
	dma(1);
	dma(3);
	policy_is(&cage, HWDBM, "written");
	pin(5);
	policy_is(&cage, PINNED, "pinned");
	get_is("0101010000000000", "promoted");
	get_is("0000010000000000", "pinned");
	reaches(&cage, IOVA + 5 * PAGE, ram + 5 * PAGE, "pinned");
	get_is("0000010000000000", "still pinned");
	pin(9);
	get_is("0000010001000000", "one more");
	unpin(5);
	unpin(9);
	policy_is(&cage, PINNED, "unpinned");
	get_is("0000010001000000", "once after the unpin");
	get_is(NONE, "and then no more");
	close_all();
}

/* NOCLEAR and CLEAR before and after. */
void test_promote_manual(void)
{
	open_alone();
	start_logging(&cage);
	dma(1);
	dma(2);
	dma(3);
	look_is("0111000000000000", "written");
	clear("0110000000000000");
	dma(2);
	dma(8);
	pin(5);
	policy_is(&cage, PINNED, "pinned");
	look_is("0011010010000000", "promoted");
	look_is("0011010010000000", "asked again");
	clear("0010010000000000");
	look_is("0001010010000000", "cleared, and pinned stays dirty");
	clear(ALL);
	look_is("0000010000000000", "all cleared");
	unpin(5);
	look_is("0000010000000000", "unpinned");
	clear(ALL);
	look_is(NONE, "all is quiet");
	close_all();
}

/* What does not promote: reading, and a PIN that fails. */
void test_promote_not(void)
{
	const struct vfio_dev *sim = &cage.sims[0];

	open_alone();
	cage_map_as(&cage, ram, 2 * IOVA, 1, VFIO_DMA_MAP_FLAG_READ);
	start_logging(&cage);
	tap_ret(sim_pin(sim, IOVA + 7 * PAGE, 1, SIM_PROT_READ), 1,
		"PIN for reading");
	policy_is(&cage, HWDBM, "pinned for reading");
	tap_ret(sim_pin(sim, 2 * IOVA, 1, SIM_RDWR), -EPERM,
		"PIN for writing of what is not writeable");
	tap_ret(sim_pin(sim, IOVA + 15 * PAGE, 2, SIM_RDWR), -EINVAL,
		"PIN half of which is not mapped");
	policy_is(&cage, HWDBM, "not pinned");
	/* the page that the last PIN took and gave back may count */
	get_is("000000010000000?", "pinned for reading");
	dma(1);
	get_is("0100000100000000", "the hardware is asked");
	dma(2);
	tap_ret(sim_pin(sim, IOVA + 4 * PAGE, 1, SIM_PROT_WRITE), 1,
		"PIN for writing");
	policy_is(&cage, PINNED, "pinned for writing");
	get_is("0010100100000000", "promoted");
	get_is("0000100100000000", "pinned");
	must(sim_unpin(sim, IOVA + 4 * PAGE, 1), 0, "UNPIN of", 4);
	unpin(7);
	get_is("0000100100000000", "once after the unpin");
	close_all();
}

/* Promoted while nobody logs: nothing is to be saved. */
void test_promote_unlogged(void)
{
	open_alone();
	dma(1);
	pin(5);
	policy_is(&cage, PINNED, "pinned");
	start_logging(&cage);
	policy_is(&cage, PINNED, "started");
	get_is("0000010000000000", "started");
	tap_ret(vfio_dirty_flag(cage.container, DIRTY_STOP), 0, "STOP");
	start_logging(&cage);
	get_is("0000010000000000", "started again");
	unpin(5);
	get_is("0000010000000000", "once after the unpin");
	get_is(NONE, "and then no more");
	close_all();
}

/* What was saved, and is not asked for before the mapping goes. */
void test_promote_unmap(void)
{
	uint64_t word = 0;
	struct vfio_bitmap map = {
		.pgsize = PAGE, .size = sizeof(word), .data = (void *)&word,
	};
	int ret;

	open_alone();
	start_logging(&cage);
	dma(1);
	dma(14);
	pin(5);
	ret = vfio_unmap_dirty(cage.container, IOVA, PAGES * PAGE,
			       VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP, &map, NULL);
	tap_ok(!ret && word == 0x4022, "UNMAP: %d, log %#lx, want 0x4022", ret,
	       word);
	holds(&cage, 0, 0, "unmapped");
	locked_is(&cage, 0, "unmapped");
	cage_map(&cage, ram, IOVA, PAGES);
	get_is(NONE, "mapped again");
	close_all();
}

/* A device that is closed is of pinned scope no more, till it pins again. */
void test_promote_close(void)
{
	open_alone();
	start_logging(&cage);
	dma(1);
	pin(5);
	pin(5);
	pin(6);
	reaches(&cage, IOVA + 6 * PAGE, ram + 6 * PAGE, "pinned");
	vfio_device_close(&cage.sims[0]);
	policy_is(&cage, HWDBM, "closed with pins");
	get_is("0100011000000000", "closed with pins");
	get_is(NONE, "closed");
	locked_is(&cage, PAGES, "closed");
	reopen();
	holds(&cage, 0, 0, "opened again");
	policy_is(&cage, HWDBM, "opened again");
	dma(2);
	get_is("0010000000000000", "the hardware is asked again");
	dma(3);
	pin(7);
	policy_is(&cage, PINNED, "pinned again");
	get_is("0001000100000000", "promoted again");
	get_is("0000000100000000", "pinned again");

	dma(7);
	vfio_device_close(&cage.sims[0]);
	reopen();
	dma(8);
	pin(9);
	policy_is(&cage, PINNED, "closed and promoted with no GET between");
	get_is("0000000111000000", "and nothing is lost");
	unpin(9);
	get_is("0000000001000000", "once after the unpin");
	get_is(NONE, "and then no more");
	close_all();
}

/* hwdbm to pinned because the one who did not pin has gone. */
static void others_come_and_go(void)
{
	other_joins("pinned");
	policy_is(&cage, HWDBM, "joined");
	rig_write(&other, IOVA + 2 * PAGE);
	dma(5);
	get_is("0010010000000000", "joined");
	get_is("0000010000000000", "the other is quiet");
	rig_write(&other, IOVA + 3 * PAGE);
	edu_leaves(&other);
	policy_is(&cage, PINNED, "the other has left");
	get_is("0001010000000000", "the other has left");
	get_is("0000010000000000", "and has not written since");

	other_joins("again");
	rig_write(&other, IOVA + 4 * PAGE);
	look_is("0000110000000000", "joined again");
	clear("0000100000000000");
	look_is("0000010000000000", "cleared");
	rig_write(&other, IOVA + 4 * PAGE);
	rig_write(&other, IOVA + 15 * PAGE);
	edu_leaves(&other);
	look_is("0000110000000001", "left again");
	clear(ALL);
	look_is("0000010000000000", "left, and cleared");
}

/* The first pin while the other is in changes no policy, its leaving does. */
static void promoted_beside_other(void)
{
	other_joins("not pinned");
	policy_is(&cage, HWDBM, "none pins");
	dma(7);
	pin(8);
	policy_is(&cage, HWDBM, "one of two pins");
	rig_write(&other, IOVA + 9 * PAGE);
	look_is("0000000111000000", "one of two pins");
	edu_leaves(&other);
	policy_is(&cage, PINNED, "the other has left");
	get_is("0000000111000000", "what both wrote");
	get_is("0000000010000000", "only what is pinned");
}

void test_promote_leave(void)
{
	open_alone();
	start_logging(&cage);
	pin(5);
	policy_is(&cage, PINNED, "pinned");
	others_come_and_go();
	vfio_device_close(&cage.sims[0]);
	reopen();
	get_is("0000010000000000", "closed");
	promoted_beside_other();
	vfio_device_close(&cage.sims[0]);
	reopen();
	get_is("0000000010000000", "closed");
	close_all();
}

/* The hardware fails to tell as it is asked for the last time. */
void test_promote_eio(void)
{
	open_alone();
	start_logging(&cage);
	dma(1);
	if (proc_write(EIO_NEXT, "1"))
		tap_bail("load the module split first");
	pin(5);
	tap_ok(!proc_file_number(EIO_NEXT), "a read has failed");
	policy_is(&cage, PINNED, "promoted blindly");
	get_is(ALL, "promoted blindly");
	get_is("0000010000000000", "pinned");
	vfio_device_close(&cage.sims[0]);
	policy_is(&cage, FULL, "the hardware is needed again");
	get_is(ALL, "the hardware is needed again");
	tap_ret(vfio_dirty_flag(cage.container, DIRTY_STOP), 0, "STOP");
	start_logging(&cage);
	policy_is(&cage, HWDBM, "started anew");
	get_is(NONE, "started anew");
	reopen();
	close_all();
}

/* full to pinned: who knows what was written? All of it, then. */
void test_full(void)
{
	open_alone();
	policy_is(&cage, FULL, "nothing is pinned");
	start_logging(&cage);
	dma(1);
	get_is(ALL, "full");
	dma(2);
	get_is(ALL, "full again");
	pin(5);
	policy_is(&cage, PINNED, "pinned");
	get_is(ALL, "promoted");
	get_is("0000010000000000", "pinned");
	unpin(5);
	get_is("0000010000000000", "once after the unpin");
	get_is(NONE, "and then no more");
	close_all();
}

void test_full_manual(void)
{
	open_alone();
	start_logging(&cage);
	clear(ALL);
	look_is(ALL, "full");
	pin(5);
	look_is(ALL, "promoted");
	clear("1110000000000000");
	look_is("0001111111111111", "cleared");
	clear(ALL);
	look_is("0000010000000000", "pinned stays dirty");
	close_all();
}

void test_full_close(void)
{
	open_alone();
	start_logging(&cage);
	pin(5);
	get_is(ALL, "promoted");
	get_is("0000010000000000", "pinned");
	vfio_device_close(&cage.sims[0]);
	policy_is(&cage, FULL, "closed with a pin");
	get_is(ALL, "closed with a pin");
	reopen();
	dma(3);
	pin(6);
	policy_is(&cage, PINNED, "pinned again");
	get_is(ALL, "promoted again");
	get_is("0000001000000000", "pinned again");
	close_all();
}

void test_full_leave(void)
{
	open_alone();
	start_logging(&cage);
	pin(5);
	get_is(ALL, "promoted");
	get_is("0000010000000000", "pinned");
	other_joins("pinned");
	policy_is(&cage, FULL, "joined");
	rig_write(&other, IOVA + 2 * PAGE);
	get_is(ALL, "joined");
	rig_write(&other, IOVA + 3 * PAGE);
	edu_leaves(&other);
	policy_is(&cage, PINNED, "the other has left");
	get_is(ALL, "the other has left");
	get_is("0000010000000000", "pinned");
	vfio_device_close(&cage.sims[0]);
	reopen();

	other_joins("not pinned");
	pin(8);
	policy_is(&cage, FULL, "one of two pins");
	edu_leaves(&other);
	policy_is(&cage, PINNED, "left again");
	get_is(ALL, "left again");
	get_is("0000000010000000", "only what is pinned");
	close_all();
}

static void find_other(void)
{
	if (!vfio_find_edus(&other.dev, 1) ||
	    other.dev.group_nr != cage.sims[0].group_nr)
		tap_bail("the simulator's edu is alone in its group");
}

/* Of the same group, which is open. */
static void open_other(void)
{
	other.dev.group = cage.sims[0].group;
	must(vfio_device_open(&other.dev), 0, "GET_DEVICE_FD for", 2);
	edu_open(&other.edu, other.dev.fd);
}

static void close_other(void)
{
	edu_close(&other.edu);
	vfio_device_close(&other.dev);
}

/* The other device of the group may write what nobody pins. */
void test_several(void)
{
	open_alone();
	find_other();
	open_other();
	start_logging(&cage);
	pin(5);
	policy_is(&cage, HWDBM, "one of the group's two devices pins");
	rig_write(&other, IOVA + 2 * PAGE);
	dma(3);
	get_is("0011010000000000", "both write");
	get_is("0000010000000000", "pinned");
	rig_write(&other, IOVA + 9 * PAGE);
	vfio_device_close(&cage.sims[0]);
	policy_is(&cage, HWDBM, "the device that pins is closed");
	get_is("0000010001000000", "the device that pins is closed");
	reopen();
	close_other();
	close_all();
}

static void tell_sysfs(const char *file, const char *text)
{
	char path[128];
	int ret;

	snprintf(path, sizeof(path), "/sys/bus/pci/%s", file);
	ret = proc_write(path, text);
	if (ret)
		tap_bail("%s: %s", path, strerror(-ret));
}

/* Taken out of the machine, and plugged in again. */
static void other_is_pulled(void)
{
	char file[64];

	snprintf(file, sizeof(file), "devices/%s/remove", other.dev.bdf);
	tell_sysfs(file, "1");
}

static void other_is_plugged(void)
{
	char file[64];

	tell_sysfs("rescan", "1");
	snprintf(file, sizeof(file), "devices/%s/driver_override",
		 other.dev.bdf);
	tell_sysfs(file, "vfio-pci");
	tell_sysfs("drivers_probe", other.dev.bdf);
	find_other();
}

/* A device that is plugged in comes to a group that is of pinned scope. */
void test_grown(void)
{
	open_alone();
	find_other();
	other_is_pulled();
	start_logging(&cage);
	pin(5);
	policy_is(&cage, PINNED, "alone");
	get_is("0000010000000000", "alone");
	other_is_plugged();
	open_other();
	policy_is(&cage, HWDBM, "a second device is opened");
	tap_ok(rig_reaches(&other, IOVA + 2 * PAGE, ram + 2 * PAGE),
	       "it does DMA");
	get_is("0010010000000000", "it has written");
	get_is("0000010000000000", "and then no more");
	close_other();
	close_all();
}
