// SPDX-License-Identifier: GPL-2.0-only
/* START, STOP, GET, NOCLEAR and CLEAR. */
#include "bitmap.h"
#include "faults.h"

#include <errno.h>
#include <string.h>

#define COARSE	(16 * PAGE)

/* ---- START and STOP ---- */

static int run_start(void)
{
	return vfio_dirty_flag(w.container, DIRTY_START);
}

static enum verdict after_start(int ret)
{
	int asked = ask(DIRTY_NOCLEAR, PAGE);

	if (ret)
		return expect(asked == -EINVAL, "logging is still off") ?
			       AS_BEFORE : WRONG;
	write_some();
	return expect(!asked, "logging is on") && still_dirty() ? DONE : WRONG;
}

static int run_stop(void)
{
	return vfio_dirty_flag(w.container, DIRTY_STOP);
}

static enum verdict after_stop(int ret)
{
	int asked;

	if (ret)
		return still_dirty() ? AS_BEFORE : WRONG;
	asked = ask(DIRTY_NOCLEAR, PAGE);
	return expect(asked == -EINVAL, "logging is off") ? DONE : WRONG;
}

/* ---- asking ---- */

static int run_get(void)
{
	return ask(DIRTY_GET, PAGE);
}

static int run_noclear(void)
{
	return ask(DIRTY_NOCLEAR, PAGE);
}

static enum verdict reported(int ret, bool cleared)
{
	if (ret)
		return bits_untouched() && still_dirty() ? AS_BEFORE : WRONG;
	if (!cleared && !still_dirty())
		return WRONG;
	return has_main(w.bits) & has_side(w.bits + SIDE_BIT / 8) ? DONE : WRONG;
}

static enum verdict after_get(int ret)
{
	return reported(ret, true);
}

static enum verdict after_noclear(int ret)
{
	return reported(ret, false);
}

static int run_coarse(void)
{
	return ask(DIRTY_GET, COARSE);
}

static enum verdict after_coarse(int ret)
{
	bool has;

	if (ret)
		return bits_untouched() && still_dirty() ? AS_BEFORE : WRONG;
	has = bit_get(w.bits, 0) && bit_get(w.bits, 40 * PAGE / COARSE) &&
	      bit_get(w.bits, SIDE_BIT * PAGE / COARSE);
	return expect(has, "coarse bits are reported") ? DONE : WRONG;
}

/* ---- clearing ---- */

#define CLEARED	5	/* of MAIN's dirty pages */

static void before_clear(void)
{
	log_dirty();
	memset(w.bits, 0, SPAN_BYTES);
	bit_put(w.bits, CLEARED, true);
	bit_put(w.bits, SIDE_BIT, true);	/* a clean one */
}

/* Once the log has all of a chunk, to clear a part of it takes memory. */
static void before_clear_full(void)
{
	before_clear();
	must(ask(DIRTY_NOCLEAR, PAGE), "NOCLEAR");
	before_clear();
}

static int run_clear(void)
{
	return ask(DIRTY_CLEAR, PAGE);
}

static bool others_dirty(void)
{
	bits_fill();
	if (!expect(!ask(DIRTY_NOCLEAR, PAGE), "the log can be asked"))
		return false;
	bit_put(w.bits, CLEARED, true);
	return has_main(w.bits) & has_side(w.bits + SIDE_BIT / 8);
}

static enum verdict after_clear(int ret)
{
	uint64_t n = bit_count(w.bits, SPAN_BYTES * 8);

	if (!expect(n == 2, "the caller's bitmap is as it was"))
		return WRONG;
	if (ret)
		return still_dirty() ? AS_BEFORE : WRONG;
	return others_dirty() ? DONE : WRONG;
}

#define BOTH(text, before, run, after, reached)				\
	{ text, world_dma, before, run, after, { reached } },		\
	{ text ", no IOMMU", world_emul, before, run, after, { 0 } }

const struct op ops_log[] = {
	BOTH("START", log_off, run_start, after_start, READS),
	BOTH("STOP", log_dirty, run_stop, after_stop, 0),
	BOTH("GET", log_dirty, run_get, after_get, READS),
	BOTH("NOCLEAR", log_dirty, run_noclear, after_noclear, READS),
	BOTH("CLEAR", before_clear, run_clear, after_clear, READS),
	{ "GET, coarse", world_dma, log_dirty, run_coarse, after_coarse, { READS } },
	{ "CLEAR once more", world_dma, before_clear_full, run_clear,
	  after_clear, { READS } },
	{ .name = NULL },
};
