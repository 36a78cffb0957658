#!/bin/sh
# SPDX-License-Identifier: MIT
# layers.sh DIRECTORY - each layer is compiled with a directory that shows it the
# layers below and no others, so that a wrong include does not build.
set -u
cd "$1" || exit 1
ret=0

# builds LAYER HEADER: can a file of the layer include it?
builds() {
	printf '#include "%s"\n' "$2" |
		"${CC:-cc}" -std=gnu11 -DMMUN_CHECKED -I"$1" -I"$top/include" -fsyntax-only -x c - \
			2>/dev/null
}

# sees LAYER HEADERS...: these it can include, the first header of any other layer not.
sees() {
	layer=$1
	shift
	for h in base/base.h sync/sync.h vm/vm.h explore/explore.h litmus/litmus.h \
		report/report.h orders/orders.h cli/cli.h; do
		case " $* " in
		*" ${h%/*} "*) builds "$layer" "$h" || { echo "$layer cannot include $h"; ret=1; } ;;
		*) builds "$layer" "$h" && { echo "$layer can include $h"; ret=1; } ;;
		esac
	done
}

top=$(cd -P base/base && cd ../.. && pwd)
sees base base
sees sync base sync
sees vm base sync vm
sees iommu base sync vm
sees explore base sync explore
sees litmus base sync vm explore litmus
sees checks base sync vm explore
sees report base explore report
sees orders base sync vm explore orders
sees cli base explore litmus report orders cli
exit $ret
