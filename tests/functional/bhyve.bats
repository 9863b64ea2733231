# bhyve(8) and bhyvectl(8) from outside: lines, statuses, signals, presences.

load lib
load guest

setup() {
	guest_setup
}

teardown() {
	guest_teardown
}

bhyve() { "$BIN/bhyve" "$@"; }

# tiny FILE BYTES: an ELF kernel with a PVH note that is these bytes of code.
tiny() {
	python3 - "$1" "$2" <<-'END'
	import struct, sys
	code = bytes.fromhex(sys.argv[2])
	elf = b'\x7fELF' + bytes([2, 1, 1]) + bytes(9) + struct.pack(
	    '<HHIQQQIHHHHHH', 2, 62, 1, 0, 64, 0, 0, 64, 56, 2, 0, 0, 0)
	elf += struct.pack('<IIQQQQQQ', 1, 5, 256, 0, 1 << 20,
	    len(code), len(code), 0)
	elf += struct.pack('<IIQQQQQQ', 4, 4, 192, 0, 0, 20, 20, 0)
	elf = elf.ljust(192, b'\0')
	elf += struct.pack('<III4sI', 4, 4, 18, b'Xen\0', 1 << 20)
	open(sys.argv[1], 'wb').write(elf.ljust(256, b'\0') + code)
	END
}

@test "lines that are wrong are refused, and help is given" {
	run bhyve -h
	[ "$status" = 0 ]
	has 'Usage: bhyve'
	run bhyve -s help
	[ "$status" = 0 ]
	has virtio-blk
	run bhyve -l help
	[ "$status" = 0 ]
	has com1
	run bhyve -Z
	[ "$status" = 1 ]
	has "invalid option -- 'Z'"
	run bhyve -m 1G
	[ "$status" = 1 ]
	has 'no VM name'
	run bhyve -c 3,sockets=2 x
	[ "$status" = 4 ]
	has 'Topology (2 sockets, 1 cores, 1 threads) does not match 3 vCPUs'
	run bhyve -s 3,nosuch x
	[ "$status" = 4 ]
	has nosuch
	run bhyve -n id=0,size=1G,cpus=0 -c 2 x
	[ "$status" = 4 ]
	has 'domains: vCPU 1 is in none'
	run bhyve -n id=0,size=1G,cpus=0,domain_policy=prefer:1 x
	[ "$status" = 4 ]
	has 'domains.0.domain_policy: the host places memory as it likes'
	run bhyve -s 3,nvme,/x -o loader.kernel=/bin/sh x
	[ "$status" = 4 ]
	has 'pci slot 0:3:0: nvme: not there yet; use virtio-blk'
	run bhyve -l tpm,swtpm,/run/tpm -o loader.kernel=/bin/sh x
	[ "$status" = 4 ]
	has 'tpm: there is no TPM yet'
	run bhyve -k "$DIR/none" x
	[ "$status" = 4 ]
	has "$DIR/none"
	run bhyve x
	[ "$status" = 4 ]
	has 'nothing to boot: set loader.kernel'
	run bhyve -o loader.kernel=/bin/sh x
	[ "$status" = 4 ]
	run bhyve -o engine=abacus -o loader.kernel=/bin/sh x
	[ "$status" = 4 ]
	has "engine 'abacus': want auto, kvm or soft"
}

@test "a configuration is dumped as it was understood" {
	printf '%s\n' '# a VM' '' 'name=web' 'cpus=2' \
		'pci.0.3.0.path=/vm/%(name).img' >"$DIR/web.conf"
	run bhyve -k "$DIR/web.conf" -c 4 -m 1G -s 0,hostbridge \
		-o config.dump=1
	[ "$status" = 1 ]
	is "config.dump=1
cpus=4
memory.size=1G
name=web
pci.0.0.0.device=hostbridge
pci.0.3.0.path=/vm/%(name).img"
	echo 'cpus' >>"$DIR/web.conf"
	run bhyve -k "$DIR/web.conf"
	[ "$status" = 4 ]
	is "bhyve: $DIR/web.conf:6: 'cpus': want name=value"
}

