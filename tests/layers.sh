#!/bin/sh
# SPDX-License-Identifier: MIT
# layers.sh SOURCE-DIR SEE-DIR - each room is compiled with a directory that shows it the
# rooms which src/rooms.txt allows and no others, so that a wrong include does not build: for
# every room, a header of every other one can be included if and only if the table says so.
set -u
top=$1 see=$2 ret=0

rooms() { grep -v '^#' "$top/src/rooms.txt" | grep .; }

# header ROOM: one of its headers, as it is included; nothing for a room that has none.
header() { (cd "$top/src" && ls "$1"/*.h 2>/dev/null | head -n 1); }

# may ROOM OTHER: does the table allow it? A folder's name stands for all rooms in it.
may() {
	for below in "$1" $(rooms | sed -n "s|^$1: *||p"); do
		case $2 in
		"$below" | "$below"/*) return 0 ;;
		esac
	done
	return 1
}

checked=0
for room in $(rooms | cut -d: -f1); do
	for other in $(rooms | cut -d: -f1); do
		h=$(header "$other")
		[ -n "$h" ] || continue
		checked=$((checked + 1))
		can=no want=no
		[ -e "$see/$(echo "$room" | tr / -)/$h" ] && can=yes
		may "$room" "$other" && want=yes
		[ $can = $want ] || { echo "$room sees $h: $can, by the table $want"; ret=1; }
	done
done
echo "$checked pairs of rooms"
[ "$checked" -gt 100 ] && exit $ret
