# SPDX-License-Identifier: GPL-2.0-only
# For the guest's scripts that run existing programs; tests/clients/README.md
# says what each function does. For busybox's sh, sourced, never run.
# shellcheck shell=dash

OURS=vfio_iommu_type1_hwdbm
TRACING=/sys/kernel/tracing
WATCH_LOG=/tmp/ioctls
checks=0 failures=0

# ---- TAP --------------------------------------------------------------------

note() {
	echo "# $*"
}

check() {
	local text=$1
	shift
	checks=$((checks + 1))
	if "$@"; then
		echo "ok $checks - $text"
	else
		failures=$((failures + 1))
		echo "not ok $checks - $text"
	fi
}

skip() {
	checks=$((checks + 1))
	echo "ok $checks - $1 # SKIP $2"
}

plan_ends() {
	echo "1..$checks"
	[ $failures = 0 ]
}

# ---- the module -------------------------------------------------------------

reload() {
	rmmod $OURS && insmod "/lib/modules/$(uname -r)/updates/dkms/$OURS.ko" "$@"
}

# vmstat NAME: with what the processors have counted for themselves so far.
vmstat() {
	echo 1 >/proc/sys/vm/stat_refresh
	sed -n "s/^$1 //p" /proc/vmstat
}

nothing_left() {
	local left='' module pinned
	for module in $OURS vfio_iommu_type1; do
		[ ! -e "/sys/module/$module" ] || [ "$(cat "/sys/module/$module/refcnt")" = 0 ] ||
			left="$left the module $module is in use;"
	done
	pinned=$(($(vmstat nr_foll_pin_acquired) - $(vmstat nr_foll_pin_released)))
	[ $pinned = 0 ] || left="$left $pinned pins"
	[ -z "$left" ] || note "left behind:$left"
	[ -z "$left" ]
}

# ---- who serves -------------------------------------------------------------

# Behind argsz are flags and three numbers, if there are as many: what is not there to be read is a
# fault, and means nothing then.
watch_events() {
	cat <<-'END'
		p:clients/container vfio:vfio_fops_unl_ioctl cmd=%si:x32 arg=%dx:x64 flags=+u4(%dx):x32 a=+u8(%dx):x64 b=+u16(%dx):x64 c=+u24(%dx):x64
		r:clients/answer vfio:vfio_fops_unl_ioctl ret=$retval:s64 size=+u16($arg3):x64
		p:clients/stock vfio_iommu_type1:vfio_iommu_type1_ioctl data=%di:x64 cmd=%si:x32
	END
	[ ! -e /sys/module/$OURS ] ||
		echo "p:clients/ours $OURS:container_ioctl data=%di:x64 cmd=%si:x32"
}

watch_begins() {
	watch_events | while read -r event; do
		echo "$event" >>$TRACING/kprobe_events || return
	done || { note "the kernel takes no probe in $OURS or VFIO"; return 1; }
	echo 8192 >$TRACING/buffer_size_kb
	# Strictly in order, which processors' clocks are not.
	echo counter >$TRACING/trace_clock
	echo >$TRACING/trace
	echo 1 >$TRACING/events/clients/enable
}

# Also takes the probes away: they would keep the module.
watch_ends() {
	echo 0 >$TRACING/events/clients/enable
	cat $TRACING/trace >/tmp/trace
	echo >$TRACING/kprobe_events
	watch_log </tmp/trace >$WATCH_LOG
	grep -q 'entries-written: \([0-9]*\)/\1 ' /tmp/trace || { note "the trace has lost lines"; return 1; }
}

watch_log() {
	awk '
	function field(name,  i) {
		for (i = 1; i <= NF; i++)
			if (index($i, name "=") == 1)
				return substr($i, length(name) + 2)
	}
	function words(cmd) {
		if (cmd == "MAP_DMA")
			return " flags=" field("flags") " vaddr=" field("a") " iova=" field("b") " size=" field("c")
		if (cmd == "UNMAP_DMA")
			return " flags=" field("flags") " iova=" field("a") " size=" field("b")
		if (cmd == "DIRTY_PAGES")
			return " " (field("flags") in dirty ? dirty[field("flags")] : field("flags"))
		if (cmd == "SET_IOMMU" || cmd == "CHECK_EXTENSION")
			return " arg=" field("arg")
		return ""
	}
	BEGIN {
		split("0x3b64 GET_API_VERSION 0x3b65 CHECK_EXTENSION 0x3b66 SET_IOMMU 0x3b70 GET_INFO " \
		      "0x3b71 MAP_DMA 0x3b72 UNMAP_DMA 0x3b75 DIRTY_PAGES", list)
		for (i = 1; i in list; i += 2)
			names[list[i]] = list[i + 1]
		split("0x1 START 0x2 STOP 0x4 GET_BITMAP 0x8 GET_BITMAP_NOCLEAR 0x10 CLEAR_BITMAP", list)
		for (i = 1; i in list; i += 2)
			dirty[list[i]] = list[i + 1]
	}
	!match($0, / (container|answer|stock|ours): \(/) { next }
	{
		event = substr($0, RSTART + 1, RLENGTH - 4)
		task = substr($0, 1, 23)
	}
	event == "container" {
		cmd = field("cmd")
		if (cmd in names)
			cmd = names[cmd]
		line[task] = cmd words(cmd)
		who[task] = event
	}
	# Without data it is asked what it could do, before it is chosen.
	(event == "stock" || event == "ours") && field("data") != "0x0" { who[task] = event }
	event == "answer" {
		print who[task], line[task], "= " field("ret") (line[task] ~ /^UNMAP_DMA/ ? " size=" field("size") : "")
		delete line[task]
	}
	END {
		for (task in line)
			print who[task], line[task], "= ?"
	}'
}

watch() {
	local watched=0
	watch_begins || return
	"$@" || watched=$?
	watch_ends || watched=1
	return $watched
}

count_ioctls() {
	grep -c "^$*\( \|$\)" $WATCH_LOG
}

who_served() {
	local served
	served=$(sed -n 's/^\(stock\|ours\) .*/\1/p' $WATCH_LOG | sort -u | tr '\n' ' ')
	case $served in
	'') echo nobody ;;
	'stock ') echo stock ;;
	'ours ') echo ours ;;
	*) echo both ;;
	esac
}

served_by() {
	local wanted=$1 result=0
	shift
	watch "$@" || result=$?
	[ "$(who_served)" = "$wanted" ] || {
		note "not served by $wanted: $(who_served)"
		result=1
	}
	return $result
}
