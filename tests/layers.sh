#!/bin/sh
# SPDX-License-Identifier: MIT
# layers.sh DIRECTORY - each layer is compiled with a directory that shows it the
# layers below and no others, so that a wrong include does not build.
set -u
cd "$1" || exit 1
ret=0

# builds ROOM HEADER: can a file of the room include it?
builds() {
	printf '#include "%s"\n' "$2" |
		"${CC:-cc}" -std=gnu11 -DMMUN_CHECKED -I"$(see "$1")" -I"$top/include" \
			-fsyntax-only -x c - 2>/dev/null
}

see() { echo "$1" | tr / -; }

# sees ROOM ROOMS...: the headers of these it can include, those of any other not.
sees() {
	room=$1
	shift
	for h in base/base.h sync/sync.h vm/vm.h explore/explore.h litmus/lang/litmus.h \
		litmus/flat/flat.h litmus/run/check.h litmus/table/when.h report/report.h \
		orders/orders.h args/args.h checks/names/names.h checks/run/runs.h cli/cli.h; do
		case " $* " in
		*" ${h%/*} "*) builds "$room" "$h" || { echo "$room cannot include $h"; ret=1; } ;;
		*) builds "$room" "$h" && { echo "$room can include $h"; ret=1; } ;;
		esac
	done
}

top=$(cd -P base/base && cd ../.. && pwd)
sees base base
sees sync base sync
sees vm base sync vm
sees iommu base sync vm
sees explore base sync explore
sees litmus/lang base litmus/lang
sees litmus/flat base litmus/lang litmus/flat
sees litmus/run base sync vm explore litmus/lang litmus/flat litmus/run
sees litmus/table base sync vm explore litmus/lang litmus/run litmus/table
sees orders base sync vm explore orders
sees report base explore report
sees args base explore report args
sees checks/names base sync vm explore checks/names
sees checks/run base explore report args checks/run
sees checks/program base explore report args checks/run
sees cli base explore litmus/lang litmus/run litmus/table report orders args checks/run cli
exit $ret
