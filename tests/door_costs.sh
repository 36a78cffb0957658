#!/bin/sh
# SPDX-License-Identifier: MIT
# door_costs.sh SOURCE-DIR - natively the door costs nothing, and neither do the mutations that
# it lets a checker plant: the object code of door_native.c and mutation_native.c is that of
# the same functions written by hand in door_plain.c and mutation_plain.c.
set -eu
top=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
command -v objdump >/dev/null || exit 77

compared=0
for cc in gcc clang; do
	command -v "$cc" >/dev/null || continue
	for what in door mutation; do
		for kind in native plain; do
			"$cc" -std=gnu11 -O2 -I"$top/src" -I"$top/include" -c -o "$dir/$kind.o" \
				"$top/tests/${what}_$kind.c"
			# Addresses and file names differ; instructions and what they refer to may not.
			objdump -dr --no-show-raw-insn "$dir/$kind.o" |
				sed -n '/^[0-9a-f]\{8,\} </,$p' >"$dir/$kind.s"
		done
		if ! grep -q "<$what" "$dir/native.s"; then
			echo "door_costs: no functions in the disassembly of $cc" >&2
			exit 1
		fi
		if ! diff -u "$dir/plain.s" "$dir/native.s"; then
			echo "door_costs: with $cc ${what}_native.c is not free" >&2
			exit 1
		fi
		echo "$cc, $what: $(grep -c ':	' "$dir/native.s") instructions, the same"
	done
	compared=$((compared + 1))
done
[ "$compared" != 0 ] || exit 77
