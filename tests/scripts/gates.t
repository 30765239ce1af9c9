#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Each gate passes a good tree and fails on each kind of bad one. Needs what the
# gates need: scripts/lab exec -- tests/scripts/gates.t [GATE]...

set -eu -o pipefail
cd "$(dirname "$0")/../.."

gates=$PWD/scripts/gates
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
n=0
failed=0
only=${*:-layers sizes no-if style words version sparse run}

# verdict NAME TRUE|FALSE
verdict() {
	n=$((n + 1))
	if [ "$2" = true ]; then
		echo "ok $n - $1"
		return
	fi
	failed=$((failed + 1))
	echo "not ok $n - $1"
	sed 's/^/# /' "$tmp/out"
}

# passes GATE NAME [ARGUMENT]...
passes() {
	local gate=$1 good=false
	if "$gates/$gate" "$tmp/tree" "${@:3}" >"$tmp/out" 2>&1 && grep -qx "ok - $gate" "$tmp/out"; then
		good=true
	fi
	verdict "$gate: $2" "$good"
}

# fails GATE TEXT NAME [ARGUMENT]...: with TEXT among the reasons
fails() {
	local gate=$1 status=0 good=false
	"$gates/$gate" "$tmp/tree" "${@:4}" >"$tmp/out" 2>&1 || status=$?
	if [ "$status" = 1 ] && grep -qx "not ok - $gate" "$tmp/out" && grep -q -- "^# .*$2" "$tmp/out"; then
		good=true
	fi
	verdict "$gate: $3" "$good"
}

# file NAME: its text from stdin; SPDX lines come by themselves
file() {
	mkdir -p "$tmp/tree/$(dirname "$1")"
	case $1 in
	*.h) { echo '/* SPDX-License-Identifier: GPL-2.0-only */'; cat; } ;;
	*.c) { echo '// SPDX-License-Identifier: GPL-2.0-only'; cat; } ;;
	*) cat ;;
	esac >"$tmp/tree/$1"
}

# A tree that every gate passes. It builds, too.
good_tree() {
	rm -rf "$tmp/tree"
	file src/version.h <<<'#define HWDBM_VERSION "1.2.3"'
	file dkms.conf <<<$'PACKAGE_VERSION="1.2.3"\nBUILD_EXCLUSIVE_KERNEL="^6\\.12\\."'
	file src/compat/probe/fence.c <<'END'
#if !VERIFIED(6, 12)
#error "no"
#endif
END
	file include/uapi/linux/empty.h <<<'/* Nothing. */'
	file Kbuild <<'END'
# SPDX-License-Identifier: GPL-2.0-only
obj-m := vfio_iommu_type1_hwdbm.o
vfio_iommu_type1_hwdbm-y := src/main.o src/pin.o src/bitmap.o
ccflags-y := -Wall -Wextra -Wno-unused-parameter
END
	file src/bitmap.h <<'END'
#ifndef BITMAP_H
#define BITMAP_H
int hwdbm_bitmap_one(int n);
#endif
END
	file src/bitmap.c <<'END'
#include <linux/types.h>
#include "bitmap.h"

/* #if mm_struct: a comment says what it likes. */
int hwdbm_bitmap_one(int n)
{
	return n + 1;
}
END
	file src/pin.h <<'END'
#ifndef PIN_H
#define PIN_H
struct mm_struct;
int hwdbm_pin_one(struct mm_struct *mm);
#endif
END
	file src/pin.c <<'END'
#include "bitmap.h"
#include "pin.h"

int hwdbm_pin_one(struct mm_struct *mm)
{
	return hwdbm_bitmap_one(!!mm);
}
END
	file src/main.c <<'END'
#include <linux/module.h>

#include "pin.h"

static int __init hwdbm_init(void)
{
	return hwdbm_pin_one(NULL);
}
module_init(hwdbm_init);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("a sample");
END
	cp .clang-format "$tmp/tree"
}

# good_tree and one change: append FILE, change FILE SED
append() {
	good_tree
	cat >>"$tmp/tree/$1"
}

