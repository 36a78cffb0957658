#!/bin/sh
# SPDX-License-Identifier: MIT
# interrupted.sh MMUN TOP - however the tool ends, by itself or by a signal, it leaves no temporary
# directory and no process behind.
set -u
mmun=$1
top=$2
TMPDIR=$(mktemp -d)
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT

fail() {
	echo "FAILED: $*" >&2
	exit 1
}

# Until the command succeeds, for a while.
until_true() {
	for _ in $(seq 300); do
		"$@" && return 0
		sleep 0.1
	done
	return 1
}

directories() { find "$TMPDIR" -mindepth 1 -maxdepth 1 -type d; }
nothing_left() { [ -z "$(directories)" ]; }
compiled() { [ -n "$(find "$TMPDIR" -name check.so)" ]; }
# The tool's processes name the file.
processes() { ps -eo pid,stat,args | grep "[c]heck --quiet $TMPDIR/long.c" | grep -v ' Z'; }
nobody_left() { [ -z "$(processes)" ]; }

"$mmun" check -v "$top/examples/checks/wakeup.c" | true
until_true nothing_left || fail "a closed pipe: $(directories)"

cat >"$TMPDIR/long.c" <<'END'
#include <mmun/kernel.h>
struct s { int x; };
static void run(void *state, unsigned t, void *arg)
{
	struct s *s = state;
	(void)arg;
	for (int i = 0; i < 40; i++)
		WRITE_ONCE(s->x, (int)t);
}
EXPLORE_CHECK(long_one, .threads = 4, .state_size = sizeof(struct s), .thread = run)
END
for signal in TERM HUP KILL; do
	# Whoever runs the tests may ignore a signal, as nohup does.
	env --default-signal "$mmun" check --quiet "$TMPDIR/long.c" >/dev/null 2>&1 &
	child=$!
	until_true compiled || fail "$signal: nothing is compiled"
	kill -s "$signal" "$child"
	wait "$child" 2>/dev/null
	until_true nobody_left || fail "$signal: still there: $(processes)"
	until_true nothing_left || fail "$signal: left: $(directories)"
done
