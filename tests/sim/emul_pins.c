// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pages that an emulated device has pinned: a record beside VFIO's, so that
 * the device can reach them, give them back, and be asked.
 *
 * PIN and UNPIN cannot hold the lock while VFIO works, and between VFIO's work
 * and our record of it a notification may come. A driver that then finds
 * nothing to unpin would not have done its duty (stock counts to ten and stops
 * the kernel). So calls under way are listed, and a notification waits for those
 * that meet its range. The wait has an end: the backend may hold a lock that a
 * third party needs, and this third party another that our call waits for.
 */

#include "internal.h"

#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#define WAIT_FOR_CALLS (HZ / 2)

struct emul_pin {
	struct page *page;
	unsigned long count;
};

/* A PIN or UNPIN under way. */
struct emul_call {
	struct list_head node;
	u64 turn;
	unsigned long first, last;	/* page numbers */
};

void emul_pins_init(struct emul_device *emul)
{
	mutex_init(&emul->lock);
	xa_init(&emul->pins);
	INIT_LIST_HEAD(&emul->calls);
	init_waitqueue_head(&emul->call_ended);
}

/* Who pinned them is gone, so that they are ours to unpin. */
static void release_kept(struct emul_device *emul)
{
	struct emul_pin *pin;
	unsigned long nr;

	lockdep_assert_held(&emul->lock);
	xa_for_each(&emul->pins, nr, pin) {
		unpin_user_page(pin->page);
		xa_erase(&emul->pins, nr);
		kfree(pin);
	}
}

void emul_pins_reset(struct emul_device *emul)
{
	mutex_lock(&emul->lock);
	release_kept(emul);
	memset(&emul->state, 0, sizeof(emul->state));
	emul->unpin_at = 1;
	emul->keeps = false;
	mutex_unlock(&emul->lock);
}

static void call_begin(struct emul_device *emul, struct emul_call *call,
		       u64 iova, u32 npages)
{
	call->first = iova >> PAGE_SHIFT;
	call->last = call->first + npages - 1;
	mutex_lock(&emul->lock);
	call->turn = ++emul->turn;
	list_add_tail(&call->node, &emul->calls);
	mutex_unlock(&emul->lock);
}

static void call_end(struct emul_device *emul, struct emul_call *call)
{
	mutex_lock(&emul->lock);
	list_del(&call->node);
	mutex_unlock(&emul->lock);
	wake_up_all(&emul->call_ended);
}

/* Is a call under way that began before @turn and meets the range? */
static bool calls_meet(struct emul_device *emul, u64 turn, unsigned long first,
		       unsigned long last)
{
	struct emul_call *call;
	bool meet = false;

	mutex_lock(&emul->lock);
	list_for_each_entry(call, &emul->calls, node)
		if (call->turn <= turn && call->first <= last &&
		    call->last >= first)
			meet = true;
	mutex_unlock(&emul->lock);
	return meet;
}

/* One pin less in our record. */
static void forget_one(struct emul_device *emul, unsigned long nr,
		       struct emul_pin *pin)
{
	lockdep_assert_held(&emul->lock);
	emul->state.pins--;
	if (--pin->count)
		return;
	emul->state.pages--;
	xa_erase(&emul->pins, nr);
	kfree(pin);
}

static int remember_one(struct emul_device *emul, unsigned long nr,
			struct page *page)
{
	struct emul_pin *pin = xa_load(&emul->pins, nr);
	int ret;

	lockdep_assert_held(&emul->lock);
	if (pin) {
		/* VFIO must not have another page there while we hold one */
		if (pin->page != page)
			return -EILSEQ;
	} else {
		pin = kzalloc(sizeof(*pin), GFP_KERNEL);
		if (!pin)
			return -ENOMEM;
		pin->page = page;
		ret = xa_err(xa_store(&emul->pins, nr, pin, GFP_KERNEL));
		if (ret) {
			kfree(pin);
			return ret;
		}
		emul->state.pages++;
	}
	pin->count++;
	emul->state.pins++;
	return 0;
}

