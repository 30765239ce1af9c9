# SPDX-License-Identifier: GPL-2.0-only
# Prints FILE with its one piece that is the text of the file OLD replaced by that
# of the file NEW. Fails if OLD is not there exactly once, at the start of a line.

function slurp(path,    line, text) {
	text = ""
	while ((getline line <path) > 0)
		text = text line "\n"
	close(path)
	return text
}

BEGIN {
	text = "\n" slurp(FILE)
	old = "\n" slurp(OLD)
	at = index(text, old)
	if (!at) {
		print "this text is not there any more:" old >"/dev/stderr"
		exit 1
	}
	rest = substr(text, at + length(old) - 1)
	if (index(rest, old)) {
		print "this text is there more than once:" old >"/dev/stderr"
		exit 1
	}
	printf "%s%s%s", substr(text, 2, at - 1), slurp(NEW), substr(rest, 2)
}
