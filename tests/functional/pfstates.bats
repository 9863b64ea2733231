#!/usr/bin/env bats
# pfctl's states: real connections from a client through a firewall to a
# server, each in a network namespace, shown, counted and ended.
load lib
load pf

# The states, without ports that were picked at random.
states() {
	pfctl -ss | sed -E 's/(10\.2\.0\.1):(5[0-9]|6[0-9])[0-9]{3} /\1:NAT /' |
		LC_ALL=C sort
}

# shows TEXT: pfctl -ss, sorted, is TEXT by now.
shows() {
	[ "$(states)" = "$1" ]
}

gateway='
nat on f1 inet from 10.1.0.0/24 to any -> 10.2.0.1
rdr on f0 inet proto tcp from any to 10.1.0.1 port 80 -> 10.2.0.2 port 8080
block all
pass inet6 proto icmp6
pass in on f0 inet proto tcp to port 8080 label web
pass in on f0 inet6 proto tcp to port 22 label shell
pass in on f0 proto udp to port 53 label dns
pass in on f0 inet proto icmp icmp-type echoreq
pass out on f1 label outer
'

@test "a connection is a line for each crossing, with what it was translated from" {
	pfctl -qef - <<<"$gateway"
	run pfctl -ss
	is ''
	[ "$(peers tcp web 10.1.0.1 80 41000)" = ok ]
	eventually 60 shows \
		'all tcp 10.2.0.1:NAT (10.1.0.2:41000) -> 10.2.0.2:8080       ESTABLISHED:ESTABLISHED
all tcp 10.2.0.2:8080 (10.1.0.1:80) <- 10.1.0.2:41000       ESTABLISHED:ESTABLISHED' || is "$(states)"
	[ "$(peers say web 60)" = ok ]
	[ "$(peers end web)" = ok ]
	eventually 60 closed 41000
}

closed() {
	[[ $(states) == *"(10.1.0.2:$1) -> 10.2.0.2:8080       FIN_WAIT_2:FIN_WAIT_2"* ]]
}

@test "UDP, ICMP and IPv6 have pf's words" {
	pfctl -qef - <<<"$gateway"
	[ "$(peers udp dns 10.2.0.2 53 42000)" = ok ]
	[ "$(peers say dns 60)" = ok ]
	run states
	is 'all udp 10.2.0.1:NAT (10.1.0.2:42000) -> 10.2.0.2:53       MULTIPLE:SINGLE
all udp 10.2.0.2:53 <- 10.1.0.2:42000       SINGLE:MULTIPLE'
	[ "$(peers say dns 60)" = ok ]
	run states
	is 'all udp 10.2.0.1:NAT (10.1.0.2:42000) -> 10.2.0.2:53       MULTIPLE:MULTIPLE
all udp 10.2.0.2:53 <- 10.1.0.2:42000       MULTIPLE:MULTIPLE'
	pfctl -qFs
	[ "$(peers ping 10.2.0.2 77)" = ok ]
	run states
	is 'all icmp 10.2.0.1:77 (10.1.0.2:77) -> 10.2.0.2:77       0:0
all icmp 10.2.0.2:77 <- 10.1.0.2:77       0:0'
	run pfctl -Fs
	is '2 states cleared'
	run pfctl -ss
	is ''
	[ "$(peers tcp six 2001:db8:2::2 22 43000)" = ok ]
	six='all tcp 2001:db8:1::2[43000] -> 2001:db8:2::2[22]       ESTABLISHED:ESTABLISHED
all tcp 2001:db8:2::2[22] <- 2001:db8:1::2[43000]       ESTABLISHED:ESTABLISHED'
	eventually 60 only_tcp_is "$six" || is "$(states)"
	run pfctl -k 2001:db8:1::2
	has 'killed 2 states'
	only_tcp_is ''
}

# Neighbour discovery may come at any time.
only_tcp_is() {
	[ "$(states | grep tcp)" = "$1" ]
}

