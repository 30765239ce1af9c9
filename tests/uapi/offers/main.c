// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a container with one device offers here: the policy of its dirty log, and
 * how the IOMMU's dirty bits are read. Usage: offers POLICY, which must be hwdbm
 * or full; and whether the kernel's log says the same. Run it before other programs.
 * Says "# dirty bits: ..." for scripts/matrix.
 */
#define _GNU_SOURCE
#include "proc.h"
#include "rig.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* By VFIO_HWDBM_READER_*. */
static const char *const readers[] = {
	"none",
	"by the driver's own read",
	"by our walk of its page tables",
};

/* What the kernel's log says once of each, when a device comes. */
static const char *const in_log[] = {
	"dirty policy of its container is full: ",
	"dirty bits are read by asking the driver",
	"dirty bits are read by walking its page tables",
};

static void is_in_log(uint32_t reader)
{
	uint32_t i;

	for (i = 0; i < sizeof(in_log) / sizeof(*in_log); i++) {
		int n = proc_log_count(in_log[i]);

		tap_ok((i == reader) == (n > 0), "the log has %d times '%s'",
		       n, in_log[i]);
	}
}

static const char *reader_name(uint32_t reader)
{
	return reader < sizeof(readers) / sizeof(*readers) ? readers[reader] :
							     "unknown";
}

int main(int argc, char **argv)
{
	struct vfio_iommu_type1_info_cap_hwdbm *cap;
	struct vfio_iommu_type1_info *info;
	struct rig rig;
	bool full;

	if (argc != 2 || (strcmp(argv[1], "hwdbm") && strcmp(argv[1], "full"))) {
		fprintf(stderr, "Usage: offers hwdbm|full\n");
		return 2;
	}
	full = !strcmp(argv[1], "full");
	if (!rig_open(&rig, 0))
		tap_bail("no edu device");
	info = vfio_info(rig.container);
	cap = (void *)vfio_info_cap(info, VFIO_IOMMU_TYPE1_INFO_CAP_HWDBM);
	if (!cap)
		tap_bail("GET_INFO does not tell the policy");
	tap_ok(cap->policy == (full ? VFIO_HWDBM_POLICY_FULL : VFIO_HWDBM_POLICY_HWDBM),
	       "policy %u, reason %u", cap->policy, cap->reason);
	if (tap_ok(cap->nr_domains == 1, "%u domains", cap->nr_domains)) {
		uint32_t reader = cap->domains[0].reader;

		tap_ok((reader == VFIO_HWDBM_READER_NONE) == full, "reader %u",
		       reader);
		is_in_log(reader);
		printf("# dirty bits: %s\n", reader_name(reader));
	}
	free(info);
	rig_close(&rig);
	return tap_done();
}
