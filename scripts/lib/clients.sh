# SPDX-License-Identifier: GPL-2.0-only
# Programs that use VFIO, as Debian ships them, in one file that scripts/vm
# --clients gives the guest as a disk. Sourced, never run.
#
# Unpacked and never configured: what runs here needs files, not services.
# shellcheck shell=bash

CLIENTS_SUITE=trixie
CLIENTS_RECIPE=1 # raise it when make_clients changes what comes out

CLIENTS_PACKAGES=(
	# a system to chroot into, and what packs it
	base-files dash coreutils squashfs-tools
	# nvme:// of QEMU's block layer; QEMU itself
	qemu-utils qemu-system-x86
	# dpdk-testpmd, and the plugins that it needs for igb
	dpdk-dev librte-net-e1000-25 librte-mempool-ring25
	strace
)

# Dependencies that none of these programs reads. Patterns of mksquashfs.
CLIENTS_LEAVES_OUT=(
	'proc/*' 'sys/*' 'dev/*' 'etc/resolv.conf' 'etc/hostname'
	'usr/share/doc' 'usr/share/man' 'usr/share/locale' 'usr/share/zoneinfo' 'usr/share/lintian'
	'usr/include' 'usr/lib/udev' 'usr/lib/systemd' 'usr/lib/python*' 'usr/lib/x86_64-linux-gnu/gconv'
	'usr/lib/linux' '... *.a'
)

clients_dir() {
	printf '%s/clients/%s\n' "$CACHE" "$(hash_of "$CLIENTS_SUITE" "$CLIENTS_RECIPE" \
		"${CLIENTS_PACKAGES[@]}" "${CLIENTS_LEAVES_OUT[@]}")"
}

clients_image() {
	printf '%s/clients.squashfs\n' "$(clients_dir)"
}

need_clients() {
	local dir
	dir=$(clients_dir)
	[ ! -d "$dir" ] || return 0
	need_user_root "setting up the clients"
	need_cache
	host_needs mmdebstrap mmdebstrap
	make_once "$dir" make_clients
}

make_clients() {
	local dir=$1 line options=$1/apt.conf
	say "clients: Debian $CLIENTS_SUITE, ${CLIENTS_PACKAGES[*]} and what they need"
	transport_options >"$options"
	line="deb [signed-by=$(keyring)] $(mirror) $CLIENTS_SUITE main"
	logged clients unshare --mount -- mmdebstrap --variant=extract --mode=root \
		--include="$(IFS=,; printf '%s' "${CLIENTS_PACKAGES[*]}")" \
		--aptopt="$options" --aptopt='APT::Sandbox::User "root"' \
		--aptopt='APT::Install-Recommends "false"' \
		"$CLIENTS_SUITE" "$dir/tree" "$line"
	finish_clients "$dir"
	say "clients: done, $(du -sh "$dir" | cut -f1)"
}

# With the tree's own mksquashfs. Not compressed: the guest would pay for it.
finish_clients() {
	local dir=$1
	mkdir "$dir/tree/add"
	rm -r "$dir/tree/var"/{run,tmp} # empty folders, which nothing could write to
	ln -s /run /tmp "$dir/tree/var"
	logged clients-pack unshare --mount -- chroot "$dir/tree" /usr/bin/mksquashfs / /image \
		-quiet -no-progress -noappend -noI -noD -noF -noX -all-root -no-xattrs \
		-one-file-system -wildcards -e image "${CLIENTS_LEAVES_OUT[@]}"
	mv "$dir/tree/image" "$dir/clients.squashfs"
	rm -f "$dir/apt.conf"
	remove_tree "$dir/tree"
}
