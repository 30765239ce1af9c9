#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# scripts/check-host against made-up machines: trees of fake sysfs and procfs
# files in a temporary directory. TAP; run with prove.
#
# Kernel version and range are fixed here (a copy of the script stands beside
# a dkms.conf of the test's own), so the module's real range may change freely.

set -u
export LC_ALL=C

SCRIPT=$(cd "$(dirname "$0")/../.." && pwd)/scripts/check-host
TMP=$(mktemp -d) || exit 1
trap 'chmod -R u+rwx "$TMP"; rm -rf "$TMP"' EXIT
chmod 755 "$TMP"

K=6.12.90+test-amd64 K61=6.1.0+test-amd64 K73=7.3.4+test-amd64
HARDWARE='verdict: this machine can use hardware dirty bits'
WITHOUT='verdict: this machine can use the module, but its IOMMU does not track dirty pages: every mapped page will be reported dirty'
NO_KERNEL=${WITHOUT/its IOMMU/its kernel}
CANNOT='verdict: this machine cannot use the module: '

# EFR values: HDSup 52, HASup 49, GASup 7, and one with the top bit set.
EFR_HD=12000000000080 EFR_NONE=80 EFR_TOP=f7f722294ada8080 EFR_NO_GA=12000000000000
# ECAP values: SMTS 43, SLADS 45, SLTS 46, SMPWC 48, IR 3.
ECAP_GOOD=1680000000008
declare -A ECAP_WITHOUT=([SLADS]=1480000000008 [SMPWC]=680000000008
	[SMTS]=1600000000008 [SLTS]=1280000000008)

tests=0 failures=0

# ---- checking -------------------------------------------------------------

result() {
	tests=$((tests + 1))
	if [ "$1" = ok ]; then
		echo "ok $tests - $2"
	else
		failures=$((failures + 1))
		echo "not ok $tests - $2"
		printf '#   %s\n' "${out//$'\n'/$'\n#   '}" "stderr: ${err//$'\n'/$'\n#   '}" \
			"exit status $status"
	fi
}

# run MACHINE [OPTION...]
run() {
	local machine=$1

	shift
	out=$("$TMP/pkg/scripts/check-host" --root "$TMP/$machine" "$@" 2>"$TMP/err")
	status=$?
	err=$(cat "$TMP/err")
}

# expect TEST COMMAND...: the command is true.
expect() {
	local name=$1

	shift
	if "$@"; then result ok "$name"; else result bad "$name"; fi
}

