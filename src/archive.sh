#!/bin/sh
# SPDX-License-Identifier: MIT
# archive.sh OUTPUT AR OBJCOPY LINK ARCHIVE... - a static library that offers its public names
# only. LINK is the compiler with its arguments, in one word. In an archive each object sees
# the hidden names of the others, and so does the user: here all objects become one, and what
# is hidden becomes local to it.
set -eu
output=$1 ar=$2 objcopy=$3 link=$4
shift 4
object=${output%.a}.o

# shellcheck disable=SC2086
$link -r -nostdlib -o "$object" -Wl,--whole-archive "$@" -Wl,--no-whole-archive
"$objcopy" --localize-hidden "$object"
rm -f "$output"
"$ar" rcs "$output" "$object"
rm -f "$object"
