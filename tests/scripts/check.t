#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# What scripts/check counts, and what it must not let pass: a copy of it, with a
# plan of its own, and a VM and a lab that are this machine's shell.

set -eu -o pipefail
cd "$(dirname "$0")/../.."

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$tmp/scripts/lib" "$tmp/tests" "$tmp/build/uapi"
cp scripts/check "$tmp/scripts/"
cp scripts/lib/tap.awk "$tmp/scripts/lib/"

cat >"$tmp/scripts/lab" <<'END'
#!/bin/bash
echo "$*" >>"$(dirname "$0")/../labs"
[ "$1" = exec ] || exit 0
while [ "$1" != -- ]; do shift; done
shift
[ "$1" = make ] || exec "$@"
END
cat >"$tmp/scripts/vm" <<'END'
#!/bin/bash
[ "$1" != --list ] || { printf '%s\n' 9.9 9.9-arm64; exit; }
# Each line of this file is how one run fails.
failures=$(dirname "$0")/../failures
if [ -s "$failures" ]; then
	echo "vm: failed: $(head -n 1 "$failures")"
	sed -i 1d "$failures"
	exit 125
fi
while [ "$1" != -- ]; do shift; done
shift
exec "$@"
END
chmod +x "$tmp/scripts/lab" "$tmp/scripts/vm"

# What programs print.
cat >"$tmp/say" <<'END'
#!/bin/bash
cd "$(dirname "$0")"
case $1 in
good) printf '%s\n' 'TAP version 13' 'ok 1 - a' '# not ok' 'ok 2 - b' '1..2' ;;
plain) printf '%s\n' 'ok 1 - a' 'ok 2 - b' '1..2' ;;
first) printf '%s\n' '1..3' 'ok 1 - a' 'ok 2 - b' 'ok 3 - c' ;;
failed) printf '%s\n' 'ok 1 - a' 'not ok 2 - b' '1..2' '# 1 of 2 failed'; exit 1 ;;
failed-0) printf '%s\n' 'ok 1 - a' 'not ok 2 - b' '1..2' ;;
skipped) echo '1..0 # SKIP no such device' ;;
nothing) ;;
words) echo 'just words' ;;
header) echo 'TAP version 13' ;;
no-plan) printf '%s\n' 'TAP version 13' 'ok 1 - a' 'ok 2 - b' ;;
no-plan-plain) printf '%s\n' 'ok 1 - a' 'ok 2 - b' ;;
fewer) printf '%s\n' 'TAP version 13' 'ok 1 - a' 'ok 2 - b' '1..3' ;;
fewer-first) printf '%s\n' 'TAP version 13' '1..3' 'ok 1 - a' 'ok 2 - b' ;;
more) printf '%s\n' 'ok 1 - a' 'ok 2 - b' 'ok 3 - c' '1..2' ;;
more-first) printf '%s\n' '1..2' 'ok 1 - a' 'ok 2 - b' 'ok 3 - c' ;;
hole) printf '%s\n' 'ok 1 - a' 'ok 3 - c' 'ok 4 - d' '1..3' ;;
no-head) printf '%s\n' 'ok 3 - c' '1..3' ;;
none) echo '1..0' ;;
bail) printf '%s\n' 'ok 1 - a' 'Bail out! no device'; exit 99 ;;
exits) printf '%s\n' 'ok 1 - a' '1..1'; exit 3 ;;
esac
END
chmod +x "$tmp/say"

n=0 bad=0

# result NAME TRUE|FALSE
result() {
	n=$((n + 1))
	[ "$2" = true ] && echo "ok $n - $1" && return
	bad=$((bad + 1))
	echo "not ok $n - $1"
	sed 's/^/# /' "$tmp/out"
}

