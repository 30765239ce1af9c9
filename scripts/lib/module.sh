# SPDX-License-Identifier: GPL-2.0-only
# Our module, built and installed by DKMS in the build root. Sourced, never run.
#
# DKMS keeps its state in /usr/src, /var/lib/dkms and /lib/modules/RELEASE. Each
# set of sources has these three folders of its own, bound over the root's: so
# builds from several checkouts do not see each other, and the root stays as it
# was.
# shellcheck shell=bash

MODULE=vfio_iommu_type1_hwdbm
MODULE_SOURCES=${HWDBM_SRC:-$CHECKOUT}
MODULE_SHIPS=(dkms.conf Kbuild COPYING include src) # what DKMS gets
MODULE_KEEP=16                                      # builds that stay in the cache
MODULE_RECIPE=5 # raise it when make_module changes what comes out

# shipped_files: what DKMS gets, relative to the sources; a user-space tool in
# src/tool is no part of it, nor is what a build left behind.
shipped_files() {
	local part
	for part in "${MODULE_SHIPS[@]}"; do
		[ ! -e "$MODULE_SOURCES/$part" ] || find -L "$MODULE_SOURCES/$part" -type f -printf "$part/%P\n"
	done | sed 's|/$||' |
		grep -vE '^src/tool/|\.(o|ko|mod|mod\.c|cmd|d|a|symvers)$|/modules\.order$' | LC_ALL=C sort
}

module_hash() {
	hash_of "$MODULE_RECIPE" "$(kernel_root "$1")" "$(kernel_dir "$1")" \
		"$(cd "$MODULE_SOURCES" && shipped_files | xargs -r -d '\n' sha256sum)"
}

module_dir() {
	printf '%s/module/%s-%s\n' "$CACHE" "$1" "$(module_hash "$1")"
}

module_file() {
	find "$(module_dir "$1")/modules/updates" -name "$MODULE.ko*"
}

# dkms_conf WORD: its value in dkms.conf.
dkms_conf() {
	sed -n "s/^$1=\"\\(.*\\)\"\$/\\1/p" "$MODULE_SOURCES/dkms.conf"
}

need_module() {
	local name=${1:-$DEFAULT_KERNEL}
	check_kernel_name "$name"
	[ -r "$MODULE_SOURCES/dkms.conf" ] || die "no dkms.conf in $MODULE_SOURCES"
	[ -r "$MODULE_SOURCES/Kbuild" ] || die "no Kbuild in $MODULE_SOURCES: there is no module to build yet"
	[ ! -d "$(module_dir "$name")" ] || return 0
	need_headers "$name"
	make_once "$(module_dir "$name")" make_module "$name"
	forget_old_modules
}

forget_old_modules() {
	find "$CACHE/module" -mindepth 1 -maxdepth 1 -type d -printf '%T@ %p\n' |
		sort -rn | tail -n +$((MODULE_KEEP + 1)) | cut -d' ' -f2- |
		while read -r dir; do remove_tree "$dir"; done
}

make_module() {
	local name=$1 dir=$2 log
	log=$CACHE/log/dkms-$(basename "$dir")
	mkdir -p "$CACHE/log"
	say "module for $name: DKMS add, build, install"
	dkms_folders "$name" "$dir"
	keep_notes "$dir/src"
	! debug_kernel "$name" || instrument "$dir/src"
	! keeps_dwarf "$name" || echo 'STRIP[0]="no"' >>"$dir/src/dkms.conf"
	# shellcheck disable=SC2016 # for the shell in the root
	if ! dkms_run "$name" "$dir" 'dkms add "$1" && dkms build "$1" -k "$2" -a "$3" && dkms install "$1" -k "$2" -a "$3"' >"$log" 2>&1; then
		build_complaints "$dir" "$log"
		die "DKMS could not build the module (above: its make.log; rest: $log)"
	fi
	module_warnings "$dir" >&2
	touch "$dir"
	[ -n "$(find "$dir/modules/updates" -name "$MODULE.ko*" 2>/dev/null)" ] ||
		die "DKMS installed no $MODULE.ko ($log)"
	check_module_ops "$name" "$dir" >>"$log" 2>&1 || {
		tail -n 40 "$log" >&2
		die "VFIO's table of operations is not what the module was built for; it must not be loaded"
	}
	! debug_kernel "$name" || finish_debug_module "$name" "$dir" "$log"
	! keeps_dwarf "$name" || strip_module "$dir"
}

# strip_module DIR: what VFIO's table was compared with stays beside it.
strip_module() {
	local file
	file=$(find "$1/modules/updates" -name "$MODULE.ko")
	cp "$file" "$1/with-dwarf.ko"
	enter -- / strip -g "$file"
}

# module_types DIR: the module, with its types.
module_types() {
	if [ -e "$1/with-dwarf.ko" ]; then
		printf '%s\n' "$1/with-dwarf.ko"
	else
		find "$1/modules/updates" -name "$MODULE.ko*"
	fi
}

# module_warnings DIR: what the build said that it should not have said.
module_warnings() {
	find "$1/dkms" -name make.log -exec grep -hiE 'warning:|compiler differs' {} + || true
}

# module_probes DIR: the header that the probes wrote.
module_probes() {
	printf '%s/src/notes/src/compat/probes.h\n' "$1"
}

finish_debug_module() {
	"$CHECKOUT/scripts/check-probes" "$1" "$(module_probes "$2")" >>"$3" 2>&1 || {
		tail -n 40 "$3" >&2
		die "the probes do not answer as in tests/compat/expected-$1"
	}
}

