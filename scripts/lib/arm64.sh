# SPDX-License-Identifier: GPL-2.0-only
# What an arm64 guest needs beside its kernel. Sourced, never run.
# shellcheck shell=bash

ARM64_RECIPE=1 # raise it when make_arm64 changes what comes out
ARM64_END=$CHECKOUT/tests/vm/end-arm64.S

# arm64_dir: busybox, static; firmware, UEFI for QEMU's virt machine. Of the root's
# suite, so that this busybox has the applets of the root's own.
arm64_dir() {
	printf '%s/arm64/%s\n' "$CACHE" "$(hash_of "$ROOT_SUITE" "$ARM64_RECIPE")"
}

need_arm64() {
	make_once "$(arm64_dir)" make_arm64
}

make_arm64() {
	download "$(apt_state "$ROOT_SUITE" arm64)" "$1/debs" busybox-static qemu-efi-aarch64
	unpack_debs "$1/debs" "$1/all"
	cp "$1/all/usr/bin/busybox" "$1/busybox"
	cp "$1/all/usr/share/qemu-efi-aarch64/QEMU_EFI.fd" "$1/firmware"
	remove_tree "$1/all"
}

# make_end_arm64 FILE: see tests/vm/end-arm64.S.
make_end_arm64() {
	enter --ro "$CHECKOUT" -- / aarch64-linux-gnu-gcc-14 -static -nostdlib -o "$1" "$ARM64_END"
}
