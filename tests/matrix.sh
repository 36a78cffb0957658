#!/bin/sh
# SPDX-License-Identifier: MIT
# matrix.sh MMUN EXECUTIONS PATTERN... - tests of each pair of operations whose names fit
# a pattern, each for so many executions at most. What is not finished within them is
# listed and counted by the tool and is no failure; a finding is.
set -u
tool=$1 executions=$2
shift 2
"$tool" check --matrix --no-picture --max-executions "$executions" "$@"
status=$?
[ "$status" = 0 ] || [ "$status" = 3 ]