# keeps_dwarf KERNEL: until VFIO's table has been compared, where there will be no
# BTF: on a debug kernel, and where the headers have no vmlinux to make it from.
keeps_dwarf() {
	debug_kernel "$1" || [ ! -e "$(kernel_root "$1")/usr/src/linux-headers-$(kernel_release "$1")/vmlinux" ]
}

# keep_notes SOURCES: what one may want to know of the build and DKMS would throw
# away comes to SOURCES/notes.
keep_notes() {
	printf '%s\n' 'POST_BUILD="keep-notes"' >>"$1/dkms.conf"
	cat >"$1/keep-notes" <<-'END'
		#!/bin/sh
		mkdir ../source/notes && find . -path ./src/compat/probe -prune -o \
			\( -name '*.gcno' -o -name probes.h \) -exec cp --parents -t ../source/notes {} +
	END
	chmod 755 "$1/keep-notes"
}

# instrument SOURCES: for the debug kernel, where gcov and kcov see what is
# executed.
instrument() {
	# The probes are only looked at.
	printf '%s\n' 'GCOV_PROFILE := y' 'GCOV_PROFILE_src/compat/probes.o := n' \
		'KCOV_INSTRUMENT := y' 'KCOV_INSTRUMENT_src/compat/probes.o := n' 'ccflags-y += -g' >>"$1/Kbuild"
}

# No module is loaded in a test before its mirror of VFIO's private table has
# been compared with the BTF of the kernel's own vfio.ko.
# The debug kernel has DWARF instead.
check_module_ops() {
	local release
	release=$(kernel_release "$1")
	if debug_kernel "$1"; then
		enter_for "$1" --ro "$CHECKOUT" -- "$CHECKOUT" scripts/check-ops - \
			"$(kernel_dir "$1")/vfio.ko" "$(module_types "$2")"
		return
	fi
	enter_for "$1" --ro "$CHECKOUT" -- "$CHECKOUT" scripts/check-ops "$(btf_base "$1" "$release")" \
		"$(find "$(kernel_dir "$1")/modules/" -name 'vfio.ko*')" \
		"$(module_types "$2")"
}

# btf_base KERNEL RELEASE: before 6.12 the headers had none; the image has it as well.
btf_base() {
	local base=/usr/src/linux-headers-$2/vmlinux
	if [ -e "$(kernel_root "$1")$base" ]; then
		printf '%s\n' "$base"
	else
		printf '%s/vmlinux\n' "$(kernel_dir "$1")"
	fi
}

# The errors with their lines first: they are what one looks for.
build_complaints() {
	local make_log
	make_log=$(find "$1/dkms" -name make.log | head -n 1)
	if [ -n "$make_log" ]; then
		grep -E 'error:|warning:|Error [0-9]' "$make_log" | head -n 40 >&2 || true
		printf -- '--- end of make.log\n' >&2
		tail -n 30 "$make_log" >&2
	else
		tail -n 30 "$2" >&2
	fi
}

# dkms_folders KERNEL DIR: sources, an empty DKMS tree, and a modules folder
# that leads to the headers as the kernel's own does.
dkms_folders() {
	local dir=$2 installed
	installed=$(kernel_root "$1")/usr/lib/modules/$(kernel_release "$1")
	mkdir -p "$dir/src" "$dir/dkms" "$dir/modules"
	(cd "$MODULE_SOURCES" && shipped_files | xargs -r -d '\n' cp -L --parents -t "$dir/src")
	cp -P "$installed/build" "$installed/source" "$dir/modules/"
	cp "$(kernel_dir "$1")"/modules/modules.{order,builtin,builtin.modinfo} "$dir/modules/"
	# DKMS compresses as the modules that it finds are compressed, and depmod
	# wants those that ours uses (irqbypass of kernel/virt is no module on arm64).
	(cd "$(kernel_dir "$1")/modules" && find kernel -path 'kernel/virt/*.ko*' -o -path 'kernel/drivers/vfio/*.ko*' |
		xargs -d '\n' cp --parents -t "$dir/modules")
	# Without its output DKMS takes the kernel for one that is not installed,
	# and leaves depmod out.
	enter_for "$1" --bind "$dir/modules" "/usr/lib/modules/$(kernel_release "$1")" \
		-- / depmod "$(kernel_release "$1")"
}

# dkms_run KERNEL DIR SCRIPT: SCRIPT runs in the root with the folders of DIR in
# place; $1 is NAME/VERSION, $2 the kernel's release, $3 its machine (uname -m).
dkms_run() {
	local package version release machine=x86_64 path=
	package=$(dkms_conf PACKAGE_NAME)
	version=$(dkms_conf PACKAGE_VERSION)
	release=$(kernel_release "$1")
	[ -n "${package:+$version}" ] || die "dkms.conf has no PACKAGE_NAME or PACKAGE_VERSION"
	# The kernel's own Makefile finds the cross compiler. DKMS strips with what is
	# named strip.
	if [ "$(kernel_arch "$1")" = arm64 ]; then
		machine=aarch64
		path='PATH=/usr/aarch64-linux-gnu/bin:$PATH; '
	fi
	enter_for "$1" --bind "$2/src" "/usr/src/$package-$version" \
		--bind "$2/dkms" /var/lib/dkms \
		--bind "$2/modules" "/usr/lib/modules/$release" \
		-- / sh -c "$path$3" sh "$package/$version" "$release" "$machine"
}
