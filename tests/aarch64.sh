#!/bin/sh
# SPDX-License-Identifier: MIT
# aarch64.sh SOURCE-DIR - the explorer with the fiber switch of aarch64, under
# qemu-user. Skipped where there is no cross compiler or no qemu.
set -eu
top=$1
cc=aarch64-linux-gnu-gcc
qemu=$(command -v qemu-aarch64 || command -v qemu-aarch64-static) || exit 77
command -v $cc >/dev/null || exit 77
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

cat >"$dir/main.c" <<'END'
#include <stdio.h>
#include "tests/models.h"
int main(void)
{
	static struct explore_result r;
	struct model m = { MODEL_SAFE, 4 };
	struct explore_check check = model_family(&m);

	explore_switch_benchmark(1000000);
	if (explore(&check, &(struct explore_options){ 0 }, &r))
		return 1;
	printf("%llu executions, %llu abandoned\n", (unsigned long long)r.executions,
	       (unsigned long long)r.abandoned);
	return !(r.exhaustive && r.executions == 4450 && !r.abandoned && !r.findings);
}
END
$cc -static -std=gnu11 -O2 -DMMUN_CHECKED -I"$top" -I"$top/include" -I"$top/src" -I"$top/tests" -o "$dir/main" \
	"$dir/main.c" "$top/tests/models.c" $(find "$top/src/explore" -name '*.c')
"$qemu" "$dir/main"
