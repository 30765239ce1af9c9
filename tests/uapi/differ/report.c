// SPDX-License-Identifier: GPL-2.0-only
/* What differs, in words, and what was seen of all answers there are. */
#define _GNU_SOURCE
#include "differ.h"
#include "kernel.h"
#include "tap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KINDS	100	/* differences that are told apart */
#define SHOWN	3	/* of one kind */
#define KIND_MAX	160

unsigned long report_number, report_bad;
bool report_trace;

const char *report_answer(int ret)
{
	static char text[4][16];
	static int next;
	char *p;

	if (ret < 0)
		return strerrorname_np(-ret) ?: "?";
	p = text[next++ % 4];
	snprintf(p, sizeof(text[0]), "%d", ret);
	return p;
}

static const char *op_name(const struct call *call)
{
	static const char *const names[] = {
		"MAP", "UNMAP", "DIRTY_PAGES", "GET_INFO", "CHECK_EXTENSION",
		"ioctl",
	};

	return names[call->op];
}

static void fields(const struct call *call, FILE *f)
{
	const union arg *arg = &call->arg;
	uint64_t iova, size;

	switch (call->op) {
	case OP_MAP:
		fprintf(f, " flags=%#x vaddr=%s+%#lx", arg->map.flags,
			memory_name(call->vaddr.region), call->vaddr.offset);
		break;
	case OP_UNMAP:
		fprintf(f, " flags=%#x", arg->unmap.flags);
		break;
	case OP_DIRTY:
		fprintf(f, " flags=%#x", arg->dirty.flags);
		break;
	case OP_EXT:
		fprintf(f, " %#lx", call->number);
		return;
	case OP_OTHER:
		fprintf(f, " %#lx", call->cmd);
		break;
	default:
		break;
	}
	if (call_range(call, &iova, &size))
		fprintf(f, " iova=%#lx size=%#lx", iova, size);
}

static void bitmap_fields(const struct call *call, FILE *f)
{
	static const char *const buffers[] = {
		"", "good", "short", "read-only", "PROT_NONE", "NULL",
		"the kernel's", "BAR",
	};
	const struct vfio_bitmap *bitmap = call_bitmap_const(call);

	if (bitmap)
		fprintf(f, " bitmap{pgsize=%#llx size=%#llx %s, %#zx bytes}",
			bitmap->pgsize, bitmap->size, buffers[call->buffer],
			call->real);
}

void report_call(const struct call *call, char *text, size_t n)
{
	static const char *const places[] = {
		"", "", " (unaligned)", " (read-only)", " (NULL)",
		" (the kernel's)",
	};
	FILE *f = fmemopen(text, n, "w");

	if (!f)
		tap_bail("no memory");
	fprintf(f, "%s", op_name(call));
	fields(call, f);
	bitmap_fields(call, f);
	if (call->op != OP_EXT)
		fprintf(f, " argsz=%u of %zu bytes%s", call->arg.argsz,
			call->have, places[call->place]);
	fclose(f);
}

/* How often there was a difference of this kind, this one included. */
static unsigned int count_kind(const char kind[KIND_MAX])
{
	static struct {
		char text[KIND_MAX];
		unsigned int count;
	} kinds[KINDS];
	int i;

	for (i = 0; i < KINDS - 1 && kinds[i].count; i++)
		if (!strcmp(kinds[i].text, kind))
			break;
	strcpy(kinds[i].text, kind);
	return ++kinds[i].count;
}

void report_difference(const struct call *call, const char *what,
		       const struct answer *a)
{
	char text[400] = "a device", kind[KIND_MAX];

	report_bad++;
	if (call)
		snprintf(kind, sizeof(kind), "%s: %.60s, stock %s, ours %s",
			 op_name(call), what, report_answer(a[STOCK].ret),
			 report_answer(a[OURS].ret));
	else
		snprintf(kind, sizeof(kind), "%.140s", what);
	if (count_kind(kind) > SHOWN)
		return;
	tap_ok(false, "call %lu: %s", report_number, kind);
	if (!call)
		return;
	report_call(call, text, sizeof(text));
	tap_diag("%s", text);
	tap_diag("%s; stock %s, locks %ld KiB; ours %s, locks %ld KiB", what,
		 report_answer(a[STOCK].ret), a[STOCK].locked,
		 report_answer(a[OURS].ret), a[OURS].locked);
	if (call->op == OP_UNMAP)
		tap_diag("size as written back: stock %#llx, ours %#llx, of our list %#lx",
			 a[STOCK].arg.unmap.size, a[OURS].arg.unmap.size,
			 model_unmaps(call));
}

