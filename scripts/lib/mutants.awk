# SPDX-License-Identifier: GPL-2.0-only
# The lists of scripts/mutants. Reads them, and writes each mutant's words to
# OUT/NAME/{killer,why,survives,alone} and its pieces to OUT/NAME/N.{file,old,new};
# prints its name. tests/mutants/README.md says what a list looks like.

function complain(text) {
	printf "%s:%d: %s\n", FILENAME, FNR, text >"/dev/stderr"
	failed = 1
	exit 1
}

# The piece that was being read is complete.
function end_piece() {
	if (!name || !pieces)
		return
	if (old == "" || old == new)
		complain(name ": nothing is changed in " file)
	base = OUT "/" name "/" pieces "."
	printf "%s\n", file >(base "file")
	printf "%s", old >(base "old")
	printf "%s", new >(base "new")
	close(base "file")
	close(base "old")
	close(base "new")
}

function end_mutant() {
	end_piece()
	if (name && (!pieces || !("killer" in words) || !("why" in words)))
		complain(name " lacks a killer, a why or a change")
	for (word in words) {
		printf "%s\n", words[word] >(OUT "/" name "/" word)
		close(OUT "/" name "/" word)
	}
	for (word in words)
		delete words[word]
	if (name)
		print name
	name = ""
	pieces = 0
}

FNR == 1 { end_mutant() }

/^[-+ ]/ {
	if (!pieces)
		complain("a line of a change without a file")
	if (/^[- ]/)
		old = old substr($0, 2) "\n"
	if (/^[+ ]/)
		new = new substr($0, 2) "\n"
	next
}

/^$/ { next }
/^#/ { next }

{
	key = $1
	value = substr($0, length(key) + 2)
}

key == "mutant" {
	end_mutant()
	name = value
	if (name !~ /^[a-z0-9-]+$/ || name in seen)
		complain("no name, or one that was there before: " name)
	seen[name] = 1
	system("mkdir -p '" OUT "/" name "'")
	next
}

key == "file" {
	end_piece()
	pieces++
	file = value
	old = new = ""
	next
}

key == "killer" || key == "why" || key == "survives" || key == "alone" {
	if (key in words)
		value = words[key] " " value
	words[key] = value
	next
}

{ complain("unknown word '" key "'") }

END {
	if (!failed)
		end_mutant()
}
