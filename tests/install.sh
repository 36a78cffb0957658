#!/bin/sh
# SPDX-License-Identifier: MIT
# install.sh BUILD-DIR SOURCE-DIR COMPILER - an installed copy is whole: a program
# builds against it by pkg-config, shared and static, and the tool finds its
# catalog.
set -eu
build=$1 top=$2 cc=$3
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

fail() {
	echo "install: $*" >&2
	exit 1
}

meson install -C "$build" --no-rebuild --quiet --destdir "$dir" >"$dir/log" 2>&1 ||
	{ cat "$dir/log"; fail "meson install failed"; }
pc=$(find "$dir" -name mmun.pc)
[ -n "$pc" ] || fail "there is no mmun.pc"
PKG_CONFIG_PATH=${pc%/*} PKG_CONFIG_SYSROOT_DIR=$dir
export PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR
lib=$(dirname "$(find "$dir" -name libmmun.a)")
[ "$(pkg-config --modversion mmun)" = "$(sed -n "s/^project(.* version: '\([^']*\)'.*/\1/p" \
	"$top/meson.build")" ] || fail "mmun.pc has another version"

cat >"$dir/program.c" <<'END'
#include <mmun/mmun.h>
#include <stdio.h>
int main(void)
{
	struct mmun_machine_opts opts = { .frames = 64 };
	struct mmun_machine *machine;
	struct mmun_mm *mm;
	struct mmun_cpu *cpu;
	uint64_t at, value;

	if (mmun_machine_create(&opts, &machine) || mmun_mm_create(machine, MMUN_MODERN, &mm) ||
	    mmun_mmap(mm, 0, mmun_page_size(), MMUN_PROT_READ | MMUN_PROT_WRITE,
		      MMUN_MAP_PRIVATE | MMUN_MAP_ANONYMOUS, &at) ||
	    mmun_cpu_create(mm, &cpu) || mmun_cpu_store(cpu, at, 42) ||
	    mmun_cpu_load(cpu, at, &value))
		return 1;
	mmun_cpu_destroy(cpu);
	if (mmun_mm_destroy(mm) || mmun_machine_destroy(machine))
		return 1;
	printf("%s %llu\n", mmun_version(), (unsigned long long)value);
	return 0;
}
END

wanted="$(pkg-config --modversion mmun) 42"
"$cc" -o "$dir/shared" "$dir/program.c" $(pkg-config --cflags --libs mmun)
readelf -d "$dir/shared" | grep -q 'NEEDED.*\[libmmun\.so\.0\]' || fail "the soname is not 0"
[ "$(LD_LIBRARY_PATH=$lib "$dir/shared")" = "$wanted" ] || fail "the shared library does not work"
"$cc" -o "$dir/static" "$dir/program.c" $(pkg-config --cflags mmun) \
	$(pkg-config --static --libs mmun | sed 's/-lmmun\>/-l:libmmun.a/')
[ "$("$dir/static")" = "$wanted" ] || fail "the static library does not work"

tool=$(find "$dir" -type f -name mmun -perm -100)
[ -n "$tool" ] || fail "the tool is not installed"
catalog=$(find "$top/litmus" -name '*.litmus' | wc -l)
[ "$(env -u MMUN_LITMUS "$tool" list | grep -c .)" -ge "$catalog" ] ||
	fail "the installed tool does not find its $catalog tests"
env -u MMUN_KERNEL "$tool" trace --kernel fork | grep -q '6\.12' ||
	fail "the installed tool does not find the recordings"
"$cc" -o "$dir/check" "$top/examples/checks/wakeup.c" $(pkg-config --cflags --libs mmun-checked)
LD_LIBRARY_PATH=$lib "$dir/check" -q | grep -q '2 tests: 2 ok' ||
	fail "a program with checks does not work"
env -u MMUN_INCLUDE "$tool" check -q "$top/examples/checks/wakeup.c" | grep -q '2 tests: 2 ok' ||
	fail "the installed tool does not find its headers"
for page in "$top"/man/*; do
	[ -n "$(find "$dir" -path "*/man/*" -name "${page##*/}*")" ] ||
		fail "${page##*/} is not installed"
done
[ "$(env -u MMUN_CORPUS "$tool" corpus --list | grep -c .)" = "$(find "$top/corpus" -name '*.c' | wc -l)" ] ||
	fail "the installed tool does not find its corpus"
env -u MMUN_INCLUDE -u MMUN_CORPUS "$tool" corpus 31 | grep -q 'Finding lifetime' ||
	fail "the installed tool does not run its corpus"
find "$dir" -name '*.h' | grep -v '/include/mmun/\|/mmun/corpus/' | grep . && fail "these headers are not public"
exit 0