@test "a triple fault ends with 3, a strict guest at a lost port with 4" {
	tiny "$DIR/ud2" 0f0b
	run timeout -s KILL 60 "$BIN/bhyve" -o engine=soft -m 16M \
		-o loader.kernel="$DIR/ud2" fault
	[ "$status" = 3 ]
	[ -d "$GAOL_RUN-vm/fault" ]
	# mov dx, 0x1234; in al, dx; ud2
	tiny "$DIR/in" 66ba3412ec0f0b
	run timeout -s KILL 60 "$BIN/bhyve" -o engine=soft -m 16M -e \
		-o loader.kernel="$DIR/in" strict
	[ "$status" = 4 ]
	has 'unhandled in port 0x1234'
	# mov al, 16; out 0xf4, al: the test device's way out
	tiny "$DIR/out" b010e6f4f4
	run timeout -s KILL 60 "$BIN/bhyve" -o engine=soft -m 16M \
		-l pc-testdev -o loader.kernel="$DIR/out" status
	[ "$status" = 33 ]
	run bhyvectl --vm=fault --destroy
	[ "$status" = 0 ]
	[ ! -e "$GAOL_RUN-vm/fault" ]
}

@test "a guest whose processors all halt for good ends with 2" {
	# cli; hlt; jmp to hlt
	tiny "$DIR/halt" faf4ebfd
	for cpus in 1 2; do
		run timeout -s KILL 60 "$BIN/bhyve" -o engine=soft -m 16M \
			-c "$cpus" -o loader.kernel="$DIR/halt" halt
		[ "$status" = 2 ]
	done
	# As Linux halts: each processor in turn, the last after all others.
	guest_start 'gaol.run=halt,-f' -o engine=soft -c 2 halt
	guest_end
	[ "$STATUS" = 2 ]
}

@test "a running VM is reset and powered off from outside" {
	for how in reset:0 poweroff:1; do
		: >"$OUT"
		guest_start gaol.do=wait -o engine=soft -c 2 outside
		guest_says 'gaol guest up'
		run bhyvectl --vm=outside --force-"${how%:*}"
		[ "$status" = 0 ]
		guest_end
		[ "$STATUS" = "${how#*:}" ]
		[ -d "$GAOL_RUN-vm/outside" ]
		run bhyvectl --vm=outside --force-"${how%:*}"
		[ "$status" = 1 ]
	done
}

@test "power-off ends with 1, and -D takes the presence along" {
	guest_start gaol.do=off -o engine=soft -D off
	guest_end
	[ "$STATUS" = 1 ]
	[ -z "$(ls -A "$GAOL_RUN-vm")" ]
}

@test "memory domains are a guest's nodes" {
	guest_start 'gaol.run=cd,/sys/devices/system/node;cat,node*/cpulist,node*/distance;grep,MemTotal,node*/meminfo' \
		-o engine=soft -c 2 -n id=0,size=128M,cpus=0 \
		-n id=1,size=192M,cpus=1 nodes
	guest_end
	[ "$STATUS" = 1 ]
	tr -d '\r' <"$OUT" | grep -A 3 -x 0 | tr '\n' ' ' | grep -q '0 1 10 20 20 10'
	[ "$(grep -c 'Node [01] MemTotal' "$OUT")" = 2 ]
}

@test "a reset ends with 0, and the presence stays" {
	guest_start 'reboot=p gaol.do=reboot' -o engine=soft reset
	guest_end
	[ "$STATUS" = 0 ]
	bhyvectl --vm=reset --destroy
}

# listens N: it came up so many times, and waits for its button.
listens() {
	[ "$(grep -c 'gaol guest listens' "$OUT")" -ge "$1" ]
}

@test "-M starts again what was reset, and destroy ends it" {
	guest_start gaol.do=wait -o engine=soft -M again
	eventually 180 listens 1
	bhyvectl --vm=again --force-reset
	eventually 180 listens 2
	run bhyvectl --vm=again --destroy
	[ "$status" = 0 ]
	guest_end
	[ "$STATUS" = 0 ]
	[ ! -e "$GAOL_RUN-vm/again" ]
}

