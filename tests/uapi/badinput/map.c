// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "badinput.h"
#include "guard.h"
#include "msi.h"
#include "proc.h"
#include "tap.h"

#include <errno.h>
#include <linux/capability.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define TOP	0xfffffffffffff000ULL
#define FREE	(IOVA + 0x10000000)	/* an IOVA where nothing is mapped */
#define READ	VFIO_DMA_MAP_FLAG_READ

static int map(struct bad *b, void *vaddr, uint64_t iova, uint64_t size,
	       uint32_t flags)
{
	return vfio_map(b->rig.container, vaddr, iova, size, flags);
}

static void sizes_and_flags(struct bad *b, char *mem)
{
	struct vfio_iommu_type1_dma_map arg = {
		.flags = MAP_RW, .vaddr = (uintptr_t)mem, .iova = FREE,
		.size = PAGE_4K,
	};
	static const uint32_t sizes[] = { 0, 4, 31 };
	int i, ret, fd = b->rig.container;

	for (i = 0; i < 3; i++) {
		arg.argsz = sizes[i];
		ret = vfio_raw(fd, VFIO_IOMMU_MAP_DMA, &arg, sizeof(arg));
		refused(b, ret, -EINVAL, "MAP, argsz %u", sizes[i]);
	}
	ret = ioctl(fd, VFIO_IOMMU_MAP_DMA, NULL) ? -errno : 0;
	refused(b, ret, -EFAULT, "MAP(NULL)");
	refused(b, map(b, mem, FREE, PAGE_4K, 0), -EINVAL,
		"MAP, neither read nor write");
	refused(b, map(b, mem, FREE, PAGE_4K, VFIO_DMA_MAP_FLAG_VADDR), -ENOENT,
		"MAP of VADDR where nothing is mapped");
	refused(b, map(b, mem, FREE, PAGE_4K, MAP_RW | VFIO_DMA_MAP_FLAG_VADDR),
		-EINVAL, "MAP, VADDR with read and write");
	for (i = 3; i < 32; i++)
		refused(b, map(b, mem, FREE, PAGE_4K, MAP_RW | 1u << i), -EINVAL,
			"MAP, unknown flag 1 << %d", i);
}

static void ranges(struct bad *b, char *mem)
{
	refused(b, map(b, mem, FREE, 0, MAP_RW), -EINVAL, "MAP: size 0");
	refused(b, map(b, mem, FREE + 1, PAGE_4K, MAP_RW), -EINVAL,
		"MAP: iova + 1");
	refused(b, map(b, mem, FREE + 2048, PAGE_4K, MAP_RW), -EINVAL,
		"MAP: iova + 2048");
	refused(b, map(b, mem, FREE, PAGE_4K + 1, MAP_RW), -EINVAL,
		"MAP: size + 1");
	refused(b, map(b, mem + 16, FREE, PAGE_4K, MAP_RW), -EINVAL,
		"MAP: vaddr + 16");
	refused(b, map(b, mem, TOP, 2 * PAGE_4K, MAP_RW), -EOVERFLOW,
		"MAP: iova + size beyond 2^64");
	refused(b, map(b, (void *)TOP, FREE, 2 * PAGE_4K, MAP_RW), -EOVERFLOW,
		"MAP: vaddr + size beyond 2^64");
	refused(b, map(b, mem, IOVA, NR * PAGE_4K, MAP_RW), -EEXIST,
		"MAP: where a mapping is");
	refused(b, map(b, b->mem, IOVA, NR * PAGE_4K, MAP_RW), -EEXIST,
		"MAP: the same again");
	refused(b, map(b, mem, IOVA + 3 * PAGE_4K, PAGE_4K, MAP_RW), -EEXIST,
		"MAP: inside of a mapping");
	refused(b, map(b, mem, IOVA - PAGE_4K, 2 * PAGE_4K, MAP_RW), -EEXIST,
		"MAP: over a mapping's first page");
	refused(b, map(b, mem, IOVA + 15 * PAGE_4K, 2 * PAGE_4K, MAP_RW),
		-EEXIST, "MAP: over a mapping's last page");
	refused(b, map(b, mem, IOVA - PAGE_4K, 40 * PAGE_4K, MAP_RW), -EEXIST,
		"MAP: around all mappings");
}

/* More than a process can have, where it fits between the IOVA's ends. */
static void too_large(struct bad *b, char *mem, uint64_t start, uint64_t end)
{
	uint64_t size = 1ULL << 47;

	if (end - start >= size)
		refused(b, map(b, mem, end - (size - 1), size, MAP_RW),
			-EFAULT, "MAP of 128 TiB");
	else
		refused(b, map(b, mem, start, size, MAP_RW), -EINVAL,
			"MAP of 128 TiB into a smaller IOVA range");
}

