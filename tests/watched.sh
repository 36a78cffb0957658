#!/bin/sh
# SPDX-License-Identifier: MIT
# watched.sh MMUN SOURCE-DIR COMPILER - checks in C on the core whose own plain accesses are
# watched: what each finds is what it finds on the core as it is, and no race of the core's.
set -u
mmun=$1 top=$2 CC=$3
MMUN_INCLUDE=$top/include MMUN_CORPUS=$top/corpus
export MMUN_INCLUDE MMUN_CORPUS CC
"$mmun" check -q "$top"/tests/checks/*.c "$top"/examples/checks/*.c && "$mmun" corpus
