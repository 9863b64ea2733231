#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# objdump.sh PROGRAM - compare the decoder with objdump: on the C library's whole
# text, and on every opcode in the three modes. 77: objdump is not here.
set -eu
cmd=$1
command -v objdump >/dev/null || { echo "no objdump"; exit 77; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

libc=$(ldd "$(command -v sh)" | awk '$1 ~ /^libc\./ { print $3 }')
[ -n "$libc" ] || { echo "sh is not dynamic, whose libc?"; exit 77; }
objdump -d -w --insn-width=15 -M intel,intel64 "$libc" | "$cmd"

for mode in 64:i386:x86-64 32:i386 16:i8086; do
	bits=${mode%%:*}
	"$cmd" cases "$bits" >"$tmp/cases"
	objdump -D -b binary -m "${mode#*:}" -M intel,intel64 -w \
		--insn-width=15 "$tmp/cases" | "$cmd" "$bits" each
done
