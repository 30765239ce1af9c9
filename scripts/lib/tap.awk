# SPDX-License-Identifier: GPL-2.0-only
# What is wrong with the TAP of programs that ran one after another, a line
# each: awk -v want=N -f tap.awk LOG, where N programs at least must have had
# their say. Whether points failed is not asked here.
#
# A plan may come before the points or behind them. So that no program's points
# count for another's, a stream ends where its plan is met, where a point has
# number 1, and at 'TAP version'.

function bad(what) {
	printf "%s: %s\n", name, what
}

function begin() {
	if (!begun)
		name = "TAP stream " ++streams
	begun = 1
}

function finish() {
	if (begun && plan < 0)
		bad(points " points and no plan: it did not reach its end, or output is lost")
	else if (begun && plan != points)
		bad("a plan of " plan " points, but " points " of them")
	begun = points = 0
	plan = -1
}

BEGIN {
	plan = -1
}

/^TAP version / {
	finish()
	begin()
}

/^1\.\.[0-9]+/ {
	if (plan >= 0)
		finish()
	begin()
	plan = substr($1, 4) + 0
	if (!plan && !/# SKIP ./)
		bad("a plan of no points, without a reason")
	if (points || !plan)
		finish()
}

/^(not )?ok / {
	number = $1 == "ok" ? $2 : $3
	if (number == "1" && points)
		finish()
	begin()
	points++
	if (number ~ /^[0-9]+$/ && number != points && number != last + 1)
		bad("point " number " where " points " should be")
	last = number
	if (points == plan)
		finish()
}

END {
	finish()
	if (streams < want)
		printf "%d programs should print TAP, %d did\n", want, streams
}
