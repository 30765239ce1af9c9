// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a container with one device offers here: the policy of its dirty log, and
 * how the IOMMU's dirty bits are read. Usage: offers POLICY, which must be hwdbm
 * or full. Says "# dirty bits: ..." for scripts/matrix.
 */
#define _GNU_SOURCE
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
		printf("# dirty bits: %s\n", reader_name(reader));
	}
	free(info);
	rig_close(&rig);
	return tap_done();
}
