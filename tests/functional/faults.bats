# What a guest meets when its host fails it: disks that fill up, err or vanish,
# networks that are pulled, consoles nobody reads, the death of its process.

load lib
load guest

setup() {
	guest_setup
	LOOP=
}

teardown() {
	[ -n "${BATS_TEST_COMPLETED-}" ] || tail -n 30 "$OUT" "$OUT.err" || :
	[ -z "$LOOP" ] || losetup -d "$LOOP" || :
	[ ! -d "${DIR-}/small" ] || umount -l "$DIR/small" 2>/dev/null || :
	guest_teardown
}

# script: its standard input is what the guest does, as its first disk (vda).
RUN='gaol.run=sh,/dev/vda'
script() {
	{ cat; echo 'poweroff -f; sleep 99'; } >"$DIR/script"
	truncate -s 64K "$DIR/script"
}

# go WORD: one line to the guest's console, where it waits with "until_told".
# guest_start gets it by GUEST_IN.
told() {
	mkfifo "$DIR/in"
	# Held open for both, so that nobody's open blocks and no end is seen.
	exec 8<>"$DIR/in"
	GUEST_IN=$DIR/in
}
go() { echo "$1" >&8; }

# small MIB: a file system of so many.
small() {
	mkdir "$DIR/small"
	mount -t tmpfs -o size="$1M" none "$DIR/small"
}

@test "a full host is an I/O error of the guest, until there is room again" {
	told
	script <<-'EOF'
	dd if=/dev/urandom of=/dev/vdb bs=64k count=64 conv=fsync
	echo full $?
	dd if=/dev/vdb of=/dev/null bs=64k count=1 && echo readable
	read -r word </dev/console
	dd if=/dev/zero of=/dev/vdb bs=64k count=64 conv=fsync
	echo room $?
	EOF
	small 1
	for how in auto threads; do
		truncate -s 16M "$DIR/small/disk"
		: >"$OUT"
		guest_start "$RUN" -s 3,virtio-blk,"$DIR/script",ro \
			-s 4,virtio-blk,"$DIR/small/disk,aio=$how" full
		guest_says 'full 1'
		guest_says readable
		mount -o remount,size=32M "$DIR/small"
		go on
		guest_end
		[ "$STATUS" = 1 ]
		grep -q 'room 0' "$OUT"
		rm "$DIR/small/disk"
		# A ring's files are let go a while after its process.
		eventually 30 mount -o remount,size=1M "$DIR/small"
	done
}

@test "an image that may not be written is refused, unless it need not be" {
	small 1
	truncate -s 64K "$DIR/small/disk"
	mount -o remount,ro "$DIR/small"
	guest_start '' -s 3,virtio-blk,"$DIR/small/disk" sealed
	guest_end
	[ "$STATUS" = 4 ]
	grep -q "open '$DIR/small/disk' for writing (ro reads only): Read-only" "$OUT.err"
	guest_start '' -s 3,virtio-blk,"$DIR/small/disk,ro" sealed
	guest_end
	[ "$STATUS" = 1 ]
}

@test "what cannot be read is an I/O error of the guest, the rest is there" {
	told
	# A medium that errs: a loop device whose file lost its second half; and
	# an image that did. On older Linux (6.1) only a loop device that reads its
	# file directly errs, others make up zeros: the guest is to see what the
	# host sees.
	script <<-'EOF'
	for d in vdb vdc; do
		dd if=/dev/$d of=/dev/null bs=64k count=1 iflag=direct
		echo $d before $?
	done
	read -r word </dev/console
	for d in vdb vdc; do
		dd if=/dev/$d of=/dev/null bs=64k skip=100 count=1 iflag=direct
		echo $d lost $?
		dd if=/dev/$d bs=64k skip=20 count=1 iflag=direct | md5sum
		echo $d kept
	done
	EOF
	small 40
	head -c 8M /dev/urandom >"$DIR/medium"
	cp "$DIR/medium" "$DIR/small/image"
	kept=$(dd if="$DIR/medium" bs=64k skip=20 count=1 2>/dev/null | md5sum | cut -c1-32)
	LOOP=$(losetup -f --show "$DIR/medium") || skip "no loop device"
	losetup --direct-io=on "$LOOP" || echo "its file is not read directly"
	for how in auto threads; do
		truncate -s 8M "$DIR/medium" "$DIR/small/image"
		: >"$OUT"
		guest_start "$RUN" -s 3,virtio-blk,"$DIR/script",ro \
			-s 4,virtio-blk,"$LOOP,aio=$how,nocache" \
			-s 5,virtio-blk,"$DIR/small/image,aio=$how" errs
		guest_says 'vdc before 0'
		grep -q 'vdb before 0' "$OUT"
		truncate -s 4M "$DIR/medium" "$DIR/small/image"
		lost=0
		dd if="$LOOP" bs=64k skip=110 count=1 iflag=direct >"$DIR/lost" || lost=1
		go on
		guest_end
		[ "$STATUS" = 1 ]
		grep -q "vdb lost $lost" "$OUT"
		grep -q 'vdc lost 1' "$OUT"
		[ "$(grep -c "$kept" "$OUT")" = 2 ]
	done
}