change() {
	good_tree
	sed -i "$2" "$tmp/tree/$1"
}

# wide LINES: a function of so many lines
wide() {
	printf 'int f%d(int n)\n{\n' "$1"
	for ((i = 4; i < $1; i++)); do printf '\tn += %d;\n' "$i"; done
	printf '\treturn n;\n}\n'
}

test_layers() {
	good_tree
	passes layers 'a good tree'
	append src/bitmap.c <<<'#include "pin.h"'
	fails layers 'includes src/pin.h' 'an include upward'
	append src/bitmap.h <<<'#include "pin.h"'
	fails layers 'src/bitmap.h .*includes src/pin.h' 'an include upward in a header'
	append src/bitmap.c <<<'#include <linux/mm.h>'
	fails layers 'is pure and includes' 'a pure file with mm'
	append src/pin.c <<<'int pin_user(void __user *p);'
	fails layers 'says __user' '__user in pin'
	append src/main.c <<<'struct mm_struct *mm;'
	fails layers 'says mm_struct' 'mm_struct in main'
	append src/pin.c <<<'struct iommu_domain *d;'
	fails layers 'says iommu_domain' 'iommu_domain in pin'
	good_tree
	file src/container.c <<<$'struct iommu_domain *a;\nstruct iommu_domain *b;'
	passes layers 'iommu_domain in container twice'
	append src/container.c <<<$'struct iommu_domain *a;\nstruct iommu_domain *b;\nstruct iommu_domain *c;'
	fails layers 'says iommu_domain' 'and three times'
	append src/pin.c <<<'#include "probes.h"'
	fails layers 'which is for compat' 'the probes outside compat'
	append src/pin.c <<<'#include "compat/vfio_ops.h"'
	fails layers 'which is for container' "VFIO's ops outside container"
	append src/newcomer.c <<<'int x;'
	fails layers 'not in the table' 'a file that the table does not know'
	good_tree
	rm -r "$tmp/tree/src"
	fails layers 'no source' 'no source at all'
}

test_calls() {
	local object
	good_tree
	echo 'int hwdbm_pin_one(void *m) { return 0; }' >>"$tmp/tree/src/extra.c"
	mkdir -p "$tmp/objects/src"
	printf 'int hwdbm_bitmap_one(int n) { return n; }\n' >"$tmp/bitmap.c"
	printf 'int hwdbm_bitmap_one(int n); int hwdbm_pin_one(void *m) { return hwdbm_bitmap_one(1); }\n' >"$tmp/pin.c"
	rm "$tmp/tree/src/extra.c"
	for object in bitmap pin; do gcc -c -o "$tmp/objects/src/$object.o" "$tmp/$object.c"; done
	passes layers 'calls downward' "$tmp/objects"
	printf 'int hwdbm_pin_one(void *m); int hwdbm_bitmap_one(int n) { return hwdbm_pin_one(0); }\n' >"$tmp/bitmap.c"
	gcc -c -o "$tmp/objects/src/bitmap.o" "$tmp/bitmap.c"
	fails layers 'bitmap uses hwdbm_pin_one of pin' 'a call upward' "$tmp/objects"
}

