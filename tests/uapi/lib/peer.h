/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Another process that does what it is told: for what depends on whose memory
 * and whose limits they are. It prints nothing; the results come back.
 */
#ifndef HWDBM_TEST_PEER_H
#define HWDBM_TEST_PEER_H

#include <sys/types.h>

struct peer {
	pid_t pid;
	int sock;
};

/* A function of this program, run in the other process. */
typedef long (*peer_fn)(long a, long b, long c);

/* To be called by main() before all else: where an exec'ed peer goes on. */
void peer_main(int argc, char **argv);

void peer_start(struct peer *peer);
long peer_call(struct peer *peer, peer_fn fn, long a, long b, long c);

/* Over the socket, as programs that hand over their devices do. */
int peer_send_fd(struct peer *peer, int fd);	/* its number over there */

/* The other side execs this program: a new mm, and the fds told to stay. */
void peer_exec(struct peer *peer, const int *keep, int nr_keep);

/* Its end, and all its files and memory are gone. */
void peer_end(struct peer *peer);

/* ---- what most of them are told ---- */

long peer_locked_kib(long a, long b, long c);
long peer_drop_ipc_lock(long a, long b, long c);
long peer_memlock_bytes(long bytes, long b, long c);	/* soft limit */

#endif
