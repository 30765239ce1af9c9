# SPDX-License-Identifier: GPL-2.0-only
# The matrix: what tests/compat/cells asks, what tests/compat/matrix has on record,
# and the table for people. Sourced, never run.
# shellcheck shell=bash

CELLS=tests/compat/cells
RECORD=tests/compat/matrix
README=README.md
MARK_BEGIN='<!-- matrix: written by make matrix -->'
MARK_END='<!-- /matrix -->'

rows=() columns=() notes=()
declare -A row_text=() column_text=() note_text=() quick_of=() # of cells
declare -A want=() tests=()                                    # by KERNEL/COLUMN
declare -A answer=() detail=() release=()                      # what was found

matrix_die() {
	printf 'matrix: %s\n' "$*" >&2
	exit 2
}

# read_cells: first the names, so that a cell can be looked up for each.
read_cells() {
	local word name rest kernel column line
	local -a cells=()
	while read -r word name rest; do
		case $word in
		'' | '#'*) ;;
		row) rows+=("$name"); row_text[$name]=$rest ;;
		column) columns+=("$name"); column_text[$name]=$rest ;;
		note) notes+=("$name"); note_text[$name]=$rest ;;
		quick) quick_of[$name]=$rest ;;
		cell) cells+=("$name $rest") ;;
		*) matrix_die "$CELLS: unknown word '$word'" ;;
		esac
	done <"$CELLS"
	for kernel in "${rows[@]}"; do
		for column in "${columns[@]}"; do
			for line in "${cells[@]}"; do
				! take_cell "$kernel" "$column" "$line" || break
			done
			[ -n "${want[$kernel/$column]:-}" ] || matrix_die "$CELLS: no cell for $kernel, $column"
		done
	done
}

# take_cell KERNEL COLUMN LINE: if LINE is about it.
take_cell() {
	local column pattern answer words
	read -r column pattern answer words <<<"$3"
	# shellcheck disable=SC2053 # it is a pattern
	[[ $column = "$2" && $1 = $pattern ]] || return 1
	case $answer in
	yes | -) ;;
	no:*) [ -n "${note_text[${answer#no:}]:-}" ] || matrix_die "$CELLS: no note '${answer#no:}'" ;;
	*) matrix_die "$CELLS: an answer is yes, no:NOTE or -, not '$answer'" ;;
	esac
	[ "$answer" = - ] || [ -n "$words" ] || matrix_die "$CELLS: '$3' has no test: it shows nothing"
	want[$1/$2]=$answer
	tests[$1/$2]=$words
}

read_record() {
	local kernel column word rest
	[ -r "$RECORD" ] || return 0
	while read -r kernel column word rest; do
		case $kernel in '' | '#'*) continue ;; esac
		if [ "$column" = release ]; then
			release[$kernel]=$word
		else
			answer[$kernel/$column]=$word
			detail[$kernel/$column]=$rest
		fi
	done <"$RECORD"
}

write_record() {
	local kernel column
	{
		printf '# SPDX-License-Identifier: GPL-2.0-only\n'
		printf '# What make matrix has found: KERNEL COLUMN ANSWER. Written by scripts/matrix, never by hand.\n'
		for kernel in "${rows[@]}"; do
			[ -n "${release[$kernel]:-}" ] || continue
			printf '%s release %s\n' "$kernel" "${release[$kernel]}"
			for column in "${columns[@]}"; do
				printf '%s\n' "$kernel $column ${answer[$kernel/$column]}${detail[$kernel/$column]:+ ${detail[$kernel/$column]}}"
			done
		done
	} >"$RECORD.new"
	mv "$RECORD.new" "$RECORD"
}

# cell_text KERNEL COLUMN
cell_text() {
	local word=${answer[$1/$2]:-} number=1 note
	case $word in
	no:*)
		for note in "${notes[@]}"; do
			[ "$note" != "${word#no:}" ] || break
			number=$((number + 1))
		done
		printf 'no [%d]' "$number"
		;;
	yes | FAILS | part) printf '%s%s' "$word" "${detail[$1/$2]:+, ${detail[$1/$2]}}" ;;
	'') printf '.' ;;
	*) printf '%s' "$word" ;;
	esac
}

# print_table: in Markdown, which can be read as it is.
print_table() {
	local kernel column number=0 note
	printf '| kernel |'
	for column in "${columns[@]}"; do printf ' %s |' "${column_text[$column]}"; done
	printf '\n|---|'
	for column in "${columns[@]}"; do printf -- '---|'; done
	printf '\n'
	for kernel in "${rows[@]}"; do
		[ -n "${release[$kernel]:-}" ] || continue
		printf '| %s |' "${row_text[$kernel]} (${release[$kernel]%-a*64})"
		for column in "${columns[@]}"; do printf ' %s |' "$(cell_text "$kernel" "$column")"; done
		printf '\n'
	done
	printf '\n'
	for note in "${notes[@]}"; do
		number=$((number + 1))
		[[ " ${answer[*]} " != *" no:$note "* ]] || printf '[%d] %s.\n' "$number" "${note_text[$note]^}"
	done
}

# readme_block: what is between the marks now.
readme_block() {
	awk -v begin="$MARK_BEGIN" -v end="$MARK_END" '
		$0 == end { inside = 0 }
		inside { print }
		$0 == begin { inside = found = 1 }
		END { exit !found }' "$README"
}

# write_readme: the table, between the marks.
write_readme() {
	readme_block >/dev/null || matrix_die "$README has no line '$MARK_BEGIN'"
	print_table >"$README.table"
	awk -v begin="$MARK_BEGIN" -v end="$MARK_END" -v table="$README.table" '
		$0 == end { inside = 0 }
		!inside { print }
		$0 == begin { inside = 1; while ((getline line < table) > 0) print line }' "$README" >"$README.new"
	cat "$README.new" >"$README"
	rm -f "$README.new" "$README.table"
}
