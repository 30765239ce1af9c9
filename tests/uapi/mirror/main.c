// SPDX-License-Identifier: GPL-2.0-only
#include "mirror.h"
#include "rig.h"
#include "tap.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct options {
	const char *mode, *leaf, *expect, *type, *model;
	uint64_t writes, seed, mib;
	bool threads, one, race, born_dirty, use_model;
};

static _Noreturn void usage(const char *wrong)
{
	if (wrong)
		fprintf(stderr, "mirror: %s\n", wrong);
	fputs("Usage: mirror [--mode exact|get|clear-whole|clear-pieces|churn]\n"
	      "              [--leaf 4k|2m|any] [--writes N] [--seed S]\n"
	      "              [--expect hwdbm|full] [--type hwdbm|stock]\n"
	      "              [--threads] [--race-unmap] [--mib N] [--one]\n"
	      "              [--born-dirty] [--model[=BUG]]\n"
	      "--threads  a second asker; with churn, unmaps in their own thread\n"
	      "--race-unmap  with churn: the device writes on into memory that is\n"
	      "           unmapped with its dirty pages, and none of that may be lost\n"
	      "--born-dirty  SMMUv3: what is mapped while the log is on may be\n"
	      "           reported once though nobody wrote it\n"
	      "--one      one mapping of all; above 128 MiB its log has several chunks\n"
	      "--model    no hardware: an IOMMU in memory, with that BUG\n", stderr);
	exit(2);
}

static int choose(const char *word, const char *const *words)
{
	int i;

	for (i = 0; words[i]; i++)
		if (!strcmp(word, words[i]))
			return i;
	usage(word);
}

static void take(struct options *o, int c, char *value)
{
	switch (c) {
	case 'm':
		o->mode = value;
		break;
	case 'l':
		o->leaf = value;
		break;
	case 'w':
		o->writes = strtoull(value, NULL, 0);
		break;
	case 's':
		o->seed = strtoull(value, NULL, 0);
		break;
	case 'e':
		o->expect = value;
		break;
	case 't':
		o->type = value;
		break;
	case 'T':
		o->threads = true;
		break;
	case 'R':
		o->race = true;
		break;
	case 'B':
		o->born_dirty = true;
		break;
	case 'O':
		o->one = true;
		break;
	case 'M':
		o->mib = strtoull(value, NULL, 0);
		break;
	case 'X':
		o->use_model = true;
		o->model = value;
		break;
	default:
		usage(NULL);
	}
}

static void parse(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{ "mode", 1, NULL, 'm' },   { "leaf", 1, NULL, 'l' },
		{ "writes", 1, NULL, 'w' }, { "seed", 1, NULL, 's' },
		{ "expect", 1, NULL, 'e' }, { "type", 1, NULL, 't' },
		{ "threads", 0, NULL, 'T' }, { "mib", 1, NULL, 'M' },
		{ "one", 0, NULL, 'O' },    { "race-unmap", 0, NULL, 'R' },
		{ "born-dirty", 0, NULL, 'B' },
		{ "model", 2, NULL, 'X' },  { NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1)
		take(o, c, optarg);
	if (optind < argc)
		usage(argv[optind]);
}

/* With leaves of other sizes the ledger would be about something else. */
static void check_leaves(const struct world *w)
{
	if (w->full || w->leaf == LEAF_ANY)
		return;
	if (rig_4k_leaves() != (w->leaf == LEAF_4K))
		tap_bail("load the module with disable_hugepages=%d",
			 w->leaf == LEAF_4K);
}

