# SPDX-License-Identifier: GPL-2.0-only
# Who serves what with claim=: helpers. Sourced in the guest, with
# tests/clients/lib.sh beside it and the program claim of tests/uapi.
# shellcheck shell=dash disable=SC2034 # for those that source this

# shellcheck source=/dev/null
. /add/lib.sh

STOCK=vfio_iommu_type1
OWN=0x48574442
CLAIM=/sys/module/$OURS/parameters/claim

# 6 is nesting, which stock has up to 6.x.
case $(uname -r) in
6.*) NESTING=1 ;;
*) NESTING=0 ;;
esac

# What claim prints. Type 1 has no log, with either.
STOCK_1="stock 6=$NESTING 11=0 START=EACCES DMA=good"
STOCK_3="stock 6=$NESTING 11=0 START=0 DMA=good"
ours_1() { echo "ours policy=$1 6=0 11=0 START=EACCES DMA=good"; }
ours_3() { echo "ours policy=$1 6=0 11=1 START=0 DMA=good"; }

# Before SET_IOMMU.
BOTH_ARE_ASKED="1=1 3=1 4=0 6=$NESTING 8=0 9=1 10=0 11=0 own=1"
ONLY_OURS_CLAIMS='1=1 3=1 4=0 6=0 8=0 9=1 10=0 11=0 own=1'
ONLY_OURS='1=0 3=0 4=0 6=0 8=0 9=1 10=0 11=0 own=1'

# load stock|ours [P=V]...
load() {
	case $1 in
	stock) modprobe $STOCK ;;
	ours) shift; insmod "/lib/modules/$(uname -r)/updates/dkms/$OURS.ko" "$@" ;;
	esac
}

is_loaded() {
	[ -e "/sys/module/$1" ]
}

unload() {
	for module; do
		! is_loaded "$module" || rmmod "$module"
	done
}

# begin TEXT WHICH... [P=V]: neither is loaded, then WHICH in this order; an
# empty log.
begin() {
	note "$1"
	shift
	unload split $OURS $STOCK || note 'what was loaded stays'
	dmesg -c >/dev/null
	while [ $# -gt 0 ]; do
		case $1 in
		ours) load ours ${2+"$2"} || note 'ours cannot be loaded'; shift ;;
		stock) load stock || note 'stock cannot be loaded' ;;
		esac
		[ $# = 0 ] || shift
	done
}

# is WANT COMMAND...: it prints just that.
is() {
	local want=$1 got
	shift
	got=$("$@" 2>&1)
	[ "$got" = "$want" ] || {
		note "want $want"
		note " got $got"
		return 1
	}
}

# serves WANT TYPE DEVICE...
serves() {
	local want=$1
	shift
	check "SET_IOMMU $*: $want" is "$want" claim serve "$@"
}

# answers WANT: with no group in the container, and with one.
answers() {
	check "extensions: $1" is "$1" claim extensions
	check "extensions with a group: $1" is "$1" claim extensions edu0
}

# says N TEXT: it is in so many lines of the log since begin, but for those that say
# by what dirty bits are read.
says() {
	check "lines of the log with '$2': $1" is "$1" log_count "$2"
}

log_count() {
	dmesg | grep -v 'dirty bits are read by' | grep -cF -e "$1"
}

DEAD="$STOCK was loaded after this module and serves types 1 and 3 now"
LEFT='its container is left to another backend (claim=hwdbm)'