test_sizes() {
	good_tree
	passes sizes 'a good tree'
	wide 80 | append src/pin.c
	for i in $(seq 40); do printf 'int g%d(void)\n{\n\treturn 0;\n}\n' "$i"; done >>"$tmp/tree/src/main.c"
	passes sizes 'one function of 80 lines among many'
	wide 81 | append src/pin.c
	fails sizes 'f81 has 81 lines' 'a function of 81 lines'
	{ echo 'static inline unsigned long'; wide 80 | sed 's/^int //'; } | append src/pin.h
	fails sizes 'f80 has 81 lines' 'the type on a line of its own counts'
	wide 61 | append src/pin.c
	fails sizes 'p95 of' 'one of four functions over 60 lines'
	printf '/* . */\n%.0s' {1..601} | append src/pin.c
	fails sizes 'src/pin.c: 6.. lines' 'a file over 600 lines'
	good_tree
	printf '/* . */\n%.0s' {1..601} | file tests/long.c
	fails sizes 'tests/long.c: 602 lines' 'a test over 600 lines'
	good_tree
	sed -i '/(/,$d' "$tmp"/tree/src/*.[ch]
	fails sizes 'no function' 'nothing to measure is no pass'
}

test_no_if() {
	good_tree
	passes no-if 'a good tree'
	append src/pin.c <<<$'#if 1\n#endif'
	fails no-if 'src/pin.c:9' 'an #if'
	append src/pin.c <<<$'#\tifdef X\n#endif'
	fails no-if 'ifdef X' 'an #ifdef with white space'
	append src/pin.h <<<$'#ifndef Y\n#define Y\n#endif'
	fails no-if 'ifndef Y' 'a second guard'
	change src/pin.h 's/#define PIN_H/#define OTHER_H/'
	fails no-if 'ifndef PIN_H' 'a guard that guards nothing'
	append src/trace.h <<<$'#ifdef X\n#endif'
	passes no-if 'trace.h may'
	append src/compat/mm.c <<<$'#if HWDBM_HAS_X\n#endif'
	passes no-if 'compat may'
	append src/compat/mm.c <<<'int v = LINUX_VERSION_CODE;'
	fails no-if 'LINUX_VERSION_CODE' 'a version number outside the fence'
	append src/pin.c <<<'int v = KERNEL_VERSION(6, 1, 0);'
	fails no-if 'KERNEL_VERSION' 'and outside compat'
}

test_style() {
	good_tree
	passes style 'a good tree'
	change src/pin.c 's/^\t/    /'
	fails style 'src/pin.c' 'spaces for a tab'
	change src/pin.c '/^int/{N;s/\n{/ {/}'
	fails style 'src/pin.c' 'a brace on the line of the function'
	change src/pin.c 's/(!!mm)/( !!mm )/'
	fails style 'src/pin.c' 'spaces inside parentheses'
	append src/pin.c <<<$'int f(int n)\n{\n\tif (n) return 1;\n\treturn 0;\n}'
	fails style 'src/pin.c' 'a statement behind its if'
	append src/pin.c <<<$'int f(int n)\n{\n\tif (n)\n\t{\n\t\tn++;\n\t\tn--;\n\t}\n\treturn n;\n}'
	fails style 'src/pin.c' 'a brace on a line of its own'
	append src/pin.c <<<'int a_long_line = 1111111111 + 1111111111 + 1111111111 + 1111111111 + 1111111111 + 1111111111 + 1111111;'
	fails style 'columns' 'a line over 100 columns'
	append src/pin.c <<<'int x; '
	fails style 'white space at the end' 'white space at the end'
	good_tree
	printf 'int x;' >>"$tmp/tree/src/pin.c"
	fails style 'no newline' 'no newline at the end of a file'
	append src/pin.c <<<$'static const int list[] = {\n\t1, 2, 3,\n\t4, 5, 6,\n};'
	passes style 'where a list breaks is free'
	append src/pin.c <<<$'int f(int n)\n{\n\treturn n ? 1 :\n\t\t   2;\n}\n\n#define ALIGNED\t\t5'
	passes style 'so are a ternary and columns'
	append src/pin.c <<<$'int f(int n)\n{\n\treturn n * 2 +\n\t\tn * 3;\n}'
	passes style 'so is the indentation of what goes on'
	append src/pin.c <<<$'int f(int n)\n{\n\tn++;\n\t\tn++;\n\treturn n;\n}'
	fails style 'src/pin.c:12' 'but not that of what begins'
	append src/pin.c <<<$'int f(int n)\n{\n\tswitch (n) {\n\tcase 1: n++; break;\n\t}\n\treturn n;\n}'
	fails style 'src/pin.c:12' 'a case on one line'
	good_tree
	rm "$tmp/tree/.clang-format"
	fails style 'no .clang-format' 'no configuration'
}

# The samples are put together here, or this file would name what it forbids.
test_words() {
	local word s=/ d=.
	good_tree
	passes words 'a good tree'
	change src/pin.c 1d
	fails words 'no SPDX line: src/pin.c' 'a source without SPDX'
	for word in "${s}work/main" "${s}root/.cache" "cd ${s}root" "${s}home/me" "\"${s}work\""; do
		append README.md <<<"see $word"
		fails words 'path of one machine: README.md' "path $word"
	done
	append README.md <<<'see $root/'"work and a/"'root/b and "$CACHE"/root'
	passes words 'paths that are not absolute'
	for word in "http://deb${d}example${d}org/debian" "https://pypi${d}org/simple" \
		"deb${d}debian${d}org/x" "ftp${d}de${d}debian${d}org"; do
		append README.md <<<"from $word"
		fails words 'host: README.md' "host in $word"
	done
	append README.md <<<'see https://docs.kernel.org/driver-api/vfio.html'
	passes words 'documentation of the kernel'
	append src/pin.c <<<'/* Copyright (C) 2012 Somebody */'
	fails words 'another work: src/pin.c' 'a copyright line'
	append src/pin.c <<<' *     Author: Some Body <some@body>'
	fails words 'another work: src/pin.c' "an author's line"
	append README.md <<<'This is teh text.'
	fails words 'teh' 'a typing error'
}