@test "-vv tells rule, age, traffic, id and where it came from" {
	pfctl -qef - <<<"$gateway"
	[ "$(peers udp dns 10.2.0.2 53 42000)" = ok ]
	[ "$(peers say dns 60)" = ok ]
	run pfctl -vvss
	[[ $output =~ ^'all udp 10.2.0.2:53 <- 10.1.0.2:42000       SINGLE:MULTIPLE'$'\n   age 00:0'[0-9]:[0-9][0-9], ]] || is first
	[[ $output =~ 'expires in 00:0'[01]:[0-9][0-9]', 1:1 pkts, 29:29 bytes, rule 4'$'\n' ]] ||
		is counters
	[[ $output =~ '   id: 00000001'[0-9a-f]{8}' creatorid: '[0-9a-f]{8}$'\n   origif: f0\n' ]] ||
		is 'id of in'
	[[ $output =~ ', rule 6'$'\n   id: 00000002'[0-9a-f]{8}' creatorid: '[0-9a-f]{8}$'\n   origif: f1'$ ]] ||
		is 'id of out'
	run pfctl -sa
	[[ $output =~ ^'TRANSLATION RULES:'$'\nnat on '.*$'\n\nFILTER RULES:\nblock '.*$'\n\nSTATES:\nall udp'.*$'\n\nINFO:\nStatus: '.*$'\n\nLABEL COUNTERS:\nweb '.*$'\n\nTIMEOUTS:\ntcp.first '.*$'\n\nLIMITS:\nstates ' ]] ||
		is 'all parts'
	run pfctl -i f1 -ss
	[[ $output == *' -> '* && $output != *' <- '* ]]
	run pfctl -vsr
	has 'States: 1 '
	# The rule is known by its words, wherever it stands.
	pfctl -qf - <<<"set hostid 0x4711
$(sed '/icmp6/d' <<<"$gateway")"
	run pfctl -vvss
	has ', rule 3'
	has ', rule 5'
	has 'creatorid: 00004711'
	# And forgotten with it, while the states go on.
	pfctl -qf - <<<'block all'
	[ "$(peers say dns 60)" = ok ]
	run pfctl -vss
	has '2:2 pkts'
	[[ $output != *', rule'* ]]
}

@test "states end by host, network, label, id, key and what was translated" {
	pfctl -qef - <<<"$gateway"
	[ "$(peers udp a 10.2.0.2 53 42001)" = ok ]
	[ "$(peers udp b 10.2.0.2 53 42002)" = ok ]
	both() { [ "$(peers say a 60)$(peers say b 60)" = okok ]; }
	both
	run pfctl -k 10.9.0.0/16
	is 'killed 0 states from 1 sources and 0 destinations'
	run pfctl -k 0.0.0.0/0 -k 10.2.0.2
	is 'killed 4 states from 1 sources and 1 destinations'
	run pfctl -ss
	is ''
	both
	run pfctl -k nat -k 10.1.0.2
	is 'killed 4 states from 1 sources and 0 destinations'
	both
	run pfctl -k label -k dns
	is 'killed 2 states'
	run pfctl -k label -k outer
	is 'killed 2 states'
	run pfctl -ss
	is ''
	both
	run pfctl -k key -k 'udp 10.2.0.2:53 <- 10.1.0.2:42001'
	is 'killed 1 states'
	id=$(pfctl -vvss | sed -n '/<- 10.1.0.2:42002/,/origif/s/.*id: \([0-9a-f]*\) .*/\1/p')
	run pfctl -k id -k "$id"
	is 'killed 1 states'
	run states
	is 'all udp 10.2.0.1:NAT (10.1.0.2:42001) -> 10.2.0.2:53       MULTIPLE:SINGLE
all udp 10.2.0.1:NAT (10.1.0.2:42002) -> 10.2.0.2:53       MULTIPLE:SINGLE'
	run pfctl -qk 10.2.0.1
	is ''
	run pfctl -ss
	is ''
	run pfctl -k label
	[ "$status" = 1 ]
	has 'pfctl: no label specified'
	has usage:
	run pfctl -k nowhere.invalid
	[ "$status" = 1 ]
}

