// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who serves a container, and what it is told before it knows. One line of
 * NAME=VALUE for scripts of the guest to compare; no TAP.
 *
 *   claim extensions [DEVICE]...
 *	what CHECK_EXTENSION answers before SET_IOMMU, with these groups in
 *   claim serve TYPE DEVICE... [+DEVICE]...
 *	SET_IOMMU(TYPE) on these groups, which joined in this order; those with
 *	a + join afterwards
 *   claim hold TYPE DEVICE COMMAND
 *	runs COMMAND while a container with a mapping is open
 *
 * DEVICE is edu0, edu1, ... or, with the module sim, sim0, sim1, ...
 */
#define _GNU_SOURCE
#include "backend.h"
#include "simdev.h"
#include "tap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX	8
#define IOVA	0x100000000ULL
#define PAGES	16ULL

static struct vfio_dev devs[MAX];
static bool emulated[MAX];
static int nr;

static const char *result(int ret)
{
	return ret < 0 ? strerrorname_np(-ret) : "0";
}

static struct vfio_dev *add_device(const char *name)
{
	bool sim = !strncmp(name, "sim", 3);
	struct vfio_dev found[MAX];
	int index, n;

	if (!sim && strncmp(name, "edu", 3))
		tap_bail("no such device: %s", name);
	index = atoi(name + 3);
	n = sim ? sim_find(found, MAX) : vfio_find_edus(found, MAX);
	if (index >= n || nr == MAX)
		tap_bail("there is no %s", name);
	devs[nr] = found[index];
	emulated[nr] = sim;
	if (vfio_group_open(&devs[nr]))
		tap_bail("group %d of %s is not to be had", devs[nr].group_nr,
			 name);
	return &devs[nr++];
}

static void close_all(int container)
{
	while (nr)
		vfio_group_close(&devs[--nr]);
	close(container);
}

static int open_container(void)
{
	int fd = vfio_container_open();

	if (fd < 0)
		tap_bail("/dev/vfio/vfio: %s", strerror(-fd));
	return fd;
}

/* Adds the devices of @names up to the first that has a +; how many. */
static int join_first(int container, char **names)
{
	int n = 0;

	for (; names[n] && names[n][0] != '+'; n++)
		if (vfio_group_attach(add_device(names[n]), container))
			tap_bail("%s joins no container", names[n]);
	return n;
}

static int extensions(char **names)
{
	static const unsigned long asked[] = {
		VFIO_TYPE1_IOMMU, VFIO_TYPE1v2_IOMMU, VFIO_DMA_CC_IOMMU,
		VFIO_TYPE1_NESTING_IOMMU, VFIO_NOIOMMU_IOMMU, VFIO_UNMAP_ALL,
		VFIO_UPDATE_VADDR, VFIO_DIRTY_LOG_MANUAL_CLEAR,
	};
	int fd = open_container();
	unsigned int i;

	join_first(fd, names);
	for (i = 0; i < sizeof(asked) / sizeof(asked[0]); i++)
		printf("%lu=%d ", asked[i], vfio_check_extension(fd, asked[i]));
	printf("own=%d\n", vfio_check_extension(fd, VFIO_TYPE1_HWDBM_IOMMU));
	close_all(fd);
	return 0;
}

static void tell_server(int fd)
{
	static const char *const policies[] = { "pinned", "hwdbm", "full" };
	struct vfio_iommu_type1_info_cap_hwdbm cap;

	if (vfio_policy(fd, &cap))
		printf("ours policy=%s ", cap.policy < 3 ?
		       policies[cap.policy] : "unknown");
	else
		printf("stock ");
	printf("6=%d 11=%d ", vfio_check_extension(fd, VFIO_TYPE1_NESTING_IOMMU),
	       vfio_check_extension(fd, VFIO_DIRTY_LOG_MANUAL_CLEAR));
}

