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
