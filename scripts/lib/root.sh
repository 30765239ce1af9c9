# SPDX-License-Identifier: GPL-2.0-only
# The build root: one Debian that builds the module for every kernel, the test
# programs and QEMU. Sourced, never run.
# shellcheck shell=bash

ROOT_SUITE=trixie
ROOT_RECIPE=1 # raise it when make_root changes what comes out

# What QEMU is built with; its build starts over where this changes.
QEMU_PACKAGES=(
	meson ninja-build pkgconf libglib2.0-dev libfdt-dev zlib1g-dev
	python3 python3-venv dpkg-dev patch
)
ROOT_PACKAGES=(
	# the module, and DKMS, which signs with openssl; each kernel with its compiler
	gcc gcc-14 gcc-12 libc6-dev make dkms kmod openssl zstd xz-utils pahole
	gcc-14-aarch64-linux-gnu libc6-dev-arm64-cross
	# a Debian package of it
	debhelper dh-dkms fakeroot
	# tests, guest and gates
	busybox-static cpio libcmocka-dev lcov sparse clang-format codespell file
	"${QEMU_PACKAGES[@]}"
)

root_dir() {
	printf '%s/root/%s\n' "$CACHE" \
		"$(hash_of "$ROOT_SUITE" "$ROOT_RECIPE" "${ROOT_PACKAGES[@]}")"
}

# A kernel whose compiler the root has not is built in a root of its own suite, which
# has what building a module takes and no more.
suite_packages() {
	printf '%s\n' "$(suite_compiler "$1")" libc6-dev make dkms kmod openssl zstd xz-utils pahole
}

# suite_compiler SUITE: nothing if the root has it.
suite_compiler() {
	case $1 in
	forky) echo gcc-16 ;; # suites_with_roots names it too
	esac
}

suites_with_roots() {
	echo forky
}

suite_root_dir() {
	printf '%s/root/%s-%s\n' "$CACHE" "$1" "$(hash_of "$1" "$ROOT_RECIPE" "$(suite_packages "$1")")"
}

need_root() {
	need_any_root "$(root_dir)" "$ROOT_SUITE" "${ROOT_PACKAGES[@]}"
}

need_suite_root() {
	local packages
	mapfile -t packages < <(suite_packages "$1")
	need_any_root "$(suite_root_dir "$1")" "$1" "${packages[@]}"
}

# need_any_root DIR SUITE PACKAGE...
need_any_root() {
	[ ! -d "$1" ] || return 0
	need_user_root "building the root"
	need_cache
	host_needs mmdebstrap mmdebstrap
	make_once "$1" make_root "${@:2}"
}

# make_root SUITE PACKAGE... DIR
make_root() {
	local suite=$1 packages=("${@:2:$#-2}") dir=${!#}
	say "build root: Debian $suite, ${#packages[@]} packages and what they need"
	bootstrap root "$suite" "$dir" "${packages[@]}"
	say "build root: done, $(du -sh "$dir" | cut -f1)"
}

# bootstrap LOG SUITE DIR PACKAGE...: Debian with these packages and what they
# need. Documentation is a third of the files, and nothing here reads it.
bootstrap() {
	local log=$1 suite=$2 dir=$3 packages=("${@:4}") line options=$3.apt.conf
	transport_options >"$options"
	line="deb [signed-by=$(keyring)] $(mirror) $suite main"
	logged "$log" unshare --mount -- mmdebstrap --variant=apt --mode=root \
		--include="$(IFS=,; printf '%s' "${packages[*]}")" \
		--aptopt="$options" --aptopt='APT::Sandbox::User "root"' \
		--aptopt='APT::Install-Recommends "false"' \
		--dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		"$suite" "$dir" "$line"
	rm -f "$options"
}

# enter [--rw PATH]... [--ro PATH]... [--bind FROM TO]... -- DIR COMMAND...
# Runs COMMAND with DIR as its working folder inside the root, in a mount
# namespace of its own, so that every mount goes when COMMAND ends. The root is
# read-only; /tmp is private; the cache and what --rw names can be written; the
# environment is a fixed one. ENTER_ROOT: another root than the build root.
enter() {
	local root
	need_user_root "running in the build root"
	root=${ENTER_ROOT:-$(root_dir)}
	# "$@" is expanded by the inner shell.
	# shellcheck disable=SC2016
	unshare --mount --propagation private -- \
		bash -c '. "$1"; shift; enter_inside "$@"' \
		enter "$CHECKOUT/scripts/lib/enter.sh" "$root" "$CACHE" "$@"
}

# exec_in_root [--rw-checkout] [--for KERNEL] -- COMMAND...: the working folder is
# the checkout, and KDIR leads to the kernel's headers, of which the root may have
# more than these.
exec_in_root() {
	local how=--ro kernel=$DEFAULT_KERNEL
	while [ $# -gt 0 ]; do
		case $1 in
		--rw-checkout) how=--rw ;;
		--for) kernel=${2:-}; shift ;;
		--) shift; break ;;
		-*) die "exec: unknown option '$1'" ;;
		*) break ;;
		esac
		shift
	done
	[ $# -gt 0 ] || die "exec: no command"
	need_headers "$kernel"
	enter_for "$kernel" "$how" "$CHECKOUT" -- "$CHECKOUT" \
		env "KDIR=/lib/modules/$(kernel_release "$kernel")/build" "$@"
}
