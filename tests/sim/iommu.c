// SPDX-License-Identifier: GPL-2.0-only
/*
 * Simulated IOMMUs, registered with the kernel as any vendor's are, and beside
 * them. An array of parameters has a value for each:
 *
 * iommus	how many there are (default 0, at most 4)
 * tracking	whether it can track dirty pages (y,y,n,y)
 * gathers	whether an unmap notes what a sync is to invalidate (y,y,y,y);
 *		if not, a sync invalidates all, as virtio-iommu's does
 * pgsizes	the sizes of its leaves, a bit a size (4K+2M+1G; all from 4K to
 *		1G; 4K+2M+1G; 64K+2M)
 * aperture	the bits of an address (48,40,39,48)
 * coherent	whether it can enforce coherency (y)
 * shared	whether its domains take the devices of other IOMMUs that are shared,
 *		too; but none that is not coherent where it is enforced (n)
 * replicated	whether large leaves are several entries, each with a dirty bit
 *		of its own, as AMD's are (n,y,n,n)
 * born_dirty	whether a leaf that may be written is dirty from the start, as SMMUv3's
 *		are (n)
 * paired	whether its first two devices are one group (n)
 * behind	how many devices are behind it (2,1,1,1; dma_device.c)
 */

#include "iommu.h"

#include <linux/err.h>
#include <linux/module.h>
#include <linux/property.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <uapi/linux/iommufd.h>

#define LEVELS	(SZ_4K | SZ_2M | SZ_1G)
#define POWERS	(2UL * SZ_1G - SZ_4K)

static unsigned int iommus;
module_param(iommus, uint, 0444);
MODULE_PARM_DESC(iommus, "Simulated IOMMUs");

static bool tracking[SIM_MAX_IOMMUS] = { true, true, false, true };
module_param_array(tracking, bool, NULL, 0444);
MODULE_PARM_DESC(tracking, "Whether each tracks dirty pages");

static unsigned long pgsizes[SIM_MAX_IOMMUS] = {
	LEVELS, POWERS, LEVELS, SZ_64K | SZ_2M,
};
module_param_array(pgsizes, ulong, NULL, 0444);
MODULE_PARM_DESC(pgsizes, "The sizes of its leaves, a bit a size");

static unsigned int aperture[SIM_MAX_IOMMUS] = { 48, 40, 39, 48 };
module_param_array(aperture, uint, NULL, 0444);
MODULE_PARM_DESC(aperture, "The bits of an address");

static bool coherent[SIM_MAX_IOMMUS] = { true, true, true, true };
module_param_array(coherent, bool, NULL, 0444);
MODULE_PARM_DESC(coherent, "Whether it can enforce coherency");

static bool shared[SIM_MAX_IOMMUS];
module_param_array(shared, bool, NULL, 0444);
MODULE_PARM_DESC(shared, "Whether domains take devices of other shared IOMMUs");

static bool replicated[SIM_MAX_IOMMUS] = { false, true, false, false };
module_param_array(replicated, bool, NULL, 0444);
MODULE_PARM_DESC(replicated, "Whether a large leaf is several entries");

static bool born_dirty[SIM_MAX_IOMMUS];
module_param_array(born_dirty, bool, NULL, 0444);
MODULE_PARM_DESC(born_dirty, "Whether new leaves that may be written are dirty");

static bool paired[SIM_MAX_IOMMUS];
module_param_array(paired, bool, NULL, 0444);
MODULE_PARM_DESC(paired, "Whether its first two devices are one group");

static bool gathers[SIM_MAX_IOMMUS] = { true, true, true, true };
module_param_array(gathers, bool, NULL, 0444);
MODULE_PARM_DESC(gathers, "Whether it notes for a sync what it has unmapped");

static struct sim_iommu all[SIM_MAX_IOMMUS];

/*
 * A copy that belongs to no module: the core would have each device keep the
 * module loaded for as long as it is there, and then neither could ever go.
 */
static struct iommu_ops *ops;

struct sim_iommu *sim_iommu_nr(unsigned int nr)
{
	return nr < iommus ? &all[nr] : NULL;
}

/* ---- domains ---- */

static void set_domain(struct device *dev, struct sim_domain *domain)
{
	struct sim_port *port = dev_iommu_priv_get(dev);

	mutex_lock(&port->lock);
	port->domain = domain;
	mutex_unlock(&port->lock);
}

static int attach_none(SIM_ATTACH_ARGS(core, dev))
{
	set_domain(dev, NULL);
	return 0;
}

static const struct iommu_domain_ops none_ops = { .attach_dev = attach_none };

static struct iommu_domain identity = {
	.type = IOMMU_DOMAIN_IDENTITY,
	.ops = &none_ops,
};

static struct iommu_domain blocked = {
	.type = IOMMU_DOMAIN_BLOCKED,
	.ops = &none_ops,
};

static bool takes(const struct sim_domain *domain, const struct sim_iommu *of)
{
	if (domain->iommu == of)
		return true;
	return domain->iommu->shared && of->shared &&
	       (of->coherent || !domain->coherent) &&
	       (of->tracking || !domain->core.dirty_ops);
}

