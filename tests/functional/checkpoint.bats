# Checkpoints: a whole machine to a file and back.

load lib
load guest

setup() {
	guest_setup
}

teardown() {
	guest_teardown
}

sums='gaol.run=dd,if=/dev/zero,bs=64k,count=64|tr,"\0",x>/tmp/f;for,i,in,$(seq,1,900);do,md5sum,</tmp/f;echo,round,$i;usleep,200000;done'

# one_sum: of all lines that are whole, as an end may come within one.
one_sum() {
	[ "$(tr -d '\r' <"$OUT" | grep -xE '[0-9a-f]{32}  -' | sort -u | wc -l)" = 1 ]
}

@test "a suspended guest goes on where it was" {
	guest_start "$sums" -o engine=soft nap
	guest_says 'round 3'
	bhyvectl --vm=nap --suspend="$DIR/file"
	guest_end
	[ "$STATUS" = 0 ]
	run bhyvectl --vm=nap --get-rip
	[ "$status" = 1 ]
	[ "$output" = "VM:nap is not created." ]

	last=$(grep -c round "$OUT")
	guest_start '' -o engine=soft -r "$DIR/file" nap
	guest_says "round $((last + 3))"
	bhyvectl --vm=nap --force-poweroff
	guest_end
	[ "$STATUS" = 1 ]
	# No round is lost or told twice, and memory is what it was.
	[ "$(grep -o 'round [0-9]*' "$OUT" | sort | uniq -d | wc -l)" -le 1 ]
	one_sum
}

@test "a checkpoint leaves the guest running, and can be gone back to" {
	guest_start "$sums" -o engine=soft -c 2 back
	guest_says 'round 2'
	bhyvectl --vm=back --checkpoint="$DIR/file"
	mark=$(grep -c round "$OUT")
	guest_says "round $((mark + 3))"
	bhyvectl --vm=back --force-poweroff
	guest_end

	: >"$OUT"
	guest_start '' -o engine=soft -c 2 -r "$DIR/file" back
	guest_says "round $((mark + 3))"
	bhyvectl --vm=back --force-poweroff
	guest_end
	one_sum
}

@test "a checkpoint is refused where it does not fit" {
	guest_start "$sums" -o engine=soft fit
	guest_says 'round 1'
	bhyvectl --vm=fit --suspend="$DIR/file"
	guest_end

	guest_start '' -o engine=soft -c 2 -r "$DIR/file" fit
	guest_end
	[ "$STATUS" = 4 ]
	grep -qx "bhyve: '$DIR/file': checkpoint: made with 1 vCPUs, not 2" "$OUT.err"

	guest_start '' -o engine=soft -m 128M -r "$DIR/file" fit
	guest_end
	[ "$STATUS" = 4 ]
	grep -q "made with 268435456 bytes of memory" "$OUT.err"

	guest_start '' -o engine=soft -s 5,virtio-rnd -r "$DIR/file" fit
	guest_end
	[ "$STATUS" = 4 ]

	head -c 100000 "$DIR/file" >"$DIR/cut"
	guest_start '' -o engine=soft -r "$DIR/cut" fit
	guest_end
	[ "$STATUS" = 4 ]
	grep -q 'file is cut off' "$OUT.err"
}

@test "a file that cannot be written leaves the guest running" {
	guest_start "$sums" -o engine=soft full
	guest_says 'round 1'
	mkdir "$DIR/small"
	mount -t tmpfs -o size=1M none "$DIR/small"
	run bhyvectl --vm=full --checkpoint="$DIR/small/file"
	[ "$status" = 1 ]
	[ "$output" = "bhyvectl: checkpoint: write: No space left on device" ]
	[ -z "$(ls "$DIR/small")" ]
	umount "$DIR/small"
	mark=$(grep -c round "$OUT")
	guest_says "round $((mark + 2))"
	bhyvectl --vm=full --force-poweroff
	guest_end
}
