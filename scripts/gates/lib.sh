# SPDX-License-Identifier: GPL-2.0-only
# Shared by the gates. Sourced, never run.
# shellcheck shell=bash

set -eu -o pipefail
export LC_ALL=C

GATE=$(basename "$0")
BAD=0

# gate_start [ARGUMENT]...: --help, or the tree to look at as working folder
gate_start() {
	case ${1:-} in
	-h | --help) usage; exit 0 ;;
	-*) usage >&2; exit 2 ;;
	esac
	cd "${1:-$(dirname "${BASH_SOURCE[0]}")/../..}"
}

# bad REASON: one line of why
bad() {
	BAD=$((BAD + 1))
	echo "# $*"
}

note() {
	echo "# $*"
}

# Reads reasons, one a line.
bad_lines() {
	local line
	while IFS= read -r line; do bad "$line"; done
}

gate_end() {
	if [ "$BAD" = 0 ]; then
		echo "ok - $GATE"
		exit 0
	fi
	echo "not ok - $GATE"
	exit 1
}

# gate_cannot REASON: a gate that cannot look has not passed
gate_cannot() {
	bad "$*"
	gate_end
}

# sources DIR...: the C files and headers there that are ours to keep tidy
sources() {
	local dir
	for dir; do
		[ ! -d "$dir" ] || find "$dir" -name '*.[ch]' ! -name '*.mod.c' ! -path 'src/compat/probes.h' \
			! -path 'src/tool/*'
	done | sort
}

# code FILE: the file without comments, line for line
code() {
	awk '
	{
		out = ""
		line = $0
		while (line != "") {
			if (inside) {
				at = index(line, "*/")
				if (!at) { line = ""; break }
				line = substr(line, at + 2)
				inside = 0
				continue
			}
			at = match(line, /\/\*|\/\//)
			if (!at) { out = out line; break }
			out = out substr(line, 1, at - 1)
			if (substr(line, at, 2) == "//") break
			line = substr(line, at + 2)
			inside = 1
		}
		print out
	}' "$1"
}
