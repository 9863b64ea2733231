#!/usr/bin/env bats
# What pf's rules do with real connections: pools, limits, time-outs.
load lib
load pf

# sends NAME PORT: is there an answer to a datagram from this port?
sends() {
	[ "$(peers udp "$1" 10.2.0.2 53 "$2")" = ok ] &&
		[ "$(peers say "$1" "${3:-60}")" = ok ]
}

# outer: the addresses that states go out with, each once.
outer() {
	pfctl -ss | sed -nE 's/.* udp (10\.2\.0\.[0-9]+):.* -> .*/\1/p' |
		sort -u | tr '\n' ' '
}

addresses() {
	local a

	for a; do
		ip -n "$NETNS" addr add "10.2.0.$a/24" dev f1
	done
}

# abusers: who is in the table of that name.
abusers() {
	pfctl -t abusers -T show
}

@test "round-robin takes turns, and each has its range of ports" {
	addresses 11 12 13
	pfctl -qef - <<'EOF'
nat on f1 inet from 10.1.0.0/24 -> { 10.2.0.11 10.2.0.12 10.2.0.13 } port 3000:3999
EOF
	sends a 42001
	sends b 42002
	sends c 42003
	run outer
	is '10.2.0.11 10.2.0.12 10.2.0.13 '
	run pfctl -ss
	[[ $output =~ '10.2.0.12:3'[0-9]{3}' ' ]]
}

@test "sticky-address and source-hash give a source one address" {
	addresses 11 12 13 14
	pfctl -qef - <<'EOF'
nat on f1 inet from 10.1.0.0/24 -> { 10.2.0.11 10.2.0.12 10.2.0.13 } sticky-address
EOF
	sends a 42001
	sends b 42002
	sends c 42003
	run outer
	[ "$(wc -w <<<"$output")" = 1 ]
	pfctl -qFs
	pfctl -qf - <<'EOF'
pass out on f1 inet from 10.1.0.0/24 nat-to 10.2.0.12/31 source-hash
EOF
	sends d 42004
	sends e 42005
	run outer
	[[ $output = '10.2.0.12 ' || $output = '10.2.0.13 ' ]]
}

@test "a table and an interface can be pools" {
	addresses 11 12
	pfctl -qef - <<'EOF'
table <pool> { 10.2.0.11 10.2.0.12 }
nat on f1 inet from 10.1.0.0/24 -> <pool> static-port
EOF
	sends a 42001
	sends b 42002
	run outer
	is '10.2.0.11 10.2.0.12 '
	pfctl -qFs
	pfctl -qf - <<<'pass out on f1 inet from 10.1.0.0/24 nat-to (f1:0)'
	sends c 42003
	run outer
	is '10.2.0.1 '
}

@test "rdr goes along with a range of ports" {
	pfctl -qef - <<'EOF'
rdr on f0 inet proto tcp to 10.1.0.1 port 8000:8100 -> 10.2.0.2 port 8070:*
EOF
	[ "$(peers tcp web 10.1.0.1 8010 41000)" = ok ]
	[ "$(peers say web 60)" = ok ]
}

@test "max is as many states as a rule may have, and fail-policy answers" {
	pfctl -qef - <<'EOF'
set fail-policy return
block all
pass in on f0 inet proto udp to port 53 keep state (max 2)
pass in on f0 inet proto tcp to port 22 keep state (max 1)
pass out on f1
EOF
	sends a 42001
	sends b 42002
	run sends c 42003 1
	[ "$status" != 0 ]
	sends a 42011 || sends b 42002 # the first two go on
	[ "$(peers tcp x 10.2.0.2 22 41001)" = ok ]
	[ "$(peers tcp y 10.2.0.2 22 41002)" = ECONNREFUSED ]
	[ "$(peers say x 60)" = ok ]
}

@test "sources are counted, and their states" {
	pfctl -qef - <<'EOF'
set fail-policy return
pass in on f0 inet proto tcp to port 22 keep state \
	(max-src-nodes 1, max-src-states 2)
EOF
	ip -n "$C" addr add 10.1.0.3/24 dev c0
	[ "$(peers tcp a 10.2.0.2 22 41001)" = ok ]
	[ "$(peers tcp b 10.2.0.2 22 41002)" = ok ]
	[ "$(peers tcp c 10.2.0.2 22 41003)" = ECONNREFUSED ]
	ip -n "$C" route replace 10.2.0.0/24 via 10.1.0.1 src 10.1.0.3
	[ "$(peers tcp d 10.2.0.2 22 41004)" = ECONNREFUSED ]
}

