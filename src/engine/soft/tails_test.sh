#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# tails_test.sh LIBRARY - the quick handlers go on by a jump: no call, no frame.
# Slow kinds (_any, _high, and whole slow handlers) may have both; those that
# weigh signed conditions or take the carry may save a register.
set -eu
quick='^((mov|add|or|adc|sbb|and|sub|xor|cmp|test|inc|dec|neg|not|zx|sx|lea|cmov)'
quick="$quick"'[0-9]+_|set_[0-9]|push_|pop_r$|shl|shr|sar|mul|imul|jcc_|jmp_|call_|ret64'
quick="$quick"'|leave64|link_far$|uop_goto|uop_nop|clear32)'
objdump -d --no-show-raw-insn "$1" | awk -v quick="$quick" '
	/^[0-9a-f]+ <.*>:$/ {
		name = $2
		gsub(/[<>:]/, "", name)
		hot = name ~ quick && name !~ /_any|_high|_lower|movbe|mov_offset/
		n += hot
	}
	hot && /\tpush/ && name !~ /^(set|cmov..)_1[2-5]$|^cmov.._rm|^cmov16|^adc|^sbb/ {
		print name ": " $0
		bad = 1
	}
	hot && /\t(call|sub +\$0x[0-9a-f]+,%rsp)/ {
		print name ": " $0
		bad = 1
	}
	END {
		if (n < 1000) {
			print "only " n " handlers found"
			exit 1
		}
		print n " handlers jump on"
		exit bad
	}'
