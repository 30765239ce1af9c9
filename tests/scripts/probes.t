#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# A probe's answer must never come from a broken setup, and what answers "no"
# on this kernel must be able to answer "yes". Needs a kernel's headers:
# scripts/lab exec -- tests/scripts/probes.t

set -eu -o pipefail
cd "$(dirname "$0")/../.."

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
probes=$PWD/src/compat/probe
headers=${KDIR:-$(echo /lib/modules/*/build | cut -d' ' -f1)}
n=0
failed=0

# result NAME STATUS: $tmp/out says why not
result() {
	n=$((n + 1))
	if [ "$2" = 0 ]; then
		echo "ok $n - $1"
		return
	fi
	failed=$((failed + 1))
	echo "not ok $n - $1"
	tail -n 20 "$tmp/out" | sed 's/^/# /'
}

# probe SCRIPT COMPILER...: from where Kbuild would run it
probe() {
	rm -f "$tmp/probes.h"
	(cd "$headers" && "$1/probe.sh" "$tmp/probes.h" "$tmp/log" "${@:2}") >"$tmp/out" 2>&1
}

# refused NAME TEXT PROBES COMPILER...: no header, and an error with TEXT
refused() {
	local good=1
	if ! probe "${@:3}" && grep -q -- "$2" "$tmp/out" && [ ! -e "$tmp/probes.h" ]; then
		good=0
	fi
	result "$1" "$good"
}

# says NAME PROBE ANSWER: in the header that is there
says() {
	local good=0
	grep -qx "#define HWDBM_HAS_$2 $3" "$tmp/probes.h" || good=1
	result "$1" "$good"
}

build() {
	make -C "$headers" M="$tmp/build" src/compat/mm.o >"$tmp/out" 2>&1
}

rebuilds() {
	build
	! grep -q PROBE "$tmp/out" || return 1
	touch "$tmp/build/src/compat/probe/generic_pt.c"
	build
	grep -q PROBE "$tmp/out"
}

# A newer kernel's headers, in front of this one's.
newer() {
	mkdir -p "$tmp/newer/linux/generic_pt" "$tmp/7.0/linux"
	: >"$tmp/newer/linux/generic_pt/iommu.h"
	cat >"$tmp/newer/linux/iommu.h" <<-END
		#include_next <linux/iommu.h>
		struct iommu_domain *iommu_paging_domain_alloc_flags(struct device *dev, unsigned int flags);
	END
	cat >"$tmp/7.0/linux/version.h" <<-END
		#define KERNEL_VERSION(a, b, c) (((a) << 16) + ((b) << 8) + (c))
		#define LINUX_VERSION_CODE KERNEL_VERSION(7, 0, 0)
	END
	echo '#undef CONFIG_VFIO_CONTAINER' >"$tmp/no_container.h"
}

mkdir "$tmp/build"
cp -r src include Kbuild "$tmp/build"
build || { echo "Bail out! no build"; sed 's/^/# /' "$tmp/out"; exit 1; }
# The command as Kbuild made it, without what probe.sh adds at its end.
read -ra cc <"$tmp/build/src/compat/probe/control_pass.log"
cc=("${cc[@]:0:${#cc[@]}-2}")
newer

echo 1..11
rebuilds && status=0 || status=1
result 'asked once, and again when a probe changes' "$status"

refused 'a compiler that always fails' 'control that must compile does not' "$probes" false
refused 'a compiler that never fails' 'control that must not compile does' "$probes" true
refused 'no compiler' 'control that must compile does not' "$probes" "$tmp/no-such-compiler"
cp -r "$probes" "$tmp/broken"
sed -i 's|<linux/mm.h>|<linux/no_such_header.h>|' "$tmp/broken/pin_remote_no_vmas.c"
refused 'a probe that lost its header does not say no' "cannot ask probe 'pin_remote_no_vmas'" \
	"$tmp/broken" "${cc[@]}"

refused 'another kernel' 'not verified on this kernel' "$probes" \
	"${cc[0]}" -I"$tmp/7.0" "${cc[@]:1}"
refused 'a kernel without containers' 'CONFIG_VFIO_CONTAINER is off' "$probes" \
	"${cc[@]}" -include "$tmp/no_container.h"

probe "$probes" "${cc[0]}" -I"$tmp/newer" "${cc[@]:1}" -DCONFIG_IOMMUFD=1 || true
says 'generic_pt can be seen' GENERIC_PT 1
says 'iommu_paging_domain_alloc_flags can be seen' PAGING_DOMAIN_ALLOC_FLAGS 1
says 'IOMMUFD can be seen' CONFIG_IOMMUFD 1
if ! scripts/check-probes 6.12 "$tmp/probes.h" >"$tmp/out" 2>&1 && grep -q '^+generic_pt 1' "$tmp/out"; then
	status=0
else
	status=1
fi
result 'check-probes finds the answers that are not those of 6.12' "$status"
[ "$failed" = 0 ]
