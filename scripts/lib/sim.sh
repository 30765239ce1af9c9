# SPDX-License-Identifier: GPL-2.0-only
# The simulator, the module in tests/sim, for a kernel. Sourced, never run.
# shellcheck shell=bash

SIM_SOURCES=$CHECKOUT/tests/sim
SIM_KEEP=12 # builds that stay in the cache

sim_dir() {
	printf '%s/sim/%s-%s\n' "$CACHE" "$1" "$(hash_of "$(kernel_dir "$1")" \
		"$(cat "$SIM_SOURCES"/{Kbuild,Makefile,*.[ch]})")"
}

sim_file() {
	printf '%s/sim.ko\n' "$(sim_dir "$1")"
}

need_sim() {
	[ ! -d "$(sim_dir "$1")" ] || return 0
	need_headers "$1"
	make_once "$(sim_dir "$1")" make_sim "$1"
	find "$CACHE/sim" -mindepth 1 -maxdepth 1 -type d -printf '%T@ %p\n' |
		sort -rn | tail -n +$((SIM_KEEP + 1)) | cut -d' ' -f2- |
		while read -r dir; do remove_tree "$dir"; done
}

make_sim() {
	say "simulator for $1"
	enter_for "$1" --ro "$CHECKOUT" -- "$CHECKOUT" \
		make -s -C tests/sim "KDIR=/lib/modules/$(kernel_release "$1")/build" "O=$2" >&2 ||
		die "could not build the simulator (above)"
	touch "$2"
}
