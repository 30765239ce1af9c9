// SPDX-License-Identifier: GPL-2.0-only
/* Unloading: refused while in use, and possible afterwards. */
#define _GNU_SOURCE
#include "leaks.h"
#include "tap.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

static int unload(void)
{
	return syscall(SYS_delete_module, MODULE, O_NONBLOCK) ? -errno : 0;
}

/* As it was loaded: who comes after us counts on it. */
static void read_params(char *out, size_t n)
{
	static const char dir[] = "/sys/module/" MODULE "/parameters";
	struct dirent **names;
	int i, total = scandir(dir, &names, NULL, alphasort);
	size_t at = 0;

	out[0] = 0;
	for (i = 0; i < total; i++) {
		char path[512], value[64] = "";
		FILE *f;

		snprintf(path, sizeof(path), "%s/%s", dir, names[i]->d_name);
		f = names[i]->d_name[0] == '.' ? NULL : fopen(path, "re");
		if (f && fgets(value, sizeof(value), f) && at < n) {
			value[strcspn(value, "\n")] = 0;
			at += (size_t)snprintf(out + at, n - at, "%s=%s ",
					       names[i]->d_name, value);
		}
		if (f)
			fclose(f);
		free(names[i]);
	}
	if (total >= 0)
		free(names);
}

static int load(const char *path, const char *params)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), ret = 0;

	if (fd < 0)
		return -errno;
	if (syscall(SYS_finit_module, fd, params, 0))
		ret = -errno;
	close(fd);
	return ret;
}

/* Where scripts/vm puts the module: DKMS's place. */
static bool find_module(char *path, size_t n)
{
	struct utsname name;

	uname(&name);
	snprintf(path, n, "/lib/modules/%s/updates/dkms/" MODULE ".ko",
		 name.release);
	return !access(path, R_OK);
}

static void refused(const char *when)
{
	int ret = unload();

	/* O_NONBLOCK: the kernel says EAGAIN for a module in use */
	tap_ok(ret == -EAGAIN || ret == -EBUSY, "unload %s is refused: %s", when,
	       strerror(-ret));
}

void test_unload(struct vfio_dev *dev)
{
	char path[512], params[1024], again[1024];
	int container, i, ret;

	container = vfio_setup(dev, VFIO_TYPE1_HWDBM_IOMMU);
	refused("with a container open");
	vfio_device_close(dev);
	refused("with the device closed");
	close(container);
	refused("with the container closed, the group open");
	vfio_group_close(dev);
	if (!find_module(path, sizeof(path))) {
		tap_skip("unload and load", "no .ko file in /lib/modules");
		return;
	}
	read_params(params, sizeof(params));
	tap_diag("parameters: %s", params);
	for (i = 0; i < 3; i++) {
		/* no user of the container's driver is left but VFIO itself */
		tap_ret(unload(), 0, "unload");
		container = vfio_container_open();
		ret = vfio_check_extension(container, VFIO_TYPE1_HWDBM_IOMMU);
		tap_ok(!ret, "our type is gone: %d", ret);
		tap_ret(load(path, params), 0, "load");
		ret = vfio_check_extension(container, VFIO_TYPE1_HWDBM_IOMMU);
		tap_ok(ret == 1, "our type is back: %d", ret);
		close(container);
		container = vfio_setup(dev, VFIO_TYPE1_HWDBM_IOMMU);
		vfio_teardown(dev, container);
	}
	read_params(again, sizeof(again));
	tap_ok(!strcmp(params, again), "its parameters are what they were");
}
