# The engine that lets the processor run the guest, where it can: in the lab.

load lib
load guest

setup() {
	guest_setup
	kvm_or_skip
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

# script: its standard input is what the guest does, as its first disk (vda).
RUN='gaol.run=sh,/dev/vda'
script() {
	{ cat; echo 'poweroff -f; sleep 99'; } >"$DIR/script"
	truncate -s 64K "$DIR/script"
}

# disk MIB: a disk of random bytes; its sum in $SUM.
disk() {
	head -c "$1M" /dev/urandom >"$DIR/disk"
	SUM=$(md5sum <"$DIR/disk" | cut -c1-32)
}

# stat_of VM NAME: a counter of its first processor.
stat_of() {
	bhyvectl --vm="$1" --get-stats |
		awk -F '\t' -v n="$2" '{ sub(/ +$/, "", $1) } $1 == n { print $2 }'
}

@test "a queue's requests and interrupts leave KVM for nobody" {
	local cards=(-s "3,virtio-blk,$DIR/script,ro" -s "4,virtio-blk,$DIR/disk,nocache"
		-s "5,virtio-net,slirp" -s "6,virtio-rnd"
		-s "7,virtio-console,port=$DIR/port")
	script <<-'EOF'
	echo sum $(md5sum </dev/vdb | cut -c1-32)
	head -c 16 /dev/hwrng | wc -c | sed 's/^/random /'
	ip link set eth0 up; ip addr add 10.0.2.15/24 dev eth0
	ping -c 1 -W 60 10.0.2.2 >/dev/null && echo pinged
	echo 0 >/sys/block/vdb/queue/read_ahead_kb
	echo 3 >/proc/sys/vm/drop_caches
	grep -c MSI /proc/interrupts | sed 's/^/msis /'
	echo before; read x </dev/ttyS0
	for i in 1 2 3 4; do
		echo 3 >/proc/sys/vm/drop_caches
		dd if=/dev/vdb of=/dev/null bs=4k 2>/dev/null
	done
	echo requests $(sed 's/ *\([0-9]*\).*/\1/' /sys/block/vdb/stat)
	echo after; read x </dev/ttyS0
	EOF
	disk 8
	mkfifo "$DIR/in"
	exec 8<>"$DIR/in"
	GUEST_IN=$DIR/in guest_start "$RUN" -o engine=kvm "${cards[@]}" queues
	guest_says before 120
	local mmio io
	mmio=$(stat_of queues 'handled in userspace: memory-mapped')
	io=$(stat_of queues 'handled in userspace: in/out')
	echo >&8
	guest_says after 120
	bhyvectl --vm=queues --get-stats
	mmio=$(($(stat_of queues 'handled in userspace: memory-mapped') - mmio))
	io=$(($(stat_of queues 'handled in userspace: in/out') - io))
	echo >&8
	guest_end 120
	exec 8>&-
	[ "$STATUS" = 1 ]
	grep -q "sum $SUM" "$OUT"
	grep -q 'random 16' "$OUT"
	grep -q pinged "$OUT"
	# 8,192 requests: their notifications are eventfds in the kernel, their
	# interrupts messages.
	[ "$(sed -n 's/.*requests \([0-9]*\).*/\1/p' "$OUT")" -ge 8192 ]
	echo "exits for 8,192 requests: $mmio memory-mapped, $io in/out"
	[ "$mmio" -lt 800 ]
	[ "$io" -lt 800 ]
}

@test "the PICs and their wires interrupt a guest on KVM" {
	script <<-'EOF'
	echo sum $(md5sum </dev/vdb | cut -c1-32)
	grep -e virtio -e timer -e ttyS0 /proc/interrupts
	EOF
	disk 8
	guest_start "$RUN noapic pci=nomsi" -o engine=kvm -W \
		-s "3,virtio-blk,$DIR/script,ro" -s "4,virtio-blk,$DIR/disk" pics
	guest_end 120
	[ "$STATUS" = 1 ]
	grep -q "sum $SUM" "$OUT"
	grep -q 'XT-PIC.*virtio1' "$OUT"
	! grep -q IO-APIC "$OUT"
}

@test "the IOAPIC's levels interrupt a guest of two processors on KVM" {
	script <<-'EOF'
	echo sum $(md5sum </dev/vdb | cut -c1-32)
	grep virtio /proc/interrupts
	EOF
	disk 8
	guest_start "$RUN pci=nomsi" -o engine=kvm -c 2 -W \
		-s "3,virtio-blk,$DIR/script,ro" -s "4,virtio-blk,$DIR/disk" levels
	guest_end 120
	[ "$STATUS" = 1 ]
	grep -q "sum $SUM" "$OUT"
	grep -q 'IO-APIC.*fasteoi.*virtio1' "$OUT"
}

@test "KVM's own clock, deadline timer and x2APIC are the guest's" {
	script <<-'EOF'
	cat /sys/devices/system/clocksource/clocksource0/available_clocksource
	dmesg | grep -i -e 'deadline timer' -e 'Hypervisor detected'
	grep -c -w x2apic /proc/cpuinfo | sed 's/^/x2apics /'
	grep -c -w tsc_deadline_timer /proc/cpuinfo | sed 's/^/deadlines /'
	EOF
	guest_start "$RUN" -o engine=kvm -c 2 -s "3,virtio-blk,$DIR/script,ro" clocks
	guest_end 120
	grep -q kvm-clock "$OUT"
	grep -q 'Hypervisor detected: KVM' "$OUT"
	grep -q 'deadlines 2' "$OUT"
	grep -q 'x2apics 2' "$OUT"
}

# Sums of a pattern in memory and of a disk read anew, again and again, with a
# mark for each, and what the clock says.
sums() {
	script <<-'EOF'
	dd if=/dev/zero bs=64k count=64 2>/dev/null | tr "\0" x >/tmp/f
	for i in $(seq 1 500); do
		echo memory $(md5sum </tmp/f)
		echo 3 >/proc/sys/vm/drop_caches
		echo disk $(md5sum </dev/vdb)
		echo "seconds $(cut -d. -f1 /proc/uptime)"
		echo "round $i"
		sleep 1
	done
	EOF
	disk 4
}

# whole WORD: the sums it told, of lines that are whole, as an end may come
# within one.
whole() {
	tr -d '\r' <"$OUT" | grep -xE "$1 [0-9a-f]{32} -"
}

# went_well ROUNDS: as many rounds, one sum each, and time never went back.
went_well() {
	[ "$(whole memory | wc -l)" -ge "$1" ]
	[ "$(whole memory | sort -u | wc -l)" = 1 ]
	[ "$(whole disk | sort -u)" = "disk $SUM -" ]
	tr -d '\r' <"$OUT" | sed -n 's/^seconds \([0-9]*\)$/\1/p' | sort -n -c
	! grep -i -E 'panic|oops|stall|unstable|hung' "$OUT"
}

# move CPUS WORDS: a guest of so many processors goes from KVM to the software
# engine and back.
move() {
	local cards=(-c "$1" -s "3,virtio-blk,$DIR/script,ro" -s "4,virtio-blk,$DIR/disk"
		-s "5,virtio-rnd")
	sums
	guest_start "$RUN $2" -o engine=kvm -o x86.cpu=common "${cards[@]}" move
	guest_says 'round 2' 120
	bhyvectl --vm=move --suspend="$DIR/one"
	guest_end
	[ "$STATUS" = 0 ]

	guest_start '' -o engine=soft -r "$DIR/one" "${cards[@]}" move
	guest_says 'round 5' 120
	bhyvectl --vm=move --suspend="$DIR/two"
	guest_end

	guest_start '' -o engine=kvm -o x86.cpu=common -r "$DIR/two" "${cards[@]}" move
	guest_says 'round 9' 120
	bhyvectl --vm=move --force-poweroff
	guest_end
	[ "$STATUS" = 1 ]
	went_well 8
}

@test "a guest saved on KVM goes on in software, and back on KVM" {
	move 1 ''
}

@test "so does one of two processors whose timers count" {
	move 2 lapic=notscdeadline
}

@test "a guest with all of the host's processor is saved and goes on" {
	local cards=(-c 2 -s "3,virtio-blk,$DIR/script,ro" -s "4,virtio-blk,$DIR/disk")
	sums
	guest_start "$RUN" -o engine=kvm "${cards[@]}" nap
	guest_says 'round 2' 120
	bhyvectl --vm=nap --checkpoint="$DIR/there"
	guest_says 'round 4' 120
	bhyvectl --vm=nap --suspend="$DIR/one"
	guest_end
	guest_start '' -o engine=kvm -r "$DIR/one" "${cards[@]}" nap
	guest_says 'round 8' 120
	bhyvectl --vm=nap --force-poweroff
	guest_end
	went_well 7
}
