// SPDX-License-Identifier: GPL-2.0-only
/* Module init and exit, parameters, registration with VFIO. */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/limits.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/printk.h>
#include <linux/rcupdate.h>
#include <linux/string.h>

#include "compat/vfio_ops.h"
#include "container.h"
#include "version.h"

struct hwdbm_params hwdbm_params = {
	.dma_entry_limit = U16_MAX,
};

static char *claim = "none";
module_param(claim, charp, 0444);
MODULE_PARM_DESC(claim,
		 "Containers of type 1 and 3 to serve: none, hwdbm (those whose first group has dirty bits in hardware), all (default: none)");
module_param_named(allow_unsafe_interrupts,
		   hwdbm_params.allow_unsafe_interrupts, bool, 0644);
MODULE_PARM_DESC(allow_unsafe_interrupts,
		 "Serve devices whose interrupts are not remapped: a guest can then raise any interrupt of the host (default: N)");
module_param_named(disable_hugepages, hwdbm_params.disable_hugepages, bool,
		   0644);
MODULE_PARM_DESC(disable_hugepages,
		 "Map page by page, so that dirty pages are told apart at the smallest size (default: N)");
module_param_named(dma_entry_limit, hwdbm_params.dma_entry_limit, uint, 0644);
MODULE_PARM_DESC(dma_entry_limit,
		 "Most mappings a container may hold, read when it is opened (default: 65535)");

static const char *const claim_names[] = {
	[HWDBM_CLAIM_NONE] = "none",
	[HWDBM_CLAIM_HWDBM] = "hwdbm",
	[HWDBM_CLAIM_ALL] = "all",
};

/*
 * VFIO asks the backend that registered last. Should stock be loaded after us
 * our claim is dead, and nothing else would tell. Registering again would put
 * us in front, but must not be done while a container is open on the table of
 * operations, so it is left to the operator, who knows when.
 */
static bool registered, comes_later;

static int module_event(struct notifier_block *nb, unsigned long event,
			void *data)
{
	const struct module *mod = data;

	if (strcmp(mod->name, "vfio_iommu_type1"))
		return NOTIFY_OK;
	/* It registers between these two, and may have begun before us. */
	if (event == MODULE_STATE_COMING)
		comes_later = READ_ONCE(registered);
	if (event == MODULE_STATE_LIVE && comes_later)
		pr_warn_once("%s was loaded after this module and serves types 1 and 3 now: claim=%s has no effect until this module is unloaded and loaded again\n",
			     mod->name, claim);
	return NOTIFY_OK;
}

static struct notifier_block module_watch = {
	.notifier_call = module_event,
};

static int __init hwdbm_init(void)
{
	int ret = match_string(claim_names, ARRAY_SIZE(claim_names), claim);

	if (ret < 0) {
		pr_err("claim=%s: it is one of none, hwdbm, all\n", claim);
		return ret;
	}
	hwdbm_params.claim = ret;
	if (hwdbm_params.claim != HWDBM_CLAIM_NONE) {
		ret = register_module_notifier(&module_watch);
		if (ret)
			return ret;
	}
	ret = vfio_register_iommu_driver(&hwdbm_vfio_ops);
	if (ret && hwdbm_params.claim != HWDBM_CLAIM_NONE)
		unregister_module_notifier(&module_watch);
	WRITE_ONCE(registered, !ret);
	return ret;
}

static void __exit hwdbm_exit(void)
{
	vfio_unregister_iommu_driver(&hwdbm_vfio_ops);
	if (hwdbm_params.claim != HWDBM_CLAIM_NONE)
		unregister_module_notifier(&module_watch);
	/*
	 * An ioctl that outlived its container drops its reference on us and
	 * then has a few instructions left; so has one that VFIO was about to
	 * pass to us as the container was released.
	 */
	synchronize_rcu_tasks();
}

module_init(hwdbm_init);
module_exit(hwdbm_exit);

MODULE_VERSION(HWDBM_VERSION);
MODULE_LICENSE("GPL");
MODULE_AUTHOR("The vfio_iommu_type1_hwdbm developers");
MODULE_DESCRIPTION("VFIO type1 container backend with a dirty log read from the IOMMU's dirty bits");
/* Registered last is asked first, and whoever loads us wants stock there too. */
MODULE_SOFTDEP("pre: vfio_iommu_type1");