# counts PASSED FAILED TEXT NAME WHERE WORD...: a test whose commands say these
counts() {
	local passed=$1 failed=$2 text=$3 name=$4 where=$5 word status=0 want=0
	shift 5
	{
		printf 'it check %s\n' "$where"
		for word; do
			case $word in
			echo*) printf '\t%s\n' "$word" ;;
			*) printf '\t%s/say %s\n' "$tmp" "$word" ;;
			esac
		done
	} >"$tmp/tests/plan"
	[ "$failed" = 0 ] || want=1
	"$tmp/scripts/check" it >"$tmp/out" 2>&1 || status=$?
	if [ $status = $want ] && grep -qx "$passed passed, $failed failed" "$tmp/out" &&
		grep -q -- "$text" "$tmp/out"; then
		result "$where: $name" true
	else
		echo "# wanted: $passed passed, $failed failed, '$text'; exit status $status"
		result "$where: $name" false
	fi
}

for where in host root vm; do
	counts 2 0 '^ok ' 'a plan at the end' $where good
	counts 2 0 '^ok ' 'the same without a header' $where plain
	counts 3 0 '^ok ' 'a plan at the start' $where first
	counts 1 0 'SKIP no such device' 'nothing to do' $where skipped
	counts 1 1 'not ok 2 - b' 'a failure' $where failed
	counts 1 1 'not ok 2 - b' 'a failure that the program does not tell' $where failed-0
	counts 2 1 '2 points and no plan' 'no plan' $where no-plan
	counts 2 1 '2 points and no plan' 'no plan and no header' $where no-plan-plain
	counts 2 1 'a plan of 3 points, but 2 ' 'fewer points than planned' $where fewer
	counts 2 1 'a plan of 3 points, but 2 ' 'fewer than planned before' $where fewer-first
	counts 3 1 'a plan of 2 points, but 3 ' 'more points than planned' $where more
	counts 3 1 '1 points and no plan' 'more than planned before' $where more-first
	counts 3 1 'point 3 where 2 should be' 'a point is missing in the middle' $where hole
	counts 1 2 'point 3 where 1 should be' 'the first points are missing' $where no-head
	counts 0 1 'without a reason' 'a plan of none' $where none
	counts 1 1 '1 points and no plan' 'a program that bails out' $where bail
	counts 1 1 'exit status [13];' 'a program that fails otherwise' $where exits
	counts 0 1 '0 points and no plan' 'a header is all' $where header
done

# Several programs one after another.
counts 9 0 '^ok ' 'each with its plan' vm good plain first good
counts 6 1 '2 points and no plan' 'the last one has no end' vm good plain no-plan
counts 6 1 '2 points and no plan' 'the first one' vm no-plan plain good
counts 7 1 '2 points and no plan' 'no headers' vm no-plan-plain plain first
counts 7 1 'a plan of 3 points, but 2 ' 'a plan before, and another program' vm fewer-first plain first
counts 2 0 '^ok ' 'what is told the kernel needs no plan' vm 'echo 1 >/dev/null' good
counts 2 1 '2 programs should print TAP, 1 did' 'the last one says nothing' vm good nothing
counts 2 1 '2 programs should print TAP, 1 did' 'the first one says nothing' vm nothing good
counts 0 1 '1 programs should print TAP, 0 did' 'the only one says nothing' vm nothing
counts 0 1 '1 programs should print TAP, 0 did' 'words are no TAP' vm words
counts 1 0 '^ok ' 'what prints no TAP goes by its exit status' host words

# The emulator may fail once.
for why in 'no end after 300 s' 'QEMU died (exit status 134)' \
	'output is lost: 3 0 bytes of 9 0 came (stdout, stderr)' \
	"the emulation has lost a processor's timer (above)"; do
	echo "$why" >"$tmp/failures"
	counts 2 0 "^again *it .*$why" "$why, once" vm good
	printf '%s\n' "$why" "$why" >"$tmp/failures"
	counts 0 1 "^again *it .*$why" "$why, twice" vm good
done
echo 'the kernel complained (above)' >"$tmp/failures"
counts 0 1 'the kernel complained' 'the kernel must not' vm good
: >"$tmp/failures"

# A control passes by its failure, and by no other.
counts 1 0 '^ok ' 'the failure that is wanted' vm-fails=b failed
counts 0 1 'not ok 2 - b' 'another failure' vm-fails=c failed
counts 0 1 'exit status 0' 'no failure' vm-fails=b good
counts 0 1 'exit status 1' 'no point that failed' vm-fails=b exits

