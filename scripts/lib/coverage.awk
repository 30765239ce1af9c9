# SPDX-License-Identifier: GPL-2.0-only
# Sums up gcov -t's text, over any number of programs and runs of them:
# awk -v want=PERCENT -v sources=FOLDER -v list=FILE [-v all=1] -f coverage.awk TEXT
#
# Fails if less than PERCENT is executed; with all=1, also if the rest is not on the
# list.
#
# The list says which lines need not be executed, and why:
#
#	FILE FUNCTION -- TEXT -- REASON
#
# TEXT is a part of the line, or the end of the line before and a part of it; * is
# any line of the function. Where FUNCTION is * as well, nothing in the file can be
# executed on this kernel: its lines are not counted.

function trim(text) {
	gsub(/^[ \t]+|[ \t]+$/, "", text)
	return text
}

function read_list(    line, part, where) {
	while ((getline line <list) > 0) {
		if (line ~ /^#/ || trim(line) == "")
			continue
		if (split(line, part, / -- /) != 3 || split(part[1], where, " ") != 2) {
			print "coverage: cannot read in " list ": " line
			failed = 1
			continue
		}
		entries++
		entry_text[entries] = line
		entry_file[entries] = where[1]
		entry_function[entries] = where[2]
		entry_part[entries] = trim(part[2])
	}
	close(list)
}

# The function around each line: kernel style starts its name, or what comes
# before it, in the first column, and ends it with a brace there.
function read_source(file,    line, n, name) {
	while ((getline line <(sources "/" file)) > 0) {
		n++
		text[file, n] = line
		if (line ~ /^[A-Za-z_].*\(/ && match(line, /[A-Za-z_0-9]+\(/))
			name = substr(line, RSTART, RLENGTH - 1)
		enclosing[file, n] = name
	}
	close(sources "/" file)
}

# matches PART: is it in the line, and not just in the one before?
function matches(part, file, n,    before, line, at) {
	before = trim(text[file, n - 1]) " "
	line = before trim(text[file, n])
	at = index(line, part)
	return part == "*" || index(text[file, n], part) ||
	       (at && at + length(part) - 1 > length(before))
}

function justified(file, n,    i, found) {
	for (i = 1; i <= entries; i++)
		if (entry_file[i] == file && entry_function[i] == enclosing[file, n] &&
		    matches(entry_part[i], file, n)) {
			entry_used[i] = 1
			found = 1
		}
	return found
}

BEGIN {
	FS = ":"
	read_list()
}

$2 + 0 == 0 && $3 == "Source" {
	file = $4
	mine = sub(/^.*\/build\/src\//, "src/", file) && file !~ /^src\/compat\/probe\//
	if (mine && !(file in known)) {
		known[file] = ++files
		name_of[files] = file
		read_source(file)
	}
	next
}

mine && $2 + 0 > 0 {
	count = trim($1)
	if (count == "-")
		next
	n = $2 + 0
	if (n > last[file])
		last[file] = n
	executable[file, n] = 1
	if (count + 0 > 0)
		executed[file, n] = 1
}

function by_name(    i, j, swap) {
	for (i = 2; i <= files; i++)
		for (j = i; j > 1 && name_of[j] < name_of[j - 1]; j--) {
			swap = name_of[j]
			name_of[j] = name_of[j - 1]
			name_of[j - 1] = swap
		}
}

function percent(part, whole) {
	return whole ? 100 * part / whole : 100
}

function for_other_kernels(file,    i) {
	for (i = 1; i <= entries; i++)
		if (entry_file[i] == file && entry_function[i] == "*" && entry_part[i] == "*") {
			entry_used[i] = 1
			return 1
		}
	return 0
}

function count_file(file,    n, lines, done, excused) {
	if (for_other_kernels(file)) {
		printf "%-28s not for this kernel\n", file
		return
	}
	for (n = 1; n <= last[file]; n++) {
		if (!((file, n) in executable))
			continue
		lines++
		if ((file, n) in executed)
			done++
		else if (justified(file, n))
			excused++
		else
			missing[++missed] = sprintf("%s:%d: %s: %s", file, n,
						    enclosing[file, n], trim(text[file, n]))
	}
	printf "%-28s %5d of %5d lines %6.1f%%%s\n", file, done, lines, percent(done, lines),
		excused ? sprintf("  %d justified", excused) : ""
	all_lines += lines
	all_done += done
	all_excused += excused
}

END {
	by_name()
	for (i = 1; i <= files; i++)
		count_file(name_of[i])
	printf "%-28s %5d of %5d lines %6.1f%%  %d justified, %d not\n", "all of src",
		all_done, all_lines, percent(all_done, all_lines), all_excused, missed
	for (i = 1; i <= missed; i++)
		print "not executed: " missing[i]
	for (i = 1; i <= entries; i++)
		if (!entry_used[i]) # no failure: some need two threads to meet
			print "justified, but executed or not there: " entry_text[i]
	exit !(all_lines && percent(all_done, all_lines) >= want && !(all && missed) && !failed)
}
