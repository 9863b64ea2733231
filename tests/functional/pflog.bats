#!/usr/bin/env bats
# pflogd(8): what rules log, read back with tcpdump.
load lib

# pflogd becomes what it is started from: $! is its own.
pflogd() { exec nsenter --net="/run/netns/$NETNS" -- "$BIN/pflogd" "$@"; }

# shown: what tcpdump makes of the log.
shown() { tcpdump -tnner "$DIR/log" 2>/dev/null; }

# shows TEXT [N]: N (1) lines of it have the text.
shows() { [ "$(shown | grep -cF -- "$1")" = "${2:-1}" ]; }

# udp PORT: a datagram to ourselves.
udp() { hostnet bash -c "echo x >/dev/udp/127.0.0.1/$1" || :; }

# listens: the kernel has somebody to give packets to.
listens() { hostnet grep -q '^ *1 ' /proc/net/netfilter/nfnetlink_log; }

log_to_file() {
	pflogd -D -d 1 -f "$DIR/log" 3>&- &
	PFLOGD=$!
	eventually 30 listens
}

@test "a logged packet tells its rule, what became of it, and where" {
	pfctl -ef - <<'EOF'
pass
block in log on lo proto udp to port 9
pass out log proto udp to port 10 no state
anchor "office" {
	pass proto tcp
	block out log proto udp to port 11
}
EOF
	log_to_file
	udp 9
	udp 10
	udp 11
	udp 12
	eventually 30 shows 'rule 1/0(match): block in on lo: 127.0.0.1'
	eventually 30 shows 'rule 2/0(match): pass out on lo: 127.0.0.1'
	eventually 30 shows 'rule 3.office.1/0(match): block out on lo: 127.0.0.1'
	run shown
	[ "${#lines[@]}" = 3 ]
	kill "$PFLOGD"
	wait "$PFLOGD"
}

@test "a state is logged once, with log (all) each of its packets" {
	pfctl -ef - <<'EOF'
pass log proto udp to port 9
pass log (all) proto udp to port 10
EOF
	log_to_file
	for _ in 1 2 3; do
		udp 10
	done
	hostnet python3 - <<'EOF'
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for port in (9, 10):
    s.bind(("127.0.0.1", 5000)) if port == 9 else None
    for i in range(3):
        s.sendto(b"x", ("127.0.0.1", port))
EOF
	# By lo each goes out and in: a state for both.
	eventually 30 shows '127.0.0.1.5000 > 127.0.0.1.9: ' 2
	eventually 30 shows '127.0.0.1.5000 > 127.0.0.1.10: ' 6
	kill "$PFLOGD"
	wait "$PFLOGD"
}

@test "IPv6, another pflog interface, and a live view" {
	pfctl -ef - <<'EOF'
block out log (to pflog3) inet6 proto udp to port 9
EOF
	pflogd -i pflog3 -f - 3>&- \
		> >(tcpdump -lnner - >"$DIR/live" 2>/dev/null 3>&-) &
	PFLOGD=$!
	# Until it listens.
	looks() {
		hostnet bash -c 'echo x >/dev/udp/::1/9' 2>/dev/null || :
		grep -q 'block out on lo: ::1' "$DIR/live"
	}
	eventually 30 looks
	kill "$PFLOGD"
	wait "$PFLOGD"
}

@test "a log goes on where it ended, and is begun anew by HUP" {
	pfctl -ef - <<<'block log proto udp to port 9'
	log_to_file
	udp 9
	eventually 30 shows 'block out'
	kill "$PFLOGD"
	wait "$PFLOGD"
	log_to_file
	udp 9
	eventually 30 shows 'block out' 2
	mv "$DIR/log" "$DIR/old"
	kill -HUP "$PFLOGD"
	eventually 30 test -s "$DIR/log"
	udp 9
	eventually 30 shows 'block out'
	kill "$PFLOGD"
	wait "$PFLOGD"
	run pflogd -D -s 100 -f "$DIR/log"
	[ "$status" = 1 ]
	has 'move it away'
	run pflogd -i em0
	[ "$status" = 1 ]
	run pflogd -D tcp
	[ "$status" = 1 ]
}

@test "what a full disk does not take leaves the log whole, and ends nothing" {
	pfctl -ef - <<<'block log proto udp to port 9'
	(
		ulimit -f 8
		exec nsenter --net="/run/netns/$NETNS" -- "$BIN/pflogd" -D -d 1 \
			-f "$DIR/log"
	) 2>"$DIR/said" 3>&- &
	PFLOGD=$!
	eventually 30 listens
	full() {
		for _ in {1..20}; do udp 9 2>/dev/null; done
		grep -q 'packets are lost' "$DIR/said"
	}
	eventually 60 full
	run tcpdump -nr "$DIR/log"
	[ "$status" = 0 ]
	[[ $output != *truncated* ]]
	mv "$DIR/log" "$DIR/old"
	kill -HUP "$PFLOGD"
	eventually 30 test -s "$DIR/log"
	udp 9
	goes_on() { shown | grep -q 'block out'; }
	eventually 30 goes_on
	kill "$PFLOGD"
	wait "$PFLOGD"
}