static int remember(struct emul_device *emul, unsigned long first, long npages,
		    struct page **pages)
{
	long i;
	int ret = 0;

	mutex_lock(&emul->lock);
	for (i = 0; i < npages && !ret; i++)
		ret = remember_one(emul, first + i, pages[i]);
	/* the one that failed has left nothing */
	for (i -= 2; ret && i >= 0; i--)
		forget_one(emul, first + i, xa_load(&emul->pins, first + i));
	mutex_unlock(&emul->lock);
	return ret;
}

static int tell_pfns(u64 to, long npages, struct page **pages)
{
	u64 __user *user = u64_to_user_ptr(to);
	long i;

	for (i = 0; to && i < npages; i++)
		if (put_user((u64)page_to_pfn(pages[i]), user + i))
			return -EFAULT;
	return 0;
}

static long pin_and_remember(struct emul_device *emul,
			     const struct sim_pin *arg, struct page **pages)
{
	long pinned;
	int ret, prot = 0;

	if (arg->prot & SIM_PROT_READ)
		prot |= IOMMU_READ;
	if (arg->prot & SIM_PROT_WRITE)
		prot |= IOMMU_WRITE;
	pinned = vfio_pin_pages(&emul->vfio, arg->iova, arg->npages, prot, pages);
	if (pinned <= 0)
		return pinned;
	ret = remember(emul, arg->iova >> PAGE_SHIFT, pinned, pages);
	if (ret) {
		vfio_unpin_pages(&emul->vfio, arg->iova, pinned);
		return ret;
	}
	return pinned;
}

long emul_pin(struct emul_device *emul, const struct sim_pin *arg)
{
	struct emul_call call;
	struct page **pages;
	long ret;

	if (!IS_ALIGNED(arg->iova, PAGE_SIZE) || arg->npages > INT_MAX ||
	    arg->prot & ~(SIM_PROT_READ | SIM_PROT_WRITE))
		return -EINVAL;
	/* VFIO refuses more before it looks at the array */
	pages = kvcalloc(min_t(u32, arg->npages ?: 1, SIM_MAX_PAGES),
			 sizeof(*pages), GFP_KERNEL);
	if (!pages)
		return -ENOMEM;
	call_begin(emul, &call, arg->iova, arg->npages);
	ret = pin_and_remember(emul, arg, pages);
	call_end(emul, &call);
	if (ret > 0 && tell_pfns(arg->pfns, ret, pages)) {
		struct sim_unpin undo = {
			.iova = arg->iova,
			.npages = ret,
		};

		emul_unpin(emul, &undo);
		ret = -EFAULT;
	}
	kvfree(pages);
	return ret;
}

/* All of them or none. */
static int forget(struct emul_device *emul, unsigned long first, u32 npages)
{
	int ret = 0;
	u32 i;

	mutex_lock(&emul->lock);
	for (i = 0; i < npages && !ret; i++)
		if (!xa_load(&emul->pins, first + i))
			ret = -EINVAL;
	for (i = 0; i < npages && !ret; i++)
		forget_one(emul, first + i, xa_load(&emul->pins, first + i));
	mutex_unlock(&emul->lock);
	return ret;
}

long emul_unpin(struct emul_device *emul, const struct sim_unpin *arg)
{
	struct emul_call call;
	int ret = 0;

	if (!IS_ALIGNED(arg->iova, PAGE_SIZE) || !arg->npages ||
	    arg->npages > SIM_MAX_PAGES || arg->flags & ~SIM_UNPIN_UNCHECKED)
		return -EINVAL;
	call_begin(emul, &call, arg->iova, arg->npages);
	if (!(arg->flags & SIM_UNPIN_UNCHECKED))
		ret = forget(emul, call.first, arg->npages);
	if (!ret)
		vfio_unpin_pages(&emul->vfio, arg->iova, arg->npages);
	call_end(emul, &call);
	return ret;
}

