# virtio cards as Debian's stock kernel drives them, by the modern and the
# legacy face: disks, networks, ports; and what happens to the host meanwhile.

load lib
load guest

setup() {
	guest_setup
}

teardown() {
	guest_teardown
}

LEGACY=virtio_pci.force_legacy=1

# script: its standard input is what the guest does, as its first disk (vda).
# Words go to its kernel's command line as RUN.
RUN='gaol.run=sh,/dev/vda'
script() {
	{ cat; echo 'poweroff -f; sleep 99'; } >"$DIR/script"
	truncate -s 64K "$DIR/script"
}

# image MIB: a disk of random bytes.
image() {
	head -c "$1M" /dev/urandom >"$DIR/disk"
}

@test "disks: what is written is read back, and is the host's" {
	script <<-'EOF'
	echo sum1 $(md5sum </dev/vdb | cut -c1-32)
	dd if=/dev/urandom of=/tmp/r bs=1M count=3 2>/dev/null
	dd if=/tmp/r of=/dev/vdb bs=64k seek=16 conv=fsync 2>/dev/null
	echo 3 >/proc/sys/vm/drop_caches
	echo sum2 $(dd if=/dev/vdb bs=64k skip=16 count=48 2>/dev/null | md5sum | cut -c1-32)
	echo sum3 $(md5sum </tmp/r | cut -c1-32)
	blkdiscard -o 1048576 -l 65536 /dev/vdb; echo discard $?
	echo zeros $(dd if=/dev/vdb bs=64k skip=16 count=1 2>/dev/null | tr -d '\000' | wc -c)
	cat /sys/block/vdb/serial; echo
	echo irq $(grep -c virtio /proc/interrupts)
	EOF
	for how in aio=auto aio=threads nocache; do
		image 8
		before=$(md5sum <"$DIR/disk" | cut -c1-32)
		words=
		[ "$how" != nocache ] || words=$LEGACY
		: >"$OUT"
		guest_start "$RUN $words" -c 2 -s 3,virtio-blk,"$DIR/script",ro \
			-s 4,virtio-blk,"$DIR/disk,$how,ser=mine" disks
		guest_end
		[ "$STATUS" = 1 ]
		grep -q "sum1 $before" "$OUT"
		sum=$(sed -n 's/.*sum3 \([0-9a-f]*\).*/\1/p' "$OUT")
		grep -q "sum2 $sum" "$OUT"
		grep -q 'discard 0' "$OUT"
		grep -q 'zeros 0' "$OUT"
		grep -q mine "$OUT"
		[ "$(stat -c %s "$DIR/disk")" = 8388608 ]
	done
}

@test "disks: without MSI-X they interrupt by their wires" {
	script <<-'EOF'
	dd if=/dev/urandom of=/dev/vdb bs=64k count=32 conv=fsync 2>/dev/null
	echo done $?
	grep virtio /proc/interrupts
	EOF
	image 8
	guest_start "$RUN" -W -s 3,virtio-blk,"$DIR/script",ro \
		-s 4,virtio-blk,"$DIR/disk" wires
	guest_end
	[ "$STATUS" = 1 ]
	grep -q 'done 0' "$OUT"
	grep -q 'fasteoi.*virtio1' "$OUT"
}

# tap: tap0 on a bridge of the played host, with 10.9.0.1.
tap() {
	addr 10.9.0.1/24 br0
	ip -n "$NETNS" tuntap add tap0 mode tap
	ip -n "$NETNS" link set tap0 master br0 up
}

@test "networks: a guest serves through a tap on a bridge, both faces" {
	tap
	mkdir "$DIR/www"
	head -c 8000000 /dev/urandom >"$DIR/www/big"
	nsenter --net="/run/netns/$NETNS" -- \
		busybox httpd -f -p 10.9.0.1:80 -h "$DIR/www" 3>&- &
	httpd=$!
	script <<-'EOF'
	ip addr add 10.9.0.2/24 dev eth0
	ip link set eth0 up
	cat /sys/class/net/eth0/address
	wget -q -O /tmp/big http://10.9.0.1/big
	echo sum $(md5sum </tmp/big | cut -c1-32)
	httpd -p 80 -h /tmp
	echo serving
	sleep 1000
	EOF
	for words in '' "$LEGACY"; do
		: >"$OUT"
		guest_start "$RUN $words" -s 3,virtio-blk,"$DIR/script",ro \
			-s 4,virtio-net,tap0 web
		guest_says serving
		grep -q "sum $(md5sum <"$DIR/www/big" | cut -c1-32)" "$OUT"
		grep -q '58:9c:fc' "$OUT"
		hostnet curl -s --noproxy '*' -o "$DIR/back" http://10.9.0.2/big
		cmp "$DIR/back" "$DIR/www/big"
		kill -KILL "$VM"
		guest_end
	done
	kill "$httpd"
}

