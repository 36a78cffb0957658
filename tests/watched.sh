#!/bin/sh
# SPDX-License-Identifier: MIT
# watched.sh MMUN SOURCE-DIR COMPILER - checks in C on the core whose own plain accesses are
# watched: no race of the core's is found in one that is right. Where a check breaks the rules of
# the core (a broken twin in tests/checks), the core may race as well.
set -u
mmun=$1 top=$2 CC=$3
MMUN_INCLUDE=$top/include MMUN_CORPUS=$top/corpus
export MMUN_INCLUDE MMUN_CORPUS CC
out=$("$mmun" check -q "$top"/tests/checks/*.c)
[ "$(echo "$out" | grep -c '_right .* ok ')" -gt 50 ] || { echo "$out"; exit 1; }
echo "$out" | grep '_right ' | grep -v ' ok ' && exit 1
"$mmun" check -q "$top"/examples/checks/*.c && "$mmun" corpus
