// SPDX-License-Identifier: GPL-2.0-only
/*
 * Usage: pins [--type stock|claimed] [--v1] [--storm SECONDS] [TEST]...
 *
 * --v1     type 1 containers too, which are ours only with claim=all
 * --storm  how long, 0 for none (default: 4 with ours, none with stock)
 * TEST     only those whose name begins so; those of promote.c run only if they
 *          are named, as they want an edu that the simulator has (take-edu)
 */
#include "counters.h"
#include "peer.h"
#include "pins.h"
#include "tap.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct test {
	const char *name;
	void (*run)(void);
};

static const struct test tests[] = {
	{ "alone", test_alone },
	{ "huge", test_huge },
	{ "pin", test_pin },
	{ "pin-mappings", test_pin_mappings },
	{ "pin-half", test_pin_half },
	{ "pin-rights", test_pin_rights },
	{ "pin-kinds", test_pin_kinds },
	{ "pin-limits", test_pin_limits },
	{ "pin-memlock", test_pin_memlock },
	{ "pin-given-up", test_pin_given_up },
	{ "unmap", test_unmap },
	{ "unmap-several", test_unmap_several },
	{ "unmap-late", test_unmap_late },
	{ "unmap-never", test_unmap_never },
	{ "rw", test_rw },
	{ "rw-errors", test_rw_errors },
	{ "rw-others", test_rw_others },
	{ "rw-slow", test_slow },
	{ "log-rw", test_log_rw },
	{ "log-pins", test_log_pins },
	{ "log-manual", test_log_manual },
	{ "log-unmap", test_log_unmap },
	{ "both-charge", test_both_charge },
	{ "both-leave", test_both_leave },
	{ "both-log", test_both_log },
	{ "both-reserved", test_both_reserved },
	{ "both-zero", test_both_zero },
	{ "both-vaddr", test_both_vaddr },
	{ "both-owners", test_both_owners },
	{ "owner-exits", test_owner_exits },
	{ "owner-execs", test_owner_execs },
	{ "owner-copied", test_owner_copied },
	{ "close-orders", test_close_orders },
	{ "close-kept", test_close_kept },
	{ "edge-wrap", test_edge_wrap },
	{ "edge-kept", test_edge_kept },
};

/* Only if they are named. */
static const struct test special[] = {
	{ "promote", test_promote },
	{ "promote-manual", test_promote_manual },
	{ "promote-not", test_promote_not },
	{ "promote-unlogged", test_promote_unlogged },
	{ "promote-unmap", test_promote_unmap },
	{ "promote-close", test_promote_close },
	{ "promote-leave", test_promote_leave },
	{ "promote-eio", test_promote_eio },
	{ "full", test_full },
	{ "full-manual", test_full_manual },
	{ "full-close", test_full_close },
	{ "full-leave", test_full_leave },
	{ "several", test_several },
	{ "grown", test_grown },
};

static struct counters before;
static char **only;
static unsigned int nr_run;

static bool is_named(const char *name)
{
	char **prefix;

	for (prefix = only; *prefix; prefix++)
		if (!strncmp(name, *prefix, strlen(*prefix)))
			return true;
	return false;
}

static bool is_wanted(const char *name)
{
	return !*only || is_named(name);
}

static void run(const char *name, void (*test)(void))
{
	tap_diag("---- %s", name);
	test();
	counters_back(&before, name);
	nr_run++;
}

static uint64_t seed;
static int seconds = -1;

static void mirror(void)
{
	test_mirror(seed);
}

static void storm(void)
{
	test_storm(seed, seconds);
}

static void storm_killed(void)
{
	test_storm_killed(seed, 8 * seconds);
}

int main(int argc, char **argv)
{
	bool v1 = false;
	unsigned int i;
	int arg;

	peer_main(argc, argv);
	puts("TAP version 13");
	backend_args(&argc, argv, VFIO_TYPE1v2_IOMMU, VFIO_TYPE1_HWDBM_IOMMU);
	for (arg = 1; arg < argc && argv[arg][0] == '-'; arg++) {
		if (!strcmp(argv[arg], "--v1"))
			v1 = true;
		else if (!strcmp(argv[arg], "--storm") && arg + 1 < argc)
			seconds = atoi(argv[++arg]);
		else
			tap_bail("pins: unknown argument %s", argv[arg]);
	}
	only = argv + arg;
	if (seconds < 0)
		seconds = backend.stock ? 0 : 4;
	seed = rng_default_seed();
	tap_diag("seed %#" PRIx64, seed);
	counters_baseline(&before);
	tap_ok(!before.pins && !before.locked && before.refcount <= 0 &&
		       before.stock_refcount <= 0,
	       "at first: %ld pages pinned, %ld KiB locked, %ld and %ld references",
	       before.pins, before.locked, before.refcount,
	       before.stock_refcount);
	for (i = 0; i < sizeof(tests) / sizeof(*tests); i++)
		if (is_wanted(tests[i].name))
			run(tests[i].name, tests[i].run);
	for (i = 0; i < sizeof(special) / sizeof(*special); i++)
		if (is_named(special[i].name))
			run(special[i].name, special[i].run);
	if (v1 && is_wanted("pin-v1"))
		run("pin-v1", test_pin_v1);
	if (is_wanted("mirror"))
		run("mirror", mirror);
	if (seconds && is_wanted("storm"))
		run("storm", storm);
	if (seconds && is_wanted("storm-killed"))
		run("storm-killed", storm_killed);
	if (!nr_run)
		tap_bail("pins: no test has such a name");
	return tap_done();
}
