# SPDX-License-Identifier: GPL-2.0-only
# Drives testpmd by its prompt. Sourced by run; the working folder is the run's
# own, where "said" gets all that testpmd says.
# shellcheck shell=dash

# A step takes seconds; this is for machines that do much else.
STEP_SECONDS=100
PACKETS=8000 # each port sends at least as many
BURST=32 BURSTS=4
FIRST=$((BURST * BURSTS)) # packets that each port sends first
SEGMENTS=64,500,700 LENGTH=1264
MAC0=52:54:00:12:34:56 MAC1=52:54:00:12:34:57

testpmd() {
	local status=0
	mkfifo prompt
	exec 3<>prompt
	: >said
	# By lines: what it says must come before the next prompt.
	in-clients stdbuf -oL dpdk-testpmd -l 0,1 --iova-mode="$1" --no-telemetry -- -i \
		--total-num-mbufs=4096 --burst=$BURST --enable-rx-cksum --no-flush-rx \
		<prompt >>said 2>&1 3>&- &
	pmd=$!
	told=0
	session || { status=1; tail -n 20 said | sed 's/^/# /'; kill $pmd 2>/dev/null; }
	exec 3>&-
	wait $pmd || { note "exit status $?"; status=1; }
	return $status
}

session() {
	links_up && forward 1 && exchange && links_up && forward 2 || return
	echo quit >&3
	await ended
}

now() {
	cut -d. -f1 /proc/uptime
}

# await COMMAND...: until it is true, while testpmd is there.
await() {
	local end=$(($(now) + STEP_SECONDS))
	until "$@"; do
		if [ "$(now)" -gt $end ] || ended; then
			"$@" && return
			note "waited in vain: $*"
			return 1
		fi
		usleep 100000
	done
}

ended() {
	! kill -0 $pmd 2>/dev/null
}

# answer: what testpmd has said since it was told something.
answer() {
	tail -c +$((mark + 1)) said
}

# Its prompt comes letter by letter, with other threads' lines in between. So
# each command is followed by one that changes nothing and says so in a line.
tell() {
	mark=$(stat -c %s said)
	printf '%s\nset burst %s\n' "$*" $BURST >&3
	told=$((told + 1))
	await answered
}

answered() {
	[ "$(grep -c 'packets per burst set to' said)" = $told ]
}

# tells LINE...
tells() {
	for line; do
		tell "$line" || return
	done
}

links_up() {
	await both_up
}

both_up() {
	tell show port summary all && [ "$(answer | grep -c '^[01] .* up ')" = 2 ]
}

# totals FILE: of each port its number, packets received and sent.
totals() {
	awk '
	/ statistics for / { port = $6 }
	/Accumulated/ { port = "" }
	/RX-packets:/ && port != "" { rx = $NF }
	/TX-packets:/ && port != "" { print port, rx, $NF }' "$1"
}

# forward ROUND: the packets go round until there were enough, and those that
# are then found in the queues are looked at.
forward() {
	tells 'set verbose 0' 'set fwd macswap' "set txpkts $SEGMENTS" "start tx_first $BURSTS" &&
		await enough && tell stop || return
	answer >"forward-$1"
	tells 'set fwd rxonly' 'set verbose 1' start && await all_found
	received >"packets-$1"
	tell stop
}

enough() {
	tell show fwd stats all || return
	answer >stats
	totals stats | awk -v most=$PACKETS '$3 >= most { ports++ } END { exit ports != 2 }'
}

# received: a line a packet; of its two addresses the port's comes last.
received() {
	answer | awk '
	match($0, /src=[0-9A-F:]+ - dst=[0-9A-F:]+ /) {
		src = substr($0, RSTART + 4, 17)
		dst = substr($0, RSTART + 28, 17)
		line = src < dst ? src " " dst : dst " " src
		for (i = 1; i <= NF; i++)
			if ($i ~ /^(type|length)=/)
				line = line " " $i
		sub(/.*sw ptype: /, "")
		sub(/ *- .*/, "")
		line = line " " $0
	}
	/ol_flags: / { print line, /IP_CKSUM_GOOD/ ? "checksum good" : $0 }'
}

all_found() {
	[ "$(received | wc -l)" -ge $((2 * FIRST)) ]
}

# exchange: both cards are given back, and taken again.
exchange() {
	tells 'port stop all' 'port close all' 'device detach 0000:00:08.0' 'device detach 0000:00:0a.0' \
		'port attach 0000:00:08.0' 'port attach 0000:00:0a.0' 'port start all'
}
