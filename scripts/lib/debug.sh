# SPDX-License-Identifier: GPL-2.0-only
# The debug kernel, compiled from Debian's source package. Sourced, never run.
#
# What comes out looks like a stock kernel's folder (kernel.sh), headers and all,
# so that everything else treats it as one. The source tree is kept with what was
# compiled there: an interrupted build goes on, and a change to the configuration
# costs what it touches.
# shellcheck shell=bash

DEBUG_CONFIG=$CHECKOUT/tests/vm/debug
DEBUG_TREE_RECIPE=1   # raise it when make_debug_tree changes what comes out
DEBUG_KERNEL_RECIPE=2 # likewise make_debug_kernel

# What the kernel's build wants beyond the build root. Unpacked over a copy of
# it that only this build sees: the root itself is in the hash of QEMU's.
DEBUG_TOOLS=(bc bison flex libelf-dev m4)

# Sources of things that a PC in QEMU has not. Their Kconfig files are read.
DEBUG_LEAVES_OUT=(
	'*/Documentation/*.[a-z]*' '*/arch/[a-wyz]*/*.[chSs]' '*/arch/[a-wyz]*/*.dts*'
	'*/drivers/gpu/*.[ch]' '*/drivers/net/*/*.[ch]' '*/drivers/media/*.[ch]'
	'*/drivers/infiniband/*.[ch]' '*/drivers/scsi/*.[ch]' '*/drivers/staging/*.[ch]'
	'*/drivers/accel/*.[ch]' '*[0-9]/sound/*.[ch]' '*/tools/testing/*' '*/tools/perf/*'
)

# debug_kernel ROW: is it one that is compiled here?
debug_kernel() {
	[[ $(kernel_row "$1") == *' linux-source-'* ]]
}

debug_inputs() {
	hash_of "$DEBUG_KERNEL_RECIPE" "$(debug_tree "$1")" "$(debug_config "$1")"
}

# debug_config NAME: of 6.12-debug what all have, and what 6.12 alone has.
debug_config() {
	cat "$DEBUG_CONFIG.config" "$DEBUG_CONFIG-${1%-debug}.config"
}

# debug_tree NAME: src/, where it is compiled, and root/, the build root with
# DEBUG_TOOLS.
debug_tree() {
	printf '%s/debug-tree/%s\n' "$CACHE" "$(hash_of "$(kernel_row "$1")" "$DEBUG_TREE_RECIPE" \
		"$(root_dir)" "${DEBUG_TOOLS[@]}" "${DEBUG_LEAVES_OUT[@]}")"
}

make_debug_tree() {
	local name=$1 dir=$2 suite arch source
	read -r _ suite arch source _ <<<"$(kernel_row "$name")"
	say "kernel $name: downloading $source and ${DEBUG_TOOLS[*]}"
	download "$(apt_state "$suite" "$arch")" "$dir/source" "$source"
	# The tools are of the root's suite, whatever the kernel's is.
	download "$(apt_state "$ROOT_SUITE" "$arch")" "$dir/tools" "${DEBUG_TOOLS[@]}"
	say "kernel $name: unpacking"
	# Links, and tar makes new files: the build root stays as it is.
	cp -al "$(root_dir)" "$dir/root"
	unpack_debs "$dir/tools" "$dir/root"
	unpack_debs "$dir/source" "$dir/package"
	unpack_source "$dir/package/usr/src/$source.tar.xz" "$dir/src"
	remove_tree "$dir/package"
}

unpack_source() {
	local pattern options=()
	for pattern in "${DEBUG_LEAVES_OUT[@]}"; do
		options+=("--exclude=$pattern")
	done
	host_needs xz xz-utils
	mkdir "$2"
	xz -T0 -dc "$1" |
		tar -x -C "$2" --no-same-owner --strip-components=1 --wildcards "${options[@]}"
}

make_debug_kernel() {
	local name=$1 dir=$2 tree
	need_root
	tree=$(debug_tree "$name")
	make_once "$tree" make_debug_tree "$name"
	with_lock debug-tree compile_debug_kernel "$name" "$tree" "$dir"
	say "kernel $name: $(cat "$dir/release")"
}

# in_debug_tree TREE COMMAND...
in_debug_tree() {
	local tree=$1
	shift
	ENTER_ROOT=$tree/root enter -- "$tree/src" "$@"
}

# debug_make TREE WORD...: nobody's name, machine or time in what comes out. PVH's
# entry compares strings before there is a shadow for KASAN.
debug_make() {
	local tree=$1
	shift
	in_debug_tree "$tree" nice make -j2 KBUILD_BUILD_USER=lab KBUILD_BUILD_HOST=lab \
		KBUILD_BUILD_TIMESTAMP='2000-01-01' KASAN_SANITIZE_string.o=n "$@"
}

compile_debug_kernel() {
	local name=$1 tree=$2 dir=$3
	debug_config "$name" >"$tree/src/debug.config"
	logged debug-config debug_make "$tree" -s KCONFIG_ALLCONFIG=debug.config allnoconfig
	check_debug_config "$tree/src/debug.config" "$tree/src/.config"
	say "kernel $name: compiling (some ten minutes)"
	logged debug-build debug_make "$tree" vmlinux
	# VFIO's own types are compared with ours (check_module_ops), from DWARF.
	logged debug-modules debug_make "$tree" KCFLAGS=-g modules
	collect_debug_kernel "$tree" "$dir"
}

# An option that depends on one that is not set is left out without a word.
# check_debug_config WANTED CONFIG
check_debug_config() {
	local line lost=''
	while IFS= read -r line; do
		case $line in
		CONFIG_*) grep -qxF "$line" "$2" || lost+=" $line" ;;
		'# CONFIG_'*' is not set') ! grep -q "^${line:2:-11}=" "$2" || lost+=" $line" ;;
		esac
	done <"$1"
	[ -z "$lost" ] || die "tests/vm/debug*.config: not as it says:$lost"
}

# collect_debug_kernel TREE DIR: like the folder of a stock kernel, and vfio.ko
# with DWARF.
collect_debug_kernel() {
	local tree=$1 dir=$2 release headers
	release=$(cat "$tree/src/include/config/kernel.release")
	printf '%s\n' "$release" >"$dir/release"
	headers=$dir/headers/usr/src/linux-headers-$release
	mkdir -p "$dir/root/usr" "$dir/headers/usr/lib/modules/$release" "$headers"
	in_debug_tree "$tree" strip -g -o "$dir/vmlinux" vmlinux
	logged debug-install debug_make "$tree" -s DEPMOD=true INSTALL_MOD_STRIP=1 \
		INSTALL_MOD_PATH="$dir/root/usr" modules_install
	rm -f "$dir/root/usr/lib/modules/$release/build"
	ln -s "root/usr/lib/modules/$release" "$dir/modules"
	cp "$tree/src/drivers/vfio/vfio.ko" "$dir/vfio.ko"
	logged debug-headers debug_make "$tree" -s run-command \
		KBUILD_RUN_COMMAND="scripts/package/install-extmod-build $headers"
	ln -s "/usr/src/linux-headers-$release" "$dir/headers/usr/lib/modules/$release/build"
	ln -s "/usr/src/linux-headers-$release" "$dir/headers/usr/lib/modules/$release/source"
}
