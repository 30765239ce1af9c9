# SPDX-License-Identifier: GPL-2.0-only
# Packages of any suite and architecture, from the Debian archive that this
# machine's own apt uses, with apt state of our own. Sourced, never run.
# shellcheck shell=bash

# mirror: the archive's URI.
mirror() {
	local uri
	if [ -n "${HWDBM_MIRROR:-}" ]; then
		printf '%s\n' "$HWDBM_MIRROR"
		return
	fi
	uri=$(configured_mirror)
	if [ -z "$uri" ] && [ "$(id -u)" = 0 ]; then
		# Before the first update apt does not know whose archive it has.
		say "updating this machine's package lists to find its Debian mirror"
		apt-get update >/dev/null 2>&1 || true
		uri=$(configured_mirror)
	fi
	[ -n "$uri" ] || die "apt has no Debian main archive; set HWDBM_MIRROR to one"
	printf '%s\n' "$uri"
}

configured_mirror() {
	# shellcheck disable=SC2016 # apt fills these in
	apt-get indextargets --format '$(LABEL)|$(COMPONENT)|$(REPO_URI)' \
		'Created-By: Packages' |
		awk -F'|' '$1 == "Debian" && $2 == "main" && !n++ { print $3 }'
}

keyring() {
	local file=${HWDBM_KEYRING:-/usr/share/keyrings/debian-archive-keyring.gpg}
	[ -r "$file" ] || die "no keyring $file: install debian-archive-keyring or set HWDBM_KEYRING"
	printf '%s\n' "$file"
}

# How this machine reaches the archive: proxies, timeouts, checks of dates.
transport_options() {
	apt-config dump | grep -E '^Acquire::(http|https|ftp|tor|Check|Retries|Max|Force)' || true
}

# apt_state SUITE ARCH: a folder with apt.conf, its lists not older than a day.
apt_state() {
	local dir=$CACHE/apt/$1-$2
	mkdir -p "$dir"
	if [ -z "$(find "$dir/updated" -mmin -1440 2>/dev/null)" ]; then
		with_lock "apt-$1-$2" apt_update "$1" "$2" "$dir"
	fi
	printf '%s\n' "$dir/apt.conf"
}

apt_update() {
	local suite=$1 arch=$2 dir=$3 signed uri
	signed=$(keyring)
	uri=$(mirror)
	say "reading the package lists of $suite for $arch"
	mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial" "$dir/empty"
	: >"$dir/status"
	printf 'deb [signed-by=%s] %s %s main\n' "$signed" "$uri" "$suite" >"$dir/sources.list"
	printf 'deb-src [signed-by=%s] %s %s main\n' "$signed" "$uri" "$suite" >>"$dir/sources.list"
	cat >"$dir/apt.conf" <<-END
		Dir::State "$dir";
		Dir::State::lists "$dir/lists";
		Dir::State::status "$dir/status";
		Dir::Cache "$dir/cache";
		Dir::Etc::sourcelist "$dir/sources.list";
		Dir::Etc::sourceparts "$dir/empty";
		Dir::Etc::preferencesparts "$dir/empty";
		APT::Architecture "$arch";
		APT::Architectures { "$arch"; };
		APT::Get::List-Cleanup "false";
		APT::Sandbox::User "";
		Acquire::Languages "none";
	END
	APT_CONFIG=$dir/apt.conf apt-get -qq update >&2 || die "cannot read the lists of $suite from $uri"
	touch "$dir/updated"
}

# depends CONF PACKAGE REGEX: PACKAGE's direct dependencies that match, first
# alternative of each.
depends() {
	APT_CONFIG=$1 apt-cache show --no-all-versions "$2" |
		sed -n 's/^\(Pre-\)\?Depends: //p' | tr ',' '\n' |
		sed 's/|.*//; s/(.*//; s/ //g' | grep -E "$3" || true
}

# download CONF DIR PACKAGE...: .deb files into DIR.
download() {
	local dir=$2
	mkdir -p "$dir"
	with_fresh_lists "$1" download_in "$dir" "${@:3}" || die "cannot download: ${*:3}"
}

download_in() {
	(cd "$1" && APT_CONFIG=$APT_STATE apt-get -qq download "${@:2}" >&2)
}

# download_source CONF DIR PACKAGE: its source package's files into DIR.
download_source() {
	mkdir -p "$2"
	with_fresh_lists "$1" download_source_in "$2" "$3" || die "cannot download the source of $3"
}

download_source_in() {
	(cd "$1" && APT_CONFIG=$APT_STATE apt-get -qq source --download-only "$2" >&2)
}

# with_fresh_lists CONF COMMAND...: once more with new lists if it fails, since
# the archive drops a version when it gets the next. CONF is in APT_STATE.
with_fresh_lists() {
	local dir
	APT_STATE=$1
	shift
	"$@" && return
	dir=${APT_STATE%/apt.conf}
	say "that failed; once more with new package lists"
	rm -f "$dir/updated"
	dir=${dir##*/}
	apt_state "${dir%-*}" "${dir##*-}" >/dev/null
	"$@"
}
