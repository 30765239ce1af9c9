// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO devices behind the simulated IOMMUs, whose engine does DMA as user space
 * tells it to. Their driver can pin as well, as that of an emulated device.
 */

#include "iommu.h"

#include <linux/err.h>
#include <linux/irqdomain.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/msi.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#define MAX_DEVICES	10	/* one digit: names have to fit 15 characters */

static unsigned int behind[SIM_MAX_IOMMUS] = { 2, 1, 1, 1 };
module_param_array(behind, uint, NULL, 0444);
MODULE_PARM_DESC(behind, "Devices behind each simulated IOMMU");

struct dma_device {
	struct emul_device emul;
	struct sim_port *port;
};

static struct sim_port ports[MAX_DEVICES];

/* Their interrupts, of which there are none, are remapped: VFIO wants that. */
static struct irq_domain *remapped;
static const struct irq_domain_ops remapped_ops;

static struct dma_device *to_dma(struct vfio_device *vfio)
{
	return container_of(to_emul(vfio), struct dma_device, emul);
}

static long dma(struct sim_port *port, const struct sim_copy *arg)
{
	void __user *data = u64_to_user_ptr(arg->data);
	bool write = arg->flags & SIM_COPY_WRITE;
	void *buf;
	long ret;

	if (!arg->bytes || arg->bytes > SIM_MAX_BYTES ||
	    arg->flags & ~SIM_COPY_WRITE ||
	    arg->iova + arg->bytes - 1 < arg->iova)
		return -EINVAL;
	buf = write ? vmemdup_user(data, arg->bytes) :
		      kvzalloc(arg->bytes, GFP_KERNEL);
	if (IS_ERR_OR_NULL(buf))
		return buf ? PTR_ERR(buf) : -ENOMEM;
	ret = sim_dma(port, arg->iova, buf, arg->bytes, write);
	if (!ret && !write && copy_to_user(data, buf, arg->bytes))
		ret = -EFAULT;
	kvfree(buf);
	return ret;
}

static long write_all(struct sim_port *port, struct sim_write *writes,
		      struct sim_burst *arg)
{
	u32 i;

	for (i = 0; i < arg->count; i++)
		if (writes[i].iova % sizeof(u64))
			return -EINVAL;
	for (i = 0; i < arg->count; i++) {
		int ret = sim_dma(port, writes[i].iova, &writes[i].value,
				  sizeof(u64), true);

		if (ret && ret != -EIO)
			return ret;
		arg->refused += !!ret;
		cond_resched();
	}
	return 0;
}

static long burst(struct sim_port *port, void __user *user)
{
	struct sim_write *writes;
	struct sim_burst arg;
	long ret;

	if (copy_from_user(&arg, user, sizeof(arg)))
		return -EFAULT;
	if (!arg.count || arg.count > SIM_MAX_WRITES)
		return -EINVAL;
	writes = vmemdup_array_user(u64_to_user_ptr(arg.writes), arg.count,
				    sizeof(*writes));
	if (IS_ERR(writes))
		return PTR_ERR(writes);
	arg.refused = 0;
	ret = write_all(port, writes, &arg);
	kvfree(writes);
	if (!ret && copy_to_user(user, &arg, sizeof(arg)))
		ret = -EFAULT;
	return ret;
}

static long order(struct dma_device *dma, void __user *user)
{
	struct sim_order arg;

	if (copy_from_user(&arg, user, sizeof(arg)))
		return -EFAULT;
	return sim_order(dma->port->iommu, &arg, dma);
}

static long dma_ioctl(struct vfio_device *vfio, unsigned int cmd,
		      unsigned long arg)
{
	struct dma_device *device = to_dma(vfio);
	void __user *user = (void __user *)arg;
	struct sim_copy copy;
	struct sim_trap trap;

	switch (cmd) {
	case SIM_DMA:
		if (copy_from_user(&copy, user, sizeof(copy)))
			return -EFAULT;
		return dma(device->port, &copy);
	case SIM_BURST:
		return burst(device->port, user);
	case SIM_ORDER:
		return order(device, user);
	case SIM_TRAP:
		if (copy_from_user(&trap, user, sizeof(trap)))
			return -EFAULT;
		return sim_trap(device->port, &trap);
	case SIM_WATCH:
		return sim_watch(device->port, user);
	}
	return emul_ioctl(vfio, cmd, arg);
}