@test "a state that ended passes nothing, while the other goes on" {
	pfctl -qef - <<<"$gateway"
	[ "$(peers tcp web 10.1.0.1 80 41000)" = ok ]
	[ "$(peers say web 60)" = ok ]
	run pfctl -i f0 -k label -k web
	is 'killed 1 states'
	run states
	is 'all tcp 10.2.0.1:NAT (10.1.0.2:41000) -> 10.2.0.2:8080       ESTABLISHED:ESTABLISHED'
	# In the middle of a connection: no rule's flags S/SA.
	[ "$(peers say web 1)" = none ]
	run pfctl -i f1 -k 10.1.0.2
	is 'killed 0 states from 1 sources and 0 destinations'
	run pfctl -i f1 -k 10.2.0.1
	is 'killed 1 states from 1 sources and 0 destinations'
	run pfctl -ss
	is ''
}

@test "-M ends the other crossing's state, too" {
	pfctl -qef - <<<"$gateway"
	[ "$(peers udp dns 10.2.0.2 53 42000)" = ok ]
	[ "$(peers say dns 60)" = ok ]
	run pfctl -M -i f0 -Fs
	is '2 states cleared'
	run pfctl -ss
	is ''
	[ "$(peers say dns 60)" = ok ]
	run pfctl -i f0 -Fs
	is '1 states cleared'
	run pfctl -F states
	is '1 states cleared'
	run pfctl -i f0 -Fall
	[ "$status" = 1 ]
	has "don't specify an interface with -Fall"
}

@test "timeouts are pf's, and those that are set" {
	value() { hostnet cat "/proc/sys/net/netfilter/nf_conntrack_$1"; }

	pfctl -qef - <<<"$gateway"
	[ "$(value tcp_timeout_established)" = 86400 ]
	[ "$(value udp_timeout)" = 60 ]
	[ "$(value acct)" = 1 ]
	run pfctl -st
	has $'tcp.first                   120s\ntcp.opening                  30s'
	has $'adaptive.end             120000 states'
	run pfctl -sm
	is 'states        hard limit   100000
src-nodes     hard limit    10000
frags         hard limit     5000
table-entries hard limit   200000'
	pfctl -qf - <<<"set optimization aggressive
set timeout { udp.first 500 udp.multiple 600 }
$gateway"
	[ "$(value tcp_timeout_established)" = 18000 ]
	[ "$(value udp_timeout)" = 500 ]
	[ "$(value udp_timeout_stream)" = 600 ]
	[ "$(peers udp dns 10.2.0.2 53 42000)" = ok ]
	[ "$(peers say dns 60)" = ok ]
	run pfctl -vss
	has 'expires in 00:0'
	[[ $output =~ 'expires in 00:0'[78]: ]] || is 'over seven minutes'
	pfctl -qf - <<<"$gateway"
	[ "$(value udp_timeout)" = 60 ]
	pfctl -qf - <<<"set timeout udp.first 400
$gateway"
	[ "$(value udp_timeout)" = 400 ]
	pfctl -qF Reset
	[ "$(value udp_timeout)" = 60 ]
	# The limit of connections is the host's, on most kernels.
	hostnet test -w /proc/sys/net/netfilter/nf_conntrack_max && return
	run pfctl -f - <<<$'set limit states 1000\npass'
	[ "$status" = 0 ]
	has 'pfctl: set limit states: not here: /proc/sys/net/netfilter/nf_conntrack_max'
}

# info NAME: its number in pfctl -si.
info() { pfctl -si | sed -nE "s/^  $1 +([0-9]+).*/\1/p"; }

@test "statistics count lookups, states and drops, over loads" {
	run pfctl -si
	has 'Status: Disabled  '
	pfctl -qef - <<<"set loginterface f0
$gateway"
	run pfctl -si
	[[ $output =~ ^'Status: Enabled for 0 days 00:0'[0-9]:[0-9][0-9]' '+'Debug: Urgent'$'\n' ]] ||
		is Status
	[ "$(peers udp dns 10.2.0.2 53 42000)" = ok ]
	[ "$(peers say dns 60)" = ok ]
	[ "$(peers say dns 60)" = ok ]
	[ "$(info 'current entries')" = 2 ]
	[ "$(info inserts)" = 2 ]
	[ "$(info removals)" = 0 ]
	[ "$(info match)" -ge 2 ]
	# Four packets, each in and out.
	[ "$(info searches)" -ge 8 ]
	pfctl -qFs
	[ "$(info removals)" = 2 ]
	pfctl -qf - <<<"set loginterface f0
$gateway"
	[ "$(info inserts)" = 2 ]
	pfctl -qz
	[ "$(info inserts)" = 2 ]
	[ "$(peers udp no 10.2.0.2 54 42001)" = ok ]
	[ "$(peers say no 1)" = none ]
	run pfctl -vsi
	has 'Hostid:   0x'
	[[ $output =~ 'Interface Stats for f0 '.*'Bytes In '\ +[1-9][0-9]*\ .*Blocked\ +1\ .*'Packets Out' ]] ||
		is 'one blocked'
	run pfctl -F info
	is 'pf: statistics cleared'
	[ "$(info inserts)" = 0 ]
	[ "$(info removals)" = 0 ]
	[ "$(peers say dns 60)" = ok ]
	[ "$(info inserts)" = 2 ]
	[ "$(info removals)" = 0 ]
}