@test "an image whose name and file system go stays the guest's" {
	told
	script <<-'EOF'
	mkdir -p /mnt
	mount -t ext4 /dev/vdb /mnt && echo mounted
	echo before >/mnt/before; sync
	echo ready
	read -r word </dev/console
	dd if=/dev/urandom of=/tmp/r bs=64k count=64 2>/dev/null
	cp /tmp/r /mnt/r && sync && echo 3 >/proc/sys/vm/drop_caches
	cmp /tmp/r /mnt/r && echo same
	cat /mnt/before
	umount /mnt && echo unmounted
	EOF
	small 40
	truncate -s 32M "$DIR/small/disk"
	mkfs.ext4 -q "$DIR/small/disk"
	guest_start "$RUN" -s 3,virtio-blk,"$DIR/script",ro \
		-s 4,virtio-blk,"$DIR/small/disk" gone
	guest_says ready
	rm "$DIR/small/disk"
	umount -l "$DIR/small"
	rmdir "$DIR/small"
	go on
	guest_end
	[ "$STATUS" = 1 ]
	grep -q same "$OUT"
	grep -q unmounted "$OUT"
}

@test "a tap that is down loses frames, one that is removed is a cable pulled" {
	told
	script <<-'EOF'
	ip addr add 10.9.0.2/24 dev eth0
	ip link set eth0 up
	answers() { ping -q -c 1 -W 2 10.9.0.1 >/dev/null 2>&1; }
	until answers; do :; done
	echo reached
	read -r word </dev/console
	answers || echo down
	cat /sys/class/net/eth0/carrier
	read -r word </dev/console
	until answers; do :; done
	echo again
	read -r word </dev/console
	until [ "$(cat /sys/class/net/eth0/carrier)" = 0 ]; do usleep 50000; done
	echo pulled
	answers || echo lost
	EOF
	addr 10.9.0.1/24 br0
	for queues in 1 2; do
		: >"$OUT"
		guest_start "$RUN" -c "$queues" -s 3,virtio-blk,"$DIR/script",ro \
			-s 4,virtio-net,tap0,bridge=br0,queues="$queues" pulled
		guest_says reached
		hostnet ip link set tap0 down
		go on
		guest_says down
		hostnet ip link set tap0 up
		go on
		guest_says again
		hostnet ip link delete tap0
		go on
		guest_end
		[ "$STATUS" = 1 ]
		grep -q pulled "$OUT"
		grep -q lost "$OUT"
	done
}

# hold PATH|PORT: comes, tells so by a file, and never reads.
hold() {
	nsenter --net="/run/netns/$NETNS" python3 - "$1" "$DIR/held" 3>&- 8>&- <<-'EOF' &
	import os, socket, sys, time
	at, told = sys.argv[1:]
	if at.isdigit():
	    s = socket.create_connection(("127.0.0.1", int(at)))
	elif os.path.islink(at):
	    s = os.open(at, os.O_RDWR | os.O_NOCTTY)
	else:
	    s = socket.socket(socket.AF_UNIX)
	    s.connect(at)
	open(told, "w").close()
	time.sleep(1000)
	EOF
	HOLDER=$!
	eventually 30 test -e "$DIR/held"
	rm "$DIR/held"
}

