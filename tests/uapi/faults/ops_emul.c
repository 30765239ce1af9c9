// SPDX-License-Identifier: GPL-2.0-only
/* What a driver does for a device without an IOMMU: pin, unpin, dma_rw. */
#include "faults.h"
#include "simdev.h"

#include <errno.h>
#include <string.h>

#define PINNED	12

static long pinned_before;

static void before_pin(void)
{
	log_dirty();
	pinned_before = sim_pins(&w.emul);
}

static int run_pin(void)
{
	int ret = sim_pin(&w.emul, MAIN_IOVA, PINNED, SIM_RDWR);

	return ret == PINNED ? 0 : ret;
}

static enum verdict after_pin(int ret)
{
	if (!still_dirty())
		return WRONG;
	if (ret)
		return expect(sim_pins(&w.emul) == pinned_before,
			      "nothing is pinned") ? AS_BEFORE : WRONG;
	must(sim_unpin(&w.emul, MAIN_IOVA, PINNED), "SIM_UNPIN");
	return still_dirty() ? DONE : WRONG;
}

static void before_unpin(void)
{
	log_dirty();
	must(sim_pin(&w.emul, MAIN_IOVA, PINNED, SIM_RDWR), "SIM_PIN");
	/* what is pinned is dirty: that is not what is looked at here */
	must(ask(DIRTY_GET, PAGE), "GET");
	bits_fill();
}

static int run_unpin(void)
{
	return sim_unpin(&w.emul, MAIN_IOVA, PINNED);
}

/* They may have been written until now, all of them. */
static enum verdict after_unpin(int ret)
{
	int i, got;

	if (ret)
		return AS_BEFORE;
	got = ask(DIRTY_GET, PAGE);
	for (i = 0; i < PINNED && !got; i++)
		if (!(w.bits[i / 8] >> (i % 8) & 1))
			return expect(false, "what was pinned is dirty"), WRONG;
	return expect(!got, "the log can be asked") ? DONE : WRONG;
}

static void before_write(void)
{
	log_anew();
	memset(w.side, 0, PAGE);
}

#define TEXT "something that a driver writes"

static int run_write(void)
{
	char data[] = TEXT;

	return sim_rw(&w.emul, SIDE_IOVA, data, sizeof(data), SIM_COPY_WRITE);
}

/* A copy may be made in part: what has changed is dirty, then. */
static enum verdict after_write(int ret)
{
	bool changed = w.side[0], dirty;

	if (!expect(!ask(DIRTY_NOCLEAR, PAGE), "the log can be asked"))
		return WRONG;
	dirty = w.bits[SIDE_BIT / 8] & 1;
	if (!expect(!changed || dirty, "what was written is dirty"))
		return WRONG;
	if (ret)
		return AS_BEFORE;
	return expect(!strcmp(w.side, TEXT), "all of it is written") ? DONE :
								      WRONG;
}

static char seen[64];

static int run_read(void)
{
	memset(seen, 0, sizeof(seen));
	return sim_rw(&w.emul, SIDE_IOVA, seen, sizeof(seen), 0);
}

static enum verdict after_read(int ret)
{
	if (ret)
		return AS_BEFORE;
	return expect(!memcmp(seen, w.side, sizeof(seen)),
		      "what is read is what is there") ? DONE : WRONG;
}

const struct op ops_emul[] = {
	{ "pin", world_emul, before_pin, run_pin, after_pin, { 0 } },
	{ "unpin", world_emul, before_unpin, run_unpin, after_unpin, { 0 } },
	{ "dma_rw, writing", world_emul, before_write, run_write, after_write,
	  { 0 } },
	{ "dma_rw, reading", world_emul, NULL, run_read, after_read, { 0 } },
	{ .name = NULL },
};
