// SPDX-License-Identifier: GPL-2.0-only
/* Processes that end, or become others, without a word to their container. */
#include "memory.h"
#include "peer.h"
#include "tap.h"

#include <string.h>

static struct rig theirs;

/* All of it over there: nobody else has these files. */
static long there_open(long a, long b, long c)
{
	char *p;

	(void)a, (void)b, (void)c;
	backend_open(&theirs, 0);
	p = mem_alloc(4 * PAGE_2M, LEAF_ANY);
	return vfio_map(theirs.container, p, IOVA, 4 * PAGE_2M, MAP_RW);
}

static long there_log(long a, long b, long c)
{
	(void)a, (void)b, (void)c;
	rig_write(&theirs, IOVA);
	return vfio_dirty_flag(theirs.container, DIRTY_START);
}

static void opened(struct peer *peer)
{
	peer_start(peer);
	tap_ret((int)peer_call(peer, there_open, 0, 0, 0), 0, "MAP there");
	tap_ok(peer_call(peer, peer_locked_kib, 0, 0, 0) == 8192,
	       "8 MiB are locked there");
	tap_ret((int)peer_call(peer, there_log, 0, 0, 0), 0, "START there");
}

void test_left_behind(void)
{
	struct peer peer;
	struct rig rig;

	opened(&peer);
	peer_end(&peer);
	/* the device can be had again, and is as it should be */
	backend_open(&rig, 0);
	tap_ok(rig_refused(&rig, IOVA), "exit takes the mapping along");
	rig_close(&rig);

	/* its files are all closed by exec */
	opened(&peer);
	peer_exec(&peer, NULL, 0);
	tap_ok(!peer_call(&peer, peer_locked_kib, 0, 0, 0),
	       "after exec nothing is locked there");
	backend_open(&rig, 0);
	tap_ok(rig_refused(&rig, IOVA), "exec takes the mapping along");
	rig_close(&rig);
	peer_end(&peer);
}
