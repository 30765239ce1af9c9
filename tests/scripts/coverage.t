#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What scripts/lib/coverage.awk makes of gcov's text and of the list.

set -eu -o pipefail
cd "$(dirname "$0")/../.."

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$tmp/src"
n=0 failed=0

cat >"$tmp/src/a.c" <<'END'
int
first(int a)
{
	if (a)
		return 1;
	return 0;
}

static int second(int a)
{
	return 0;
}
END

# text FIRST SECOND THIRD: as gcov counts the three returns
text() {
	printf '%9s:%5d:%s\n' - 0 Source:/x/build/src/a.c - 1 int 3 4 'if (a)' "$1" 5 'return 1;' \
		"$2" 6 'return 0;' "$3" 11 'return 0;' - 0 Source:/usr/include/b.h '#####' 5 x
}

# expect STATUS TEXT NAME LIST: of $tmp/text
expect() {
	local status=0
	printf '%s\n' "$4" >"$tmp/list"
	n=$((n + 1))
	awk -v all="${ALL-1}" -v want="${WANT:-50}" -v sources="$tmp" -v list="$tmp/list" \
		-f scripts/lib/coverage.awk "$tmp/text" >"$tmp/out" 2>&1 || status=$?
	if [ "$status" = "$1" ] && grep -qx -- "$2" "$tmp/out"; then
		echo "ok $n - $3"
		return
	fi
	failed=$((failed + 1))
	echo "not ok $n - $3: status $status, wanted $1 and '$2'"
	sed 's/^/# /' "$tmp/out"
}

echo 1..15
text 1 2 3 >"$tmp/text"
expect 0 'src/a.c *4 of *4 lines *100.0%' 'all is executed' ''
text 1 '#####' '#####' >"$tmp/text"
expect 1 'not executed: src/a.c:6: first: return 0;' 'a line is not' ''
ALL='' WANT=33 expect 0 'not executed: src/a.c:6: first: return 0;' 'but of a share of the tests it need not be' ''
expect 1 'not executed: src/a.c:11: second: return 0;' 'the same words in another function' \
	'src/a.c first -- return 0; -- why'
expect 0 'all of src *2 of *4 lines *50.0%  2 justified, 0 not' 'all is justified' \
	$'src/a.c first -- return 0; -- why\nsrc/a.c second -- * -- why'
expect 0 'all of src *2 of *4 lines *50.0%  2 justified, 0 not' 'by the line before as well' \
	$'src/a.c first -- 1; return 0; -- why\nsrc/a.c second -- { return -- why'
expect 1 'not executed: src/a.c:6: first: return 0;' 'by the line before alone is none' \
	$'src/a.c first -- return 1; -- why\nsrc/a.c second -- * -- why'
WANT=51 expect 1 'all of src *2 of *4 lines *50.0%  2 justified, 0 not' 'but too few are executed' \
	$'src/a.c first -- return 0; -- why\nsrc/a.c second -- * -- why'
expect 1 'coverage: cannot read in .*list: src/a.c first -- return 0;' 'no reason is given' \
	'src/a.c first -- return 0;'
text 1 '=====' 2 >"$tmp/text"
expect 1 'not executed: src/a.c:6: .*' 'gcov has another mark for it' ''
text 1 '#####' 2 >"$tmp/text"
text '#####' 7 '#####' >>"$tmp/text"
expect 0 'src/a.c *4 of *4 lines *100.0%' 'each run has executed another part' ''
expect 0 'justified, but executed or not there: src/a.c first -- return 0; -- why' \
	'a justified line is executed' 'src/a.c first -- return 0; -- why'
sed 's|build/src/a.c|build/src/c.c|' "$tmp/text" >"$tmp/other"
text 1 2 3 >"$tmp/text"
sed 's/^ *[1-9][0-9]*:/    #####:/' "$tmp/other" >>"$tmp/text"
expect 0 'all of src *4 of *4 lines *100.0%  0 justified, 0 not' 'a file for other kernels does not count' \
	'src/c.c * -- * -- why'
expect 1 'src/c.c *0 of *4 lines .*' 'every other does' 'src/c.c first -- * -- why'
: >"$tmp/text"
expect 1 'all of src *0 of *0 lines .*' 'no text at all is no pass' ''
[ "$failed" = 0 ]
