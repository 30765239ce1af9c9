// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO devices with an emulated IOMMU: what a mediated device is to a container,
 * without the bus of mediated devices. VFIO wants a parent with a driver, whose
 * module it can hold, so each is a platform device of our own driver.
 */

#include "internal.h"

#include <linux/mm.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>

#define MAX_DEVICES 8

static struct platform_device *parents[MAX_DEVICES];

int emul_init(struct vfio_device *vfio)
{
	emul_pins_init(to_emul(vfio));
	return 0;
}

void emul_release(struct vfio_device *vfio)
{
	emul_pins_reset(to_emul(vfio));
	xa_destroy(&to_emul(vfio)->pins);
	sim_vfio_free(vfio);
}

int emul_open(struct vfio_device *vfio)
{
	emul_pins_reset(to_emul(vfio));
	return 0;
}

void emul_close(struct vfio_device *vfio)
{
	emul_pins_drop(to_emul(vfio));
}

struct emul_rw {
	struct work_struct work;
	struct vfio_device *vfio;
	u64 iova;
	void *buf;
	size_t bytes;
	bool write;
	int ret;
};

static void rw(struct work_struct *work)
{
	struct emul_rw *rw = container_of(work, struct emul_rw, work);

	rw->ret = vfio_dma_rw(rw->vfio, rw->iova, rw->buf, rw->bytes, rw->write);
}

static int do_rw(struct emul_device *emul, const struct sim_copy *arg, void *buf)
{
	struct emul_rw args = {
		.vfio = &emul->vfio,
		.iova = arg->iova,
		.buf = buf,
		.bytes = arg->bytes,
		.write = arg->flags & SIM_COPY_WRITE,
	};

	INIT_WORK_ONSTACK(&args.work, rw);
	if (arg->flags & SIM_COPY_KTHREAD) {
		queue_work(system_unbound_wq, &args.work);
		flush_work(&args.work);
	} else {
		rw(&args.work);
	}
	destroy_work_on_stack(&args.work);
	return args.ret;
}

static long copy(struct emul_device *emul, const struct sim_copy *arg, bool dma_rw)
{
	void __user *data = u64_to_user_ptr(arg->data);
	bool write = arg->flags & SIM_COPY_WRITE;
	u32 flags = SIM_COPY_WRITE | (dma_rw ? SIM_COPY_KTHREAD : 0);
	void *buf;
	long ret;

	if (!arg->bytes || arg->bytes > SIM_MAX_BYTES || arg->flags & ~flags)
		return -EINVAL;
	/* vfio_dma_rw() is to judge it itself. */
	if (!dma_rw && arg->iova + arg->bytes - 1 < arg->iova)
		return -EINVAL;
	buf = write ? vmemdup_user(data, arg->bytes) :
		      kvzalloc(arg->bytes, GFP_KERNEL);
	if (IS_ERR_OR_NULL(buf))
		return buf ? PTR_ERR(buf) : -ENOMEM;
	ret = dma_rw ? do_rw(emul, arg, buf) :
		       emul_copy(emul, arg->iova, buf, arg->bytes, write);
	if (!ret && !write && copy_to_user(data, buf, arg->bytes))
		ret = -EFAULT;
	kvfree(buf);
	return ret;
}

static long behave(struct emul_device *emul, const struct sim_behave *arg)
{
	if (arg->flags & ~SIM_BEHAVE_KEEP)
		return -EINVAL;
	mutex_lock(&emul->lock);
	emul->unpin_at = arg->unpin_at;
	emul->keeps = arg->flags & SIM_BEHAVE_KEEP;
	emul->state.notified = 0;
	memset(emul->state.notices, 0, sizeof(emul->state.notices));
	mutex_unlock(&emul->lock);
	return 0;
}

