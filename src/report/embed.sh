#!/bin/sh
# SPDX-License-Identifier: MIT
# embed.sh NAME=FILE... - C that has the lines of each file, without the comment that it
# begins with, as the array NAME of strings, which ends with NULL.
set -eu
LC_ALL=C
export LC_ALL
echo '/* Made by embed.sh. */'
for pair; do
	echo "extern const char *const ${pair%%=*}[];"
	echo "const char *const ${pair%%=*}[] = {"
	sed -e '1,/\*\/$/d' -e 's/[\\"]/\\&/g' -e 's/?/\\?/g' -e 's/^/	"/' -e 's/$/\\n",/' "${pair#*=}"
	echo '	0'
	echo '};'
done
