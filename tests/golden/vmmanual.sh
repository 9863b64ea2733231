#!/bin/sh
# vmmanual.sh ROOT - every option of bhyve(8) and bhyvectl(8), and every name
# that the code reads from a configuration, has its place in the manual.
set -eu
cd "$1"
missing=$(
	sed -n "/struct option options/,/^};/s/^	{ '\(.\)'.*/\1/p" \
		src/vmm/options.c | while read -r flag; do
		grep -q "^\.It Fl $flag\$\|^\.It Fl $flag " man/bhyve.8 ||
			echo "bhyve.8: -$flag"
	done
	sed -n 's/^	REG("\(.*\)"),/get-\1/p
		s/^	{ "\([a-z0-9-]*\)", [nr][oe]._argument.*/\1/p
		s/^	{ "\([a-z0-9-]*\)", \(no\|required\)_argument.*/\1/p' \
		src/cmd/bhyvectl.c | sort -u | while read -r option; do
		grep -q -- "-$option\( \|=\|\$\)" man/bhyvectl.8 ||
			echo "bhyvectl.8: --$option"
	done
	{
		grep -hoE 'config_get(_bool|_num)?\([^,]*, *"[^"]*"' \
			src/dev/*.c src/dev/virtio/*.c src/net/*.c \
			src/engine/*.c src/cmd/bhyve.c src/vmm/options.c
		grep -hoE 'key\(&s, w, "[^"]*"' src/dev/smbios.c
		sed -n 's/^	{ .*, "\([a-z0-9_.]*\)", "\(true\|false\)",.*/"\1"/p' \
			src/vmm/options.c
	} | sed 's/.*"\(.*\)"$/\1/' | sort -u | while read -r name; do
		[ -n "$name" ] || continue
		grep -E '^\.It Va ' man/bhyve_config.5 | tr ' ' '\n' |
			grep -Fqx "$name" || echo "bhyve_config.5: $name"
	done
)
[ -z "$missing" ] || { echo "$missing"; exit 1; }
