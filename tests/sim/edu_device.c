// SPDX-License-Identifier: GPL-2.0-only
/*
 * QEMU's edu, by a driver that pins pages: a device behind an IOMMU, with the
 * group that goes with it, which writes by DMA and by what it has pinned.
 */

#include "internal.h"

#include <linux/io-64-nonatomic-lo-hi.h>
#include <linux/iopoll.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/uaccess.h>

#define DMA_SRC		0x80
#define DMA_DST		0x88
#define DMA_COUNT	0x90
#define DMA_COMMAND	0x98
#define DMA_FAILED	0xa0	/* not in stock QEMU: tests/qemu/README.md */
#define BUFFER_AT	0x40000

#define RUN		1
#define TO_RAM		2

#define POLL_US		50
#define POLL_END_US	(10 * USEC_PER_SEC)

/* @engine: the registers of a DMA, from the first to its end. */
struct edu_device {
	struct emul_device emul;
	void __iomem *bar;
	struct mutex engine;
};

static struct edu_device *to_edu(struct vfio_device *vfio)
{
	return container_of(to_emul(vfio), struct edu_device, emul);
}

static struct pci_dev *to_function(struct edu_device *edu)
{
	return to_pci_dev(edu->emul.vfio.dev);
}

static int run(struct edu_device *edu, u64 src, u64 dst, u32 bytes, u32 command)
{
	u32 failed = readl(edu->bar + DMA_FAILED), now;
	int ret;

	lockdep_assert_held(&edu->engine);
	writeq(src, edu->bar + DMA_SRC);
	writeq(dst, edu->bar + DMA_DST);
	writeq(bytes, edu->bar + DMA_COUNT);
	writeq(RUN | command, edu->bar + DMA_COMMAND);
	ret = readl_poll_timeout(edu->bar + DMA_COMMAND, now, !(now & RUN),
				 POLL_US, POLL_END_US);
	if (ret)
		return ret;
	return readl(edu->bar + DMA_FAILED) == failed ? 0 : -EIO;
}

static long dma(struct edu_device *edu, const struct sim_dma *arg, bool store)
{
	u64 buffer = BUFFER_AT + (u64)arg->offset;
	long ret;

	if (!arg->bytes || arg->bytes > SIM_DMA_BUFFER ||
	    arg->offset > SIM_DMA_BUFFER - arg->bytes)
		return -EINVAL;
	mutex_lock(&edu->engine);
	if (store)
		ret = run(edu, buffer, arg->iova, arg->bytes, TO_RAM);
	else
		ret = run(edu, arg->iova, buffer, arg->bytes, 0);
	mutex_unlock(&edu->engine);
	return ret;
}

static long edu_ioctl(struct vfio_device *vfio, unsigned int cmd,
		      unsigned long arg)
{
	struct sim_dma in;

	if (cmd != SIM_STORE && cmd != SIM_FETCH)
		return emul_ioctl(vfio, cmd, arg);
	if (copy_from_user(&in, (void __user *)arg, sizeof(in)))
		return -EFAULT;
	return dma(to_edu(vfio), &in, cmd == SIM_STORE);
}

static int edu_init(struct vfio_device *vfio)
{
	mutex_init(&to_edu(vfio)->engine);
	return emul_init(vfio);
}

static int edu_open(struct vfio_device *vfio)
{
	pci_set_master(to_function(to_edu(vfio)));
	return emul_open(vfio);
}

/* No DMA from here on: what is pinned is going to be given back. */
static void edu_close(struct vfio_device *vfio)
{
	pci_clear_master(to_function(to_edu(vfio)));
	emul_close(vfio);
}

static const struct vfio_device_ops edu_ops = {
	.name = SIM_PCI_DRIVER,
	.init = edu_init,
	.release = emul_release,
	.open_device = edu_open,
	.close_device = edu_close,
	.dma_unmap = emul_unmapped,
	.ioctl = edu_ioctl,
	SIM_IOMMUFD_OPS(physical)
};

static int edu_probe(struct pci_dev *function, const struct pci_device_id *id)
{
	struct edu_device *edu;
	int ret = pcim_enable_device(function);

	if (ret)
		return ret;
	edu = vfio_alloc_device(edu_device, emul.vfio, &function->dev, &edu_ops);
	if (IS_ERR(edu))
		return PTR_ERR(edu);
	edu->bar = pcim_iomap(function, 0, BUFFER_AT + SIM_DMA_BUFFER);
	ret = edu->bar ? vfio_register_group_dev(&edu->emul.vfio) : -ENOMEM;
	if (ret)
		vfio_put_device(&edu->emul.vfio);
	else
		pci_set_drvdata(function, edu);
	return ret;
}

static void edu_remove(struct pci_dev *function)
{
	struct edu_device *edu = pci_get_drvdata(function);

	vfio_unregister_group_dev(&edu->emul.vfio);
	vfio_put_device(&edu->emul.vfio);
}

/* No ids: only what is told to have this driver gets it. */
static struct pci_driver edu_driver = {
	.name = SIM_PCI_DRIVER,
	.probe = edu_probe,
	.remove = edu_remove,
	.driver_managed_dma = true,
};

int edu_driver_add(void)
{
	return pci_register_driver(&edu_driver);
}

void edu_driver_remove(void)
{
	pci_unregister_driver(&edu_driver);
}
