// SPDX-License-Identifier: GPL-2.0-only
/* What a simulated IOMMU is told to do wrong, and what it tells of itself. */

#include "iommu.h"

#include <linux/err.h>
#include <linux/uaccess.h>

#define HOLD_END (10 * HZ)

void sim_orders_init(struct sim_iommu *iommu)
{
	spin_lock_init(&iommu->lock);
	init_waitqueue_head(&iommu->released);
}

int sim_order_due(struct sim_iommu *iommu, unsigned int op)
{
	struct sim_error *e = &iommu->errors[op];
	int ret = 0;

	spin_lock(&iommu->lock);
	iommu->calls[op]++;
	if (e->left && e->wait) {
		e->wait--;
	} else if (e->left) {
		if (e->left != U32_MAX)
			e->left--;
		iommu->failed[op]++;
		ret = -(int)e->error;
	}
	spin_unlock(&iommu->lock);
	return ret;
}

/* Those that are held go on; those that come later may be held again. */
static void release(struct sim_iommu *iommu, const void *who)
{
	spin_lock(&iommu->lock);
	if (iommu->holder && (!who || iommu->holder == who)) {
		iommu->holder = NULL;
		iommu->hold_turn++;
	}
	spin_unlock(&iommu->lock);
	wake_up_all(&iommu->released);
}

void sim_order_closed(struct sim_iommu *iommu, const void *who)
{
	release(iommu, who);
}

static void hold(struct sim_iommu *iommu, const void *who)
{
	spin_lock(&iommu->lock);
	iommu->holder = who;
	spin_unlock(&iommu->lock);
}

void sim_hold_wait(struct sim_iommu *iommu)
{
	bool held;
	u64 turn;

	spin_lock(&iommu->lock);
	held = iommu->holder;
	turn = iommu->hold_turn;
	spin_unlock(&iommu->lock);
	if (!held)
		return;
	atomic64_inc(&iommu->held);
	wait_event_timeout(iommu->released,
			   READ_ONCE(iommu->hold_turn) != turn, HOLD_END);
	atomic64_dec(&iommu->held);
}

long sim_order(struct sim_iommu *iommu, const struct sim_order *arg,
	       const void *who)
{
	if (arg->flags || arg->hold > SIM_RELEASE)
		return -EINVAL;
	if (arg->hold == SIM_HOLD)
		hold(iommu, who);
	else if (arg->hold == SIM_RELEASE)
		release(iommu, NULL);
	if (arg->hold != SIM_HOLD_KEEP)
		return 0;
	if (arg->op >= SIM_OPS)
		return -EINVAL;
	if (arg->nth && (!arg->times || !arg->error || arg->error > MAX_ERRNO))
		return -EINVAL;
	spin_lock(&iommu->lock);
	iommu->errors[arg->op] = (struct sim_error){
		.error = arg->error,
		.wait = arg->nth ? arg->nth - 1 : 0,
		.left = arg->nth ? arg->times : 0,
	};
	spin_unlock(&iommu->lock);
	return 0;
}

static void arm(struct sim_iommu *iommu, const struct sim_armed *trap)
{
	spin_lock(&iommu->lock);
	iommu->trap = *trap;
	spin_unlock(&iommu->lock);
}

long sim_trap(struct sim_port *port, const struct sim_trap *arg)
{
	struct sim_iommu *iommu = sim_iommu_nr(arg->iommu);
	struct sim_armed trap = {
		.port = arg->nth ? port : NULL,
		.iova = arg->iova,
		.value = arg->value,
		.op = arg->op,
		.wait = arg->nth - 1,
	};

	if (!iommu || arg->flags || arg->iova % sizeof(u64) ||
	    (arg->op != SIM_OP_MAP && arg->op != SIM_OP_READ &&
	     arg->op != SIM_TRAP_SYNC))
		return -EINVAL;
	arm(iommu, &trap);
	return 0;
}

void sim_trap_closed(struct sim_port *port)
{
	struct sim_iommu *iommu;
	unsigned int nr;

	for (nr = 0; (iommu = sim_iommu_nr(nr)); nr++) {
		spin_lock(&iommu->lock);
		if (iommu->trap.port == port)
			iommu->trap.port = NULL;
		spin_unlock(&iommu->lock);
	}
}

void sim_trap_due(struct sim_iommu *iommu, u32 op)
{
	struct sim_armed now = {};

	spin_lock(&iommu->lock);
	if (iommu->trap.port && iommu->trap.op == op && !iommu->trap.wait--) {
		now = iommu->trap;
		iommu->trap.port = NULL;
	}
	spin_unlock(&iommu->lock);
	if (now.port &&
	    !sim_dma(now.port, now.iova, &now.value, sizeof(now.value), true))
		atomic64_inc(&iommu->trapped);
}

static bool tracks_now(struct sim_port *port)
{
	bool on = false;

	mutex_lock(&port->lock);
	if (port->domain) {
		spin_lock(&port->domain->table_lock);
		on = port->domain->tracking;
		spin_unlock(&port->domain->table_lock);
	}
	mutex_unlock(&port->lock);
	return on;
}

long sim_watch(struct sim_port *port, struct sim_watch __user *to)
{
	struct sim_iommu *iommu = port->iommu;
	struct sim_watch watch = {
		.trapped = atomic64_read(&iommu->trapped),
		.syncs = atomic64_read(&iommu->syncs),
		.held = atomic64_read(&iommu->held),
		.domains = atomic64_read(&iommu->domains),
		.leaves = atomic64_read(&iommu->leaves),
		.entries = atomic64_read(&iommu->entries),
		.late = atomic64_read(&iommu->late),
		.stale = atomic64_read(&iommu->stale),
		.iommu = iommu->nr,
		.tracking = tracks_now(port),
	};

	spin_lock(&iommu->lock);
	memcpy(watch.calls, iommu->calls, sizeof(watch.calls));
	memcpy(watch.failed, iommu->failed, sizeof(watch.failed));
	spin_unlock(&iommu->lock);
	return copy_to_user(to, &watch, sizeof(watch)) ? -EFAULT : 0;
}
