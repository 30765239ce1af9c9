// SPDX-License-Identifier: GPL-2.0-only
/* A mapping's lifetime, and the tree of mappings ordered by IOVA. */

#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/printk.h>
#include <linux/slab.h>

#include "mapping_tree.h"

struct hwdbm_mapping *hwdbm_mapping_alloc(u64 iova, u64 last,
					  unsigned long vaddr, int prot)
{
	struct hwdbm_mapping *m = kzalloc(sizeof(*m), GFP_KERNEL_ACCOUNT);

	if (!m)
		return NULL;
	kref_init(&m->ref);
	init_rwsem(&m->io);
	mutex_init(&m->lock);
	hwdbm_ext_pins_init(&m->pins);
	INIT_LIST_HEAD(&m->raw);
	RB_CLEAR_NODE(&m->node);
	m->iova = iova;
	m->last = last;
	m->vaddr = vaddr;
	m->prot = prot;
	hwdbm_acct_init(&m->acct);
	return m;
}

/* VFIO closes its devices before their group goes, and they unpin then. */
static void tell_left_pins(unsigned long pages)
{
	if (pages)
		pr_warn_once("a driver has left %lu pages pinned in a container that is gone: they stay pinned\n",
			     pages);
}

static void mapping_release(struct kref *ref)
{
	struct hwdbm_mapping *m = container_of(ref, struct hwdbm_mapping, ref);

	WARN_ON_ONCE(!list_empty(&m->raw));
	tell_left_pins(hwdbm_ext_pins_fini(&m->pins));
	hwdbm_dirty_log_fini(&m->log);
	hwdbm_acct_fini(&m->acct);
	mutex_destroy(&m->lock);
	kfree(m);
}

void hwdbm_mapping_put(struct hwdbm_mapping *m)
{
	kref_put(&m->ref, mapping_release);
}

static struct hwdbm_mapping *to_mapping(struct rb_node *node)
{
	return rb_entry_safe(node, struct hwdbm_mapping, node);
}

int hwdbm_mapping_tree_insert(struct hwdbm_mapping_tree *tree,
			      struct hwdbm_mapping *m)
{
	struct rb_node **link = &tree->root.rb_node, *parent = NULL;

	while (*link) {
		struct hwdbm_mapping *at = to_mapping(*link);

		parent = *link;
		if (m->last < at->iova)
			link = &parent->rb_left;
		else if (m->iova > at->last)
			link = &parent->rb_right;
		else
			return -EEXIST;
	}
	rb_link_node(&m->node, parent, link);
	rb_insert_color(&m->node, &tree->root);
	return 0;
}

void hwdbm_mapping_tree_erase(struct hwdbm_mapping_tree *tree,
			      struct hwdbm_mapping *m)
{
	rb_erase(&m->node, &tree->root);
	RB_CLEAR_NODE(&m->node);
}

struct hwdbm_mapping *
hwdbm_mapping_tree_first(const struct hwdbm_mapping_tree *tree, u64 first,
			 u64 last)
{
	struct rb_node *node = tree->root.rb_node;
	struct hwdbm_mapping *found = NULL;

	while (node) {
		struct hwdbm_mapping *at = to_mapping(node);

		if (at->last >= first) {
			found = at;
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}
	return found && found->iova <= last ? found : NULL;
}

bool hwdbm_mapping_tree_bisected(const struct hwdbm_mapping_tree *tree,
				 u64 first, u64 last)
{
	struct hwdbm_mapping *m;

	m = hwdbm_mapping_tree_first(tree, first, first);
	if (m && m->iova != first)
		return true;
	m = hwdbm_mapping_tree_first(tree, last, last);
	return m && m->last != last;
}

struct hwdbm_mapping *hwdbm_mapping_tree_next(struct hwdbm_mapping *m)
{
	return to_mapping(rb_next(&m->node));
}
