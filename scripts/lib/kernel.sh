# SPDX-License-Identifier: GPL-2.0-only
# The kernels: image, modules and headers of each. Sourced, never run.
# shellcheck shell=bash

# NAME   SUITE   ARCH   IMAGE PACKAGE      HEADERS PACKAGE
# or, for one that is compiled here with tests/vm/debug*.config (debug.sh):
# NAME   SUITE   ARCH   SOURCE PACKAGE
KERNELS='
6.12     trixie  amd64  linux-image-amd64  linux-headers-amd64
6.1      bookworm  amd64  linux-image-amd64  linux-headers-amd64
6.12-bpo bookworm-backports  amd64  linux-image-amd64  linux-headers-amd64
7.2      forky  amd64  linux-image-amd64  linux-headers-amd64
7.3      trixie-backports  amd64  linux-image-amd64  linux-headers-amd64
6.12-arm64 trixie arm64  linux-image-arm64  linux-headers-arm64
7.3-arm64 trixie-backports arm64  linux-image-arm64  linux-headers-arm64
6.12-debug trixie amd64 linux-source-6.12
7.3-debug trixie-backports amd64 linux-source-7.3
'
DEFAULT_KERNEL=6.12
KERNEL_RECIPE=1 # raise it when make_kernel changes what comes out

kernel_names() {
	awk 'NF { print $1 }' <<<"$KERNELS"
}

kernel_row() {
	awk -v name="$1" '$1 == name' <<<"$KERNELS"
}

kernel_suite() {
	awk -v name="$1" '$1 == name { print $2 }' <<<"$KERNELS"
}

# kernel_arch NAME: Debian's word for it.
kernel_arch() {
	awk -v name="$1" '$1 == name { print $3 }' <<<"$KERNELS"
}

check_kernel_name() {
	[ -n "$(kernel_row "$1")" ] || die "no kernel '$1'; there are: $(kernel_names | tr '\n' ' ')"
}

# kernel_dir NAME: vmlinux, release (the kernel's uname -r), root/ (the unpacked
# packages), modules -> root/usr/lib/modules/RELEASE, headers/ (unpacked too).
kernel_dir() {
	local inputs
	inputs=$(hash_of "$(kernel_row "$1")" "$KERNEL_RECIPE")
	! debug_kernel "$1" || inputs=$(debug_inputs "$1")
	printf '%s/kernel/%s-%s\n' "$CACHE" "$1" "$inputs"
}

kernel_release() {
	cat "$(kernel_dir "$1")/release"
}

need_kernel() {
	local name=${1:-$DEFAULT_KERNEL}
	check_kernel_name "$name"
	if debug_kernel "$name"; then
		make_once "$(kernel_dir "$name")" make_debug_kernel "$name"
	else
		make_once "$(kernel_dir "$name")" make_kernel "$name"
	fi
}

make_kernel() {
	local name=$1 dir=$2 suite arch image headers conf
	read -r _ suite arch image headers <<<"$(kernel_row "$name")"
	conf=$(apt_state "$suite" "$arch")
	fetch_kernel "$conf" "$image" '^linux-(image|binary|modules|base)-' "$dir/debs"
	unpack_debs "$dir/debs" "$dir/root"
	fetch_headers "$conf" "$suite" "$headers" "$dir/header-debs"
	unpack_debs "$dir/header-debs" "$dir/headers"
	finish_kernel "$dir"
	say "kernel $name: $(cat "$dir/release")"
}

# fetch_kernel CONF META REGEX DIR: META is an empty package that depends on
# the real one; follow what matches REGEX to its end.
fetch_kernel() {
	local conf=$1 todo=$2 regex=$3 dir=$4 found='' package
	while [ -n "$todo" ]; do
		found="$found $todo"
		todo=$(for package in $todo; do depends "$conf" "$package" "$regex"; done |
			sort -u | grep -vxF "$(tr ' ' '\n' <<<"$found")" || true)
	done
	say "downloading$found"
	# shellcheck disable=SC2086 # package names, one a word
	download "$conf" "$dir" $found
}

# fetch_headers CONF SUITE META DIR: modules are built on amd64, whatever kernel they
# are for, so the programs that build them (kbuild) are amd64's.
fetch_headers() {
	local conf=$1 host kbuild
	fetch_kernel "$conf" "$3" '^linux-headers-' "$4"
	host=$(apt_state "$2" amd64)
	kbuild=$(for package in "$4"/linux-headers-*.deb; do
		dpkg-deb -f "$package" Depends
	done | grep -oE 'linux-kbuild-[^ ,]*' | sort -u)
	# shellcheck disable=SC2086 # package names, one a word
	download "$host" "$4" $kbuild
}

