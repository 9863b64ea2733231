#!/bin/sh
# manual.sh RUNNER PAGE - each example of the manual page is a file without
# mistakes: the text after each .Bd of EXAMPLES, its escapes undone.
set -eu
runner=$1
page=$2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
awk -v dir="$dir" '
	/^\.Sh / { on = $2 == "EXAMPLES" }
	!on { next }
	/^\.Bd / { file = sprintf("%s/example-%d.conf", dir, ++n); next }
	/^\.Ed/ { file = "" }
	file != "" {
		gsub(/\\&/, "")
		gsub(/\\e/, "\\")
		print >file
	}' "$page"
GOLDEN_UPDATE=1 "$runner" "$dir"
for err in "$dir"/*.err; do
	[ -e "$err" ] || exit 0 # no message about any
	cat "$err"
	exit 1
done
