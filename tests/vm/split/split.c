// SPDX-License-Identifier: GPL-2.0-only
/*
 * For tests only: makes vfio_iommu_type1_hwdbm, which must be loaded before,
 * meet what a VM does not have, by other answers of its own functions and of
 * the kernel's.
 *
 * Parameters, all of which can be written at any time:
 *
 * split	each group gets a domain of its own, as behind IOMMUs that
 *		differ (default 1)
 * incapable	devices whose groups join from now on cannot track dirty pages
 * only		the one device that is meant by incapable, and whose group by
 *		hole (0000:00:08.0); none: all of them
 * hole		first IOVA of a region that such groups reserve
 * hole_bytes	its length; 0 (default): they reserve none
 * eio		so many of the next reads of dirty bits fail with -EIO; counts
 *		down, so that a test can see that they did
 * unsealed	what is to be unmapped is not made read-only before its last
 *		report, where the page tables are read (x86 only)
 */

#include <linux/device.h>
#include <linux/iommu.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/pci.h>

static bool split = true;
module_param(split, bool, 0644);
MODULE_PARM_DESC(split, "A domain for each group");

static bool incapable;
module_param(incapable, bool, 0644);
MODULE_PARM_DESC(incapable, "Devices cannot track dirty pages");

static char only[32];
module_param_string(only, only, sizeof(only), 0644);
MODULE_PARM_DESC(only, "The device that is meant by incapable and hole");

static unsigned long long hole;
module_param(hole, ullong, 0644);
MODULE_PARM_DESC(hole, "First IOVA of a reserved region");

static unsigned long long hole_bytes;
module_param(hole_bytes, ullong, 0644);
MODULE_PARM_DESC(hole_bytes, "Length of the reserved region, 0 for none");

static int eio;
module_param(eio, int, 0644);
MODULE_PARM_DESC(eio, "So many reads of dirty bits fail");

#ifdef CONFIG_X86_64
static bool unsealed;
module_param(unsealed, bool, 0644);
MODULE_PARM_DESC(unsealed, "Memory is unmapped without being sealed");

/* The range that is to be sealed ends before it begins. */
static int before_seal(struct kprobe *p, struct pt_regs *regs)
{
	if (unsealed)
		regs->si = regs->dx + 1;
	return 0;
}

static struct kprobe seal = {
	.symbol_name = "iopt_seal",
	.pre_handler = before_seal,
};

static int watch_seal(void)
{
	return register_kprobe(&seal);
}

static void unwatch_seal(void)
{
	unregister_kprobe(&seal);
}
#else
static int watch_seal(void)
{
	return 0;
}

static void unwatch_seal(void)
{
}
#endif

static int on_joinable(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	if (split)
		regs_set_return_value(regs, false);
	return 0;
}

/* Only what gets 0 here gets another answer. */
static int is_meant(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	const struct device *dev = (void *)regs_get_kernel_argument(regs, 0);

	return !incapable || (only[0] && !sysfs_streq(only, dev_name(dev)));
}

static int on_tracks(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	regs_set_return_value(regs, false);
	return 0;
}

/* The bits have been read, and cleared: what they said is lost. */
static int on_read(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	if (eio > 0) {
		eio--;
		regs_set_return_value(regs, -EIO);
	}
	return 0;
}

static bool is_meant_group(const struct iommu_group *group)
{
	struct device *dev;
	bool meant;

	if (!only[0])
		return true;
	dev = bus_find_device_by_name(&pci_bus_type, NULL, only);
	meant = dev && dev->iommu_group == group;
	put_device(dev);
	return meant;
}

/* For on_regions(): the list to add to, which is the second argument. */
static int remember_list(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	*(void **)ri->data = (void *)regs_get_kernel_argument(regs, 1);
	return !hole_bytes ||
	       !is_meant_group((void *)regs_get_kernel_argument(regs, 0));
}

static int on_regions(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	struct list_head *list = *(struct list_head **)ri->data;
	struct iommu_resv_region *region;

	if (regs_return_value(regs))
		return 0;
	region = iommu_alloc_resv_region(hole, hole_bytes, 0,
					 IOMMU_RESV_RESERVED, GFP_ATOMIC);
	if (region)
		list_add_tail(&region->list, list);
	return 0;
}

static struct kretprobe joinable = {
	.kp.symbol_name = "hwdbm_domain_joinable",
	.handler = on_joinable,
};

static struct kretprobe tracks = {
	.kp.symbol_name = "hwdbm_compat_dev_tracks_dirty",
	.entry_handler = is_meant,
	.handler = on_tracks,
};

/* By one reader, and by the other. */
static struct kretprobe read = {
	.kp.symbol_name = "hwdbm_compat_read_dirty",
	.handler = on_read,
};

static struct kretprobe harvest = {
	.kp.symbol_name = "iopt_harvest",
	.handler = on_read,
};

static struct kretprobe forget = {
	.kp.symbol_name = "iopt_forget",
	.handler = on_read,
};

/* The kernel's, also for stock's calls and for sysfs. */
static struct kretprobe regions = {
	.kp.symbol_name = "iommu_get_group_resv_regions",
	.entry_handler = remember_list,
	.handler = on_regions,
	.data_size = sizeof(struct list_head *),
};

static struct kretprobe *probes[] = { &joinable, &tracks, &read, &harvest,
				      &forget, &regions };

static int __init split_init(void)
{
	int ret = watch_seal();

	if (ret)
		return ret;
	ret = register_kretprobes(probes, ARRAY_SIZE(probes));
	if (ret)
		unwatch_seal();
	return ret;
}
module_init(split_init);

static void __exit split_exit(void)
{
	unregister_kretprobes(probes, ARRAY_SIZE(probes));
	unwatch_seal();
}
module_exit(split_exit);

MODULE_DESCRIPTION("Test aid for vfio_iommu_type1_hwdbm");
MODULE_LICENSE("GPL");