static void outside(struct bad *b, char *mem)
{
	struct vfio_iommu_type1_info *info = vfio_info(b->rig.container);
	struct vfio_iommu_type1_info_cap_iova_range *cap =
		(void *)vfio_info_cap(info,
				      VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE);
	uint64_t end;
	uint32_t i;

	tap_ok(cap && cap->nr_iovas, "GET_INFO has IOVA ranges");
	for (i = 0; cap && i < cap->nr_iovas; i++) {
		end = cap->iova_ranges[i].end;
		tap_diag("IOVA range %#llx-%#llx", cap->iova_ranges[i].start,
			 cap->iova_ranges[i].end);
		if (end > TOP - PAGE_4K)
			continue;
		refused(b, map(b, mem, end + 1, PAGE_4K, MAP_RW), -EINVAL,
			"MAP behind an IOVA range, at %#lx", end + 1);
		refused(b, map(b, mem, end + 1 - PAGE_4K, 2 * PAGE_4K, MAP_RW),
			-EINVAL, "MAP across the end of an IOVA range");
	}
	refused(b, map(b, mem, MSI_FIRST, PAGE_4K, MAP_RW), -EINVAL,
		"MAP over the MSI window");
	if (cap && cap->nr_iovas)
		too_large(b, mem, cap->iova_ranges[cap->nr_iovas - 1].start,
			  cap->iova_ranges[cap->nr_iovas - 1].end);
}

static void bad_memory(struct bad *b, char *mem)
{
	char *hole = mmap(NULL, 8 * PAGE_4K, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	memset(hole, 1, 8 * PAGE_4K);
	munmap(hole + 5 * PAGE_4K, 3 * PAGE_4K);
	refused(b, map(b, hole + 5 * PAGE_4K, FREE, PAGE_4K, MAP_RW), -EFAULT,
		"MAP: no memory at vaddr");
	refused(b, map(b, hole, FREE, 8 * PAGE_4K, MAP_RW), -EFAULT,
		"MAP: memory ends in the middle");
	mprotect(hole + 2 * PAGE_4K, PAGE_4K, PROT_NONE);
	refused(b, map(b, hole, FREE, 5 * PAGE_4K, MAP_RW), -EFAULT,
		"MAP: a PROT_NONE page in the middle");
	mprotect(hole + 2 * PAGE_4K, PAGE_4K, PROT_READ);
	refused(b, map(b, hole, FREE, 5 * PAGE_4K, MAP_RW), -EFAULT,
		"MAP for writing: a PROT_READ page in the middle");
	refused(b, map(b, KERNEL_ADDRESS, FREE, PAGE_4K, READ), -EFAULT,
		"MAP: a kernel address");
	munmap(hole, 5 * PAGE_4K);
	tap_ret(map(b, mem, FREE, PAGE_4K, MAP_RW), 0, "MAP that is right");
	refused(b, vfio_unmap(b->rig.container, FREE, PAGE_4K, 0, NULL), 0,
		"MAP and UNMAP");
}

static bool drop_ipc_lock(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &head, data))
		return false;
	data[0].effective &= ~(1u << CAP_IPC_LOCK);
	return !syscall(SYS_capset, &head, data);
}

/* In a child, whose own locked memory starts at 0; its exit status speaks. */
static int map_over_limit(struct bad *b)
{
	struct rlimit limit = { 8 * PAGE_4K, 8 * PAGE_4K };
	char *mem = mem_alloc(PAGE_2M, LEAF_4K);

	if (setrlimit(RLIMIT_MEMLOCK, &limit) || !drop_ipc_lock())
		return 2;
	if (map(b, mem, FREE, 9 * PAGE_4K, MAP_RW) != -ENOMEM)
		return 3;
	if (proc_locked_kib())
		return 4;
	if (map(b, mem, FREE, 8 * PAGE_4K, MAP_RW))
		return 5;
	if (proc_locked_kib() != 32)
		return 6;
	if (map(b, mem, FREE + PAGE_2M, PAGE_4K, MAP_RW) != -ENOMEM)
		return 7;
	if (vfio_unmap(b->rig.container, FREE, 8 * PAGE_4K, 0, NULL))
		return 8;
	return proc_locked_kib() ? 9 : 0;
}

static void memlock(struct bad *b)
{
	int status = 0;
	pid_t pid = fork();

	if (!pid)
		_exit(map_over_limit(b));
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		tap_bail("fork");
	refused(b, WIFEXITED(status) ? WEXITSTATUS(status) : -1, 0,
		"MAP over RLIMIT_MEMLOCK without CAP_IPC_LOCK is ENOMEM (child)");
}

/* Cheap only where the module was loaded with a small dma_entry_limit. */
static void entry_limit(struct bad *b, char *mem)
{
	long i, n = b->dma_avail;

	if (n > 1000) {
		tap_skip("MAP over dma_entry_limit",
			 "load the module with dma_entry_limit=100");
		return;
	}
	for (i = 0; i < n; i++)
		if (map(b, mem, FREE + i * PAGE_4K, PAGE_4K, READ))
			break;
	tap_ok(i == n, "as many MAPs as DMA_AVAIL said: %ld of %ld", i, n);
	note_state(b);
	refused(b, map(b, mem, FREE + n * PAGE_4K, PAGE_4K, READ), -ENOSPC,
		"MAP over dma_entry_limit");
	tap_ok(!vfio_unmap(b->rig.container, FREE, i * PAGE_4K, 0, NULL),
	       "UNMAP of all these");
	tap_ok(vfio_dma_avail(b->rig.container) == n, "gives the entries back");
	note_state(b);
}

void test_map(struct bad *b)
{
	char *mem = mem_alloc(PAGE_2M, LEAF_4K);

	sizes_and_flags(b, mem);
	ranges(b, mem);
	outside(b, mem);
	bad_memory(b, mem);
	memlock(b);
	entry_limit(b, mem);
	mem_free(mem, PAGE_2M);
}