static int attach(SIM_ATTACH_ARGS(core, dev))
{
	struct sim_domain *domain = to_sim_domain(core);
	struct sim_port *port = dev_iommu_priv_get(dev);
	int ret;

	/* Not an error of anyone's: who asks wants to know whether it fits. */
	if (!takes(domain, port->iommu))
		return -EINVAL;
	ret = sim_order_due(port->iommu, SIM_OP_ATTACH);
	if (!ret)
		set_domain(dev, domain);
	return ret;
}

static bool enforce_cache_coherency(struct iommu_domain *core)
{
	struct sim_domain *domain = to_sim_domain(core);

	domain->coherent = domain->iommu->coherent;
	return domain->coherent;
}

static void free_domain(struct iommu_domain *core)
{
	struct sim_domain *domain = to_sim_domain(core);

	sim_iotlb_empty(domain);
	sim_table_free(domain);
	atomic64_dec(&domain->iommu->domains);
	kfree(domain);
}

/* No entry of the IOTLB is to say what was right before. */
static int set_dirty_tracking(struct iommu_domain *core, bool on)
{
	struct sim_domain *domain = to_sim_domain(core);
	int ret = sim_order_due(domain->iommu, SIM_OP_SET_DIRTY);

	if (ret)
		return ret;
	spin_lock(&domain->table_lock);
	WRITE_ONCE(domain->tracking, on);
	spin_unlock(&domain->table_lock);
	sim_iotlb_empty(domain);
	return 0;
}

static const struct iommu_dirty_ops dirty_ops = {
	.set_dirty_tracking = set_dirty_tracking,
	.read_and_clear_dirty = arm_smmu_read_and_clear_dirty,
};

static const struct iommu_domain_ops domain_ops = {
	.attach_dev = attach,
	.map_pages = sim_map_pages,
	.unmap_pages = sim_unmap_pages,
	.flush_iotlb_all = sim_flush_iotlb_all,
	.iotlb_sync = sim_iotlb_sync,
	.iova_to_phys = sim_iova_to_phys,
	.enforce_cache_coherency = enforce_cache_coherency,
	.free = free_domain,
};

static struct sim_iommu *iommu_of(struct device *dev)
{
	struct sim_port *port = dev_iommu_priv_get(dev);

	return port->iommu;
}

static struct iommu_domain *alloc_domain(struct device *dev, bool track)
{
	struct sim_iommu *iommu = iommu_of(dev);
	struct sim_domain *domain;
	int ret = sim_order_due(iommu, SIM_OP_ALLOC);

	if (ret)
		return ERR_PTR(ret);
	domain = kzalloc(sizeof(*domain), GFP_KERNEL_ACCOUNT);
	if (!domain)
		return ERR_PTR(-ENOMEM);
	domain->iommu = iommu;
	spin_lock_init(&domain->table_lock);
	domain->leaves = RB_ROOT_CACHED;
	mutex_init(&domain->iotlb_lock);
	domain->iotlb = RB_ROOT_CACHED;
	domain->core.type = IOMMU_DOMAIN_UNMANAGED;
	domain->core.ops = &domain_ops;
	domain->core.owner = ops;
	domain->core.dirty_ops = track ? &dirty_ops : NULL;
	domain->core.pgsize_bitmap = iommu->pgsizes;
	domain->core.geometry.aperture_end = BIT_ULL(iommu->aperture) - 1;
	domain->core.geometry.force_aperture = true;
	atomic64_inc(&iommu->domains);
	return &domain->core;
}

static struct iommu_domain *domain_alloc_paging(struct device *dev)
{
	return alloc_domain(dev, false);
}

struct iommu_domain *sim_alloc_flags(struct device *dev, u32 flags,
				     const struct iommu_user_data *user_data)
{
	bool track = flags & IOMMU_HWPT_ALLOC_DIRTY_TRACKING;

	if (flags & ~IOMMU_HWPT_ALLOC_DIRTY_TRACKING || user_data ||
	    (track && !iommu_of(dev)->tracking))
		return ERR_PTR(-EOPNOTSUPP);
	return alloc_domain(dev, track);
}

/* ---- devices ---- */

/* The core asks of ours alone: no other device has their fwnode. */
static struct iommu_device *probe_device(struct device *dev)
{
	struct sim_port *port = *(struct sim_port **)dev_get_platdata(dev);

	dev_iommu_priv_set(dev, port);
	return &port->iommu->core;
}

static void release_device(struct device *dev)
{
	set_domain(dev, NULL);
}

static struct iommu_group *device_group(struct device *dev)
{
	struct sim_port *partner = sim_dma_partner(dev_iommu_priv_get(dev));

	if (partner && partner->device->dev.iommu_group)
		return iommu_group_ref_get(partner->device->dev.iommu_group);
	return generic_device_group(dev);
}

