# SPDX-License-Identifier: GPL-2.0-only
# Runs QEMU in the guest and makes it log dirty pages. Sourced by run;
# the working folder is the run's own.
# shellcheck shell=dash

# A run takes 15 seconds; these are for machines that do much else.
QEMU_SECONDS=250
STEP_SECONDS=100
LIVE=/sys/kernel/tracing/instances/log

# The payload knows what memory is where. By its own IOMMU it decides what the
# container maps; in caching mode QEMU hears of every change.
MACHINE='-machine q35 -m 32M,slots=1,maxmem=128M
	-object memory-backend-ram,id=far,size=16M
	-device pc-dimm,memdev=far,addr=0x100000000
	-device intel-iommu,caching-mode=on,aw-bits=39'

# In the background. Its pipes are opened for reading and writing, so that
# nobody waits for anybody.
start_qemu() {
	mkfifo tell.in tell.out qmp.in qmp.out
	: >console
	exec 3<>qmp.in 4<>tell.in 5<>tell.out 6<>qmp.out
	cat qmp.out >qmp 3>&- 4>&- 5>&- 6>&- &
	reader=$!
	# shellcheck disable=SC2086 # words
	in-clients timeout $QEMU_SECONDS qemu-system-x86_64 $MACHINE \
		-accel tcg -nodefaults -no-user-config -display none -no-reboot \
		-chardev file,id=console,path=console \
		-device isa-debugcon,iobase=0xe9,chardev=console \
		-device isa-debug-exit,iobase=0xf4,iosize=4 \
		-chardev pipe,id=tell,path=tell -serial chardev:tell \
		-chardev pipe,id=qmp,path=qmp -qmp chardev:qmp \
		-device "vfio-pci,host=$DEVICE" -kernel /add/payload \
		2>errors 3>&- 4>&- 5>&- 6>&- &
	qemu=$!
}

# end_qemu: its exit status goes to the file status.
end_qemu() {
	wait $qemu
	echo $? >status
	exec 3>&- 4>&- 5>&- 6>&-
	wait $reader
}

# wait_until WHAT COMMAND...: until COMMAND is true, while QEMU is there.
wait_until() {
	local what=$1 tries=$((STEP_SECONDS * 10))
	shift
	until "$@"; do
		tries=$((tries - 1))
		if [ $tries = 0 ] || ! kill -0 $qemu 2>/dev/null; then
			"$@" && return
			note "waited in vain: $what"
			return 1
		fi
		usleep 100000
	done
}

# seen FILE TEXT [COUNT]: so many lines of it hold the text.
seen() {
	[ "$(grep -cF "$2" "$1")" -ge "${3:-1}" ]
}

# ask COMMAND [ARGUMENTS]: sends it to QEMU and waits for the answer.
ask() {
	answers=$((answers + 1))
	echo "{\"execute\": \"$1\"${2:+, \"arguments\": $2}}" >&3
	wait_until "the answer to $1" seen qmp '{"return": ' $answers
}

# asked STATUS: what QEMU says of the measurement.
asked() {
	ask query-dirty-rate &&
		grep -F '{"return": ' qmp | tail -n 1 | grep -qF "\"status\": \"$1\""
}

tell() {
	printf '%s' "$1" >&4
}

# What watch records, as it comes, but only the calls of the log: START, STOP.
live_begins() {
	mkdir $LIVE
	echo 'cmd == 0x3b75' >$LIVE/events/clients/container/filter
	echo 1 >$LIVE/events/clients/container/enable
}

# Before watch takes the probes away.
live_ends() {
	echo 0 >$LIVE/events/clients/container/enable
	rmdir $LIVE
}

# measure PHASE: a measurement of how fast pages get dirty is what makes QEMU say
# START, and STOP when the time is up. In between the device is to write: if it
# was not fast enough, longer. The file within-PHASE says that it has. START is
# called with QEMU's big lock held, which the second question needs: when that
# is answered START is over.
measure() {
	local seconds
	for seconds in 1 4 16; do
		round=$((round + 1))
		ask calc-dirty-rate "{\"calc-time\": $seconds, \"mode\": \"dirty-bitmap\"}" &&
			wait_until START seen $LIVE/trace 'flags=0x1 ' $round &&
			ask query-dirty-rate || return
		tell a
		wait_until 'writes when asked' seen console written $round || return
		asked measuring && : >"within-$1"
		wait_until STOP seen $LIVE/trace 'flags=0x2 ' $round &&
			wait_until 'the measurement' asked measured || return
		[ ! -e "within-$1" ] || return 0
	done
}

# drive: one run. What it leaves are the files status, console, errors,
# within-1 (device sees memory as it is) and within-2 (through the IOMMU).
drive() {
	answers=0 round=0
	live_begins
	start_qemu
	ask qmp_capabilities
	for phase in 1 2; do
		wait_until "the payload to write, phase $phase" seen console writing $phase &&
			measure $phase
		tell s
	done
	end_qemu
	live_ends
}