# A share of it on the debug kernel.
printf 'it check+debug vm --add build/sim/sim.ko\n\tp --writes 200000 --writes 9999 --writes 8 --leaf 4k --calls 41\n' >"$tmp/tests/plan"
"$tmp/scripts/check" --list >"$tmp/out" 2>&1 || true
for line in 'it (check, vm) --add build/sim/sim.ko' '    p --writes 200000 --writes 9999 --writes 8 --leaf 4k --calls 41' \
	'debug-it (debug, vm) --add build/debug/sim/sim.ko --kernel 6.12-debug --take /.*/build/coverage/it' \
	'    p --writes 10000 --writes 5000 --writes 8 --leaf 4k --calls 2'; do
	grep -qx -- "$line" "$tmp/out" && result "+debug: $line" true || result "+debug: $line" false
done

# With an arm64 kernel come programs for it, instead of those for amd64.
mkdir -p "$tmp/build/uapi-arm64"
cp "$tmp/say" "$tmp/build/uapi/plain"
cp "$tmp/say" "$tmp/build/uapi-arm64/crossed"
sed -i '/^shift$/,$d; s,^while .*,echo "# $*"; printf "%s\\n" "ok 1 - a" 1..1,' "$tmp/scripts/vm"
printf 'it check vm --kernel 6.12\n\tp\nthat check vm --kernel 9.9-arm64\n\tp\n' >"$tmp/tests/plan"
"$tmp/scripts/check" it that it@9.9-arm64 that@9.9 >"$tmp/out" 2>&1 || true
for log in it:plain that:crossed it@9.9-arm64:crossed that@9.9:plain; do
	[ "$(grep -o '/\(plain\|crossed\) ' "$tmp/build/log/${log%:*}")" = "/${log#*:} " ] && good=true || good=false
	result "programs: ${log/:/ gets }" $good
done

# On another kernel.
printf 'it check vm --add build/sim/sim.ko --add build/split/split.ko\n\tp\nhere check host\n\tp $HWDBM_KERNEL\n' >"$tmp/tests/plan"
"$tmp/scripts/check" --list it@9.9 here@9.9 >"$tmp/out" 2>&1 || true
for line in 'it@9.9 (asked, vm) --add build/on/9.9/sim/sim.ko --add build/on/9.9/split/split.ko --kernel 9.9' \
	'it (check, vm) --add build/sim/sim.ko --add build/split/split.ko' 'here@9.9 (asked, host) '; do
	grep -qx -- "$line" "$tmp/out" && result "@KERNEL: $line" true || result "@KERNEL: $line" false
done
printf 'it check host\n\techo "kernel ${HWDBM_KERNEL:-none}"; %s/say good\n' "$tmp" >"$tmp/tests/plan"
"$tmp/scripts/check" it@9.9 it >"$tmp/out" 2>&1 && grep -qx '4 passed, 0 failed' "$tmp/out" &&
	grep -q '^kernel 9.9$' "$tmp/build/log/it@9.9" && grep -q '^kernel none$' "$tmp/build/log/it" && good=true || good=false
result '@KERNEL: a command is told, and each has its log' $good

# refused TEXT NAME: wrong usage, and nothing is set up
refused() {
	local status=0 good=false
	rm -f "$tmp/labs"
	"$tmp/scripts/check" it@9.9 "$2" >"$tmp/out" 2>&1 || status=$?
	[ $status = 2 ] && grep -q -- "$1" "$tmp/out" && [ ! -e "$tmp/labs" ] && good=true
	result "@KERNEL: $2 is refused" $good
}

printf '%s\n\tp\n' 'it check+debug vm' 'here check host' 'root check root' >"$tmp/tests/plan"
refused "no test 'nobody@9.9'" nobody@9.9
refused "no test '@9.9'" @9.9
refused "no kernel ''" it@
refused "no kernel '8.8'" it@8.8
refused "no kernel '9.9@9.9'" it@9.9@9.9
refused "'debug-it' is for the debug kernel" debug-it@9.9
refused "'here' looks at no kernel" here@9.9
refused "'root' looks at no kernel" root@9.9
echo "1..$n"
[ $bad = 0 ]