/* VFIO takes no device without the first one. */
static bool has_cap(struct device *dev, enum iommu_cap cap)
{
	switch (cap) {
	case IOMMU_CAP_CACHE_COHERENCY:
		return true;
	case IOMMU_CAP_ENFORCE_CACHE_COHERENCY:
		return iommu_of(dev)->coherent;
	case IOMMU_CAP_DIRTY_TRACKING:
		return iommu_of(dev)->tracking;
	default:
		return false;
	}
}

/* The kernel itself does no DMA by these devices. */
static int def_domain_type(struct device *dev)
{
	return IOMMU_DOMAIN_IDENTITY;
}

static const struct iommu_ops ops_of_module = {
	.capable = has_cap,
	.domain_alloc_sim = SIM_ALLOC,
	.domain_alloc_paging = domain_alloc_paging,
	.probe_device = probe_device,
	.release_device = release_device,
	.device_group = device_group,
	.def_domain_type = def_domain_type,
	.default_domain_ops = &domain_ops,
	.identity_domain = &identity,
	.blocked_domain = &blocked,
	.release_domain = &blocked,
};

/*
 * What iommu_fwspec_init() does, which in a kernel with lockdep wants a lock
 * that is not for modules. The core frees it with the device.
 */
int sim_iommu_announce(struct device *dev, struct sim_iommu *iommu)
{
	struct iommu_fwspec *fwspec;
	struct dev_iommu *param;

	param = kzalloc(sizeof(*param), GFP_KERNEL);
	fwspec = kzalloc(struct_size(fwspec, ids, 1), GFP_KERNEL);
	if (!param || !fwspec) {
		kfree(param);
		kfree(fwspec);
		return -ENOMEM;
	}
	mutex_init(&param->lock);
	fwspec->iommu_fwnode = fwnode_handle_get(iommu->fwnode);
	param->fwspec = fwspec;
	dev->iommu = param;
	return 0;
}

/* ---- coming and going ---- */

static void remove_one(struct sim_iommu *iommu)
{
	if (iommu->registered) {
		iommu_device_unregister(&iommu->core);
		iommu_device_sysfs_remove(&iommu->core);
	}
	WARN_ON(atomic64_read(&iommu->domains) || atomic64_read(&iommu->leaves) ||
		atomic64_read(&iommu->entries));
	if (!IS_ERR_OR_NULL(iommu->fwnode))
		fwnode_remove_software_node(iommu->fwnode);
	if (!IS_ERR_OR_NULL(iommu->parent))
		platform_device_unregister(iommu->parent);
	memset(iommu, 0, sizeof(*iommu));
}

static int add_one(struct sim_iommu *iommu, unsigned int nr)
{
	int ret;

	iommu->nr = nr;
	iommu->tracking = tracking[nr];
	iommu->gathers = gathers[nr];
	iommu->coherent = coherent[nr];
	iommu->shared = shared[nr];
	iommu->replicated = replicated[nr];
	iommu->born_dirty = born_dirty[nr];
	iommu->paired = paired[nr];
	iommu->pgsizes = pgsizes[nr];
	iommu->aperture = aperture[nr];
	sim_orders_init(iommu);
	iommu->parent = platform_device_register_simple(SIM_IOMMU_NAME, nr,
							NULL, 0);
	if (IS_ERR(iommu->parent))
		return PTR_ERR(iommu->parent);
	iommu->fwnode = fwnode_create_software_node(NULL, NULL);
	if (IS_ERR(iommu->fwnode))
		return PTR_ERR(iommu->fwnode);
	ret = iommu_device_sysfs_add(&iommu->core, &iommu->parent->dev, NULL,
				     SIM_IOMMU_NAME ".%u", nr);
	if (ret)
		return ret;
	iommu->core.fwnode = iommu->fwnode;
	ret = iommu_device_register(&iommu->core, ops, NULL);
	if (ret)
		iommu_device_sysfs_remove(&iommu->core);
	iommu->registered = !ret;
	return ret;
}

static bool parameters_make_sense(void)
{
	unsigned int i;

	if (iommus > SIM_MAX_IOMMUS)
		return false;
	for (i = 0; i < iommus; i++)
		if (!pgsizes[i] || pgsizes[i] % SZ_4K || pgsizes[i] >= 4UL * SZ_1G ||
		    aperture[i] < 32 || aperture[i] > 63)
			return false;
	return true;
}

void sim_iommus_remove(void)
{
	unsigned int i;

	sim_dma_devices_remove();
	for (i = iommus; i--;)
		remove_one(&all[i]);
	kfree(ops);
}

int sim_iommus_add(void)
{
	unsigned int i;
	int ret = 0;

	if (!parameters_make_sense())
		return -EINVAL;
	if (!iommus)
		return 0;
	ops = kmemdup(&ops_of_module, sizeof(ops_of_module), GFP_KERNEL);
	if (!ops)
		return -ENOMEM;
	for (i = 0; i < iommus && !ret; i++)
		ret = add_one(&all[i], i);
	if (!ret)
		ret = sim_dma_devices_add();
	if (ret)
		sim_iommus_remove();
	return ret;
}
