#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Asks the probes beside this script and writes their answers as a C header.
# Usage: probe.sh HEADER LOGDIR COMPILER FLAG...
#
# Kbuild passes the compiler and flags of the kernel that the module is built
# for. A probe's answer is whether it compiles; what the compiler said is kept
# in LOGDIR/PROBE.log. Two controls and, behind every "no", a compilation
# without the property keep a broken setup from looking like an old kernel.

set -u

header=$1
logs=$2
shift 2
here=$(dirname "$0")

fail() {
	echo "vfio_iommu_type1_hwdbm: $1" >&2
	[ ! -s "$2" ] || tail -n 15 "$2" >&2
	exit 1
}

# compiles PROBE LOG COMPILER FLAG...
compiles() {
	probe_source=$here/$1.c
	probe_log=$2
	shift 2
	echo "$* -fsyntax-only $probe_source" >"$probe_log"
	"$@" -fsyntax-only "$probe_source" >>"$probe_log" 2>&1
}

controls() {
	compiles control_pass "$logs/control_pass.log" "$@" ||
		fail "cannot probe this kernel: the control that must compile does not. The compiler said:" \
			"$logs/control_pass.log"
	! compiles control_fail "$logs/control_fail.log" "$@" ||
		fail "cannot probe this kernel: the control that must not compile does" \
			"$logs/control_fail.log"
}

# The compiler's own words, but only what our #error lines say.
fence() {
	compiles fence "$logs/fence.log" "$@" && return
	if grep -q '#error' "$logs/fence.log"; then
		sed -n 's/.*#error "\(.*\)"$/\1/p' "$logs/fence.log" | sort -u >&2
		exit 1
	fi
	fail "cannot tell whether this kernel is supported. The compiler said:" \
		"$logs/fence.log"
}

# ask PROBE COMPILER FLAG...: 1 or 0 into PROBE.answer
ask() {
	probe=$1
	shift
	if compiles "$probe" "$logs/$probe.log" "$@"; then
		echo 1 >"$logs/$probe.answer"
	elif compiles "$probe" "$logs/$probe.base.log" "$@" -DPROBE_BASE; then
		echo 0 >"$logs/$probe.answer"
	else
		fail "cannot ask probe '$probe': it fails without its property too. The compiler said:" \
			"$logs/$probe.base.log"
	fi
}

names() {
	for source in "$here"/*.c; do
		name=$(basename "$source" .c)
		case $name in control_* | fence) continue ;; esac
		echo "$name"
	done
}

write_header() {
	echo "/* Made by probe.sh for this kernel. Only src/compat includes it. */"
	for name in $(names); do
		answer=$(cat "$logs/$name.answer") || return 1
		echo "#define HWDBM_HAS_$(echo "$name" | tr '[:lower:]' '[:upper:]') $answer"
	done
}

# One of the processes that the xargs below starts.
if [ "$header" = --ask ]; then
	ask "$@"
	exit
fi

mkdir -p "$logs" || exit 1
rm -f "$header" "$logs"/*.log "$logs"/*.answer
controls "$@"
fence "$@"
names | xargs -I PROBE_NAME -P "$(nproc)" "${CONFIG_SHELL:-sh}" "$0" --ask "$logs" PROBE_NAME "$@" || exit 1
write_header >"$header.new" || exit 1
mv "$header.new" "$header"
