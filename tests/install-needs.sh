# SPDX-License-Identifier: MIT
# install-needs.sh - sourced by ./demo and ./check.
#
#   install_needs PACKAGE:TEST...   install each Debian package whose TEST command fails
#
# Nothing is asked of the network, or of root, when every test succeeds.

# Does $1 compile, and link, a program that includes <$2> with the flags $3...?
can_compile() {
	can_cc=$1 can_header=$2
	shift 2
	command -v "$can_cc" >/dev/null 2>&1 || return 1
	can_dir=$(mktemp -d) || return 1
	printf '#include <stdarg.h>\n#include <stddef.h>\n#include <stdint.h>\n%s\n' \
		"#include <setjmp.h>
#include <$can_header>
int main(void) { return 0; }" >"$can_dir/c.c"
	case $can_cc in *++) mv "$can_dir/c.c" "$can_dir/c.cc" ;; esac
	can_ret=0
	"$can_cc" -o "$can_dir/c" "$can_dir"/c.c* "$@" >/dev/null 2>&1 || can_ret=1
	rm -rf "$can_dir"
	return $can_ret
}

has() { command -v "$1" >/dev/null 2>&1; }

install_needs() {
	packages=
	for need; do
		${need#*:} || packages="$packages ${need%%:*}"
	done
	packages=${packages# }
	[ -n "$packages" ] || return 0
	if ! has apt-get; then
		echo "${0##*/}: this needs what Debian calls: $packages" >&2
		return 1
	fi
	as_root=
	if [ "$(id -u)" != 0 ]; then
		as_root="sudo -n"
		if ! sudo -n true 2>/dev/null; then
			echo "${0##*/}: as root, run first: apt-get install $packages" >&2
			return 1
		fi
	fi
	echo "installing: $packages"
	log=$(mktemp) || return 1
	# A package list that is already there will often do.
	if ! { $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q \
			--no-install-recommends $packages ||
	       { $as_root apt-get update -q && $as_root env DEBIAN_FRONTEND=noninteractive \
			apt-get install -y -q --no-install-recommends $packages; }
	} >"$log" 2>&1; then
		echo "${0##*/}: cannot install $packages: $(grep '^E:' "$log" | tail -n 1)" >&2
		rm -f "$log"
		return 1
	fi
	rm -f "$log"
	for need; do
		${need#*:} && continue
		echo "${0##*/}: ${need%%:*} is installed and still does not work (${need#*:})" >&2
		return 1
	done
}

# What both need: a compiler, Meson and what it calls, and a reader of debug information.
cc_works() { can_compile "${CC:-gcc}" stdio.h; }
BUILD_NEEDS="gcc:cc_works libc6-dev:cc_works meson:meson_works ninja-build:ninja_works \
pkg-config:pkg_config_works libdw-dev:libdw_works"
meson_works() { has meson; }
ninja_works() { has ninja; }
pkg_config_works() { has pkg-config; }
libdw_works() { can_compile "${CC:-gcc}" elfutils/libdw.h -ldw -lelf; }
