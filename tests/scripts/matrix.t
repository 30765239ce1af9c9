#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What scripts/matrix makes of verdicts, and what it must not let pass: a copy of
# it, with cells of its own, and tests and a lab that say what they are told.

set -eu -o pipefail
cd "$(dirname "$0")/../.."

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$tmp/scripts/lib" "$tmp/tests/compat" "$tmp/kernel" "$tmp/bin"
cp scripts/matrix "$tmp/scripts/"
cp scripts/lib/common.sh scripts/lib/matrix.sh "$tmp/scripts/lib/"
sed -i 's/^LAB_TIMEOUT=[0-9]*/LAB_TIMEOUT=5/' "$tmp/scripts/matrix"
echo 1.2.3-amd64 >"$tmp/kernel/release"
cat >"$tmp/scripts/lab" <<'END'
#!/bin/bash
echo "$* " >>labs
[ "$2" != "$(cat "no-$1" 2>/dev/null)" ] || exit 1
[ "$2" != "$(cat hangs 2>/dev/null)" ] || sleep 60
echo kernel
END
# Who we are is what the file user says.
printf '#!/bin/sh\ncat user\n' >"$tmp/bin/id"
PATH=$tmp/bin:$PATH
# Of the tests, those that the file fails names fail, those in lost are never told of.
cat >"$tmp/scripts/check" <<'END'
#!/bin/bash
if [ -e slow ]; then
	sh -c 'trap "echo ended >slow; exit" TERM; touch begun; for i in $(seq 300); do sleep 0.1; done' &
	wait
fi
echo 'again  b@two    no end after 300 s'
for name; do
	! grep -qxF "$name" lost || continue
	if grep -qxF "$name" fails; then
		printf 'not ok %-24s 1 passed 1 failed 3s\n       | ok 1 - b@two\n' "$name"
	else
		printf 'ok     %-24s 1 passed 0 failed 3s\n' "$name"
	fi
	echo '# dirty bits: by ear' >"build/log/$name"
done
echo "$* " >>asked
echo '1 passed, 0 failed'
END
chmod +x "$tmp/scripts/lab" "$tmp/scripts/check" "$tmp/bin/id"
cat >"$tmp/tests/compat/cells" <<'END'
row one The first
row two The second
column c1 first
column c2 second
column c3 bits
cell c1 * yes a b
cell c2 one no:why a
cell c2 * -
cell c3 * yes bits-x
note why there is a reason
quick two a
END
printf '%s check host\n\ttrue\n' a b bits-x >"$tmp/tests/plan"
cd "$tmp"

n=0 bad=0

# result NAME COMMAND...: passes if COMMAND succeeds
result() {
	local name=$1
	shift
	n=$((n + 1))
	"$@" >"$tmp/why" 2>&1 && echo "ok $n - $name" && return
	bad=$((bad + 1))
	echo "not ok $n - $name"
	sed 's/^/# /' "$tmp/out" "$tmp/why"
}

# matrix STATUS WORD...
matrix() {
	local want=$1 status=0
	shift
	scripts/matrix "$@" >out 2>&1 || status=$?
	[ $status = "$want" ] || { echo "exit status $status, not $want"; return 1; }
}

# row REGEX: a line of the table
row() {
	grep -E "$1" out
}

again() {
	rm -f fails lost asked labs slow begun hangs no-*
	touch fails lost
	echo 0 >user
}

# not COMMAND...
not() {
	! "$@"
}

# await COMMAND...: until it succeeds, or far too long.
await() {
	local tries=200
	until "$@"; do
		[ $((tries -= 1)) -gt 0 ] || return
		sleep 0.1
	done
}

# stopped: its tests have begun, and it is told to end. What they began ends, too.
stopped() {
	local pid status=0
	scripts/matrix >out 2>&1 &
	pid=$!
	await test -e begun
	kill -TERM "$pid"
	wait "$pid" || status=$?
	[ $status = 1 ] && await grep -x ended slow
}

printf '%s\n' '# x' '<!-- matrix: written by make matrix -->' old '<!-- /matrix -->' tail >README.md
again
echo 1..47
result 'nothing on record' matrix 1 --check
result 'which is no failure of --quick' matrix 0 --quick
again
echo b@two >fails
result 'the first of all runs fails on one kernel' matrix 1
result 'the other is on record' grep '^one release' tests/compat/matrix
result 'and it is not' not grep '^two ' tests/compat/matrix
again
result 'all pass' matrix 0
result 'a cell is yes, one no with its reason, one tells more' \
	row '^\| The first \(1\.2\.3\) \| yes \| no \[1\] \| yes, by ear \|$'
result 'a cell that does not apply' row '^\| The second .* \| yes \| - \| yes'
result 'the reason' row '^\[1\] There is a reason\.$'
result 'it is on record' grep -x 'one c2 no:why' tests/compat/matrix
result 'each result with its tests' grep -x 'two c1 yes: a (ok, build/log/a@two) b (ok, build/log/b@two)' build/matrix/results
result 'the README is not yet what the record says' matrix 1 --check
result 'and is written' matrix 0 --markdown
result 'now it is' matrix 0 --check
result 'nothing else of it has changed' grep -c -x -e '# x' -e tail README.md
sed -i 's/| yes |/| no |/' README.md
result 'a table that was written by hand' matrix 1 --check
scripts/matrix --markdown
cp tests/compat/matrix good

echo b@two >fails
result 'a test fails' matrix 1
result 'it is in the table' row 'The second .*\| FAILS \| - \| yes'
result 'and not on record' cmp good tests/compat/matrix
again
echo b@two >lost
result 'a test that is never told of is no yes' matrix 1 two
again
echo a@one >fails
result 'nor is a no that its test does not show' matrix 1 one
again
echo two >no-module
result 'a kernel without a module' matrix 1
result 'is no loss for others' row 'The first .* \| yes \| no'
for file in no-kernel hangs; do
	again
	echo one >$file
	result "$file: a kernel that cannot be had" matrix 1
	result "$file: is in the table" row '^\| The first \(\?\) \| FAILS \|'
	result "$file: and not on record" cmp good tests/compat/matrix
	result "$file: and no loss for others" row '^\| The second \(1\.2\.3\) \| yes \|'
done
again
touch slow
result 'it is ended, and what it has started' stopped
again
echo 1000 >user
result 'a user without root' matrix 1
result 'is told so' row 'error: .* needs root'
result 'and nothing is tried' not test -e labs
again
result '--quick runs what it is to run' matrix 0 --quick
result 'and no more' grep -x 'a@two ' asked
result 'it tells what it has not seen' row '^\| The second .*\| part \| - \| \. \|$'
result 'and not of a kernel that it has not seen' not row '^\| The first '
result 'which it has not made, either' not grep one labs
result 'that kernel, given by name' matrix 2 --quick one
result '--markdown and a kernel' matrix 2 --markdown one
result '--check and a kernel' matrix 2 --check one
sed -i 's/by ear/by eye/' tests/compat/matrix
sed -i 's/^quick.*/quick two bits-x/' tests/compat/cells
result '--quick finds what is not as recorded' matrix 1 --quick
echo 'cell c9 * yes zzz' >>tests/compat/cells
sed -i 's/^cell c1.*/cell c1 * yes zzz/' tests/compat/cells
scripts/matrix --check >out 2>&1 || true
result 'a test that is not in the plan' row "no test 'zzz'"
for answer in yes no:why; do
	sed -i "s/^cell c1.*/cell c1 * $answer/" tests/compat/cells
	result "$answer, and no test that shows it" matrix 2 --check
done
[ $bad = 0 ]
