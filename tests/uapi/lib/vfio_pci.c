// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "tap.h"
#include "vfio.h"

#include <sys/ioctl.h>
#include <unistd.h>
#include <linux/pci_regs.h>

struct vfio_region_info vfio_region(int fd, uint32_t index)
{
	struct vfio_region_info info = {
		.argsz = sizeof(info),
		.index = index,
	};

	if (ioctl(fd, VFIO_DEVICE_GET_REGION_INFO, &info))
		tap_bail("GET_REGION_INFO %u: %m", index);
	return info;
}

void vfio_pci_command(int fd, uint16_t clear, uint16_t set)
{
	struct vfio_region_info config =
		vfio_region(fd, VFIO_PCI_CONFIG_REGION_INDEX);
	off_t at = (off_t)config.offset + PCI_COMMAND;
	uint16_t command;

	if (pread(fd, &command, 2, at) != 2)
		tap_bail("config space: %m");
	command = (uint16_t)((command & ~clear) | set);
	if (pwrite(fd, &command, 2, at) != 2)
		tap_bail("config space: %m");
}