/* Whether device @i gets at what is mapped at IOVA. */
static bool reaches(int fd, int i, char *mem)
{
	struct rig rig = { .dev = devs[i], .container = fd };
	char data[] = "written by a device";
	bool good;
	int ret;

	if (emulated[i]) {
		memset(mem, 0, sizeof(data));
		ret = sim_rw(&devs[i], IOVA, data, sizeof(data), SIM_COPY_WRITE);
		return !ret && !memcmp(mem, data, sizeof(data));
	}
	edu_open(&rig.edu, rig.dev.fd);
	good = rig_reaches(&rig, IOVA, mem);
	edu_close(&rig.edu);
	return good;
}

static bool refused(int fd, int i)
{
	struct rig rig = { .dev = devs[i], .container = fd };
	bool good;

	edu_open(&rig.edu, rig.dev.fd);
	good = rig_refused(&rig, IOVA);
	edu_close(&rig.edu);
	return good;
}

static char *map(int fd)
{
	char *mem = mem_alloc(PAGES * PAGE_4K, LEAF_4K);
	int ret = vfio_map(fd, mem, IOVA, PAGES * PAGE_4K, MAP_RW);

	if (!ret)
		return mem;
	printf("MAP=%s ", result(ret));
	mem_free(mem, PAGES * PAGE_4K);
	return NULL;
}

static bool unmap(int fd, char *mem)
{
	uint64_t n = 0;
	int ret = vfio_unmap(fd, IOVA, PAGES * PAGE_4K, 0, &n);

	mem_free(mem, PAGES * PAGE_4K);
	return !ret && n == PAGES * PAGE_4K;
}

/* Every device in the container gets at its memory. */
static bool works(int fd)
{
	char *mem = map(fd);
	bool good = mem;
	int i;

	for (i = 0; i < nr && mem; i++)
		good &= reaches(fd, i, mem);
	return mem && unmap(fd, mem) && good;
}

static int open_devices(void)
{
	int i, ret = 0;

	for (i = 0; i < nr && !ret; i++)
		ret = vfio_device_open(&devs[i]);
	return ret;
}

static int serve(unsigned long type, char **names)
{
	int fd = open_container(), ret;

	names += join_first(fd, names);
	ret = vfio_set_iommu(fd, type);
	if (ret) {
		printf("SET_IOMMU=%s\n", result(ret));
		close_all(fd);
		return 0;
	}
	for (; *names; names++) {
		struct vfio_dev *dev = add_device(*names + 1);

		ret = vfio_group_attach(dev, fd);
		printf("join=%s ", result(ret));
		if (ret)
			vfio_group_close(&devs[--nr]);
	}
	tell_server(fd);
	ret = open_devices();
	if (ret)
		printf("GET_DEVICE_FD=%s ", result(ret));
	printf("START=%s ", result(vfio_dirty_flag(fd, DIRTY_START)));
	printf("DMA=%s\n", !ret && works(fd) ? "good" : "bad");
	close_all(fd);
	return 0;
}

static int hold(unsigned long type, char *name, const char *command)
{
	struct vfio_iommu_type1_info_cap_hwdbm cap;
	bool before, after;
	int fd, status;
	char *mem;

	add_device(name);
	vfio_group_close(&devs[0]);
	fd = vfio_setup(&devs[0], type);
	mem = map(fd);
	before = mem && vfio_policy(fd, &cap) && reaches(fd, 0, mem);
	fflush(stdout);
	status = system(command);
	after = mem && vfio_policy(fd, &cap) && reaches(fd, 0, mem);
	after = mem && unmap(fd, mem) && after;
	after = refused(fd, 0) && after;
	printf("before=%s COMMAND=%d after=%s anew=%s\n", before ? "good" : "bad",
	       status, after ? "good" : "bad", works(fd) ? "good" : "bad");
	close_all(fd);
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	unsigned long type = argc > 2 ? strtoul(argv[2], NULL, 0) : 0;

	if (!strcmp(what, "extensions"))
		return extensions(argv + 2);
	if (!strcmp(what, "serve") && argc > 3)
		return serve(type, argv + 3);
	if (!strcmp(what, "hold") && argc == 5)
		return hold(type, argv[3], argv[4]);
	tap_bail("claim extensions [DEVICE]... | serve TYPE DEVICE... | hold TYPE DEVICE COMMAND");
}