@test "a VM answers, is nobody, and hears its power button" {
	local pid

	run bhyvectl --vm=wait --get-rip
	[ "$status" = 1 ]
	is 'VM:wait is not created.'
	guest_start gaol.do=wait -o engine=soft -c 2 -m 384M wait
	guest_says 'gaol guest listens'
	run bhyve -o loader.kernel="$KIT/vmlinuz" wait
	[ "$status" = 4 ]
	is "bhyve: VM 'wait' runs already"

	run bhyvectl --vm=wait --get-lowmem
	is $'lowmem\t\t0x0000000000000000/402653184'
	run bhyvectl --vm=wait --get-highmem
	is $'highmem\t\t0x0000000100000000/0'
	run bhyvectl --vm=wait --get-active-cpus --get-suspended-cpus
	is $'active cpus:\t 0 1\nsuspended cpus:\t (none)'
	run bhyvectl --vm=wait --get-cpu-topology
	is $'cpu_topology:\tsockets=2, cores=1, threads=1, maxcpus=64'
	run bhyvectl --vm=wait --cpu=1 --get-cr0
	[[ $output =~ ^cr0\[1\]$'\t\t'0x[0-9a-f]{16}$ ]]
	run bhyvectl --vm=wait --get-stats
	has 'vcpu0 stats:'
	[[ $output =~ in/out\ was\ intercepted\ +$'\t'[1-9] ]]
	[[ $output =~ to\ the\ first\ instruction\ +$'\t'[1-9] ]]
	[ "$(awk '/Resident memory/ { print ($3 > 1000000) }' <<<"$output")" = 1 ]
	run bhyvectl --vm=wait --get-all
	[ "$status" = 0 ]
	has 'gdtr desc[0]'
	run bhyvectl --vm=wait --get-rtc-time
	[[ $output =~ ^rtc\ time\ 0x[0-9a-f]+:\ [A-Z][a-z]{2}\ [A-Z][a-z]{2}\ [0-9]{2}\ [0-9:]{8}\ 20[0-9]{2}$ ]]
	bhyvectl --vm=wait --set-rtc-time=1000000000
	run bhyvectl --vm=wait --get-rtc-time
	[[ $output == *': Sun Sep 09 01:4'?:??' 2001' ]]
	bhyvectl --vm=wait --set-rtc-nvram=0x5a --rtc-nvram-offset=64
	run bhyvectl --vm=wait --get-rtc-nvram --rtc-nvram-offset=64
	is 'rtc nvram[064]: 0x5a'
	run bhyvectl --vm=wait --get-rtc-nvram --rtc-nvram-offset=128
	[ "$status" = 1 ]
	run bhyvectl --vm=wait --set-rtc-nvram=1 --rtc-nvram-offset=4
	[ "$status" = 1 ]
	run bhyvectl --vm=wait --set-cr0=1
	[ "$status" = 1 ]
	run bhyvectl --vm=wait --cpu=7 --get-rip
	[ "$status" = 1 ]

	# Hostile from its first instruction, it is nobody by then.
	pid=$(awk '$1 == "pid" { print $2 }' "$GAOL_RUN-vm/wait/info")
	[ "$(tr -d '\0' <"/proc/$pid/cmdline")" = 'bhyve: wait' ]
	run cat "/proc/$pid/status"
	[[ $output =~ Uid:$'\t'40[0-9]{8}$'\t' ]]
	has $'CapEff:\t0000000000000000'
	has $'CapBnd:\t0000000000000000'
	has $'NoNewPrivs:\t1'
	has $'Seccomp:\t2'

	kill -TERM "$VM"
	guest_end
	[ "$STATUS" = 1 ]
	# It is there until it is destroyed.
	[ -d "$GAOL_RUN-vm/wait" ]
	run bhyvectl --vm=wait --get-rip
	[ "$status" = 1 ]
	has 'it does not run'
	bhyvectl --vm=wait --destroy
	[ -z "$(ls -A "$GAOL_RUN-vm")" ]
}
