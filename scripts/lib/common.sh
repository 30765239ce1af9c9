# SPDX-License-Identifier: GPL-2.0-only
# Shared by scripts/lab, scripts/vm and scripts/check-dkms: messages, the
# cache, and "build this once". Sourced, never run.
# shellcheck shell=bash

shopt -s inherit_errexit

PROGRAM=${PROGRAM:-lab}
# shellcheck disable=SC2034 # for those that source this
CHECKOUT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
if [ -z "${HWDBM_CACHE:-}${XDG_CACHE_HOME:-}${HOME:-}" ]; then
	printf '%s: error: no HOME, so no place for the cache: set HWDBM_CACHE to a folder\n' "$PROGRAM" >&2
	exit 1
fi
CACHE=${HWDBM_CACHE:-${XDG_CACHE_HOME:-${HOME:-}/.cache}/hwdbm}
case $CACHE in
*[[:space:],]*)
	printf '%s: error: the cache %s: no blanks and commas, please\n' "$PROGRAM" "$CACHE" >&2
	exit 1
	;;
/*) ;;
*) CACHE=$PWD/$CACHE ;;
esac

# Progress goes to stderr: stdout belongs to the result.
say() {
	printf '%s: [%3ds] %s\n' "$PROGRAM" "$SECONDS" "$*" >&2
}

die() {
	printf '%s: error: %s\n' "$PROGRAM" "$*" >&2
	exit 1
}

# hash_of WORD... : a short name for a set of inputs.
hash_of() {
	printf '%s\0' "$@" | sha256sum | cut -c1-16
}

# need_user_root WHAT: HWDBM_CALL is what the user called, if it was not $0.
need_user_root() {
	local keep
	[ "$(id -u)" = 0 ] && return
	keep=$(compgen -e HWDBM_ | grep -vx HWDBM_CALL | paste -sd ,) || true
	die "$1 needs root (chroot and mounts). Run: sudo ${keep:+--preserve-env=$keep }${HWDBM_CALL:-$0 ...}"
}

need_cache() {
	mkdir -p "$CACHE" 2>/dev/null || true
	[ -w "$CACHE" ] ||
		die "cannot write to the cache, $CACHE: set HWDBM_CACHE to another folder"
}

# host_needs PROGRAM PACKAGE: installs PACKAGE on the host if PROGRAM is missing.
host_needs() {
	command -v "$1" >/dev/null && return
	local how="apt-get install -y --no-install-recommends $2"
	[ "$(id -u)" = 0 ] || die "'$1' is missing on this machine. Run as root: $how"
	say "installing on this machine: $2 (for '$1')"
	host_apt "$how" || die "could not install $2; try: apt-get update && $how"
}

# A fresh machine has no package lists, or stale ones: update and try again.
host_apt() {
	local log=$CACHE/log/host-apt
	mkdir -p "$CACHE/log"
	export DEBIAN_FRONTEND=noninteractive
	$1 >"$log" 2>&1 && return
	apt-get update >>"$log" 2>&1 || true
	$1 >>"$log" 2>&1 && return
	tail -n 20 "$log" >&2
	return 1
}

# with_lock NAME COMMAND... : one at a time among all runs on this cache.
with_lock() {
	local name=$1 fd
	shift
	need_cache
	mkdir -p "$CACHE/lock"
	exec {fd}>"$CACHE/lock/$name"
	if ! flock -n "$fd"; then
		say "waiting for another run that works on '$name'"
		flock "$fd"
	fi
	"$@"
	exec {fd}>&-
}

# make_once DIR COMMAND... : DIR is made by COMMAND in a folder beside it,
# whose name it gets as its last argument, and renamed when it is whole. So an
# interrupted run leaves nothing that looks finished.
# Root is asked for here, before anything is downloaded.
make_once() {
	[ -d "$1" ] && return
	need_user_root "setting up the lab"
	with_lock "$(printf '%s' "${1#"$CACHE"/}" | tr / -)" make_locked "$@"
}

make_locked() {
	local dir=$1 part=$1.part
	shift
	[ -d "$dir" ] && return # another run made it while we waited
	remove_tree "$part"
	mkdir -p "$part"
	"$@" "$part"
	mv -T "$part" "$dir"
}

# Never crosses into a mount that a killed run might have left.
remove_tree() {
	[ -e "$1" ] || return 0
	rm -rf --one-file-system "$1"
}

# logged NAME COMMAND... : output to a log file, the log's last line to stderr
# now and then, its tail when COMMAND fails.
logged() {
	local log=$CACHE/log/$1 ticker status=0
	shift
	mkdir -p "$CACHE/log"
	tick "$log" &
	ticker=$!
	"$@" >"$log" 2>&1 || status=$?
	kill "$ticker" 2>/dev/null || true
	wait "$ticker" 2>/dev/null || true
	[ "$status" = 0 ] && return
	tail -n 40 "$log" >&2
	die "failed with status $status: $* (whole log: $log)"
}

tick() {
	local fd
	exec </dev/null >/dev/null
	# It must not keep a lock that its killed parent held, nor outlive it long.
	for fd in /proc/"$BASHPID"/fd/*; do
		fd=${fd##*/}
		[ "$fd" -le 2 ] || eval "exec $fd>&-"
	done
	while sleep 20 && kill -0 $$ 2>&1; do
		say "... $(tail -n 1 "$1" 2>/dev/null | tr '\r' '\n' | tail -n 1 | cut -c1-90)"
	done
}
