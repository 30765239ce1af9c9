// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "proc.h"
#include "tap.h"
#include "vfio.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define DRIVERS "/sys/bus/pci/drivers/"

static int call(int fd, unsigned long cmd, unsigned long arg)
{
	int ret = ioctl(fd, cmd, arg);

	return ret < 0 ? -errno : ret;
}

static bool has_id(const char *bdf, const char *want)
{
	char path[PATH_MAX], id[16] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/device", bdf);
	f = fopen(path, "re");
	if (!f)
		return false;
	if (!fgets(id, sizeof(id), f))
		id[0] = 0;
	fclose(f);
	return !strncmp(id, want, strlen(want));
}

static int group_of(const char *bdf)
{
	char path[PATH_MAX], link[PATH_MAX];
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group", bdf);
	n = readlink(path, link, sizeof(link) - 1);
	if (n < 0)
		return -1;
	link[n] = 0;
	return atoi(strrchr(link, '/') + 1);
}

int vfio_find_bound(const char *driver, const char *id, struct vfio_dev *devs,
		    int max)
{
	char path[PATH_MAX];
	struct dirent **names;
	int i, total, n = 0;

	snprintf(path, sizeof(path), DRIVERS "%s", driver);
	total = scandir(path, &names, NULL, alphasort);
	for (i = 0; i < total; i++) {
		const char *bdf = names[i]->d_name;

		if (n < max && strlen(bdf) < sizeof(devs->bdf) &&
		    has_id(bdf, id)) {
			strcpy(devs[n].bdf, bdf);
			devs[n].group_nr = group_of(bdf);
			devs[n].group = -1;
			devs[n].fd = -1;
			n++;
		}
		free(names[i]);
	}
	if (total >= 0)
		free(names);
	return n;
}

int vfio_find(const char *id, struct vfio_dev *devs, int max)
{
	return vfio_find_bound("vfio-pci", id, devs, max);
}

int vfio_find_edus(struct vfio_dev *devs, int max)
{
	return vfio_find(VFIO_EDU_ID, devs, max);
}

int vfio_container_open(void)
{
	int fd = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int vfio_check_extension(int container, unsigned long what)
{
	return call(container, VFIO_CHECK_EXTENSION, what);
}

int vfio_set_iommu(int container, unsigned long type)
{
	return call(container, VFIO_SET_IOMMU, type);
}

int vfio_group_open(struct vfio_dev *dev)
{
	char path[64];

	snprintf(path, sizeof(path), "/dev/vfio/%d", dev->group_nr);
	dev->group = open(path, O_RDWR | O_CLOEXEC);
	if (dev->group >= 0)
		return 0;
	dev->group = -1;
	return -errno;
}

int vfio_group_attach(struct vfio_dev *dev, int container)
{
	return call(dev->group, VFIO_GROUP_SET_CONTAINER,
		    (unsigned long)&container);
}

int vfio_group_detach(struct vfio_dev *dev)
{
	return call(dev->group, VFIO_GROUP_UNSET_CONTAINER, 0);
}

int vfio_device_open(struct vfio_dev *dev)
{
	int fd = call(dev->group, VFIO_GROUP_GET_DEVICE_FD,
		      (unsigned long)dev->bdf);

	if (fd < 0)
		return fd;
	dev->fd = fd;
	return 0;
}

void vfio_device_close(struct vfio_dev *dev)
{
	if (dev->fd >= 0)
		close(dev->fd);
	dev->fd = -1;
}

void vfio_group_close(struct vfio_dev *dev)
{
	vfio_device_close(dev);
	if (dev->group >= 0)
		close(dev->group);
	dev->group = -1;
}

int vfio_setup(struct vfio_dev *dev, unsigned long type)
{
	int ret, container = vfio_container_open();

	if (container < 0)
		tap_bail("/dev/vfio/vfio: %s", strerror(-container));
	ret = vfio_group_open(dev);
	if (ret)
		tap_bail("group %d of %s: %s", dev->group_nr, dev->bdf,
			 strerror(-ret));
	ret = vfio_group_attach(dev, container);
	if (ret)
		tap_bail("GROUP_SET_CONTAINER: %s", strerror(-ret));
	ret = vfio_set_iommu(container, type);
	if (ret)
		tap_bail("SET_IOMMU(%#lx): %s", type, strerror(-ret));
	ret = vfio_device_open(dev);
	if (ret)
		tap_bail("GET_DEVICE_FD %s: %s", dev->bdf, strerror(-ret));
	return container;
}

void vfio_teardown(struct vfio_dev *dev, int container)
{
	vfio_group_close(dev);
	close(container);
}
