// SPDX-License-Identifier: GPL-2.0-only
/* Groups that join and leave while the log is on. */
#include "policy.h"
#include "proc.h"
#include "tap.h"

#include <stdio.h>

/* hwdbm to full: what the capable ones know is not lost, nor asked for. */
static void incapable_joins_and_leaves(void)
{
	open_container(A);
	join(B);
	map_pages(IOVA);
	start();
	dma(A, 1);
	dma(B, 2);
	join(C);
	is_full(3, "one that cannot track joins");
	look_is(ALL, "full");
	dma(C, 9);
	get_is(ALL, "full");
	get_is(ALL, "still full");
	leave(C);
	is_hwdbm(2, "it has left");
	look_is(ALL, "nobody had looked at it");
	get_is(ALL, "nobody had looked at it");
	get_is(NONE, "said once");
	dma(A, 3);
	dma(B, 4);
	get_is("0001100000000000", "the log is exact again");
	stop();
	unmap_pages(IOVA);
	close_container();
}

/* Nobody asks in between: what was there before must be there after. */
static void full_for_a_moment(void)
{
	open_container(A);
	map_pages(IOVA);
	start();
	dma(A, 1);
	join(C);
	dma(C, 5);
	dma(A, 2);
	leave(C);
	get_is(ALL, "full for a moment");
	dma(A, 2);
	get_is("0010000000000000", "translations from before are not trusted");
	stop();
	unmap_pages(IOVA);
	close_container();
}

/* Another takes over: the one that knew leaves last of the capable. */
static void last_capable_leaves(void)
{
	open_container(A);
	map_pages(IOVA);
	start();
	dma(A, 1);
	join(C);
	leave(A);
	is_full(1, "only the incapable one is left");
	get_is(ALL, "full");
	join(B);
	dma(B, 4);
	leave(C);
	is_hwdbm(1, "a capable one has taken over");
	get_is(ALL, "nobody had looked");
	dma(B, 5);
	get_is("0000010000000000", "the log is exact");
	stop();
	unmap_pages(IOVA);
	close_container();
}

static void one_of_two_leaves(int first, int second)
{
	open_container(first);
	join(second);
	map_pages(IOVA);
	start();
	dma(first, 1);
	dma(second, 2);
	dma(second, 9);
	look_is("0110000001000000", "both have written");
	clear("0000000001000000");
	dma(second, 10);
	leave(second);
	is_hwdbm(1, "one of two capable ones leaves");
	look_is("0110000000100000", "what it knew is kept");
	dma(first, 11);
	get_is("0110000000110000", "with what the other knows");
	get_is(NONE, "said once");
	dma(first, 1);
	get_is("0100000000000000", "the log is exact");
	stop();
	unmap_pages(IOVA);
	close_container();
}

static void driver(const char *what, int who)
{
	char path[96];

	snprintf(path, sizeof(path), "/sys/bus/platform/drivers/%s/%s",
		 SIM_DMA_DEVICE_NAME, what);
	must(proc_write(path, dev[who].bdf), what);
}

/* Its driver lets go of a device: nobody has asked for the group to leave. */
static void unplugged(void)
{
	open_container(A);
	join(B);
	map_pages(IOVA);
	start();
	dma(A, 1);
	dma(B, 2);
	vfio_device_close(&dev[B]);
	driver("unbind", B);
	is_hwdbm(1, "a device is unplugged");
	get_is("0110000000000000", "what it knew is kept");
	get_is(NONE, "said once");
	vfio_group_close(&dev[B]);
	driver("bind", B);
	join(B);
	dma(B, 2);
	get_is("0010000000000000", "plugged in again");
	stop();
	unmap_pages(IOVA);
	close_container();
}

/* A group leaves a domain that another one keeps: nothing is to be saved. */
static void one_of_a_domain_leaves(void)
{
	open_container(A);
	join(A2);
	map_pages(IOVA);
	start();
	tap_ok(watch(A).domains == 1, "two groups of one IOMMU share a domain");
	dma(A2, 3);
	dma(A, 4);
	leave(A2);
	is_hwdbm(1, "one of two groups of a domain leaves");
	dma(A, 3);
	look_is("0001100000000000", "what it wrote is in the domain");
	get_is("0001100000000000", "what it wrote is in the domain");
	join(A2);
	dma(A2, 3);
	get_is("0001000000000000", "back again");
	stop();
	unmap_pages(IOVA);
	close_container();
}

/* Replay and its bits: nothing that was mapped for it counts as written. */
static void capable_joins(void)
{
	open_container(A);
	map_pages(IOVA);
	start();
	dma(A, 1);
	join(B);
	is_hwdbm(2, "a capable one joins");
	tap_ok(watch(B).tracking && watch(B).leaves == NR,
	       "it tracks, and has all mappings: %llu leaves", watch(B).leaves);
	look_is("0100000000000000", "joining dirties nothing");
	dma(B, 0);
	dma(B, 15);
	get_is("1100000000000001", "its first writes are seen");
	dma(B, 15);
	get_is("0000000000000001", "and its later ones");
	stop();
	unmap_pages(IOVA);
	close_container();
}

/* Full from the start, with the domain that can track watched all along. */
static void start_under_full(void)
{
	open_container(C);
	join(A);
	map_pages(IOVA);
	start();
	is_full(2, "START with one that cannot track");
	tap_ok(watch(A).tracking, "the other one tracks all the same");
	dma(A, 1);
	get_is(ALL, "full");
	clear(ALL);
	get_is(ALL, "CLEAR cleans nothing under full");
	leave(C);
	is_hwdbm(1, "it has left");
	get_is(ALL, "nobody had looked");
	dma(A, 1);
	get_is("0100000000000000", "the log is exact");
	stop();
	unmap_pages(IOVA);
	close_container();
}

static void coherent_is(int want, const char *when)
{
	int cc = vfio_check_extension(container, VFIO_DMA_CC_IOMMU);

	tap_ok(cc == want, "%s: coherency %d, want %d", when, cc, want);
}

/*
 * B's IOMMU cannot enforce coherency, D's can: a domain of the one would take
 * the other's devices, but KVM would believe what does not hold any more.
 */
static void coherency(void)
{
	open_container(B);
	coherent_is(0, "an IOMMU that cannot enforce it");
	join(D);
	is_hwdbm(2, "one that can gets a domain of its own");
	coherent_is(0, "one of two");
	leave(B);
	coherent_is(1, "the one that cannot has left");
	join(A);
	coherent_is(1, "both of two");
	join(B);
	coherent_is(0, "two of three");
	is_hwdbm(3, "two of three");
	close_container();
}

void test_moves(void)
{
	incapable_joins_and_leaves();
	full_for_a_moment();
	last_capable_leaves();
	one_of_two_leaves(A, B);
	one_of_two_leaves(B, A);
	unplugged();
	one_of_a_domain_leaves();
	capable_joins();
	start_under_full();
	coherency();
}