static long tell_state(struct emul_device *emul, void __user *to)
{
	struct sim_state *state;
	long ret;

	state = kmalloc(sizeof(*state), GFP_KERNEL);
	if (!state)
		return -ENOMEM;
	mutex_lock(&emul->lock);
	*state = emul->state;
	mutex_unlock(&emul->lock);
	ret = copy_to_user(to, state, sizeof(*state)) ? -EFAULT : 0;
	kfree(state);
	return ret;
}

static long device_info(void __user *to)
{
	size_t size = offsetofend(struct vfio_device_info, num_irqs);
	struct vfio_device_info info;

	if (copy_from_user(&info, to, size))
		return -EFAULT;
	if (info.argsz < size)
		return -EINVAL;
	info.flags = 0;
	info.num_regions = 0;
	info.num_irqs = 0;
	return copy_to_user(to, &info, size) ? -EFAULT : 0;
}

long emul_ioctl(struct vfio_device *vfio, unsigned int cmd, unsigned long arg)
{
	struct emul_device *emul = to_emul(vfio);
	void __user *user = (void __user *)arg;
	union {
		struct sim_pin pin;
		struct sim_unpin unpin;
		struct sim_copy copy;
		struct sim_behave behave;
	} in;

	if (cmd == VFIO_DEVICE_GET_INFO)
		return device_info(user);
	if (cmd == SIM_STATE)
		return tell_state(emul, user);
	if (_IOC_SIZE(cmd) > sizeof(in))
		return -ENOTTY;
	if (copy_from_user(&in, user, _IOC_SIZE(cmd)))
		return -EFAULT;
	switch (cmd) {
	case SIM_PIN:
		return emul_pin(emul, &in.pin);
	case SIM_UNPIN:
		return emul_unpin(emul, &in.unpin);
	case SIM_COPY:
	case SIM_RW:
		return copy(emul, &in.copy, cmd == SIM_RW);
	case SIM_BEHAVE:
		return behave(emul, &in.behave);
	}
	return -ENOTTY;
}

static const struct vfio_device_ops emul_ops = {
	.name = "hwdbm-sim-emulated",
	.init = emul_init,
	.release = emul_release,
	.open_device = emul_open,
	.close_device = emul_close,
	.dma_unmap = emul_unmapped,
	.ioctl = emul_ioctl,
	SIM_IOMMUFD_OPS(emulated)
};

static int emul_probe(struct platform_device *parent)
{
	struct emul_device *emul;
	int ret;

	emul = vfio_alloc_device(emul_device, vfio, &parent->dev, &emul_ops);
	if (IS_ERR(emul))
		return PTR_ERR(emul);
	ret = vfio_register_emulated_iommu_dev(&emul->vfio);
	if (ret)
		vfio_put_device(&emul->vfio);
	else
		platform_set_drvdata(parent, emul);
	return ret;
}

static SIM_REMOVE_RETURNS emul_remove(struct platform_device *parent)
{
	struct emul_device *emul = platform_get_drvdata(parent);

	vfio_unregister_group_dev(&emul->vfio);
	vfio_put_device(&emul->vfio);
	return SIM_REMOVED;
}

static struct platform_driver emul_driver = {
	.probe = emul_probe,
	.remove = emul_remove,
	.driver = {
		.name = SIM_DEVICE_NAME,
		.suppress_bind_attrs = true,
	},
};

void emul_devices_remove(void)
{
	int i;

	for (i = 0; i < MAX_DEVICES; i++)
		platform_device_unregister(parents[i]);
	platform_driver_unregister(&emul_driver);
}

int emul_devices_add(unsigned int count)
{
	unsigned int i;
	int ret;

	if (count > MAX_DEVICES)
		return -EINVAL;
	ret = platform_driver_register(&emul_driver);
	for (i = 0; i < count && !ret; i++) {
		struct platform_device *parent =
			platform_device_register_simple(SIM_DEVICE_NAME, i,
							NULL, 0);

		if (IS_ERR(parent))
			ret = PTR_ERR(parent);
		else
			parents[i] = parent;
	}
	if (ret && i)
		emul_devices_remove();
	return ret;
}