static void build_world(struct world *w, const struct options *o)
{
	static const char *const modes[] = { "exact", "get", "clear-whole",
		"clear-pieces", "churn", NULL };
	static const char *const leaves[] = { "4k", "2m", "any", NULL };
	static const char *const expects[] = { "hwdbm", "full", NULL };
	static const char *const types[] = { "hwdbm", "stock", NULL };

	w->mode = (enum mode)choose(o->mode, modes);
	w->leaf = (enum leaf)choose(o->leaf, leaves);
	w->full = choose(o->expect, expects) == 1;
	w->one_mapping = o->one;
	w->concurrent = o->threads && w->mode != MODE_EXACT;
	w->race = o->race;
	w->born_dirty = o->born_dirty;
	if (w->race && (w->mode != MODE_CHURN || o->threads))
		usage("--race-unmap goes with --mode churn, without --threads");
	w->seed = o->seed;
	w->nr_writes = o->writes;
	w->unit_pages = leaf_bytes(w->leaf) / PAGE_4K;
	w->nr_pages = o->mib * 256;
	w->slot_pages = w->nr_pages / NR_SLOTS;
	if (!w->slot_pages || w->slot_pages % 512)
		usage("--mib: a multiple of 32");
	pthread_mutex_init(&w->copying, NULL);

	if (o->use_model)
		w->target = target_open_model(w->leaf, o->model);
	else
		w->target = target_open_vfio(choose(o->type, types) ?
					     VFIO_TYPE1v2_IOMMU :
					     VFIO_TYPE1_HWDBM_IOMMU,
					     w->full ? VFIO_HWDBM_POLICY_FULL :
						       VFIO_HWDBM_POLICY_HWDBM);
	if (!o->use_model)
		check_leaves(w);
	/* the model cuts leaves itself, it needs no huge pages */
	w->mem = mem_alloc(w->nr_pages * PAGE_4K,
			   o->use_model ? LEAF_4K : w->leaf);
	w->mirror = mem_alloc(w->nr_pages * PAGE_4K, LEAF_4K);
	ledger_init(w);
	device_init(w);
}

/*
 * Mappings of one to four slots, with holes where CLEAR has to cross them; or
 * one of all.
 */
static void map_memory(struct world *w)
{
	bool holes = !w->one_mapping &&
		     (w->mode == MODE_PIECES || w->mode == MODE_EXACT);
	struct rng rng;
	int slot = 0, hole;

	rng_init(&rng, w->seed ^ 0x3a95);
	hole = 1 + (int)rng_below(&rng, NR_SLOTS / 2);
	while (slot < NR_SLOTS) {
		struct mapping *m = &w->maps[w->nr_maps];
		int i, n = 1;

		if (holes && slot >= hole) {
			atomic_store(&w->closed[slot++], true);
			hole = slot + 1 + (int)rng_below(&rng, NR_SLOTS / 2);
			continue;
		}
		if (w->mode != MODE_CHURN && rng_one_in(&rng, 2))
			n = 1 + (int)rng_below(&rng, 4);
		if (w->one_mapping || n > NR_SLOTS - slot)
			n = NR_SLOTS - slot;
		for (i = 0; i < n; i++)
			w->mapped[slot + i] = true;
		m->first_page = (uint64_t)slot * w->slot_pages;
		m->nr_pages = (uint64_t)n * w->slot_pages;
		if (w->target->ops->map(w->target,
					w->mem + m->first_page * PAGE_4K,
					page_iova(m->first_page),
					m->nr_pages * PAGE_4K))
			tap_bail("MAP of %d slots at slot %d", n, slot);
		w->nr_maps++;
		slot += n;
	}
}

void compare_mirror(struct world *w, uint64_t first, uint64_t nr)
{
	uint64_t page;

	for (page = first; page < first + nr; page++)
		if (memcmp(w->mem + page * PAGE_4K, w->mirror + page * PAGE_4K,
			   PAGE_4K) && w->lost++ < 8)
			tap_diag("lost: page %lu", page);
}

static void spawn(pthread_t *thread, void *(*body)(void *), void *arg)
{
	if (pthread_create(thread, NULL, body, arg))
		tap_bail("pthread_create");
}

/* The device writes up to @until, meanwhile the askers ask. */
static void epoch(struct world *w, struct asker *one, struct asker *two,
		  uint64_t until, bool first)
{
	pthread_t device, second;

	w->until = until;
	atomic_store(&w->done, false);
	atomic_store(&w->budget, w->writes + 1000);
	spawn(&device, device_thread, w);
	if (first)
		asker_start_logging(one);
	if (w->concurrent)
		spawn(&second, w->mode == MODE_CHURN ? churn_thread :
						       asker_thread, two);
	asker_thread(one);
	pthread_join(device, NULL);
	if (w->concurrent)
		pthread_join(second, NULL);
	asker_last_round(one);
	compare_mirror(w, 0, w->nr_pages);
}