test_version() {
	good_tree
	passes version 'a good tree'
	change src/version.h 's/1.2.3/1.2.4/'
	fails version "'1.2.4' in src/version.h" 'two versions'
	change src/version.h d
	fails version "'' in src/version.h" 'no version'
	change dkms.conf 's/12/1[23]/'
	fails version '6.13: in dkms.conf yes' 'DKMS builds what the fence refuses'
	change src/compat/probe/fence.c 's/$/ \&\& !VERIFIED(6, 13) \&\& !VERIFIED(7, 3)/;q'
	fails version '7.3: in dkms.conf no' 'the fence admits what DKMS refuses'
	change src/compat/probe/fence.c d
	fails version 'no VERIFIED() in fence.c' 'no fence'
	append src/new.c <<<'int x;'
	fails version 'not in Kbuild: src/new.c' 'a file that is not built'
	change Kbuild 's|src/pin.o|& src/gone.o|'
	fails version 'in Kbuild only, or twice: src/gone.c' 'a file that is not there'
}

test_sparse() {
	good_tree
	passes sparse 'a good tree'
	append src/pin.c <<<$'int hwdbm_pin_read(int __user *p);\nint hwdbm_pin_read(int __user *p)\n{\n\treturn *p;\n}'
	fails sparse 'src/pin.c:.*dereference of noderef' 'a user pointer followed'
	append src/pin.c <<<$'static int unused(void)\n{\n\treturn 0;\n}'
	fails sparse 'src/pin.c:.*unused' "a compiler's warning"
	append src/pin.c <<<'int broken('
	fails sparse 'the build fails' 'a build that fails'
}

test_run() {
	local status=0 good=false
	good_tree
	cp -r "$gates" "$tmp/tree/gates.here"
	mkdir -p "$tmp/tree/scripts"
	mv "$tmp/tree/gates.here" "$tmp/tree/scripts/gates"
	"$tmp/tree/scripts/gates/run" layers sizes >"$tmp/out" || status=$?
	[ "$status:$(grep -c '^ok [12] - gate' "$tmp/out")" != 0:2 ] || good=true
	verdict 'run: two gates that pass' "$good"
	echo '#if 1' >>"$tmp/tree/src/pin.c"
	status=0
	good=false
	"$tmp/tree/scripts/gates/run" sizes no-if >"$tmp/out" || status=$?
	[ "$status:$(grep -c '^not ok 2 - gate no-if' "$tmp/out")" != 1:1 ] || good=true
	verdict 'run: one that fails' "$good"
	for gate in "$gates"/*; do
		case $gate in *.sh) continue ;; esac
		good=false
		! "$gate" --help 2>&1 | grep -q "^Usage: scripts/gates/${gate##*/}" || good=true
		verdict "${gate##*/}: --help" "$good"
	done
}

for gate in $only; do
	"test_${gate/-/_}"
	[ "$gate" != layers ] || test_calls
done
echo "1..$n"
[ "$failed" = 0 ]