@test "a source that connects too fast goes into the table, and its states go" {
	pfctl -qef - <<'EOF'
table <abusers> persist
block in quick from <abusers>
pass in on f0 inet proto udp to port 53
pass in on f0 inet proto tcp to port 22 keep state \
	(max-src-conn-rate 3/60, overload <abusers> flush global)
EOF
	sends u 42001
	[ "$(peers tcp a 10.2.0.2 22 41001)" = ok ]
	[ "$(peers say a 60)" = ok ]
	[ "$(peers tcp b 10.2.0.2 22 41002)" = ok ]
	[ "$(peers tcp c 10.2.0.2 22 41003)" = ok ]
	run abusers
	is ''
	[ "$(peers tcp d 10.2.0.2 22 41004)" = ok ]
	run peers say d 1
	is none
	run abusers
	is '   10.1.0.2'
	run peers say a 1
	is none
	run peers say u 1
	is none
}

@test "connections over max-src-conn end alone where nothing is flushed" {
	pfctl -qef - <<'EOF'
table <abusers> persist
block in
pass out
pass in on f0 inet proto tcp to port 22 keep state \
	(max-src-conn 2, overload <abusers>)
EOF
	[ "$(peers tcp a 10.2.0.2 22 41001)" = ok ]
	[ "$(peers tcp b 10.2.0.2 22 41002)" = ok ]
	[ "$(peers tcp c 10.2.0.2 22 41003)" = ok ]
	run peers say c 1
	is none
	[ "$(peers say a 60)" = ok ]
	run abusers
	is '   10.1.0.2'
}

@test "a rule's time-outs are its states'" {
	pfctl -qef - <<'EOF'
pass in on f0 inet proto udp to port 53 keep state \
	(udp.single 1000, udp.multiple 2000)
EOF
	sends a 42001
	sends a 42001
	run pfctl -vss
	[[ $output =~ 'expires in 00:'(16|33): ]] || is times
}

@test "route-to sends packets another way, and reply-to their answers" {
	ip -n "$S" addr add 10.9.9.9/32 dev lo
	ip -n "$C" addr add 10.8.8.8/32 dev lo
	pfctl -qef - <<'EOF'
pass in on f0 route-to (f1 10.2.0.2) inet proto tcp to port 8080
pass in on f0 reply-to (f0 10.1.0.2) inet proto tcp to port 22
EOF
	[ "$(peers tcp a 10.9.9.9 8080 42001)" = ok ]
	[ "$(peers say a 60)" = ok ]
	[ "$(peers say a 60)" = ok ]
	ip -n "$C" route replace 10.2.0.0/24 via 10.1.0.1 src 10.8.8.8
	[ "$(peers tcp b 10.2.0.2 22 41001)" = ok ]
	[ "$(peers say b 60)" = ok ]
	pfctl -qFr
	run ip -n "$NETNS" rule
	[[ $output != *fwmark* ]]
}

@test "dup-to sends a copy" {
	ip -n "$NETNS" link add d0 type veth peer name d1 netns "$S"
	side "$NETNS" d0 10.7.0.1/24
	side "$S" d1 10.7.0.3/24
	ip -n "$NETNS" neigh replace 10.7.0.2 lladdr 02:00:00:00:00:07 dev d0
	pfctl -qef - <<'EOF'
pass in on f0 dup-to (d0 10.7.0.2) inet proto udp to port 53
EOF
	ip netns exec "$S" nft -f - <<'EOF'
table netdev t {
chain c {
	type filter hook ingress device "d1" priority 0
	ip daddr 10.2.0.2 udp dport 53 counter
}
}
EOF
	sends a 42001
	sends a 42001
	eventually 60 copied
}

copied() {
	ip netns exec "$S" nft list table netdev t | grep -q 'packets [2-9]'
}

@test "a rule that is to act once is done with then" {
	pfctl -qef - <<'EOF'
block in
pass in on f0 inet proto udp to port 53 once
pass out
EOF
	sends a 42001
	sends a 42001
	run sends b 42002 1
	[ "$status" != 0 ]
}

@test "an operating system is told by its first packet" {
	hostnet nft -f - <<<'table ip t {
chain c {
osf name "Windows"
}
}' || skip 'no fingerprints here'
	pfctl -qef - <<'EOF'
block return in proto tcp
pass in on f0 proto tcp os Windows
pass out
EOF
	[ "$(peers tcp a 10.2.0.2 22 41001)" = ECONNREFUSED ]
}