# Sums and segments are left to who has them to do: large frames cross the tap
# whole, both ways, in as many of the guest's buffers as they need.
@test "networks: large frames cross whole, in two pairs of queues" {
	tap
	ip -n "$NETNS" link delete tap0 # bhyve makes one with several queues
	mkdir "$DIR/www"
	head -c 8000000 /dev/urandom >"$DIR/www/big"
	nsenter --net="/run/netns/$NETNS" -- \
		busybox httpd -f -p 10.9.0.1:80 -h "$DIR/www" 3>&- &
	httpd=$!
	script <<-'EOF'
	cd /sys/class/net/eth0
	echo queues $(ls queues | tr '\n' ' ')
	echo bits $(cat device/features)
	ip addr add 10.9.0.2/24 dev eth0
	ip link set eth0 up
	wget -q -O /tmp/big http://10.9.0.1/big
	echo sum $(md5sum </tmp/big | cut -c1-32)
	echo rx $(($(cat statistics/rx_bytes) / $(cat statistics/rx_packets)))
	httpd -p 80 -h /tmp
	echo serving
	until [ "$(cat statistics/tx_bytes)" -gt 8000000 ]; do usleep 100000; done
	echo tx $(($(cat statistics/tx_bytes) / $(cat statistics/tx_packets)))
	EOF
	guest_start "$RUN" -c 2 -s 3,virtio-blk,"$DIR/script",ro \
		-s 4,virtio-net,tap0,bridge=br0,queues=2 large
	guest_says serving
	grep -q "sum $(md5sum <"$DIR/www/big" | cut -c1-32)" "$OUT"
	grep -q 'queues rx-0 rx-1 tx-0 tx-1' "$OUT"
	# CSUM, GUEST_CSUM; GUEST_TSO4, 6; HOST_TSO4, 6; MRG_RXBUF; CTRL_VQ, RX,
	# VLAN; MQ.
	bits=$(sed -n 's/.*bits \([01]*\).*/\1/p' "$OUT")
	for bit in 0 1 7 8 11 12 15 17 18 19 22; do
		[ "${bits:bit:1}" = 1 ]
	done
	python3 - "/run/netns/$NETNS" >"$DIR/seen" 3>&- <<-'EOF' &
	import ctypes, os, socket, struct, sys
	ctypes.CDLL(None).setns(os.open(sys.argv[1], os.O_RDONLY), 0x40000000)
	s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
	s.setsockopt(263, 15, 1)  # SOL_PACKET, PACKET_VNET_HDR
	s.bind(("tap0", 3))
	s.settimeout(60)
	print("watching", flush=True)
	while True:
	    f = s.recv(70000)
	    flags, gso = f[0], f[1]
	    # From the guest, TCP over IPv4 to be cut, its sum to be made.
	    if flags & 1 and gso & 127 == 1 and len(f) > 4000:
	        print("whole", flush=True)
	        break
	EOF
	watcher=$!
	eventually 30 grep -q watching "$DIR/seen"
	hostnet curl -s --noproxy '*' -o "$DIR/back" http://10.9.0.2/big
	cmp "$DIR/back" "$DIR/www/big"
	guest_end
	wait "$watcher"
	grep -q whole "$DIR/seen"
	[ "$STATUS" = 1 ]
	for way in rx tx; do
		[ "$(sed -n "s/.*$way \([0-9]*\).*/\1/p" "$OUT" | tail -n 1)" -gt 3000 ]
	done
	kill "$httpd"
}