/* Takes one page out of the record; how often it was pinned, 0 for no more. */
static unsigned long take_next(struct emul_device *emul, unsigned long *nr,
			       unsigned long last)
{
	struct emul_pin *pin;
	unsigned long count = 0;

	mutex_lock(&emul->lock);
	pin = xa_find(&emul->pins, nr, last, XA_PRESENT);
	if (pin) {
		count = pin->count;
		emul->state.pages--;
		emul->state.pins -= count;
		xa_erase(&emul->pins, *nr);
		kfree(pin);
	}
	mutex_unlock(&emul->lock);
	return count;
}

static void unpin_range(struct emul_device *emul, unsigned long first,
			unsigned long last)
{
	unsigned long nr = first, count;

	while ((count = take_next(emul, &nr, last)))
		while (count--)
			vfio_unpin_pages(&emul->vfio, (u64)nr << PAGE_SHIFT, 1);
}

void emul_pins_drop(struct emul_device *emul)
{
	bool keeps;

	mutex_lock(&emul->lock);
	keeps = emul->keeps;
	mutex_unlock(&emul->lock);
	if (!keeps)
		unpin_range(emul, 0, ULONG_MAX);
}

/* Whether the device is to unpin now. */
static bool notice(struct emul_device *emul, u64 iova, u64 bytes, u64 *turn)
{
	struct sim_state *state = &emul->state;
	bool unpin;

	mutex_lock(&emul->lock);
	if (state->notified < SIM_NOTICES) {
		state->notices[state->notified].iova = iova;
		state->notices[state->notified].bytes = bytes;
	}
	state->notified++;
	unpin = emul->unpin_at && state->notified >= emul->unpin_at;
	*turn = emul->turn;
	mutex_unlock(&emul->lock);
	return unpin;
}

/* Not wait_event(): the condition sleeps on a mutex. */
static void wait_for_calls(struct emul_device *emul, u64 turn,
			   unsigned long first, unsigned long last)
{
	DEFINE_WAIT_FUNC(wait, woken_wake_function);
	long left = WAIT_FOR_CALLS;

	add_wait_queue(&emul->call_ended, &wait);
	while (left && calls_meet(emul, turn, first, last))
		left = wait_woken(&wait, TASK_UNINTERRUPTIBLE, left);
	remove_wait_queue(&emul->call_ended, &wait);
}

void emul_unmapped(struct vfio_device *vfio, u64 iova, u64 bytes)
{
	struct emul_device *emul = to_emul(vfio);
	unsigned long first = iova >> PAGE_SHIFT;
	unsigned long last = (iova + bytes - 1) >> PAGE_SHIFT;
	u64 turn;

	if (!notice(emul, iova, bytes, &turn))
		return;
	wait_for_calls(emul, turn, first, last);
	unpin_range(emul, first, last);
}

static void copy_page_part(struct page *page, size_t offset, void *buf,
			   size_t bytes, bool write)
{
	if (write)
		memcpy_to_page(page, offset, buf, bytes);
	else
		memcpy_from_page(buf, page, offset, bytes);
}

int emul_copy(struct emul_device *emul, u64 iova, void *buf, size_t bytes,
	      bool write)
{
	unsigned long nr, last = (iova + bytes - 1) >> PAGE_SHIFT;
	int ret = 0;

	mutex_lock(&emul->lock);
	for (nr = iova >> PAGE_SHIFT; nr <= last && !ret; nr++)
		if (!xa_load(&emul->pins, nr))
			ret = -EINVAL;
	while (bytes && !ret) {
		struct emul_pin *pin = xa_load(&emul->pins, iova >> PAGE_SHIFT);
		size_t offset = offset_in_page(iova);
		size_t part = min(bytes, PAGE_SIZE - offset);

		copy_page_part(pin->page, offset, buf, part, write);
		iova += part;
		buf += part;
		bytes -= part;
	}
	mutex_unlock(&emul->lock);
	return ret;
}
