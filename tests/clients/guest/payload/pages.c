// SPDX-License-Identifier: GPL-2.0-only
#include "machine.h"
#include "pages.h"

#define SOURCE		0x00400000u
#define SOURCE_STEP	0x3000u
/* Up to 30 MiB; the firmware keeps its own at the top. */
#define TARGET		0x01000000u
#define TARGET_STEP	0x38000u

#define UNTOUCHED	0x5aa5c33cu

static uint32_t pattern(uint32_t page, uint32_t word)
{
	return (page + 1) * 0x9e3779b1u ^ word * 0x85ebca6bu;
}

uint32_t source(uint32_t page)
{
	return SOURCE + page * SOURCE_STEP;
}

uint32_t target(uint32_t page)
{
	return TARGET + page * TARGET_STEP;
}

static void fill(uint32_t at, uint32_t page)
{
	uint32_t word;

	for (word = 0; word < WORDS; word++)
		words(at)[word] = pattern(page, word);
}

void clear(uint32_t at, uint32_t count)
{
	uint32_t word;

	for (word = 0; word < count; word++)
		words(at)[word] = UNTOUCHED;
}

void piece(uint32_t page, uint32_t *first, uint32_t *count)
{
	*first = page % 4 ? page * 5 : 0;
	*count = page % 4 ? 1 + page * 9 : WORDS;
}

void check_page(const char *what, uint32_t at, uint32_t page)
{
	uint32_t word, first, count, want;

	piece(page, &first, &count);
	for (word = 0; word < WORDS; word++) {
		want = word - first < count ? pattern(page, word) : UNTOUCHED;
		if (words(at)[word] != want)
			fail(what, at + word * 4, words(at)[word]);
	}
}

void check_untouched(uint32_t at)
{
	uint32_t word;

	for (word = 0; word < WORDS; word++)
		if (words(at)[word] != UNTOUCHED)
			fail("a page beside was written", at + word * 4,
			     words(at)[word]);
}

void prepare(void)
{
	uint32_t page;

	for (page = 0; page < PAGES; page++) {
		fill(source(page), page);
		clear(target(page) - PAGE, 3 * WORDS);
	}
}