/* ---- what was seen ---- */

/* Answers that every run of some length must have met. */
static const struct {
	enum op op;
	int ret;
	bool v1, v2;
} wanted_answers[] = {
	{ OP_MAP, 0, true, true },
	{ OP_MAP, -EINVAL, true, true },
	{ OP_MAP, -EEXIST, true, true },
	{ OP_MAP, -ENOSPC, true, true },
	{ OP_MAP, -EFAULT, true, true },
	{ OP_MAP, -ENOMEM, true, true },
	{ OP_MAP, -ENOENT, true, true },
	{ OP_UNMAP, 0, true, true },
	{ OP_UNMAP, -EINVAL, true, true },
	{ OP_UNMAP, -EFAULT, true, true },
	{ OP_DIRTY, 0, false, true },
	{ OP_DIRTY, -EINVAL, false, true },
	{ OP_DIRTY, -EFAULT, false, true },
	{ OP_DIRTY, -EACCES, true, false },
	{ OP_INFO, 0, true, true },
	{ OP_INFO, -EINVAL, true, true },
	{ OP_INFO, -EFAULT, true, true },
	{ OP_EXT, 0, true, true },
	{ OP_EXT, 1, true, true },
	{ OP_OTHER, -ENOTTY, true, true },
};

#define ERRNOS	200
static unsigned long counts[OPS][ERRNOS];

void report_count(const struct call *call, int ret)
{
	int at = ret < 0 ? -ret : ERRNOS - 2 + !!ret;

	if (at < ERRNOS)
		counts[call->op][at]++;
}

static unsigned long count_of(enum op op, int ret)
{
	return counts[op][ret < 0 ? -ret : ERRNOS - 2 + !!ret];
}

static void print_counts(void)
{
	char line[300];
	size_t n;
	int op, at;

	for (op = 0; op < OPS; op++) {
		struct call call = { .op = (enum op)op };

		n = (size_t)snprintf(line, sizeof(line), "%s:", op_name(&call));
		for (at = 0; at < ERRNOS && n < sizeof(line); at++)
			if (counts[op][at])
				n += (size_t)snprintf(line + n, sizeof(line) - n,
					" %s %lu", at >= ERRNOS - 2 ?
					report_answer(at - ERRNOS + 2) :
					report_answer(-at), counts[op][at]);
		tap_diag("stock's answers to %s", line);
	}
}

static struct {
	unsigned long clean, dirty, written, allowed, denied;
} seen;

void report_page(bool dirty, bool written)
{
	seen.clean += !dirty;
	seen.dirty += dirty;
	seen.written += written;
}

void report_device(bool allowed)
{
	seen.allowed += allowed;
	seen.denied += !allowed;
}

static bool seen_all(void)
{
	tap_diag("the devices' DMAs: %lu done, %lu refused", seen.allowed,
		 seen.denied);
	tap_diag("pages that ours reported on: %lu clean, %lu dirty, of these %lu were written",
		 seen.clean, seen.dirty, seen.written);
	return seen.allowed && seen.denied &&
	       (sides.v1 || ((seen.clean || !kernel_since(6, 7)) && seen.written));
}

void report_counts(bool wanted)
{
	size_t i, missing = 0;

	print_counts();
	for (i = 0; i < sizeof(wanted_answers) / sizeof(*wanted_answers); i++) {
		struct call call = { .op = wanted_answers[i].op };

		if (!(sides.v1 ? wanted_answers[i].v1 : wanted_answers[i].v2) ||
		    count_of(call.op, wanted_answers[i].ret))
			continue;
		missing++;
		tap_diag("never met: %s that answers %s", op_name(&call),
			 report_answer(wanted_answers[i].ret));
	}
	if (!seen_all())
		missing++;
	if (wanted)
		tap_ok(!missing, "every answer was met that there is");
}
