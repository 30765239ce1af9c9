# SPDX-License-Identifier: GPL-2.0-only
# QEMU from Debian's source package with our patches. Sourced, never run.
#
# The unpacked source and its build folder are kept, so that a changed patch
# costs the few files it touches. Each finished QEMU is kept by the hash of its
# patches. It was linked in the build root, and brings its libraries along.
#
# TARGET is the guest's processor: x86_64 (the default) or aarch64. One
# configuration has both, since most files are the same in both, and each is built
# when it is asked for.
# shellcheck shell=bash

QEMU_SUITE=trixie
QEMU_RECIPE=1 # raise it when the steps below change what comes out
QEMU_CONFIGURE=(
	--target-list=x86_64-softmmu,aarch64-softmmu
	--without-default-features --enable-tcg --enable-kvm --enable-system
	--enable-fdt=system --disable-docs --disable-tools --disable-guest-agent
	--disable-download --disable-install-blobs --disable-debug-info
)
QEMU_FIRMWARE=(seabios qemu-system-data)
QEMU_PATCHES=$CHECKOUT/tests/qemu

# qemu_tree: version, firmware/, pristine/ and src/ (the same with our patches),
# build/.
qemu_tree() {
	printf '%s/qemu-tree/%s\n' "$CACHE" \
		"$(hash_of "$QEMU_SUITE" "$QEMU_RECIPE" "${QEMU_CONFIGURE[@]}" "${QEMU_PACKAGES[@]}")"
}

# qemu_dir [TARGET]
qemu_dir() {
	printf '%s/qemu/%s-%s\n' "$CACHE" "${1:-x86_64}" \
		"$(hash_of "$(qemu_tree)" "$(qemu_patches | xargs -r cat)")"
}

# qemu_binary [TARGET]
qemu_binary() {
	printf '%s/qemu-system-%s\n' "$(qemu_dir "$@")" "${1:-x86_64}"
}

# qemu_patches: the files that the series names, in order.
qemu_patches() {
	[ -r "$QEMU_PATCHES/series" ] || return 0
	sed 's/#.*//; s/[[:space:]]//g; /^$/d' "$QEMU_PATCHES/series" | sed "s|^|$QEMU_PATCHES/|"
}

# need_qemu [TARGET]
need_qemu() {
	local target=${1:-x86_64} file
	for file in $(qemu_patches); do
		[ -r "$file" ] || die "tests/qemu/series names $file, which is not there"
	done
	[ ! -d "$(qemu_dir "$target")" ] || return 0
	need_root
	make_once "$(qemu_tree)" make_qemu_tree
	make_once "$(qemu_dir "$target")" with_lock qemu-tree make_qemu "$target"
}

make_qemu_tree() {
	local dir=$1 conf
	conf=$(apt_state "$QEMU_SUITE" amd64)
	say "qemu: downloading source and firmware"
	mkdir -p "$dir/firmware"
	download_source "$conf" "$dir/dl" qemu
	download "$conf" "$dir/dl" "${QEMU_FIRMWARE[@]}"
	say "qemu: unpacking"
	# With Debian's own patches: its repacked source does not configure without.
	logged qemu-unpack enter -- "$dir/dl" sh -c 'exec dpkg-source --no-check -x qemu_*.dsc ../pristine'
	cp -a "$dir/pristine" "$dir/src"
	unpack_firmware "$dir"
	basename "$dir"/dl/qemu_*.dsc .dsc | sed 's/^qemu_//' >"$dir/version"
	rm -r "$dir/dl"
}

unpack_firmware() {
	local deb name
	for deb in "$1"/dl/*.deb; do
		dpkg-deb -x "$deb" "$1/fw"
	done
	# kvmvapic and linuxboot_dma load into every PC; pvh boots a vmlinux.
	for name in bios-256k.bin kvmvapic.bin linuxboot_dma.bin pvh.bin; do
		cp "$(find "$1/fw" -name "$name" ! -type l | head -n 1)" "$1/firmware/"
	done
	rm -r "$1/fw"
}

# make_qemu TARGET DIR
make_qemu() {
	local binary=qemu-system-$1 dir=$2 tree
	tree=$(qemu_tree)
	apply_patches "$tree"
	configure_qemu "$tree"
	say "$binary $(cat "$tree/version"): building with $(qemu_patches | wc -l) patches"
	logged qemu-build enter -- "$tree/build" nice ninja -j2 "$binary"
	collect_qemu "$tree" "$binary" "$dir"
	say "qemu: done"
}

configure_qemu() {
	[ ! -e "$1/build/.configured" ] || return 0
	say "qemu: configure"
	remove_tree "$1/build"
	mkdir "$1/build"
	logged qemu-configure enter -- "$1/build" \
		../src/configure "${QEMU_CONFIGURE[@]}"
	touch "$1/build/.configured"
}

# apply_patches TREE: src/ becomes pristine/ plus the patches, and a file that
# comes out the same keeps its time, so that ninja leaves it alone.
apply_patches() {
	local tree=$1 file
	say "qemu: patches: $(qemu_patches | xargs -r -n 1 basename | tr '\n' ' ')"
	touch "$tree/touched"
	{ cat "$tree/touched"; touched_files; } | sort -u >"$tree/touched.new"
	mv "$tree/touched.new" "$tree/touched" # before src/ changes
	remove_tree "$tree/stage"
	while read -r file; do
		mkdir -p "$tree/stage/$(dirname "$file")"
		[ ! -e "$tree/pristine/$file" ] || cp -a "$tree/pristine/$file" "$tree/stage/$file"
	done <"$tree/touched"
	for file in $(qemu_patches); do
		logged qemu-patch enter -- "$tree/stage" patch -p1 --no-backup-if-mismatch <"$file"
	done
	move_staged "$tree"
}

move_staged() {
	local file
	while read -r file; do
		if [ ! -e "$1/stage/$file" ]; then
			rm -f "$1/src/$file"
		elif ! cmp -s "$1/stage/$file" "$1/src/$file"; then
			mkdir -p "$1/src/$(dirname "$file")"
			cat "$1/stage/$file" >"$1/src/$file"
		fi
	done <"$1/touched"
	touched_files >"$1/touched"
	remove_tree "$1/stage"
}

# touched_files: what the patches name, without the a/ and b/.
touched_files() {
	qemu_patches | xargs -r sed -nE 's,^(---|\+\+\+) [ab]/([^[:space:]]*).*,\2,p' | sort -u
}

# collect_qemu TREE BINARY DIR: binary, libraries, firmware, and a script that
# puts them together on a machine with another libc.
collect_qemu() {
	local tree=$1 binary=$2 dir=$3 root
	root=$(root_dir)
	mkdir -p "$dir/lib"
	cp -r "$tree/firmware" "$dir/firmware"
	cp "$tree/build/$binary" "$dir/qemu.bin"
	enter -- / ldd "$tree/build/$binary" | grep -o '/[^ ]*' | sort -u |
		while read -r file; do cp -L "$root$file" "$dir/lib/"; done
	cat >"$dir/$binary" <<-'END'
		#!/bin/sh
		here=$(dirname "$(readlink -f "$0")")
		exec "$here/lib/ld-linux-x86-64.so.2" --library-path "$here/lib" \
			"$here/qemu.bin" -L "$here/firmware" "$@"
	END
	chmod +x "$dir/$binary"
	"$dir/$binary" --version >&2 || die "the built $binary does not run on this machine"
}
