# SPDX-License-Identifier: GPL-2.0-only
# Debian as a user has it before our module comes: dkms and its dependencies,
# kernels with their headers, nothing of ours. Sourced, never run.
#
# Each has a root of its own, made of nothing. What is tried there runs in a copy,
# since it installs and removes.
# shellcheck shell=bash

# DEBIAN  SUITE  THE KERNELS THAT IT HAS, older first (scripts/vm --list)  THEIR COMPILER  DKMS
DISTROS='
12  bookworm  6.1   6.12-bpo  gcc-12  3.0
13  trixie    6.12  7.3       gcc-14  3.2
'
DISTRO_RECIPE=1 # raise it when make_distro changes what comes out

distro_row() {
	awk -v debian="$1" '$1 == debian' <<<"$DISTROS"
}

distro_suite() {
	distro_row "$1" | awk '{ print $2 }'
}

# Without recommended packages; besides dkms what linux-headers depends on.
distro_packages() {
	printf '%s\n' dkms openssl xz-utils libelf1 pahole "$(distro_row "$1" | awk '{ print $5 }')"
}

# distro_kernels DEBIAN: names, the older first.
distro_kernels() {
	distro_row "$1" | awk '{ print $3, $4 }'
}

distro_dkms() {
	distro_row "$1" | awk '{ print $6 }'
}

distro_dir() {
	printf '%s/distro/%s-%s\n' "$CACHE" "$1" \
		"$(hash_of "$(distro_suite "$1")" "$DISTRO_RECIPE" "$(distro_packages "$1")")"
}

need_distro() {
	local dir
	dir=$(distro_dir "$1")
	need_root # what the kernels' headers are unpacked with, and packages are built in
	[ ! -d "$dir" ] || return 0
	need_user_root "setting up Debian $1"
	need_cache
	host_needs mmdebstrap mmdebstrap
	make_once "$dir" make_distro "$1"
}

make_distro() {
	local dir=$2 packages
	mapfile -t packages < <(distro_packages "$1")
	say "Debian $1: ${packages[*]} and what they need"
	bootstrap "distro-$1" "$(distro_suite "$1")" "$dir" "${packages[@]}"
	say "Debian $1: done, $(du -sh "$dir" | cut -f1)"
}

# distro_copy DEBIAN TO: links where nothing is written in place, and no kernels.
distro_copy() {
	local from to=$2
	from=$(distro_dir "$1")
	mkdir -p "$to/usr/lib/modules" "$to/usr/src" "$to/boot"
	find "$from" -mindepth 1 -maxdepth 1 ! -name boot ! -name usr ! -name etc ! -name var \
		-exec cp -al -t "$to" {} +
	find "$from/usr" -mindepth 1 -maxdepth 1 ! -name src ! -name lib -exec cp -al -t "$to/usr" {} +
	find "$from/usr/lib" -mindepth 1 -maxdepth 1 ! -name modules -exec cp -al -t "$to/usr/lib" {} +
	cp -a "$from/etc" "$from/var" "$to/"
}

# distro_kernel ROOT KERNEL: what its packages unpack, as far as DKMS looks at it:
# headers, and of its modules those that ours needs.
distro_kernel() {
	local from release top
	from=$(kernel_dir "$2")
	release=$(cat "$from/release")
	for top in usr/src usr/lib lib; do
		[ ! -d "$from/headers/$top" ] ||
			find "$from/headers/$top" -mindepth 1 -maxdepth 1 -exec cp -al -t "$1/usr/${top#usr/}" {} +
	done
	mkdir -p "$1/usr/lib/modules/$release"
	(cd "$from/modules" && cp -rl --parents -t "$1/usr/lib/modules/$release" \
		modules.{order,builtin,builtin.modinfo} kernel/drivers/vfio kernel/virt)
	touch "$1/boot/config-$release"
}

# distro_enter ROOT [OPTION of enter]... -- DIR COMMAND...: with its /usr, /etc and
# /var to be written.
distro_enter() {
	local root=$1
	shift
	ENTER_ROOT=$root enter --bind "$root/usr" /usr --bind "$root/etc" /etc \
		--bind "$root/var" /var "$@"
}
