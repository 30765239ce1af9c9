// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copies memory through the device: a fetch, a store, and both pages are looked
 * at. The machine has 32 MiB from 0 and 16 MiB from 4 GiB. First the device
 * sees memory as it is, then through the machine's own IOMMU.
 */
#include "edu.h"
#include "machine.h"
#include "pages.h"
#include "vtd.h"

#define SCRATCH		0x00800000u
/* Out of this processor's reach, as it runs, but not of the device's. */
#define FAR_HIGH	1u
#define FAR_LAST	0x00fff000u
#define FAR_STEP	0x40000u

#define NEW_ADDRESS	0xd0000000u	/* nothing else is there */

/* More than any run needs until it is told to stop. */
#define STORES_MAX	3000000u

/* To which page's target a source goes when the IOMMU maps anew. */
#define SHIFT		7

/* What the boot loader hands over begins with it. */
#define START_MAGIC	0x336ec578u

/* The IOMMU's window: where the source of a page is seen, and its target. */
static uint32_t source_seen(uint32_t page)
{
	return WINDOW_LOW + 2 * page * PAGE;
}

static uint32_t target_seen(uint32_t page)
{
	return WINDOW_LOW + (2 * page + 1) * PAGE;
}

static void check_copies(const char *what, uint32_t shift)
{
	uint32_t page, at;

	for (page = 0; page < PAGES; page++) {
		at = target((page + shift) % PAGES);
		check_page(what, at, page);
		check_untouched(at - PAGE);
		check_untouched(at + PAGE);
	}
}

static void copy_near(void)
{
	uint32_t page, first, count;

	prepare();
	for (page = 0; page < PAGES; page++) {
		piece(page, &first, &count);
		edu_fetch(0, source(page), 0, PAGE);
		edu_store(0, target(page) + first * 4, first * 4, count * 4);
	}
	check_copies("stored", 0);
	say("64 pages copied below 4 GiB\n");
}

static uint32_t far(uint32_t page)
{
	return page == PAGES - 1 ? FAR_LAST : page * FAR_STEP;
}

/* All are written before the first is read: they are not one page. */
static void copy_far(void)
{
	uint32_t page, first, count;

	clear(SCRATCH, WORDS);
	edu_fetch(0, SCRATCH, 0, PAGE);
	for (page = 0; page < PAGES; page++)
		edu_store(FAR_HIGH, far(page), 0, PAGE);
	for (page = 0; page < PAGES; page++) {
		piece(page, &first, &count);
		edu_fetch(0, source(page) + first * 4, first * 4, count * 4);
		edu_store(FAR_HIGH, far(page) + first * 4, first * 4, count * 4);
	}
	for (page = 0; page < PAGES; page++) {
		edu_fetch(FAR_HIGH, far(page), 0, PAGE);
		edu_store(0, SCRATCH, 0, PAGE);
		check_page("stored and fetched again", SCRATCH, page);
	}
	say("64 pages copied above 4 GiB\n");
}

/* With every page's target @shift pages further on than before. */
static void copy_seen(uint32_t shift)
{
	uint32_t page, first, count;

	prepare();
	for (page = 0; page < PAGES; page++) {
		vtd_map(2 * page, source(page));
		vtd_map(2 * page + 1, target((page + shift) % PAGES));
	}
	for (page = 0; page < PAGES; page++) {
		piece(page, &first, &count);
		edu_fetch(WINDOW_HIGH, source_seen(page), 0, PAGE);
		edu_store(WINDOW_HIGH, target_seen(page) + first * 4, first * 4,
			  count * 4);
	}
	check_copies("stored through the IOMMU", shift);
	say("64 pages copied through the IOMMU\n");
}

static void write_page(uint32_t page, uint32_t count)
{
	words(source(page))[page] = count;
	edu_fetch(0, source(page), 0, PAGE);
	edu_store(0, target(page), 0, PAGE);
	if (words(target(page))[page] != count)
		fail("stored while writing", page, count);
}

/* Once in a round the first page's target is mapped anew, elsewhere. */
static void write_page_seen(uint32_t page, uint32_t count)
{
	uint32_t at = target((page + SHIFT) % PAGES);

	if (page == 0) {
		at = target(count / PAGES % PAGES);
		vtd_map(1, at);
	}
	words(source(page))[page] = count;
	edu_fetch(WINDOW_HIGH, source_seen(page), 0, PAGE);
	edu_store(WINDOW_HIGH, target_seen(page), 0, PAGE);
	if (words(at)[page] != count)
		fail("stored through the IOMMU while writing", page, count);
}

typedef void (*write_fn)(uint32_t page, uint32_t count);

/*
 * Pages keep being written while the world outside does what it has to. Asked
 * for it, says so when all of them have been written since.
 */
static void write_until_told(write_fn write)
{
	uint32_t count = 0, last = 0;
	int word;

	say("writing\n");
	while ((word = told()) != TOLD_STOP) {
		last = count + (word == TOLD_ANSWER ? 2 * PAGES : 1);
		while (count != last) {
			if (++count > STORES_MAX)
				fail("nobody said stop after", count, 0);
			write(count % PAGES, count);
		}
		if (word == TOLD_ANSWER)
			say("written\n");
	}
	say("told to stop\n");
}

static void store_unmapped(void)
{
	prepare();
	vtd_unmap(1);
	edu_store_refused(WINDOW_HIGH, target_seen(0));
	check_untouched(target(0));
	check_untouched(target(SHIFT));
	edu_check_counts();
	say("store to what was unmapped refused\n");
}

void payload_main(const uint32_t *start_info)
{
	if (start_info[0] != START_MAGIC)
		fail("not booted by the note", start_info[0], 0);
	say("payload\n");
	edu_find();
	say("device found\n");
	edu_move(NEW_ADDRESS);
	say("device moved\n");
	copy_near();
	copy_far();
	edu_check_counts();
	write_until_told(write_page);

	vtd_on(edu_function());
	say("IOMMU on\n");
	copy_seen(0);
	copy_seen(SHIFT);
	store_unmapped();
	write_until_told(write_page_seen);
	copy_seen(0);
	vtd_off();
	say("IOMMU off\n");

	copy_near();
	edu_check_counts();
	edu_quiesce();
	say("passed\n");
	end(EXIT_PASSED);
}
