// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "peer.h"
#include "proc.h"
#include "tap.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define AGAIN "--peer"
#define ANSWER_SECONDS 60

struct call {
	intptr_t fn;	/* from peer_main: true wherever a program is loaded */
	long args[3];
};

static int serving = -1;

static bool take(int sock, void *buf, size_t n)
{
	return recv(sock, buf, n, MSG_WAITALL) == (ssize_t)n;
}

_Noreturn static void serve(int sock)
{
	struct call call;
	long ret;

	serving = sock;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (take(sock, &call, sizeof(call))) {
		peer_fn fn = (peer_fn)((intptr_t)peer_main + call.fn);

		ret = fn(call.args[0], call.args[1], call.args[2]);
		if (send(sock, &ret, sizeof(ret), MSG_NOSIGNAL) < 0)
			break;
	}
	_exit(0);
}

void peer_main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], AGAIN))
		serve(atoi(argv[2]));
}

void peer_start(struct peer *peer)
{
	struct timeval limit = { .tv_sec = ANSWER_SECONDS };
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		tap_bail("socketpair: %m");
	fflush(stdout);
	peer->pid = fork();
	if (peer->pid < 0)
		tap_bail("fork: %m");
	if (!peer->pid) {
		close(ends[0]);
		serve(ends[1]);
	}
	close(ends[1]);
	peer->sock = ends[0];
	setsockopt(peer->sock, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
}

static void tell(struct peer *peer, peer_fn fn, long a, long b, long c)
{
	struct call call = {
		.fn = (intptr_t)fn - (intptr_t)peer_main,
		.args = { a, b, c },
	};

	if (send(peer->sock, &call, sizeof(call), MSG_NOSIGNAL) < 0)
		tap_bail("the other process is gone: %m");
}

long peer_call(struct peer *peer, peer_fn fn, long a, long b, long c)
{
	long ret;

	tell(peer, fn, a, b, c);
	if (!take(peer->sock, &ret, sizeof(ret)))
		tap_bail("no answer from the other process: %m");
	return ret;
}

union fd_message {
	struct cmsghdr head;
	char space[CMSG_SPACE(sizeof(int))];
};

static long receive_fd(long a, long b, long c)
{
	union fd_message control;
	char byte;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *head;
	int fd;

	(void)a, (void)b, (void)c;
	if (recvmsg(serving, &msg, MSG_CMSG_CLOEXEC) != 1)
		return -errno;
	head = CMSG_FIRSTHDR(&msg);
	if (!head || head->cmsg_type != SCM_RIGHTS)
		return -EBADMSG;
	memcpy(&fd, CMSG_DATA(head), sizeof(fd));
	return fd;
}

int peer_send_fd(struct peer *peer, int fd)
{
	union fd_message control = { 0 };
	struct iovec iov = { .iov_base = (void *)"", .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	long ret;

	control.head.cmsg_len = CMSG_LEN(sizeof(int));
	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	tell(peer, receive_fd, 0, 0, 0);
	if (sendmsg(peer->sock, &msg, MSG_NOSIGNAL) != 1)
		tap_bail("SCM_RIGHTS: %m");
	if (!take(peer->sock, &ret, sizeof(ret)) || ret < 0)
		tap_bail("SCM_RIGHTS: the other process has no fd");
	return (int)ret;
}

static long keep_fd(long fd, long b, long c)
{
	(void)b, (void)c;
	return fcntl((int)fd, F_SETFD, 0) ? -errno : 0;
}

static long exec_self(long a, long b, long c)
{
	char name[] = "peer", again[] = AGAIN, number[16];
	char *argv[] = { name, again, number, NULL };

	(void)a, (void)b, (void)c;
	snprintf(number, sizeof(number), "%d", serving);
	keep_fd(serving, 0, 0);
	execv("/proc/self/exe", argv);
	return -errno;
}

static long hello(long a, long b, long c)
{
	return a + b + c;
}

void peer_exec(struct peer *peer, const int *keep, int nr_keep)
{
	int i;

	for (i = 0; i < nr_keep; i++)
		if (peer_call(peer, keep_fd, keep[i], 0, 0))
			tap_bail("fd %d cannot be kept", keep[i]);
	/* answered only if it fails: then the number is no greeting */
	tell(peer, exec_self, 0, 0, 0);
	if (peer_call(peer, hello, 1, 20, 300) != 321)
		tap_bail("exec of /proc/self/exe");
}

void peer_end(struct peer *peer)
{
	/* later peers hold copies of our end: closing it would tell nothing */
	shutdown(peer->sock, SHUT_RDWR);
	close(peer->sock);
	if (waitpid(peer->pid, NULL, 0) != peer->pid)
		tap_bail("waitpid: %m");
}

long peer_locked_kib(long a, long b, long c)
{
	(void)a, (void)b, (void)c;
	return proc_locked_kib();
}

long peer_drop_ipc_lock(long a, long b, long c)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];

	(void)a, (void)b, (void)c;
	if (syscall(SYS_capget, &head, data))
		return -errno;
	data[0].effective &= ~(1u << CAP_IPC_LOCK);
	data[0].permitted &= ~(1u << CAP_IPC_LOCK);
	return syscall(SYS_capset, &head, data) ? -errno : 0;
}

long peer_memlock_bytes(long bytes, long b, long c)
{
	struct rlimit limit;

	(void)b, (void)c;
	if (getrlimit(RLIMIT_MEMLOCK, &limit))
		return -errno;
	limit.rlim_cur = (rlim_t)bytes;
	if (limit.rlim_max < limit.rlim_cur)
		limit.rlim_max = limit.rlim_cur;
	return setrlimit(RLIMIT_MEMLOCK, &limit) ? -errno : 0;
}
