# SPDX-License-Identifier: GPL-2.0-only
# The guest's file system: a part that is the same for every run on a kernel,
# and one for the run. The kernel unpacks one archive after the other.
# Sourced, never run.
# shellcheck shell=bash

GUEST_INIT=$CHECKOUT/tests/vm/init
GUEST_MODULES='irqbypass iommufd vfio vfio_iommu_type1 vfio-pci-core vfio-pci'
GUEST_MODULES+=' virtio_blk squashfs' # for the disk of --clients
# What 6.1 has as modules: the ports that the guest's output leaves by, and a part of vfio-pci.
GUEST_MODULES+=' virtio virtio_ring virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio_console vfio_virqfd'
INITRAMFS_RECIPE=1 # raise it when make_initramfs changes what comes out

initramfs_dir() {
	printf '%s/initramfs/%s-%s\n' "$CACHE" "$1" "$(hash_of "$INITRAMFS_RECIPE" "$(root_dir)" \
		"$(kernel_dir "$1")" "$GUEST_MODULES" "$(cat "$GUEST_INIT" "$ARM64_END")")"
}

# guest_busybox KERNEL: for the guest's processor. The root's own is for this machine's.
guest_busybox() {
	if [ "$(kernel_arch "$1")" = arm64 ]; then
		printf '%s/busybox\n' "$(arm64_dir)"
	else
		printf '%s/usr/bin/busybox\n' "$(root_dir)"
	fi
}

need_initramfs() {
	[ ! -d "$(initramfs_dir "$1")" ] || return 0
	need_root
	need_kernel "$1"
	[ "$(kernel_arch "$1")" != arm64 ] || need_arm64
	make_once "$(initramfs_dir "$1")" make_initramfs "$1"
}

make_initramfs() {
	local name=$1 dir=$2 tree=$2/tree busybox applet
	busybox=$(root_dir)/usr/bin/busybox
	mkdir -p "$tree"/{bin,dev,proc,sys,tmp,run,etc,add,root,lib/modules}
	ln -s bin "$tree/sbin"
	cp "$(guest_busybox "$name")" "$tree/bin/busybox"
	"$busybox" --list | while read -r applet; do
		[ "$applet" = busybox ] || ln -s busybox "$tree/bin/$applet"
	done
	printf 'root:x:0:0:root:/root:/bin/sh\n' >"$tree/etc/passwd"
	printf 'root:x:0:\n' >"$tree/etc/group"
	cp "$GUEST_INIT" "$tree/init"
	chmod 755 "$tree/init"
	[ "$(kernel_arch "$name")" != arm64 ] || make_end_arm64 "$tree/bin/end"
	guest_modules "$name" "$tree"
	pack "$tree" >"$dir/base.cpio"
	remove_tree "$tree"
}

# Unpacked, since busybox loads no compressed modules.
guest_modules() {
	local release name file to
	release=$(kernel_release "$1")
	to=$2/lib/modules/$release
	mkdir -p "$to"
	cp "$(kernel_dir "$1")"/modules/modules.{order,builtin,builtin.modinfo} "$to/"
	for name in $GUEST_MODULES; do
		file=$(find "$(kernel_dir "$1")/modules/kernel" -name "$name.ko*")
		[ -z "$file" ] || unpack_module "$file" "$to/$name.ko"
	done
	enter -- / depmod -b "$2" "$release"
}

# unpack_module FILE TO: with the root's static busybox, which any host can run.
unpack_module() {
	case $1 in
	*.xz) "$(root_dir)/usr/bin/busybox" unxz -c "$1" >"$2" ;;
	*.zst) host_needs zstd zstd; zstd -dcq "$1" >"$2" ;;
	*) cp "$1" "$2" ;;
	esac
}

# pack DIR: a cpio archive of it on stdout.
pack() {
	local busybox
	busybox=$(root_dir)/usr/bin/busybox
	(cd "$1" && find . -mindepth 1 | "$busybox" cpio -o -H newc -R 0:0 2>/dev/null)
}

# add_path PATH TREE: PATH goes to /add/NAME, and the shared libraries that its
# programs need to where the loader looks for them.
add_path() {
	local path=$1 tree=$2 name
	[ -e "$path" ] || usage_error "--add $path: no such file"
	name=$(basename "$(realpath -s "$path")")
	[ ! -e "$tree/add/$name" ] || usage_error "--add: two paths are named $name"
	mkdir -p "$tree/add"
	cp -aH "$path" "$tree/add/$name"
	find -H "$path" -type f -size +3c -print0 | while IFS= read -r -d '' file; do
		[ "$(head -c 4 "$file" | tail -c 3)" != ELF ] || add_libraries "$file" "$tree"
	done
}

add_libraries() {
	local list library
	list=$(ldd "$1" 2>&1) || return 0 # static, or no program, or of another processor
	! grep -E 'not found' <<<"$list" >&2 ||
		usage_error "--add: $1 needs a library that this machine has not (build it static?)"
	grep -o '/[^ ]*' <<<"$list" | while read -r library; do
		[ -f "$library" ] || continue
		[ ! -e "$2$library" ] || continue
		mkdir -p "$2$(dirname "$library")"
		cp -L "$library" "$2$library"
	done
}