/*
 * Returns how many pages were dirty when nothing could have been. Where the
 * ledger cannot look at each call, because callers overlap, mirror and memory
 * are compared more often: a page lost and written again later is no loss
 * that the end would show.
 */
static uint64_t migrate(struct world *w)
{
	uint64_t i, left, epochs = w->concurrent ? 16 : 1;
	struct asker one, two;

	asker_init(&one, w, w->seed ^ 1);
	asker_init(&two, w, w->seed ^ 2);
	for (i = 0; i < epochs; i++)
		epoch(w, &one, &two, w->nr_writes * (i + 1) / epochs, i == 0);
	left = asker_last_round(&one);
	if (w->target->ops->flag(w->target, DIRTY_STOP))
		tap_bail("STOP");
	return left;
}

static uint64_t pages_written(const struct world *w)
{
	uint64_t unit, n = 0;

	for (unit = 0; unit < w->nr_pages / w->unit_pages; unit++)
		n += atomic_load(&w->finished[unit]) != 0;
	return n;
}

static void judge_run(struct world *w, uint64_t left)
{
	uint64_t mapped = 0;
	uint32_t failed = w->target->ops->failed(w->target);
	int slot;

	for (slot = 0; slot < NR_SLOTS; slot++)
		mapped += w->mapped[slot] ? w->slot_pages : 0;
	tap_diag("rounds=%lu writes=%lu reads=%lu units written=%lu copied=%lu pages",
		 atomic_load(&w->rounds), w->writes, w->reads, pages_written(w),
		 atomic_load(&w->copied));
	tap_ok(failed == w->refused && !w->not_landed,
	       "device: %lu writes and %lu reads, %u failed, %lu did not land",
	       w->writes, w->reads, failed, w->not_landed);
	if (w->race)
		tap_ok(w->races >= 16 && w->refused,
		       "races=%lu, at least 16, refused=%lu: it wrote on while memory was unmapped",
		       w->races, w->refused);
	tap_ok(w->reads * 3 >= w->writes, "at least a quarter are reads");
	tap_ok(atomic_load(&w->rounds) >= 16, "rounds=%lu, at least 16",
	       atomic_load(&w->rounds));
	tap_ok(!w->lost, "mirror equals memory: lost=%lu pages", w->lost);
	if (w->concurrent) {
		tap_skip("what each call reported", "callers overlap");
	} else {
		tap_ok(!w->missed, "each finished write is in the next report: missed=%lu",
		       w->missed);
		tap_ok(!w->invented, "nothing else is reported: invented=%lu%s",
		       w->invented, w->leaf == LEAF_ANY && !w->full ?
		       " (not looked at, leaves of any size)" : "");
		tap_ok(!w->touched, "bits outside mappings stay: touched=%lu",
		       w->touched);
	}
	if (w->mode != MODE_EXACT)
		tap_ok(left == (w->full ? mapped : 0),
		       "a second last round reports %s: %lu pages",
		       w->full ? "all that is mapped" : "nothing", left);
}

int main(int argc, char **argv)
{
	struct options o = {
		.mode = "get", .leaf = "4k", .expect = "hwdbm", .type = "hwdbm",
		.writes = 100000, .mib = 64, .seed = rng_default_seed(),
	};
	static struct world w;
	uint64_t left = 0;

	parse(argc, argv, &o);
	puts("TAP version 13");
	tap_diag("mirror --mode %s --leaf %s --expect %s --type %s --writes %" PRIu64 " --seed %#" PRIx64 " --mib %" PRIu64 "%s%s%s%s%s%s",
		 o.mode, o.leaf, o.expect, o.type, o.writes, o.seed, o.mib,
		 o.threads ? " --threads" : "", o.one ? " --one" : "",
		 o.race ? " --race-unmap" : "",
		 o.born_dirty ? " --born-dirty" : "",
		 o.use_model ? " --model=" : "",
		 o.use_model && o.model ? o.model : "");
	build_world(&w, &o);
	map_memory(&w);
	if (w.mode == MODE_EXACT)
		exact_run(&w);
	else
		left = migrate(&w);
	judge_run(&w, left);
	w.target->ops->close(w.target);
	return tap_done();
}
