# The PC that bhyve plays, as a stock kernel finds it: interrupts by every way,
# ends by every way, consoles, buses.

load lib
load guest

setup() {
	guest_setup
}

teardown() {
	guest_teardown
}

# What a guest draws from virtio-rnd comes with an interrupt.
draw='gaol.run=dd,if=/dev/hwrng,bs=64,count=4,of=/dev/null;cat,/proc/interrupts'

@test "interrupts come as messages" {
	guest_start "$draw" -o engine=soft -s 4,virtio-rnd irq
	guest_end
	grep -q 'PCI-MSI.*virtio0-input' "$OUT"
	grep -q 'IO-APIC *4-edge *ttyS0' "$OUT"
}

@test "interrupts come by the IOAPIC's pins" {
	guest_start "pci=nomsi $draw" -o engine=soft -s 4,virtio-rnd irq
	guest_end
	grep -q 'IO-APIC *16-fasteoi *virtio0' "$OUT"
}

@test "interrupts come by the PICs where ACPI says so" {
	guest_start "pci=nomsi noapic $draw" -o engine=soft -s 4,virtio-rnd irq
	guest_end
	grep -q 'XT-PIC *virtio0' "$OUT"
}

@test "a kernel without ACPI has timer, console and devices" {
	guest_start "acpi=off pci=nomsi gaol.do=reboot reboot=k $draw" \
		-o engine=soft -s 4,virtio-rnd irq
	guest_end
	grep -q 'XT-PIC *timer' "$OUT"
	grep -q 'XT-PIC *virtio0' "$OUT"
	[ "$STATUS" = 0 ]
}

@test "resets by keyboard controller, ACPI and port 0xcf9 end with 0" {
	for way in k a p; do
		guest_start "gaol.do=reboot reboot=$way" -o engine=soft reset
		guest_end
		[ "$STATUS" = 0 ]
	done
}

@test "the power button ends a guest that listens with 1" {
	guest_start 'gaol.do=wait' -o engine=soft button
	guest_says 'gaol guest listens'
	kill -TERM "$VM"
	guest_end
	[ "$STATUS" = 1 ]
}

@test "a second bus is a root of its own" {
	guest_start 'gaol.run=ls,/sys/bus/pci/devices;cat,/sys/class/misc/hw_random/rng_available' \
		-o engine=soft -Y -s 4,virtio-rnd -s 2:3:0,virtio-rnd bus
	guest_end
	grep -q '0000:02:03.0' "$OUT"
	grep -q 'virtio_rng.0 virtio_rng.1' "$OUT"
	run bhyve_line '' -o engine=soft -s 2:3:0,virtio-rnd bus
	[ "$status" = 4 ]
	[[ $output == *"the MP table knows one PCI bus alone; say -Y"* ]]
}

@test "a second line is a pty with a stable link" {
	guest_start 'gaol.run=exec,4<>/dev/ttyS1;echo,opened;read,l,<&4;echo,got,$l;echo,back,>&4;read,l,<&4' \
		-o engine=soft -l com2,pty="$DIR/line" pty
	guest_says opened
	exec 5<>"$DIR/line"
	echo hello >&5
	guest_says 'got hello'
	# The first is what the guest's terminal echoes.
	read -r -t 60 answer <&5
	read -r -t 60 answer <&5
	echo bye >&5
	[ "${answer%$'\r'}" = back ]
	guest_end
	exec 5>&-
	[ ! -e "$DIR/line" ]
}

@test "what is not there is refused by name" {
	run bhyve_line '' -l com2,tcp=0.0.0.0:5000 refused
	[ "$status" = 4 ]
	[[ $output == *"a console beyond loopback has no password"* ]]
}
