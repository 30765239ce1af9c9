/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The pages that are copied, from a source to a target each, and what is in
 * them. A target has a page before and behind it that nobody may write.
 */
#ifndef PAYLOAD_PAGES_H
#define PAYLOAD_PAGES_H

#include <stdint.h>

#define PAGE	4096u
#define WORDS	(PAGE / 4)
#define PAGES	64u

uint32_t source(uint32_t page);
uint32_t target(uint32_t page);

static inline volatile uint32_t *words(uint32_t at)
{
	return (volatile uint32_t *)at;
}

/* Fills the sources, each with a pattern of its own, and clears the targets. */
void prepare(void);
void clear(uint32_t at, uint32_t count);

/* What a DMA covers: of every fourth page all, of the others a part. */
void piece(uint32_t page, uint32_t *first, uint32_t *count);

/* Of the page at @at only the piece came from @page's source. */
void check_page(const char *what, uint32_t at, uint32_t page);
void check_untouched(uint32_t at);

#endif