@test "networks: a card gives what its driver asked for" {
	tap
	script <<-'EOF'
	ip addr add 10.9.0.2/24 dev eth0
	ip link set eth0 up
	until ping -q -c 1 -W 2 10.9.0.1 >/dev/null 2>&1; do :; done
	for mode in off on off; do
		ip link set eth0 promisc $mode
		n=$(cat /sys/class/net/eth0/statistics/rx_packets)
		echo mode $mode
		read -r word </dev/console
		# What was sent before it is through when the answer is.
		until ping -q -c 1 -W 2 10.9.0.1 >/dev/null 2>&1; do :; done
		echo came $mode $(($(cat /sys/class/net/eth0/statistics/rx_packets) - n))
	done
	EOF
	mkfifo "$DIR/in"
	exec 8<>"$DIR/in"
	GUEST_IN=$DIR/in
	guest_start "$RUN" -s 3,virtio-blk,"$DIR/script",ro \
		-s 4,virtio-net,tap0 asked
	hostnet ip neigh add 10.9.0.99 lladdr 02:00:00:00:00:99 dev br0
	for n in 1 2 3; do
		until [ "$(grep -c '^mode' "$OUT")" -ge "$n" ]; do
			kill -0 "$VM"
			sleep 0.1
		done
		# Nobody has that address: a bridge floods.
		hostnet python3 -c 'import socket; s = socket.socket(
			socket.AF_INET, socket.SOCK_DGRAM); [s.sendto(
			b"frame", ("10.9.0.99", 9)) for _ in range(100)]'
		echo on >&8
	done
	guest_end
	[ "$STATUS" = 1 ]
	tr -d '\r' <"$OUT" | awk '$1 == "came" { print ($3 >= 100) }' >"$DIR/came"
	[ "$(tr '\n' ' ' <"$DIR/came")" = '0 1 0 ' ]
}

@test "networks: a user without privileges reaches a guest by slirp" {
	script <<-'EOF'
	ip link set lo up
	ip addr add 10.0.2.15/24 dev eth0
	ip link set eth0 up
	ip route add default via 10.0.2.2
	echo hello >/tmp/page
	httpd -p 80 -h /tmp
	echo serving
	sleep 1000
	EOF
	guest_start "$RUN" -s 3,virtio-blk,"$DIR/script",ro \
		-s 4,virtio-net,slirp,hostfwd=tcp:127.0.0.1:8080-:80 user
	guest_says serving
	run hostnet curl -s -m 60 --noproxy '*' http://127.0.0.1:8080/page
	[ "$output" = hello ]
	kill -KILL "$VM"
	guest_end
	# Its helper does not outlive it.
	eventually 30 no_helper
}

no_helper() {
	[ -z "$(ip netns pids "$NETNS")" ]
}

@test "ports: bytes go both ways between a guest and a socket" {
	script <<-'EOF'
	port=/dev/$(cd /sys/class/virtio-ports && grep -l org.test vport*/name | cut -d/ -f1)
	echo port $port
	exec 4<>$port
	echo question >&4
	read -r answer <&4
	echo got $answer
	EOF
	guest_start "$RUN" -s 3,virtio-blk,"$DIR/script",ro \
		-s "4,virtio-console,org.other=$DIR/other,org.test=$DIR/sock" \
		-s 5,virtio-rnd ports
	eventually 30 test -S "$DIR/sock"
	python3 - "$DIR/sock" <<-'EOF'
	import socket, sys
	s = socket.socket(socket.AF_UNIX)
	s.settimeout(60)
	s.connect(sys.argv[1])
	assert s.recv(100) == b"question\n"
	s.send(b"answer\n")
	s.recv(1)
	EOF
	guest_end
	[ "$STATUS" = 1 ]
	grep -q 'got answer' "$OUT"
}

@test "a machine with busy cards is saved and goes on" {
	tap
	script <<-'EOF'
	ip addr add 10.9.0.2/24 dev eth0
	ip link set eth0 up
	dd if=/dev/urandom of=/tmp/r bs=64k count=16 2>/dev/null
	sum=$(md5sum </tmp/r)
	for i in $(seq 1 60); do
		dd if=/tmp/r of=/dev/vdb bs=64k seek=$((i % 7 * 16)) conv=fsync 2>/dev/null
		echo 3 >/proc/sys/vm/drop_caches
		got=$(dd if=/dev/vdb bs=64k skip=$((i % 7 * 16)) count=16 2>/dev/null | md5sum)
		[ "$got" = "$sum" ] || echo DAMAGED
		ping -q -c 1 -W 5 10.9.0.1 >/dev/null && echo round $i
	done
	EOF
	image 8
	set -- -c 2 -s 3,virtio-blk,"$DIR/script",ro -s 4,virtio-blk,"$DIR/disk" \
		-s 5,virtio-net,tap0 -s 6,virtio-rnd saved
	guest_start "$RUN" "$@"
	for at in 3 8 13; do
		guest_says "round $at"
		bhyvectl --vm=saved --suspend="$DIR/file"
		guest_end
		[ "$STATUS" = 0 ]
		guest_start '' -r "$DIR/file" "$@"
	done
	guest_says 'round 60'
	guest_end
	run grep DAMAGED "$OUT"
	[ "$status" = 1 ]
}