static void dma_close(struct vfio_device *vfio)
{
	struct dma_device *device = to_dma(vfio);

	sim_order_closed(device->port->iommu, device);
	sim_trap_closed(device->port);
	emul_close(vfio);
}

static const struct vfio_device_ops dma_ops = {
	.name = SIM_DMA_DEVICE_NAME,
	.init = emul_init,
	.release = emul_release,
	.open_device = emul_open,
	.close_device = dma_close,
	.dma_unmap = emul_unmapped,
	.ioctl = dma_ioctl,
	SIM_IOMMUFD_OPS(physical)
};

static int dma_probe(struct platform_device *parent)
{
	struct dma_device *device;
	int ret;

	device = vfio_alloc_device(dma_device, emul.vfio, &parent->dev,
				   &dma_ops);
	if (IS_ERR(device))
		return PTR_ERR(device);
	device->port = *(struct sim_port **)dev_get_platdata(&parent->dev);
	ret = vfio_register_group_dev(&device->emul.vfio);
	if (ret)
		vfio_put_device(&device->emul.vfio);
	else
		platform_set_drvdata(parent, device);
	return ret;
}

static void dma_remove(struct platform_device *parent)
{
	struct dma_device *device = platform_get_drvdata(parent);

	vfio_unregister_group_dev(&device->emul.vfio);
	vfio_put_device(&device->emul.vfio);
}

static struct platform_driver dma_driver = {
	.probe = dma_probe,
	.remove = dma_remove,
	.driver = { .name = SIM_DMA_DEVICE_NAME },
	.driver_managed_dma = true,
};

struct sim_port *sim_dma_partner(struct sim_port *port)
{
	struct sim_port *first = port;

	if (!port->iommu->paired)
		return NULL;
	while (first > ports && first[-1].iommu == port->iommu)
		first--;
	return port == first + 1 ? first : NULL;
}

static struct platform_device *new_device(struct sim_port *port)
{
	struct platform_device *device;
	int ret;

	device = platform_device_alloc(SIM_DMA_DEVICE_NAME, port - ports);
	if (!device)
		return ERR_PTR(-ENOMEM);
	ret = platform_device_add_data(device, &port, sizeof(port));
	if (!ret)
		ret = sim_iommu_announce(&device->dev, port->iommu);
	if (ret) {
		platform_device_put(device);
		return ERR_PTR(ret);
	}
	dev_set_msi_domain(&device->dev, remapped);
	return device;
}

static int add_device(struct sim_port *port, struct sim_iommu *iommu)
{
	struct platform_device *device;
	int ret;

	mutex_init(&port->lock);
	port->iommu = iommu;
	device = new_device(port);
	if (IS_ERR(device))
		return PTR_ERR(device);
	port->device = device;
	ret = platform_device_add(device);
	if (ret) {
		port->device = NULL;
		platform_device_put(device);
		return ret;
	}
	return platform_get_drvdata(device) ? 0 : -ENODEV;
}

static int add_devices(void)
{
	struct sim_port *port = ports;
	struct sim_iommu *iommu;
	unsigned int nr, i;
	int ret = 0;

	for (nr = 0; (iommu = sim_iommu_nr(nr)); nr++)
		for (i = 0; i < behind[nr] && !ret; i++) {
			if (port == ports + MAX_DEVICES)
				return -ENOSPC;
			ret = add_device(port++, iommu);
		}
	return ret;
}

/* Only what is there; also after a failure. */
void sim_dma_devices_remove(void)
{
	int i;

	if (!remapped)
		return;
	for (i = MAX_DEVICES; i--;)
		platform_device_unregister(ports[i].device);
	platform_driver_unregister(&dma_driver);
	irq_domain_remove(remapped);
	memset(ports, 0, sizeof(ports));
	remapped = NULL;
}

/* On error sim_dma_devices_remove() is still to be called. */
int sim_dma_devices_add(void)
{
	int ret;

	remapped = irq_domain_create_tree(NULL, &remapped_ops, NULL);
	if (!remapped)
		return -ENOMEM;
	remapped->flags |= IRQ_DOMAIN_FLAG_ISOLATED_MSI;
	ret = platform_driver_register(&dma_driver);
	if (ret) {
		irq_domain_remove(remapped);
		remapped = NULL;
		return ret;
	}
	return add_devices();
}
