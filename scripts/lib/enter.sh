# SPDX-License-Identifier: GPL-2.0-only
# The half of enter() (root.sh) that runs inside the new mount namespace.
# Sourced, never run.
# shellcheck shell=bash

set -eu -o pipefail

# bind ROOT FROM TO [ro]
bind() {
	if [ -d "$2" ]; then
		mkdir -p "$1$3"
	elif [ ! -e "$1$3" ]; then
		mkdir -p "$(dirname "$1$3")"
		: >"$1$3"
	fi
	mount --bind "$2" "$1$3"
	[ "${4:-}" != ro ] || mount -o remount,bind,ro "$1$3"
}

# devices DIR: a /dev of its own, since a build that runs as root may well
# chmod or replace its output, and /dev/null is a popular one.
devices() {
	local node
	mount -t tmpfs -o mode=755 dev "$1"
	for node in null:3 zero:5 full:7 random:8 urandom:9; do
		mknod -m 666 "$1/${node%:*}" c 1 "${node#*:}"
	done
	mkdir "$1/shm" "$1/pts"
	mount -t tmpfs -o mode=1777 shm "$1/shm"
	ln -s /proc/self/fd "$1/fd"
	ln -s fd/0 "$1/stdin"
	ln -s fd/1 "$1/stdout"
	ln -s fd/2 "$1/stderr"
}

# enter_inside ROOT CACHE [OPTION]... -- DIR COMMAND...
enter_inside() {
	local root=$1 cache=$2
	shift 2
	mount --bind "$root" "$root"
	mount -t proc proc "$root/proc"
	devices "$root/dev"
	mount -t tmpfs -o mode=1777 tmp "$root/tmp"
	# The cache holds the root itself; a plain bind leaves our mounts out of it.
	bind "$root" "$cache" "$cache"
	while [ "$1" != -- ]; do
		case $1 in
		--ro) bind "$root" "$2" "$2" ro; shift 2 ;;
		--rw) bind "$root" "$2" "$2"; shift 2 ;;
		--bind) bind "$root" "$2" "$3"; shift 3 ;;
		esac
	done
	mount -o remount,bind,ro "$root"
	shift
	run_inside "$root" "$@"
}

run_inside() {
	local root=$1 dir=$2
	shift 2
	# The machine's own variables (of pip, of make, of the loader) would make
	# the result depend on the machine.
	exec env -i HOME=/tmp TMPDIR=/tmp LC_ALL=C.UTF-8 TERM="${TERM:-dumb}" \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		chroot "$root" /usr/bin/env -C "$dir" -- "$@"
}
