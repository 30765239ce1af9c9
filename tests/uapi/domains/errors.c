// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dirty bits that cannot be read. From then on everything is dirty: until
 * STOP, or until the domain has left.
 */
#define _GNU_SOURCE
#include "domains.h"
#include "mem.h"
#include "rig.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>

#define READ_ALL	3	/* SYSLOG_ACTION_READ_ALL, without clearing */
#define LOG_BYTES	(1 << 20)

/* Warnings in the kernel's log, since it was booted; with @name, if not NULL. */
static int warnings(const char *name)
{
	static const char text[] = "reading dirty bits of ";
	char *log = calloc(1, LOG_BYTES + 1), *at;
	int n = 0;

	if (!log || klogctl(READ_ALL, log, LOG_BYTES) < 0)
		tap_bail("cannot read the kernel's log");
	for (at = log; (at = strstr(at, text)); n += !name || strstr(at, name) == at)
		at += strlen(text);
	free(log);
	return n;
}

static void policy_is_error(uint32_t domains, const char *when)
{
	policy_is(VFIO_HWDBM_POLICY_FULL, VFIO_HWDBM_REASON_HW_ERROR, domains,
		  when);
}

static void restart_heals(uint32_t domains)
{
	stop();
	start();
	policy_is_hwdbm(domains, "STOP and START heal");
	tap_ok(log_is(DIRTY_GET, NONE), "nothing old is reported");
	write_page(0, 7);
	tap_ok(log_is(DIRTY_GET, "0000000100000000"), "and the log is exact");
}

/* The first domain fails: it is the first to be asked. */
static void in_get(uint32_t flag, const char *name)
{
	int before = warnings(NULL), named = warnings(name_of(0));

	start();
	join(1);
	write_page(1, 2);
	fail_next_read();
	tap_ok(log_is(flag, ALL) && read_has_failed(),
	       "a read error in %s: everything is dirty", name);
	policy_is_error(2, "after it");
	tap_ok(log_is(DIRTY_GET, ALL) && log_is(DIRTY_GET, ALL),
	       "everything, again and again");
	fail_next_read();
	tap_ok(log_is(DIRTY_GET, ALL) && !read_has_failed(),
	       "the hardware is not asked any more");
	tap_ok(warnings(NULL) == before + 1, "one warning");
	tap_ok(warnings(name_of(0)) == named + 1, "that names %s", name_of(0));
	leave(1);
	policy_is_error(1, "another domain leaves");
	tap_ok(log_is(DIRTY_GET, ALL), "everything is dirty still");
	log_is(DIRTY_GET, ALL);
	stop();
	start();
	tap_ok(read_has_failed(), "START asks the hardware again, which fails");
	restart_heals(1);
	stop();
}

static void in_clear(void)
{
	struct rig rig = { .container = container };

	start();
	write_page(0, 2);
	fail_next_read();
	tap_ret(rig_clear(&rig, IOVA, PAGE_4K, "0010000000000000"), 0,
		"a read error in CLEAR");
	tap_ok(read_has_failed() && log_is(DIRTY_GET, ALL),
	       "everything is dirty");
	policy_is_error(1, "after it");
	restart_heals(1);
	stop();
}

/* Full to hwdbm, without an incapable domain. */
static void failed_domain_leaves(void)
{
	start();
	join(1);
	write_page(1, 4);
	fail_next_read();
	tap_ok(log_is(DIRTY_GET, ALL), "the first of two domains fails");
	write_page(1, 5);
	leave(0);
	policy_is_hwdbm(1, "it has left");
	tap_ok(log_is(DIRTY_GET, ALL), "everything is dirty, once more");
	tap_ok(log_is(DIRTY_GET, NONE), "then nothing");
	write_page(1, 6);
	tap_ok(log_is(DIRTY_GET, "0000001000000000"), "and the log is exact");
	join(0);
	policy_is_hwdbm(2, "it joins again");
	leave(1);
	stop();
}

static void at_leave(void)
{
	int before = warnings(NULL);

	start();
	join(1);
	write_page(1, 1);
	write_page(0, 14);
	fail_next_read();
	leave(1);
	tap_ok(read_has_failed() && warnings(NULL) == before + 1,
	       "a read error while a domain leaves: one warning");
	policy_is_hwdbm(1, "it is gone");
	tap_ok(log_is(DIRTY_GET, ALL), "everything is dirty");
	tap_ok(log_is(DIRTY_GET, NONE), "once");
	write_page(0, 3);
	tap_ok(log_is(DIRTY_GET, "0001000000000000"), "and the log is exact");
	stop();
}

/* What is there is harvested before an incapable domain comes. */
static void at_join(void)
{
	start();
	write_page(0, 3);
	fail_next_read();
	devices_incapable(true);
	join(1);
	tap_ok(read_has_failed() && log_is(DIRTY_GET, ALL),
	       "a read error while an incapable domain joins: everything");
	devices_incapable(false);
	leave(1);
	policy_is_error(1, "it has left");
	tap_ok(log_is(DIRTY_GET, ALL), "everything is dirty still");
	restart_heals(1);
	stop();
}

static void at_start(void)
{
	fail_next_read();
	start();
	tap_ok(read_has_failed(), "a read error in START, which succeeds");
	policy_is_error(1, "after it");
	tap_ok(log_is(DIRTY_GET, ALL) && log_is(DIRTY_GET, ALL),
	       "everything is dirty");
	restart_heals(1);
	stop();
}

void test_errors(void)
{
	in_get(DIRTY_GET, "GET");
	in_get(DIRTY_NOCLEAR, "NOCLEAR");
	in_clear();
	failed_domain_leaves();
	at_leave();
	at_join();
	at_start();
}