@test "a console that nobody reads does not hold up its guest" {
	told
	# More than buffer and socket hold; what is dropped is not the guest's
	# affair.
	script <<-'EOF'
	echo ready
	read -r word </dev/console
	n=0
	while [ $n -lt 60 ]; do
		head -c 16384 /dev/zero | tr '\0' x >/dev/ttyS1
		n=$((n + 1))
	done
	echo written
	EOF
	for end in unix:"$DIR/s" pty="$DIR/p" tcp=127.0.0.1:7777; do
		: >"$OUT"
		guest_start "$RUN" -s 3,virtio-blk,"$DIR/script",ro \
			-l com2,"$end" mute
		guest_says ready
		at=${end#*[:=]}
		[ "$end" != "${end#tcp}" ] && at=7777
		hold "$at"
		go on
		guest_end 120
		[ "$STATUS" = 1 ]
		grep -q written "$OUT"
		kill "$HOLDER"
		wait "$HOLDER" 2>/dev/null || :
	done
}

@test "a port whose client never reads holds up that port alone" {
	script <<-'EOF'
	port() { echo /dev/$(cd /sys/class/virtio-ports && grep -lx $1 vport*/name | cut -d/ -f1); }
	until exec 4>$(port mute); do usleep 10000; done
	(while :; do head -c 65536 /dev/zero >&4; done) &
	exec 5>$(port other)
	n=0
	while [ $n -lt 200 ]; do echo line $n; n=$((n + 1)); done >&5
	echo written
	EOF
	guest_start "$RUN" -s 3,virtio-blk,"$DIR/script",ro \
		-s "4,virtio-console,mute=$DIR/mute,other=$DIR/other" ports
	eventually 30 test -S "$DIR/other"
	hold "$DIR/mute"
	kept=$HOLDER
	timeout 100 python3 - "$DIR/other" >"$DIR/got" <<-'EOF' &
	import socket, sys
	s = socket.socket(socket.AF_UNIX)
	s.connect(sys.argv[1])
	while data := s.recv(4096):
	    sys.stdout.buffer.write(data)
	EOF
	reader=$!
	guest_end
	[ "$STATUS" = 1 ]
	grep -q written "$OUT"
	wait "$reader"
	grep -qx 'line 199' "$DIR/got"
	kill "$kept"
}

# One guest is saved when it is about to mount its disk; each round goes on from
# there with a fresh image, so that a round costs no boot.
@test "what a guest flushed survives the death of its process, at any instant" {
	told
	script <<-'EOF'
	mkdir -p /mnt
	echo ready
	read -r word </dev/console
	mount -t ext4 /dev/vdb /mnt && echo mounted
	(i=0; while :; do
		dd if=/dev/urandom of=/mnt/noise$((i % 9)) bs=64k count=$((i % 13))
		[ $((i % 5)) != 0 ] || rm -f /mnt/noise$((i % 7))
		i=$((i + 1))
	done) 2>/dev/null &
	i=0
	while :; do
		dd if=/dev/urandom of=/tmp/r bs=1k count=$((i % 40 + 1)) 2>/dev/null
		sum=$(md5sum </tmp/r | cut -c1-32)
		dd if=/tmp/r of=/mnt/f$i bs=64k conv=fsync 2>/dev/null
		echo flushed $i $sum.
		i=$((i + 1))
	done
	EOF
	truncate -s 64M "$DIR/fresh"
	mkfs.ext4 -q "$DIR/fresh"
	cp "$DIR/fresh" "$DIR/disk"
	set -- -c 2 -s 3,virtio-blk,"$DIR/script",ro -s 4,virtio-blk,"$DIR/disk" dies
	guest_start "$RUN" "$@"
	guest_says ready
	bhyvectl --vm=dies --suspend="$DIR/file"
	guest_end
	for ((round = 0; round < 20; round++)); do
		cp "$DIR/fresh" "$DIR/disk"
		: >"$OUT"
		guest_start '' -r "$DIR/file" "$@"
		go on
		# Some die while they mount, most while they write.
		[ $((round % 7)) = 0 ] || guest_says 'flushed 0 '
		sleep "$(printf '0.%03d' $((RANDOM % 700)))"
		kill -KILL "$VM"
		guest_end
		replayed
	done
	[ "$total" -ge 20 ]
}

# replayed: the disk is as after a power cut: clean once its journal is played
# back, and with all that its guest had flushed and told.
total=0
replayed() {
	local sum name i

	run e2fsck -p "$DIR/disk"
	[ "$status" -le 1 ] || { echo "$output"; return 1; }
	e2fsck -f -n "$DIR/disk" >"$DIR/fsck" 2>&1 || { cat "$DIR/fsck"; return 1; }
	while read -r _ i name _; do
		name=${name%.*}
		sum=$(debugfs -R "cat /f$i" "$DIR/disk" 2>/dev/null | md5sum | cut -c1-32)
		[ "$sum" = "$name" ] || { echo "f$i is lost"; return 1; }
		total=$((total + 1))
	done < <(tr -d '\r' <"$OUT" | grep '^flushed [0-9]* [0-9a-f]*\.$')
}