# ended STATUS PATTERN: exit status, begin of the last line, silence on stderr.
ended() { [ "$status" = "$1" ] && [ -z "$err" ] && [[ ${out##*$'\n'} == "$2"* ]]; }

# verdict STATUS LINE TEST: the exit status, the whole last line, and silence
# on stderr.
verdict() {
	if [ "$status" = "$1" ] && [ "${out##*$'\n'}" = "$2" ] && [ -z "$err" ]; then
		result ok "$3"
	else
		result bad "$3 (wanted $1, $2)"
	fi
}

has() {
	if grep -qE -- "$1" <<<"$out"; then result ok "$2"; else result bad "$2 (wanted $1)"; fi
}

has_not() {
	if grep -qE -- "$1" <<<"$out"; then result bad "$2 (unwanted $1)"; else result ok "$2"; fi
}

# ---- machines -------------------------------------------------------------

put() { mkdir -p "$TMP/${1%/*}" && printf '%s\n' "$2" >"$TMP/$1"; }

# interrupts MACHINE LINE: remapped, but for the IOMMU's own, which never is.
interrupts() {
	put "$1/proc/interrupts" "           CPU0       CPU1
  0:        154          0  IR-IO-APIC   2-edge      timer
  4:          2          0  IR-IO-APIC   4-edge      ttyS0
  9:          0          0  IR-IO-APIC   9-fasteoi   acpi
 24:          0          1  $2
 25:          0          0  IR-PCI-MSIX-0000:00:1e.0   0-edge      virtio0-config
 26:          2          0  IR-PCI-MSIX-0000:00:1e.0   1-edge      virtio0-virtqueues
NMI:          0          0   Non-maskable interrupts
LOC:       1219       1178   Local timer interrupts
ERR:          0
PIN:          0          0   Posted-interrupt notification event"
}

# machine NAME [KERNEL]: one with everything but an IOMMU of a kind.
machine() {
	local m=$1 K=${2-$K}

	put "$m/proc/sys/kernel/osrelease" "$K"
	put "$m/proc/cmdline" 'BOOT_IMAGE=/vmlinuz root=/dev/sda1 quiet'
	put "$m/proc/cpuinfo" 'vendor_id	: GenuineIntel'
	interrupts "$m" 'DMAR-MSI   0-edge      dmar0'
	put "$m/boot/config-$K" 'CONFIG_VFIO=m
CONFIG_VFIO_GROUP=y
CONFIG_VFIO_CONTAINER=y
CONFIG_VFIO_PCI=m
CONFIG_INTEL_IOMMU=y
CONFIG_INTEL_IOMMU_SCALABLE_MODE_DEFAULT_ON=y
CONFIG_AMD_IOMMU=y
CONFIG_MODULE_SIG=y
# CONFIG_IOMMUFD is not set'
	put "$m/lib/modules/$K/build/Makefile" ''
	put "$m/lib/modules/$K/modules.dep" 'kernel/drivers/vfio/vfio.ko.xz:
kernel/drivers/vfio/pci/vfio-pci.ko.xz: kernel/drivers/vfio/vfio.ko.xz'
	put "$m/sys/module/module/parameters/sig_enforce" N
	put "$m/sys/kernel/security/lockdown" '[none] integrity confidentiality'
	mkdir -p "$TMP/$m/sys/class/iommu" "$TMP/$m/sys/bus/pci/drivers"
	mkdir -p "$TMP/$m/sys/kernel/iommu_groups/3/devices/0000:01:00.0"
}

# The same with 6.1, whose VFIO has groups and containers without asking.
machine61() {
	machine "$1" "$K61"
	sed -i '/VFIO_GROUP/d; /VFIO_CONTAINER/d' "$TMP/$1/boot/config-$K61"
}

# amd MACHINE NAME FEATURES, intel MACHINE NAME ECAP
amd() { put "$1/sys/class/iommu/$2/amd-iommu/features" "$3"; }
intel() { put "$1/sys/class/iommu/$2/intel-iommu/ecap" "$3"; }

SMMU=smmu3.0x0000000009050000

# smmu MACHINE: one whose interrupts go through an ITS.
smmu() {
	local dir=$TMP/$1/sys/class/iommu/$SMMU

	mkdir -p "$dir"
	ln -s ../../../devices/platform/arm-smmu-v3.0.auto "$dir/device"
	put "$1/proc/interrupts" ' 47:  0  ITS-PCI-MSIX-0000:00:02.0   0 Edge  virtio0'
}

# smmu_log MACHINE TEXT...: what the kernel says of that SMMU, and of another.
smmu_log() {
	local m=$1 lines='arm-smmu-v3 arm-smmu-v3.1.auto: oas 44-bit (features 0x00000000)'

	shift
	put "$m/var/log/dmesg" "$(printf '%s\n' "$lines"
		printf '[    1.2] arm-smmu-v3 arm-smmu-v3.0.auto: %s\n' "$@")"
}

mkdir -p "$TMP/pkg/scripts"
cp "$SCRIPT" "$TMP/pkg/scripts/check-host"
put pkg/dkms.conf 'PACKAGE_NAME="hwdbm-test"
BUILD_EXCLUSIVE_KERNEL="^(6\.1|6\.12|7\.3)\.[0-9]+[+]test"'

# ---- AMD-Vi ---------------------------------------------------------------

machine amd; amd amd ivhd0 "$EFR_HD:0"
run amd
verdict 0 "$HARDWARE" 'AMD with HDSup'
has '^yes +dirty tracking, ivhd0:.*HDSup \(bit 52\) set, HASup \(bit 49\) set' 'AMD: the bits are named'
has_not '^(no|unknown) +(IOMMU|interrupts|kernel|own|VFIO)' 'AMD: nothing else is amiss'

machine amdtop; amd amdtop ivhd0 "$EFR_TOP:10"
run amdtop
verdict 0 "$HARDWARE" 'AMD: an EFR with its top bit set'

machine amdno; amd amdno ivhd0 "ffefffffffffffff:0"
run amdno
verdict 1 "$WITHOUT" 'AMD without HDSup and every other bit set'
has '^no +dirty tracking, ivhd0:.*HDSup \(bit 52\) clear, HASup \(bit 49\) set' 'AMD without: said so'

machine amdefr2; amd amdefr2 ivhd0 "$EFR_NONE:$EFR_HD"
run amdefr2
verdict 1 "$WITHOUT" 'AMD: from 6.7 on EFR2 does not count as EFR'
put amdefr2/proc/sys/kernel/osrelease 6.1.0-9
run amdefr2 --kernel "$K"
verdict 0 "$HARDWARE" 'AMD: before 6.7 the EFR comes second'

machine amdnoga; amd amdnoga ivhd0 "$EFR_NO_GA:0"
run amdnoga
verdict 1 "$WITHOUT" 'AMD: HDSup without GASup is ignored by the driver'

machine amdivrs; amd amdivrs ivhd0 "$EFR_HD:0"
mkdir -p "$TMP/amdivrs/sys/firmware/acpi/tables"
{ head -c 36 /dev/zero; printf '\040'; } >"$TMP/amdivrs/sys/firmware/acpi/tables/IVRS"
run amdivrs
verdict 1 "$WITHOUT" 'AMD: no EFR in the ACPI table'
{ head -c 36 /dev/zero; printf '\041'; } >"$TMP/amdivrs/sys/firmware/acpi/tables/IVRS"
run amdivrs
verdict 0 "$HARDWARE" 'AMD: EFR in the ACPI table'

machine amdmix; amd amdmix ivhd0 "$EFR_HD:0"; amd amdmix ivhd1 "$EFR_NONE:0"; amd amdmix ivhd2 "$EFR_TOP:0"
run amdmix
verdict 0 "$HARDWARE, but only for devices behind ivhd0, ivhd2 (not ivhd1)" 'mixed: which IOMMUs'
has '^info +dirty tracking: mixed' 'mixed: said'

machine amdv2; amd amdv2 ivhd0 "$EFR_HD:0"; put amdv2/proc/cmdline 'amd_iommu=pgtbl_v2'
run amdv2
verdict 0 "$HARDWARE" 'AMD: pgtbl_v2 does not matter'

machine amd73 "$K73"; amd amd73 ivhd0 "$EFR_HD:0"
run amd73
verdict 0 "$HARDWARE" 'AMD on 7.3'
has '^yes +dirty tracking, ivhd0:.*HDSup \(bit 52\) set' 'AMD on 7.3: dirty bits'
has_not '^(no|unknown) +(IOMMU|interrupts|kernel|own|VFIO)' 'AMD on 7.3: nothing else is amiss'
put amd73/var/log/dmesg '[    0.4] AMD-Vi: Host Address Translation is not supported.'
run amd73
verdict 1 "$WITHOUT" 'AMD: the log says that there are no host tables'
has '^no +dirty tracking, ivhd0:.*does not translate with host tables' 'AMD without host tables: said'
rm "$TMP/amd73/var/log/dmesg"; amd amd73 ivhd0 "${EFR_HD%080}c80:0"
run amd73
verdict 1 "$WITHOUT" 'AMD on 7.3: HATS is 3'
amd amd73 ivhd0 "${EFR_HD%080}880:0"
run amd73
verdict 0 "$HARDWARE" 'AMD on 7.3: HATS is 2'
amd amd ivhd0 "${EFR_HD%080}c80:0"
run amd
verdict 0 "$HARDWARE" 'AMD on 6.12: HATS does not matter'
amd amd ivhd0 "$EFR_HD:0"

# ---- VT-d -----------------------------------------------------------------

machine intel; intel intel dmar0 "$ECAP_GOOD"; intel intel dmar1 "$ECAP_GOOD"
run intel
verdict 0 "$HARDWARE" 'Intel with SLADS, SMPWC and scalable mode'
has '^yes +dirty tracking, dmar1:.*scalable mode on \(the default' 'Intel: why scalable mode is on'

machine flawed
for flaw in "${!ECAP_WITHOUT[@]}"; do
	intel flawed dmar0 "${ECAP_WITHOUT[$flaw]}"
	run flawed
	verdict 1 "$WITHOUT" "Intel without $flaw"
	has "lacks $flaw \(bit [0-9]+\)$" "Intel without $flaw: it and nothing else is named"
done

SM_OFF="$WITHOUT (booted with intel_iommu=on,sm_on it would track them)"
put intel/proc/cmdline 'intel_iommu=on,sm_off'
run intel
verdict 1 "$SM_OFF" 'Intel: sm_off'
has '-> boot with intel_iommu=on,sm_on' 'Intel: what to do about sm_off'
put intel/proc/cmdline 'intel_iommu=sm_off intel_iommu=on,sm_on'
run intel
verdict 0 "$HARDWARE" 'Intel: the last of sm_on and sm_off wins'

sed -i '/SCALABLE/d' "$TMP/intel/boot/config-$K"
put intel/proc/cmdline 'intel_iommu=on'
run intel
verdict 1 "$SM_OFF" 'Intel: scalable mode off by default'
put intel/proc/cmdline 'intel_iommu=on,sm_on'
run intel
verdict 0 "$HARDWARE" 'Intel: sm_on'

machine intel73 "$K73"; intel intel73 dmar0 "$ECAP_GOOD"
run intel73
verdict 0 "$HARDWARE" 'Intel on 7.3'

# ---- SMMUv3 ---------------------------------------------------------------

MAYBE='verdict: this machine can use the module, but it is unknown whether its IOMMU tracks dirty pages: if not, every mapped page will be reported dirty'
HTTU='(features 0x0061bfef)' NO_HTTU='(features 0x0001bfef)' INCOHERENT='(features 0x0061beef)'

machine arm; smmu arm
run arm
verdict 1 "$MAYBE" 'SMMUv3, no log: unknown'
has '^unknown +dirty tracking, smmu3.*: it could not be read$' 'SMMUv3, no log: said'
has '-> look as root: dmesg ' 'SMMUv3, no log: what to do'
has '^yes +interrupts remapped: .*ITS-' 'an ITS isolates interrupts'
smmu_log arm 'option mask 0x0'
run arm
verdict 1 "$MAYBE" "SMMUv3: another's line does not count"
has '^unknown +dirty tracking, smmu3.*: it holds no such line$' 'SMMUv3, log without the line: said'
for line in "ias 44-bit, oas 44-bit $HTTU" "oas 44-bit $HTTU"; do
	smmu_log arm "$line"
	run arm
	verdict 0 "$HARDWARE" "SMMUv3 with HTTU: $line"
	has '^yes +dirty tracking, smmu3.*features 0x0061bfef in' "SMMUv3: named: $line"
done
for line in "$NO_HTTU" "$INCOHERENT"; do
	smmu_log arm "ias 44-bit, oas 44-bit $line"
	run arm
	verdict 1 "$WITHOUT" "SMMUv3 without what is needed: $line"
	has '-> the hardware cannot, or' "SMMUv3 without: $line: why"
done
smmu_log arm 'IDR0.HTTU features(0x600000) overridden by FW configuration (0x0)' "oas 44-bit $NO_HTTU"
run arm
verdict 1 "$WITHOUT" 'SMMUv3: IORT denies HTTU'
has '-> by the kernel log the ACPI table IORT' 'SMMUv3: IORT is blamed'
rm "$TMP/arm/sys/class/iommu/$SMMU/device"
smmu_log arm "oas 44-bit $HTTU"
run arm
verdict 1 "$MAYBE" 'SMMUv3 of no known device'

machine arm73 "$K73"; smmu arm73; smmu_log arm73 "oas 44-bit $HTTU"
put arm73/proc/interrupts ' 47:  0  ITS-v5-PCI-MSIX-0000:00:02.0   0 Edge  virtio0'
run arm73
verdict 0 "$HARDWARE" 'SMMUv3 with HTTU on 7.3, interrupts of a GICv5'

# ---- 6.1, whose IOMMU drivers know no dirty bits --------------------------

machine61 amd61; amd amd61 ivhd0 "0:$EFR_HD"
machine61 intel61; intel intel61 dmar0 "$ECAP_GOOD"
machine61 arm61; smmu arm61; smmu_log arm61 "ias 44-bit, oas 44-bit $NO_HTTU"
for m in amd61 intel61 arm61; do
	run $m
	verdict 1 "$NO_KERNEL" "$m: usable, every page is dirty"
	has "^no +dirty tracking, [a-z]+[0-9].*: this kernel's IOMMU drivers know no dirty bits \\(${K61//+/.}" "$m: why"
	has '-> boot 6.12 or newer' "$m: what to do"
	has '^yes +kernel configuration: .*: VFIO=m, VFIO_PCI=m, IOMMUFD=n$' "$m: the configuration will do"
	has_not '^(no|unknown) +(IOMMU|interrupts|kernel|own|VFIO)' "$m: nothing else is amiss"
	run $m --kernel 6.12.0
	has_not 'know no dirty bits' "$m: as 6.12 would see it"
done
has '^unknown +dirty tracking, smmu3.*may not look for hardware update' "SMMUv3: 6.1's log does not tell"
run amd61 --kernel 6.12.0
has '^yes +dirty tracking, ivhd0:' 'AMD on 6.1: 6.12 would see the dirty bits'
sed -i '/CONFIG_VFIO=/d' "$TMP/amd61/boot/config-$K61"
run amd61
verdict 2 "${CANNOT}the kernel lacks CONFIG_VFIO" '6.1 without VFIO'
rm "$TMP/amd61/boot/config-$K61"
run amd61
has 'needed: VFIO$' '6.1: what is needed'
machine61 virtio61; mkdir -p "$TMP/virtio61/sys/class/iommu/virtio0"
run virtio61
verdict 1 "$NO_KERNEL" '6.1, another kind of IOMMU'
has '^no +dirty tracking, virtio0: not AMD-Vi' '6.1, another kind: no kernel would do'

# ---- other kinds ----------------------------------------------------------

machine virtio; mkdir -p "$TMP/virtio/sys/class/iommu/virtio0"
run virtio
verdict 1 "$WITHOUT" 'another kind of IOMMU'

# ---- no IOMMU -------------------------------------------------------------

machine none; rmdir "$TMP/none/sys/kernel/iommu_groups/3/devices/"* ; rm -r "$TMP/none/sys/kernel/iommu_groups/3"
run none
verdict 2 "${CANNOT}no IOMMU is on" 'no IOMMU'
has 'VT-d on in the firmware setup, and boot with intel_iommu=on' 'no IOMMU: what to do on Intel'
put none/proc/cpuinfo 'vendor_id	: AuthenticAMD'
run none
has '-> switch IOMMU \(AMD-Vi\) on' 'no IOMMU: what to do on AMD'
put none/proc/cmdline 'amd_iommu=off quiet'
run none
has '-> remove amd_iommu=off' 'no IOMMU: the command line is blamed'
put none/proc/cmdline quiet
sed -i '/AMD_IOMMU/d' "$TMP/none/boot/config-$K"
run none
has '-> this kernel has no CONFIG_AMD_IOMMU' 'no IOMMU: the kernel is blamed'
amd none ivhd0 "$EFR_HD:0"
run none
verdict 2 "${CANNOT}no device is behind an IOMMU" 'an IOMMU without groups'

# ---- interrupts -----------------------------------------------------------

machine noir; intel noir dmar0 1680000000000
put noir/proc/interrupts ' 9:  0  0  IO-APIC   9-fasteoi   acpi
 25:          7          1  PCI-MSIX-0000:01:00.0   0-edge      nvme0q0'
run noir
verdict 2 "${CANNOT}interrupts are not remapped" 'interrupts not remapped'
has 'ECAP bit 3 clear: dmar0.*allow_unsafe_interrupts=1.*trust' 'not remapped: why, workaround and risk'
put noir/sys/module/vfio_iommu_type1_hwdbm/parameters/allow_unsafe_interrupts Y
run noir
verdict 0 "$HARDWARE" 'not remapped, but allowed'

machine irq
for line in 'DMAR-MSI   0-edge      dmar0' 'PCI-MSI   0-edge      dmar1' \
	'PCI-MSI-0000:00:01.0   0-edge      AMD-Vi' 'PCI-MSI 4096-edge      AMD-Vi0-Evt'; do
	interrupts irq "$line"
	run irq
	has '^yes +interrupts remapped: /proc/interrupts has IR-IO-APIC$' "the IOMMU's own does not count: $line"
done
interrupts irq 'PCI-MSI-0000:01:00.0   0-edge      nvme0q0'
run irq
has '^unknown +interrupts remapped: .* has IR-IO-APIC, but also PCI-MSI-0000:01:00.0: some are' 'some interrupts are remapped'
put irq/proc/interrupts ' 24:   0   0  PCI-MSI-0000:00:01.0   0-edge      AMD-Vi
 25:   7   1  PCI-MSIX-0000:01:00.0   0-edge      nvme0q0'
run irq
has '^no +interrupts remapped: .* has PCI-MSIX-0000:01:00.0, without' "none are, beside the IOMMU's own"

machine noirq; amd noirq ivhd0 "$EFR_HD:0"; rm "$TMP/noirq/proc/interrupts"
run noirq
verdict 2 'verdict: unknown whether this machine can use the module; not found out: whether interrupts are remapped' \
	'nothing from which to tell'
put noirq/var/log/dmesg '[    0.51] AMD-Vi: Interrupt remapping enabled'
run noirq
verdict 0 "$HARDWARE" 'the kernel log says that interrupts are remapped'

# ---- the kernel -----------------------------------------------------------

machine old; amd old ivhd0 "$EFR_HD:0"
run old --kernel 6.1.0-9-amd64
has '^no +kernel version: 6.1.0-9-amd64 is not in the range' 'kernel out of range'
expect 'out of range: verdict' ended 2 "${CANNOT}kernel 6.1.0-9-amd64 is not supported"
put old/proc/sys/kernel/osrelease 6.13.1+test
run old
has 'kernel version: 6.13.1' 'the running kernel is the one that is judged'

machine iommufd; amd iommufd ivhd0 "$EFR_HD:0"
echo CONFIG_IOMMUFD_VFIO_CONTAINER=y >>"$TMP/iommufd/boot/config-$K"
run iommufd
verdict 2 "${CANNOT}iommufd has taken /dev/vfio/vfio over" 'iommufd in the place of VFIO containers'
sed -i '/IOMMUFD/d; /VFIO_GROUP/d' "$TMP/iommufd/boot/config-$K"
run iommufd
verdict 2 "${CANNOT}the kernel lacks CONFIG_VFIO_GROUP" 'no VFIO groups'
rm "$TMP/iommufd/boot/config-$K"
run iommufd
verdict 2 'verdict: unknown whether this machine can use the module; not found out: the kernel configuration' \
	'no configuration'
printf 'CONFIG_VFIO=y\nCONFIG_VFIO_GROUP=y\nCONFIG_VFIO_CONTAINER=y\n' | gzip >"$TMP/iommufd/proc/config.gz"
run iommufd
verdict 0 "$HARDWARE" 'the configuration in /proc/config.gz'

machine sealed; amd sealed ivhd0 "$EFR_HD:0"
put sealed/sys/kernel/security/lockdown 'none [integrity] confidentiality'
rm -r "$TMP/sealed/lib/modules/$K/build"
run sealed
verdict 0 "$HARDWARE (still missing: kernel headers, a signature for the module)" 'Secure Boot, no headers'
has 'mokutil --import' 'Secure Boot: what to do'
rm "$TMP/sealed/sys/kernel/security/lockdown"
put sealed/sys/module/module/parameters/sig_enforce Y
run sealed
has '^no +own modules load: module.sig_enforce' 'signatures enforced'

machine bare; amd bare ivhd0 "$EFR_HD:0"; : >"$TMP/bare/lib/modules/$K/modules.dep"
run bare
verdict 2 "${CANNOT}there is no vfio module" 'no vfio module'

# ---- our module -----------------------------------------------------------

machine loaded; amd loaded ivhd0 "$EFR_HD:0"
run loaded
has '^no +our module: .* not installed' 'our module is not there'
echo 'updates/dkms/vfio_iommu_type1_hwdbm.ko.xz: kernel/drivers/vfio/vfio.ko.xz' >>"$TMP/loaded/lib/modules/$K/modules.dep"
run loaded
has '^yes +our module: .* is installed for .* not loaded' 'our module is installed'
put loaded/sys/module/vfio_iommu_type1_hwdbm/version 1.2
run loaded
has '^yes +our module: .* loaded, version "1.2"' 'our module is loaded'
has '^info +VFIO device: no PCI device' 'no device is bound'

# ---- types 1 and 3 --------------------------------------------------------

OURS='vfio_iommu_type1_hwdbm 151552 0 - Live 0x0000000000000000 (OE)'
STOCK='vfio_iommu_type1 49152 2 - Live 0x0000000000000000'
VFIO='vfio_pci 16384 0 - Live 0x0000000000000000
vfio_pci_core 94208 1 vfio_pci, Live 0x0000000000000000'
CORE='vfio 69632 4 vfio_iommu_type1_hwdbm,vfio_pci_core,vfio_iommu_type1, Live 0x0000000000000000'

# claiming CLAIM LINE...: the parameter, and /proc/modules, newest first.
claiming() {
	put claim/sys/module/vfio_iommu_type1_hwdbm/parameters/claim "$1"
	shift
	put claim/proc/modules "$(printf '%s\n' "$@")"
	run claim
}

machine claim; amd claim ivhd0 "$EFR_HD:0"
run claim
has '^info +types 1 and 3: not ours: our module is not loaded' 'types 1 and 3: without our module'
has '-> to make them ours: "options vfio_iommu_type1_hwdbm claim=all" in a file of /etc/modprobe.d ' 'and how to have them'
put claim/sys/module/vfio_iommu_type1_hwdbm/version 1.2
run claim
has '^unknown +types 1 and 3: /sys/module/.*/claim is missing' 'no parameter claim'
claiming none "$STOCK" "$OURS" "$CORE"
has '^info +types 1 and 3: not ours: claim=none' 'claim=none, whatever the order'
has '-> to make them ours: "options vfio_iommu_type1_hwdbm claim=all"' 'claim=none: how to change it'
for claim in hwdbm all; do
	claiming $claim "$OURS" "$VFIO" "$STOCK" "$CORE"
	has "^yes +types 1 and 3: ours, claim=$claim: " "claim=$claim, ours is the newest"
	verdict 0 "$HARDWARE" "claim=$claim: the verdict"
	claiming $claim "$VFIO" "$OURS" "$CORE"
	has "^yes +types 1 and 3: ours, claim=$claim: " "claim=$claim without stock"
	claiming $claim "$STOCK" "$VFIO" "$OURS" "$CORE"
	has "^no +types 1 and 3: vfio_iommu_type1 was loaded after our module .*claim=$claim has no effect" "claim=$claim, stock is newer"
	has '-> once no container of ours is open: modprobe -r vfio_iommu_type1_hwdbm, then modprobe vfio_iommu_type1_hwdbm,' 'and what to do'
	verdict 0 "$HARDWARE (still missing: our module loaded after stock)" "claim=$claim, dead: the verdict"
done
has_not 'first group has' 'claim=all: all'
claiming hwdbm "$OURS" "$STOCK" "$CORE"
has 'claim=hwdbm: those whose first group has dirty bits' 'claim=hwdbm: which'
claiming all "$VFIO" "$CORE" "${OURS/hwdbm/other}"
has '^unknown +types 1 and 3: claim=all, .* our module is not in /proc/modules' 'the order is not there'
rm "$TMP/claim/proc/modules"
run claim
has '^unknown +types 1 and 3: claim=all, .* /proc/modules is missing' 'nothing to see the order in'
claiming 'al(l)' "$OURS" "$STOCK"
has '^unknown +types 1 and 3: the parameter claim holds "al\(l\)"' 'garbage in claim'

# ---- devices --------------------------------------------------------------

g=loaded/sys/kernel/iommu_groups/3/devices
mkdir -p "$TMP/$g/0000:00:01.0" "$TMP/loaded/sys/bus/pci/drivers/"{vfio-pci/0000:01:00.0,pcieport/0000:00:01.0}
mkdir -p "$TMP/loaded/sys/class/iommu/ivhd0/devices/0000:01:00.0"
run loaded
has '^info +VFIO device: 0000:01:00.0 behind ivhd0, group 3 is viable$' 'a viable group'
mkdir -p "$TMP/$g/0000:01:00.1" "$TMP/loaded/sys/bus/pci/drivers/snd_hda_intel/0000:01:00.1"
run loaded
has 'group 3 is not viable: 0000:01:00.1 has driver snd_hda_intel$' 'a group that is not viable'

# ---- garbage, missing and unreadable files --------------------------------

# shellcheck disable=SC2016 # nothing of this may be expanded, here or there
garbage=('' ':' 'zz' '0x' "$EFR_HD:" ":$EFR_HD" '1:2:3' '11111111111111111:0' '$(touch x):0' '-1:0' '1 2')
machine junk
for i in "${!garbage[@]}"; do
	amd junk "ivhd$i" "${garbage[i]}"
	intel junk "dmar$i" "${garbage[i]}"
done
intel junk dmar99 "$ECAP_GOOD:0"
run junk
verdict 1 "$MAYBE" 'garbage in features and ecap'
for i in "${!garbage[@]}"; do
	has "^unknown +dirty tracking, ivhd$i: the features file holds \"" "AMD: features holds '${garbage[i]}'"
	has "^unknown +dirty tracking, dmar$i: the ecap file holds \"" "Intel: ecap holds '${garbage[i]}'"
done
has '^unknown +dirty tracking, dmar99:' 'Intel: ecap holds two values'

# shellcheck disable=SC2016
noise() { head -c 3000 /dev/urandom; printf '\0\n\0[*]\n$(exit)\033[31m'; }
find "$TMP/junk" -type f | while read -r file; do noise >"$file"; done
run junk
expect 'noise in every file: unknown' ended 2 'verdict: unknown whether'
has_not '^yes +(dirty|kernel|interrupts|VFIO)' 'noise: nothing is taken for good'
has_not '[^[:print:]]' 'noise: only printable text comes out'

mkdir "$TMP/empty"
run empty
expect 'an empty tree: unknown' ended 2 'verdict: unknown whether'
has '^unknown +IOMMU on: /sys/class/iommu is missing' 'an empty tree: what is missing'

machine lacking; mkdir -p "$TMP/lacking/sys/class/iommu/ivhd0/amd-iommu"
run lacking
verdict 1 "$MAYBE" 'no features file'
has 'features is missing' 'no features file: said'

# As nobody: what only root may read must be said, not taken for absent.
machine secret; amd secret ivhd0 "$EFR_HD:0"
chmod 000 "$TMP/secret/boot/config-$K" "$TMP/secret/sys/class/iommu/ivhd0/amd-iommu/features"
as_nobody=()
[ "$(id -u)" != 0 ] || as_nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)
out=$("${as_nobody[@]}" "$TMP/pkg/scripts/check-host" --root "$TMP/secret" 2>"$TMP/err")
status=$? err=$(cat "$TMP/err")
verdict 2 'verdict: unknown whether this machine can use the module; not found out: the kernel configuration' 'without root: no shell error'
has 'features cannot be read without root' 'without root: the IOMMU'\''s file'
has 'config-.* cannot be read without root' 'without root: the configuration'
has '^info +kernel log: could not be read' 'without root: the kernel log'
chmod 644 "$TMP/secret/boot/config-$K" "$TMP/secret/sys/class/iommu/ivhd0/amd-iommu/features"
out=$("${as_nobody[@]}" "$TMP/pkg/scripts/check-host" --root "$TMP/secret" 2>"$TMP/err")
status=$? err=$(cat "$TMP/err")
verdict 0 "$HARDWARE" 'without root: enough to tell'

# ---- dkms.conf, options ---------------------------------------------------

put pkg/dkms.conf 'BUILD_EXCLUSIVE_KERNEL="^6\.(12"'
run amd
verdict 2 'verdict: unknown whether this machine can use the module; not found out: the range of kernels' 'a broken range'
rm "$TMP/pkg/dkms.conf"
run amd
verdict 2 'verdict: unknown whether this machine can use the module; not found out: the range of kernels' 'no dkms.conf'

for options in '--root' "--root $TMP/absent" '--kernel' '--kernel ../x' '--kernel=' '--what' 'word'; do
	# shellcheck disable=SC2086 # words are meant to be split
	out=$("$SCRIPT" $options 2>"$TMP/err")
	status=$? err=$(cat "$TMP/err")
	expect "usage error: $options" grep -q '^Usage: check-host' "$TMP/err"
	expect "usage error: $options: status" [ "$status:$out" = 3: ]
done
out=$("$SCRIPT" --help 2>"$TMP/err")
status=$? err=$(cat "$TMP/err")
expect 'help' ended 0 ''
has 'Exit status: 0' 'help: the exit statuses'

find "$TMP/amd" -printf '%P %s %T@\n' | sort >"$TMP/before"
run amd
find "$TMP/amd" -printf '%P %s %T@\n' | sort >"$TMP/after"
expect 'nothing is changed' cmp -s "$TMP/before" "$TMP/after"

echo "1..$tests"
[ "$failures" -eq 0 ]
