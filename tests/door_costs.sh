#!/bin/sh
# SPDX-License-Identifier: MIT
# door_costs.sh SOURCE-DIR - natively the door costs nothing: the object code of
# door_native.c is that of the same functions written by hand in C11.
set -eu
top=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
command -v objdump >/dev/null || exit 77

compared=0
for cc in gcc clang; do
	command -v "$cc" >/dev/null || continue
	for door in native plain; do
		"$cc" -std=gnu11 -O2 -I"$top/src" -c -o "$dir/$door.o" "$top/tests/door_$door.c"
		# Addresses and file names differ; instructions and what they refer to may not.
		objdump -dr --no-show-raw-insn "$dir/$door.o" | sed -n '/^[0-9a-f]\{8,\} </,$p' \
			>"$dir/$door.s"
	done
	if ! grep -q '<door_section>:' "$dir/native.s"; then
		echo "door_costs: no functions in the disassembly of $cc" >&2
		exit 1
	fi
	if ! diff -u "$dir/plain.s" "$dir/native.s"; then
		echo "door_costs: with $cc the door is not free" >&2
		exit 1
	fi
	echo "$cc: $(grep -c ':	' "$dir/native.s") instructions, the same"
	compared=$((compared + 1))
done
[ "$compared" != 0 ] || exit 77
