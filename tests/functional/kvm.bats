# The engine that lets the processor run the guest, where it can: in the lab.

load lib
load guest

setup() {
	guest_setup
	run timeout -s KILL 20 "$BIN/bhyve" -o engine=kvm -s 0,hostbridge \
		-o loader.kernel=/dev/null probe
	[[ $output != *"engine 'kvm'"* ]] ||
		skip "${output#*engine \'kvm\': }"
}

teardown() {
	guest_teardown
}

@test "a stock kernel runs on KVM and powers off" {
	guest_start '' -o engine=kvm one
	guest_end 120
	grep -q 'gaol guest up' "$OUT"
	[ "$STATUS" = 1 ]
}

@test "a stock kernel runs on KVM with two processors" {
	guest_start 'gaol.run=nproc' -o engine=kvm -c 2 two
	guest_end 120
	grep -qx $'2\r\\?' "$OUT"
	[ "$STATUS" = 1 ]
}

@test "auto chooses KVM where it works, without a word" {
	guest_start '' auto
	guest_end 120
	grep -q 'gaol guest up' "$OUT"
	[ ! -s "$OUT.err" ]
}

# Sums of a pattern in memory, again and again, with a mark for each.
sums='gaol.run=dd,if=/dev/zero,bs=64k,count=64|tr,"\0",x>/tmp/f;for,i,in,$(seq,1,500);do,md5sum,</tmp/f;echo,round,$i;sleep,1;done'

@test "a guest saved on KVM goes on in software, and back on KVM" {
	guest_start "$sums" -o engine=kvm -o x86.cpu=common move
	guest_says 'round 2' 120
	bhyvectl --vm=move --suspend="$DIR/one"
	guest_end
	[ "$STATUS" = 0 ]

	guest_start '' -o engine=soft -r "$DIR/one" move
	guest_says 'round 6' 120
	bhyvectl --vm=move --suspend="$DIR/two"
	guest_end

	guest_start '' -o engine=kvm -o x86.cpu=common -r "$DIR/two" move
	guest_says 'round 10' 120
	bhyvectl --vm=move --force-poweroff
	guest_end
	[ "$STATUS" = 1 ]
	[ "$(grep -c -- ' -' "$OUT")" -ge 9 ]
	# Of all lines that are whole, as its end may come within one.
	[ "$(tr -d '\r' <"$OUT" | grep -xE '[0-9a-f]{32}  -' | sort -u | wc -l)" = 1 ]
	! grep -i -E 'panic|oops|stall' "$OUT"
}
