#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# check-ops must see every way in which the mirror can be wrong. Runs where
# there are gcc and pahole: scripts/lab exec -- tests/scripts/check-ops.t

set -eu -o pipefail
cd "$(dirname "$0")/../.."

# pahole writes BTF by llvm-objcopy unless told otherwise.
export LLVM_OBJCOPY=objcopy
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
n=0
failed=0

# expect STATUS TEXT NAME ARGUMENT...: check-ops exits so and prints TEXT
expect() {
	local want=$1 text=$2 name=$3 status=0
	shift 3
	n=$((n + 1))
	scripts/check-ops "$@" >"$tmp/out" 2>&1 || status=$?
	if [ "$status" = "$want" ] && grep -q -- "$text" "$tmp/out"; then
		echo "ok $n - $name"
		return
	fi
	failed=$((failed + 1))
	echo "not ok $n - $name: status $status, wanted $want and '$text'"
	sed 's/^/# /' "$tmp/out"
}

# What both kinds of object have from the kernel proper.
cat >"$tmp/base.c" <<'END'
struct iommu_group { int id; };
struct iommu_group the_group;
unsigned long the_long;
END

# object NAME [SED [NOTIFY]]: a "module" with the mirror, changed by SED; with NOTIFY
# 1 it is that of a kernel that has notify()
object() {
	{
		echo 'typedef unsigned long dma_addr_t, size_t; typedef _Bool bool;'
		echo '#define static_assert(...)'
		echo '#define offsetof(...) 0'
		echo "#define HWDBM_HAS_VFIO_OPS_NOTIFY ${3:-0}"
		sed -e '/^#include/d' -e '/^static_assert/,/;/d' ${2:+-e "$2"} src/compat/vfio_ops.h
		echo 'struct vfio_iommu_driver_ops the_ops; enum vfio_group_type the_type;'
	} >"$tmp/$1.c"
	gcc -g -c -o "$tmp/$1.ko" "$tmp/$1.c"
	cp "$tmp/$1.ko" "$tmp/$1-dwarf.ko"
	pahole -J --btf_base "$tmp/base.o" "$tmp/$1.ko"
}

gcc -g -c -o "$tmp/base.o" "$tmp/base.c"
pahole -J "$tmp/base.o"
object stock
object same
object swapped 's/\*(\*open)(unsigned long arg)/TMP/; s/(\*release)(void \*iommu_data)/(*open)(unsigned long arg)/; s/TMP/(*release)(void *iommu_data)/'
object renamed 's/(\*unpin_pages)/(*unpin)/'
object retyped 's/size_t count, bool write/size_t count, int write/'
object longer 's/^\tchar \*name;/&\n\tvoid *extra;/'
object enum 's/^\tVFIO_NO_IOMMU,/\tVFIO_NEW, VFIO_NO_IOMMU,/'
object notify '' 1
echo 'int nothing;' >"$tmp/none.c"
gcc -g -c -o "$tmp/none.ko" "$tmp/none.c"
pahole -J --btf_base "$tmp/base.o" "$tmp/none.ko"
xz -k "$tmp/stock.ko"
zstd -q "$tmp/same.ko"

echo 1..16
expect 0 'same: vfio_group_type' 'equal types pass' "$tmp/base.o" "$tmp/stock.ko" "$tmp/same.ko"
expect 0 'same: vfio_iommu_driver_ops' 'compressed modules pass' "$tmp/base.o" "$tmp/stock.ko.xz" "$tmp/same.ko.zst"
expect 1 'DIFFERENT: vfio_iommu_driver_ops' 'two members swapped' "$tmp/base.o" "$tmp/stock.ko" "$tmp/swapped.ko"
expect 1 'DIFFERENT: vfio_iommu_driver_ops' 'a member renamed' "$tmp/base.o" "$tmp/stock.ko" "$tmp/renamed.ko"
expect 1 'DIFFERENT: vfio_iommu_driver_ops' 'an argument of another type' "$tmp/base.o" "$tmp/stock.ko" "$tmp/retyped.ko"
expect 1 'DIFFERENT: vfio_iommu_driver_ops' 'a member more' "$tmp/base.o" "$tmp/stock.ko" "$tmp/longer.ko"
expect 1 'DIFFERENT: vfio_group_type' 'an enumerator more' "$tmp/base.o" "$tmp/stock.ko" "$tmp/enum.ko"
expect 1 'DIFFERENT: vfio_iommu_driver_ops' 'the mirror of an older kernel' "$tmp/base.o" "$tmp/stock.ko" "$tmp/notify.ko"
expect 0 'same: vfio_iommu_driver_ops' 'the same on that kernel' "$tmp/base.o" "$tmp/notify.ko" "$tmp/notify.ko"
expect 0 'same: vfio_iommu_driver_ops' 'ours has DWARF only' "$tmp/base.o" "$tmp/stock.ko" "$tmp/same-dwarf.ko"
expect 1 'DIFFERENT: vfio_iommu_driver_ops' 'which tells a difference' "$tmp/base.o" "$tmp/stock.ko" "$tmp/retyped-dwarf.ko"
expect 2 'no type' 'a module without the type is no pass' "$tmp/base.o" "$tmp/stock.ko" "$tmp/none.ko"
expect 2 'no type' 'nor are two of them' "$tmp/base.o" "$tmp/none.ko" "$tmp/none.ko"
expect 2 'cannot read' 'a missing file' "$tmp/base.o" "$tmp/nowhere.ko" "$tmp/same.ko"
expect 2 'Usage' 'missing arguments' "$tmp/base.o"
expect 0 'Usage' 'help' --help
[ "$failed" = 0 ]
