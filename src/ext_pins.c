// SPDX-License-Identifier: GPL-2.0-only
/* The pages of a mapping that drivers have pinned. */

#include <linux/mm.h>
#include <linux/slab.h>

#include "ext_pins.h"

void hwdbm_ext_pins_init(struct hwdbm_ext_pins *pins)
{
	xa_init_flags(&pins->pages, XA_FLAGS_ACCOUNT);
}

unsigned long hwdbm_ext_pins_fini(struct hwdbm_ext_pins *pins)
{
	struct hwdbm_ext_pin *pin;
	unsigned long page, left = 0;

	xa_for_each(&pins->pages, page, pin) {
		kfree(pin);
		left++;
	}
	xa_destroy(&pins->pages);
	return left;
}

int hwdbm_ext_pins_add(struct hwdbm_ext_pins *pins, unsigned long page,
		       struct page *what)
{
	struct hwdbm_ext_pin *pin = kmalloc(sizeof(*pin), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!pin)
		return -ENOMEM;
	pin->page = what;
	pin->count = 1;
	ret = xa_insert(&pins->pages, page, pin, GFP_KERNEL_ACCOUNT);
	if (ret)
		kfree(pin);
	return ret;
}

void hwdbm_ext_pins_del(struct hwdbm_ext_pins *pins, unsigned long page)
{
	kfree(xa_erase(&pins->pages, page));
}

bool hwdbm_ext_pins_next(struct hwdbm_ext_pins *pins, unsigned long *page,
			 unsigned long last)
{
	return xa_find(&pins->pages, page, last, XA_PRESENT);
}

unsigned long hwdbm_ext_pins_locked(struct hwdbm_ext_pins *pins)
{
	struct hwdbm_ext_pin *pin;
	unsigned long page, locked = 0;

	xa_for_each(&pins->pages, page, pin)
		locked += !PageReserved(pin->page);
	return locked;
}
