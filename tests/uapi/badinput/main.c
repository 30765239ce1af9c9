// SPDX-License-Identifier: GPL-2.0-only
#include "badinput.h"
#include "proc.h"
#include "tap.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void note_state(struct bad *b)
{
	b->dma_avail = vfio_dma_avail(b->rig.container);
	b->locked = proc_locked_kib();
}

/* A dirty page is written and a clean one read: the log stays as it is. */
static bool device_works(struct bad *b)
{
	struct edu *edu = &b->rig.edu;
	uint32_t failed = edu_failed(edu);
	uint64_t at = 5 * PAGE_4K + 64;
	static unsigned char n;

	b->other[0] = ++n;
	edu_fetch(edu, OTHER, 0, 1);
	b->mem[at] = (unsigned char)~n;
	edu_store(edu, IOVA + at, 0, 1);
	return edu_failed(edu) == failed && b->mem[at] == n;
}

static const char *what_changed(struct bad *b)
{
	struct vfio_iommu_type1_info_cap_hwdbm cap = { 0 };

	vfio_policy(b->rig.container, &cap);
	if (!(cap.flags & VFIO_HWDBM_INFO_LOGGING) == b->logging)
		return "logging";
	if (vfio_dma_avail(b->rig.container) != b->dma_avail)
		return "DMA_AVAIL";
	if (proc_locked_kib() != b->locked)
		return "locked memory";
	if (!device_works(b))
		return "what the device can reach";
	if (b->logging &&
	    (!rig_log_is(&b->rig, DIRTY_NOCLEAR, IOVA, PAGE_4K, DIRTY_SET) ||
	     !rig_log_is(&b->rig, DIRTY_NOCLEAR, OTHER, PAGE_4K, "0000")))
		return "the dirty log";
	return NULL;
}

void refused(struct bad *b, int got, int want, const char *fmt, ...)
{
	const char *changed = what_changed(b);
	char what[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	if (changed)
		tap_ok(false, "%s: %s has changed (returned %d)", what, changed,
		       got);
	else
		tap_ret(got, want, "%s, nothing has changed", what);
}

static void start(struct bad *b)
{
	uint64_t n;

	if (vfio_dirty_flag(b->rig.container, DIRTY_START))
		tap_bail("START");
	for (n = 0; n < NR; n++)
		if (DIRTY_SET[n] == '1')
			rig_write(&b->rig, IOVA + n * PAGE_4K);
	b->logging = true;
}

int main(void)
{
	struct vfio_dev dev;
	struct bad b = { 0 };

	puts("TAP version 13");
	if (!rig_4k_leaves())
		tap_bail("load the module with disable_hugepages=1");
	if (vfio_find_edus(&dev, 1) != 1)
		tap_bail("no edu device is bound to vfio-pci");
	test_setup(&dev);
	rig_open(&b.rig, 0);
	vfio_expect_policy(b.rig.container, VFIO_HWDBM_POLICY_HWDBM);
	b.mem = rig_map(&b.rig, IOVA, NR);
	b.other = rig_map(&b.rig, OTHER, NR_OTHER);
	note_state(&b);
	test_logging_off(&b);
	start(&b);
	test_info(&b);
	test_flags(&b);
	test_ranges(&b);
	test_pointers(&b);
	test_unmap(&b);
	test_map(&b);
	tap_ok(rig_log_is(&b.rig, DIRTY_GET, IOVA, PAGE_4K, DIRTY_SET),
	       "after all that, GET reports what was dirty");
	tap_ok(rig_log_is(&b.rig, DIRTY_GET, IOVA, PAGE_4K, "0000000000000000"),
	       "and clears it");
	test_half_mapped(&b);
	rig_unmap(&b.rig, b.mem, IOVA, NR);
	rig_unmap(&b.rig, b.other, OTHER, NR_OTHER);
	tap_ok(!proc_locked_kib(), "no locked memory is left");
	rig_close(&b.rig);
	return tap_done();
}
