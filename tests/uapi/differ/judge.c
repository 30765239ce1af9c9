// SPDX-License-Identifier: GPL-2.0-only
/* Whether two answers to one call are the same, or differ as is meant. */
#include "differ.h"
#include "msi.h"
#include "tap.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static long locked_for_ever;

static const char *argument_differs(const struct call *call, struct answer *a)
{
	uint64_t bytes;

	if (call->op == OP_INFO)
		return info_differ_call(call, a);
	if (memcmp(&a[STOCK].arg, &a[OURS].arg, sizeof(a->arg)))
		return "the argument as written back";
	if (call->op != OP_UNMAP || a[STOCK].ret)
		return NULL;
	bytes = model_unmaps(call);
	if (a[STOCK].arg.unmap.size != bytes)
		return "UNMAP's size is not what was mapped";
	return NULL;
}

static const char *bitmap_differs(const struct call *call,
				  const struct answer *a, const uint8_t *fill)
{
	if (call->buffer == B_NO || a[OURS].ret || !a[OURS].bits)
		return NULL;
	if (call->op == OP_DIRTY && call->arg.dirty.flags == DIRTY_CLEAR)
		return memcmp(a[OURS].bits, fill, call->real) ?
			       "CLEAR wrote to the bitmap" : NULL;
	return bits_differ(call, a, fill);
}

static const char *answers_differ(const struct call *call, struct answer *a,
				  const uint8_t *fill)
{
	const char *what = argument_differs(call, a);

	if (!what && a[STOCK].locked != a[OURS].locked)
		what = "the memory that it locked";
	return what ? what : bitmap_differs(call, a, fill);
}

static const char *infos_differ(bool with_model)
{
	const char *what;

	info_read(STOCK);
	info_read(OURS);
	what = info_differ(&infos[STOCK], &infos[OURS]);
	if (what || !with_model)
		return what;
	if (infos[STOCK].avail != sides.limit - (unsigned int)model.nr)
		return "DMA_AVAIL is not what the mappings leave";
	return NULL;
}

/*
 * Was it the bitmap or the answer that could not be written? And where 6.12's
 * stock does nothing (unmap-to-the-end), it is the size in an answer that says
 * so: nothing else does if the UNMAP was one of addresses.
 */
static bool ambiguous(const struct call *call, int ret)
{
	return call->op == OP_UNMAP && ret == -EFAULT &&
	       call->place == P_READONLY &&
	       (call->buffer != B_NO || call_ends_space(call));
}

static const char *same_answer(const struct call *call, struct answer *a,
			       const uint8_t *fill, bool *resync)
{
	const char *what = answers_differ(call, a, fill);

	*resync = ambiguous(call, a[STOCK].ret);
	if (what)
		return what;
	model_apply(call, a[STOCK].ret, fill);
	return infos_differ(!*resync);
}

bool judge(const struct call *call, struct answer *a, const uint8_t *fill,
	   bool *resync)
{
	struct answer alone[SIDES] = { a[STOCK], a[OURS] };
	const struct rule *rule;
	const char *what;

	if (a[STOCK].ret == a[OURS].ret) {
		what = same_answer(call, a, fill, resync);
		if (!what)
			return true;
	} else {
		what = "the answer";
	}
	rule = meant(call, a[STOCK].ret, a[OURS].ret);
	if (rule) {
		*resync = meant_resync(rule);
		/* What stock left in its bitmap is then no measure of ours. */
		alone[STOCK].ret = -EINVAL;
		what = bitmap_differs(call, alone, fill);
		if (!what && !*resync) {
			/* Where stock refuses, what ours did is done. */
			model_apply(call, a[OURS].ret, fill);
			what = infos_differ(true);
		}
		if (!what)
			return true;
	}
	report_difference(call, what, a);
	*resync = true;
	return false;
}

/* Stock of 6.12 takes a mapping that ends at 2^64 - 1, and never finds it. */
bool judge_stuck_by(const struct call *call, const struct answer *a)
{
	return call->op == OP_MAP && !a[STOCK].ret && call_ends_space(call);
}

static const char *empty(int side)
{
	int fd = sides.container[side];

	if (vfio_unmap(fd, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL, NULL))
		return "UNMAP of ALL fails";
	if (vfio_dirty_flag(fd, DIRTY_STOP) && !sides.v1)
		return "STOP fails";
	return NULL;
}

const char *judge_stuck(void)
{
	const char *what = empty(OURS);

	call_limit(-1);
	empty(STOCK);
	model_reset();
	info_read(OURS);
	if (!what && infos[OURS].avail != sides.limit)
		what = "ours has mappings left";
	return what ? what : "";
}

const char *judge_empty(void)
{
	const char *what = empty(STOCK), *ours = empty(OURS);
	long locked = call_locked_kib();

	call_limit(-1);
	if (!what)
		what = ours;
	model_reset();
	if (!what)
		what = infos_differ(true);
	if (!what && locked != locked_for_ever)
		what = "memory is still locked";
	return what ? what : "";
}

const char *judge_closed(bool stuck)
{
	/* Nor does 6.12's stock unpin such a mapping when it is closed. */
	if (stuck)
		locked_for_ever = call_locked_kib();
	return call_locked_kib() == locked_for_ever ? "" :
						      "memory is still locked";
}

/* A DMA inside of one page, at an address where one should not work, too. */
static uint64_t device_iova(struct rng *rng)
{
	const struct mapping *m;

	if (!model.nr || rng_one_in(rng, 4))
		return gen_iova(rng) + rng_below(rng, PAGE_4K);
	m = &model.m[rng_below(rng, (uint64_t)model.nr)];
	return m->iova + rng_below(rng, m->size);
}

static bool device_may(uint64_t iova)
{
	const struct mapping *m = model_overlap(iova, iova);

	if (iova >= MSI_FIRST && iova <= MSI_LAST)
		return false;	/* an interrupt */
	return !m || !memory_is_bar(m->pinned, iova - m->iova);
}

void judge_device(struct rng *rng)
{
	uint64_t iova = device_iova(rng), room = PAGE_4K - iova % PAGE_4K;
	uint32_t n = 1 + (uint32_t)rng_below(rng, room < 64 ? room : 64);
	uint32_t offset = (uint32_t)rng_below(rng, EDU_BUFFER - 64);
	bool store = rng_one_in(rng, 2);
	uint32_t failed[SIDES];
	char text[80];
	int side;

	if (!device_may(iova))
		return;
	for (side = 0; side < SIDES; side++) {
		uint32_t now;

		if (store)
			edu_store(&sides.edu[side], iova, offset, n);
		else
			edu_fetch(&sides.edu[side], iova, offset, n);
		now = edu_failed(&sides.edu[side]);
		failed[side] = now - sides.failed[side];
		sides.failed[side] = now;
	}
	if (store && !failed[OURS])
		model_wrote(iova);
	report_device(!failed[STOCK]);
	if (failed[STOCK] == failed[OURS])
		return;
	snprintf(text, sizeof(text), "a device's %s at %#lx: %s",
		 store ? "write" : "read", iova,
		 failed[OURS] ? "only stock allows it" : "only ours allows it");
	report_difference(NULL, text, NULL);
}