@test "a VNET jail has states, statistics and timeouts of its own" {
	local lib

	mkroot "$DIR/r"
	cp "$BIN/pfctl" "$DIR/r/bin/"
	ldd "$BIN/pfctl" | grep -o '/[^ ]*' | while read -r lib; do
		mkdir -p "$DIR/r$(dirname "$lib")"
		cp -L "$lib" "$DIR/r$lib"
	done
	jail -qc name=v path="$DIR/r" persist vnet
	run jexec v sh -c '{ echo set timeout udp.first 555
		echo pass; } | pfctl -ef -'
	is 'pf enabled'
	[ "$(jexec v cat /proc/sys/net/netfilter/nf_conntrack_udp_timeout)" = 555 ]
	jexec v ip link set lo up
	jexec v httpd -p 127.0.0.1:80 -h /var/www
	fetched() { jexec v wget -q -O /dev/null http://127.0.0.1/index.html; }
	eventually 60 fetched
	run jexec v pfctl -ss
	has ' 127.0.0.1:80 <- 127.0.0.1:'
	has ' -> 127.0.0.1:80       '
	run pfctl -j v -r -ss
	has ' localhost:80 <- localhost:'
	run pfctl -ss
	is ''
	run pfctl -j v -si
	[[ $output =~ 'current entries '\ +[1-9] ]] || is entries
	run jexec v pfctl -k 127.0.0.1
	[[ $output =~ ^'killed '[1-9][0-9]*' states from 1 sources' ]] || is killed
	run jexec v pfctl -ss
	is ''
}

@test "sources that sticky-address keeps are shown, and forgotten" {
	ip -n "$NETNS" addr add 10.2.0.3/24 dev f1
	pfctl -qef - <<<'nat on f1 inet from 10.1.0.0/24 to any -> { 10.2.0.1 10.2.0.3 } round-robin sticky-address
pass'
	run pfctl -sS
	is ''
	[ "$(peers udp dns 10.2.0.2 53 42000)" = ok ]
	[ "$(peers say dns 60)" = ok ]
	run pfctl -s Sources
	[[ $output =~ ^'10.1.0.2 -> 10.2.0.'[13]' ( states 1, connections 0, rate 0.0/0s )'$ ]] ||
		is 'one source'
	run pfctl -K 10.9.0.1
	is 'killed 0 src nodes from 1 sources and 0 destinations'
	run pfctl -K 10.1.0.0/24 -K 10.2.0.0/24
	is 'killed 1 src nodes from 1 sources and 1 destinations'
	run pfctl -sS
	is ''
	pfctl -qFs
	[ "$(peers say dns 60)" = ok ]
	run pfctl -F Sources
	is 'source tracking entries cleared'
	run pfctl -sS
	is ''
}

@test "states whose rule routes know the gateway, and end by it" {
	pfctl -qef - <<<'pass
pass in on f0 route-to (f1 10.2.0.2) inet proto udp'
	[ "$(peers udp dns 10.2.0.2 53 42000)" = ok ]
	[ "$(peers say dns 60)" = ok ]
	run pfctl -vvss
	has ' route-to: 10.2.0.2@f1'
	run pfctl -k gateway -k 10.9.0.0/16
	is 'killed 0 states'
	run pfctl -k gateway -k 10.2.0.2
	is 'killed 1 states'
	run pfctl -ss
	[[ $output == *' -> '* && $output != *' <- '* ]]
}
