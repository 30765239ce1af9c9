// SPDX-License-Identifier: GPL-2.0-only
#include "demo.h"

#include <stdio.h>

#define COLUMNS	64
#define ROWS	8
#define CELL	(PAGES / (COLUMNS * ROWS))	/* pages */
#define LEVELS	6

static const char *const blocks[LEVELS] = { "\u00b7", "\u2591", "\u2592",
					    "\u2593", "\u2588", "\u2588" };
static const char plain[LEVELS] = ".-+*#@";
/* of the 256 colours: grey, blue, green, yellow, orange, red */
static const int colors[LEVELS] = { 240, 33, 40, 226, 208, 196 };

/* Upper bounds, in percent of all pages in all rounds, of all but the last. */
static const int bounds[LEVELS - 1] = { 0, 5, 20, 50, 90 };

static int level_of(uint64_t percent, bool any)
{
	int level = any ? 1 : 0;

	while (level < LEVELS - 1 && percent > (uint64_t)bounds[level])
		level++;
	return level;
}

static void cell(int level, bool color)
{
	if (color)
		printf("\033[38;5;%dm%s", colors[level], blocks[level]);
	else
		putchar(plain[level]);
}

void heat_map(const char *title, const uint8_t *counts, int rounds, bool color)
{
	uint64_t row, col, i, page = 0;

	printf("%s\n", title);
	for (row = 0; row < ROWS; row++) {
		printf("%4llu MiB  ", page * PAGE_4K >> 20);
		for (col = 0; col < COLUMNS; col++) {
			uint64_t sum = 0;

			for (i = 0; i < CELL; i++)
				sum += counts[page++];
			cell(level_of(sum * 100 / (CELL * (uint64_t)rounds),
				      sum != 0), color);
		}
		puts(color ? "\033[0m" : "");
	}
}

void heat_legend(bool color)
{
	int level;

	printf("  each cell: %llu pages. Of its pages and rounds, dirty: ", CELL);
	for (level = 0; level < LEVELS; level++) {
		cell(level, color);
		if (color)
			printf("\033[0m");
		if (level == 0)
			printf(" none  ");
		else if (level < LEVELS - 1)
			printf(" to %d%%  ", bounds[level]);
		else
			printf(" more\n");
	}
}