# unpack_debs DIR TO: then removes DIR.
unpack_debs() {
	local deb
	mkdir -p "$2"
	for deb in "$1"/*.deb; do
		dpkg-deb --fsys-tarfile "$deb" |
			tar -x -C "$2" --no-same-owner --exclude='./usr/share/doc' --exclude='./usr/share/lintian'
	done
	remove_tree "$1"
}

finish_kernel() {
	local dir=$1 image release modules
	modules=$(cd "$dir" && echo root/usr/lib/modules/*)
	[ -d "$dir/$modules" ] || modules=$(cd "$dir" && echo root/lib/modules/*)
	release=${modules##*/}
	image=$dir/root/boot/vmlinuz-$release
	[ -r "$image" ] || image=$dir/$modules/vmlinuz # from 7.2 on
	[ -r "$image" ] || die "the kernel package holds no vmlinuz"
	printf '%s\n' "$release" >"$dir/release"
	ln -s "$modules" "$dir/modules"
	case $release in
	*arm64) extract_image "$image" "$dir/vmlinux" ;;
	*) extract_vmlinux "$image" "$dir/vmlinux" ;;
	esac
}

# le_number FILE OFFSET BYTES: a little-endian number.
le_number() {
	od -An -v --endian=little -tu"$3" -j"$2" -N"$3" "$1" | tr -d ' '
}

# extract_vmlinux BZIMAGE OUT: the setup header of the x86 boot protocol says
# where the compressed kernel lies: payload_offset at 0x248 and payload_length
# at 0x24c, counted from behind the setup sectors (their number at 0x1f1). The
# payload's last four bytes are its unpacked size.
extract_vmlinux() {
	local image=$1 out=$2 start length
	start=$((($(le_number "$image" $((0x1f1)) 1) + 1) * 512 + $(le_number "$image" $((0x248)) 4)))
	length=$(($(le_number "$image" $((0x24c)) 4) - 4))
	tail -c +$((start + 1)) "$image" | head -c "$length" >"$out.packed" || true
	unpack_payload "$out.packed" >"$out" || die "cannot unpack the kernel in $image"
	rm -f "$out.packed"
	[ "$(od -An -tx1 -N4 "$out" | tr -d ' ')" = 7f454c46 ] || die "$image: its payload is no ELF file"
}

# extract_image VMLINUZ OUT: what the boot protocol of arm64 calls an Image; it may
# be packed, or be inside an EFI program that unpacks itself ("zimg", then the
# payload's offset and length as 32 bits each).
extract_image() {
	local image=$1 out=$2
	case $(od -An -tx1 -N8 "$image" | tr -d ' ') in
	4d5a????7a696d67)
		tail -c +$(($(le_number "$image" 8 4) + 1)) "$image" |
			head -c "$(le_number "$image" 12 4)" >"$out.packed" || true
		unpack_payload "$out.packed" >"$out"
		rm -f "$out.packed"
		;;
	1f8b*) gzip -dc <"$image" >"$out" ;;
	*) cp "$image" "$out" ;;
	esac || die "cannot unpack the kernel in $image"
	[ "$(od -An -c -j56 -N3 "$out" | tr -d ' ')" = ARM ] || die "$image is no Image for arm64"
}

unpack_payload() {
	case $(od -An -tx1 -N4 "$1" | tr -d ' ') in
	28b52ffd) host_needs zstd zstd; zstd -dcq <"$1" ;;
	fd377a58) host_needs xz xz-utils; xz -dc <"$1" ;;
	1f8b*) gzip -dc <"$1" ;;
	*) return 1 ;;
	esac
}

# kernel_root NAME: the root in which modules for it are built.
kernel_root() {
	if debug_kernel "$1"; then
		printf '%s/root\n' "$(debug_tree "$1")"
	elif [ -n "$(suite_compiler "$(kernel_suite "$1")")" ]; then
		suite_root_dir "$(kernel_suite "$1")"
	else
		root_dir
	fi
}

# enter_for KERNEL ...: enter its root.
enter_for() {
	local root
	root=$(kernel_root "$1")
	shift
	ENTER_ROOT=$root enter "$@"
}

# need_headers NAME: the kernel's headers inside the root, where DKMS looks for
# them.
need_headers() {
	local root stamp
	need_root
	need_kernel "$1"
	root=$(kernel_root "$1")
	[[ $root != "$(suite_root_dir "$(kernel_suite "$1")")" ]] || need_suite_root "$(kernel_suite "$1")"
	stamp=$root/usr/src/.headers-$(basename "$(kernel_dir "$1")")
	[ -e "$stamp" ] || with_lock headers add_headers "$1" "$root" "$stamp"
}

add_headers() {
	local headers
	[ ! -e "$3" ] || return 0
	need_user_root "adding kernel headers to the root"
	headers=$(kernel_dir "$1")/headers
	say "kernel $1: headers into the root"
	tar -C "$headers" -c . | tar -C "$2" -x --keep-directory-symlink
	touch "$3"
}
