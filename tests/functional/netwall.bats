#!/usr/bin/env bats
# shellcheck disable=SC2030,SC2031,SC2086,SC2101,SC2102 # [::]:80 is a name
# Shared-IP jails: which addresses and ports their sockets have, and that two
# jails and the host do not meet. The words of "sock" are in sock/sock.c.
load lib

SOCK=$BUILD/tests/functional/sock/sock
H4=192.0.2.1 A4=192.0.2.10 A4b=192.0.2.11 B4=192.0.2.20
H6=2001:db8::1 A6=2001:db8::10 A6b=2001:db8::11 B6=2001:db8::20

setup() {
	gaol_setup
	mkroot "$DIR/r"
	cp "$SOCK" "$DIR/r/bin/sock"
	addr $H4/24 em0
	addr $H6/64 em0
	for a in $A4 $A4b $B4; do addr $a/32 em0; done
	for a in $A6 $A6b $B6; do addr $a/128 em0; done
}

# up NAME PARAMETER ...: a jail.
up() {
	jail -c name="$1" path="$DIR/r" persist "${@:2}"
}

# a, b, h WORD ...: sock in a jail or on the host.
a() { jexec a /bin/sock "$@"; }
b() { jexec b /bin/sock "$@"; }
h() { hostnet "$SOCK" "$@"; }

# gives TEXT WHO WORD ...: what sock prints, its "ok" left out.
gives() {
	local want=$1
	shift
	run "$@"
	output=${output%ok}
	output=${output%$'\n'}
	is "$want" || {
		echo "by:     $*"
		return 1
	}
}

# start WHO WORD ... serve=TEXT: in the background, once it is ready. SERVER is
# its pid where it runs.
start() {
	local log

	log=$(mktemp "$DIR/log.XXXXXX")
	"$@" >"$log" 2>&1 3>&- &
	eventually 30 grep -q '^ready\|: E' "$log"
	SERVER=$(sed -n 's/^ready //p' "$log")
	[ -n "$SERVER" ] || {
		cat "$log"
		return 1
	}
	[ "$1" != h ] || SERVERS+=" $SERVER"
}

# What runs on the played host is not gaol's to end.
teardown() {
	# shellcheck disable=SC2086 # a list
	[ -z "${SERVERS-}" ] || kill $SERVERS 2>/dev/null || :
	gaol_teardown
}

one_address() {
	up a ip4.addr=$A4 ip6.addr=$A6 "$@"
}

@test "bind to any is the jail's address, one address each" {
	one_address
	for s in tcp4 udp4; do
		gives "$A4:8080" a $s bind=0.0.0.0:8080 name
		gives "$A4:80" a $s bind=0.0.0.0:80 name
		gives "$A4:8080" a $s bind=127.0.0.1:8080 name
		gives "$A4:8080" a $s bind=$A4:8080 name
	done
	for s in tcp6 udp6; do
		gives "[$A6]:8080" a $s v6only bind=[::]:8080 name
		gives "[::]:8080" a $s bind=[::]:8080 name
		gives "[$A6]:8080" a $s bind=[::1]:8080 name
		gives "[$A6]:8080" a $s bind=[$A6]:8080 name
		gives "[::ffff:$A4]:8080" a $s bind=[::ffff:0.0.0.0]:8080 name
		gives "[::ffff:$A4]:8080" a $s bind=[::ffff:127.0.0.1]:8080 name
	done
	run a tcp4 bind=0.0.0.0:0 name
	[[ $output == "$A4:"* ]]
}

@test "a foreign address is refused" {
	one_address
	for s in tcp4 udp4; do
		for to in $H4 $B4 127.0.0.2 8.8.8.8 224.0.0.251 \
			255.255.255.255; do
			gives "bind: EADDRNOTAVAIL" a $s bind=$to:8080
			gives "bind: EADDRNOTAVAIL" a $s bind=$to:0
		done
	done
	for s in tcp6 udp6; do
		for to in $H6 $B6 ff02::fb ::ffff:$H4 fe80::1; do
			gives "bind: EADDRNOTAVAIL" a $s bind=[$to]:8080
		done
	done
}

@test "an address of the jail that no interface has is refused" {
	up a ip4.addr=192.0.2.99 ip6.addr=2001:db8::99
	gives "bind: EADDRNOTAVAIL" a tcp4 bind=192.0.2.99:8080
	gives "bind: EADDRNOTAVAIL" a udp4 bind=0.0.0.0:8080
	gives "bind: EADDRNOTAVAIL" a tcp6 bind=[2001:db8::99]:8080
}

@test "an unbound connect leaves from the jail's address" {
	one_address
	start h tcp6 reuse bind=[::]:7000 listen serve=host
	gives "host at [::ffff:$H4]:7000 to [::ffff:$A4]" \
		from_port a tcp4 connect=$H4:7000 ask
	gives "host at [$H6]:7000 to [$A6]" \
		from_port a tcp6 connect=[$H6]:7000 ask
	gives "host at [::ffff:$H4]:7000 to [::ffff:$A4]" \
		from_port a tcp6 connect=[::ffff:$H4]:7000 ask
	run a tcp4 connect=$H4:7000 name
	[[ $output == "$A4:"* ]]
	run a udp4 connect=$H4:7000 name
	[[ $output == "$A4:"* ]]
	run a udp6 connect=[$H6]:7000 name
	[[ $output == "[$A6]:"* ]]
}

# from_port CMD ...: its output without the last, ephemeral, port.
from_port() {
	"$@" | sed 's/:[0-9]*$//'
}

@test "an unbound send leaves from the jail's address" {
	one_address
	start h udp4 bind=$H4:7000 serve=host
	start h udp6 bind=[$H6]:7000 serve=host
	run from_port a udp4 send=$H4:7000 recv
	has "to $A4"
	run from_port a udp6 send=[$H6]:7000 recv
	has "to [$A6]"
	run from_port a udp6 send=[::ffff:$H4]:7000 recv
	has "to $A4"
	run from_port a udp4 from=$A4 send=$H4:7000 recv
	has "to $A4"
}

@test "a source that is not the jail's is refused" {
	one_address
	gives "send: EADDRNOTAVAIL" a udp4 from=$H4 send=$H4:7000
	gives "send: EADDRNOTAVAIL" a udp4 from=$B4 send=$H4:7000
	gives "send: EADDRNOTAVAIL" a udp6 from=$B6 send=[$H6]:7000
	gives "send: EADDRNOTAVAIL" a udp4 connect=$H4:7000 from=$B4 \
		send=$H4:7000
}

@test "127.0.0.1 and ::1 are the jail, not the host" {
	one_address
	start h tcp4 reuse bind=127.0.0.1:7001 listen serve=host
	gives "connect: ECONNREFUSED" a tcp4 connect=127.0.0.1:7001
	start a tcp4 bind=0.0.0.0:7002 listen serve=jail
	gives "jail at $A4:7002 to $A4" \
		from_port a tcp4 connect=127.0.0.1:7002 ask
	gives "jail at $A4:7002 to $A4" \
		from_port a tcp4 connect=0.0.0.0:7002 ask
	gives "$A4:7002" a tcp4 connect=127.0.0.1:7002 peer
	start a tcp6 bind=[::1]:7003 listen serve=jail
	gives "jail at [$A6]:7003 to [$A6]" \
		from_port a tcp6 connect=[::1]:7003 ask
	start a udp4 bind=127.0.0.1:7004 serve=jail
	run from_port a udp4 send=127.0.0.1:7004 recv
	has "jail at $A4:7004 to $A4"
	start h tcp4 reuse bind=127.0.0.53:7005 listen serve=host
	gives "connect: ECONNREFUSED" a tcp4 connect=127.0.0.53:7005
}

@test "two jails and the host each hold port 80, the host first" {
	up a ip4.addr=$A4
	up b ip4.addr=$B4
	start h tcp4 reuse bind=0.0.0.0:80 listen serve=host
	start a tcp4 reuse bind=0.0.0.0:80 listen serve=a
	start b tcp4 bind=$B4:80 listen serve=b
	three_on_80
}

@test "two jails and the host each hold port 80, the jails first" {
	up a ip4.addr=$A4
	up b ip4.addr=$B4
	start a tcp4 bind=$A4:80 listen serve=a
	start b tcp4 reuse bind=0.0.0.0:80 listen serve=b
	start h tcp4 bind=0.0.0.0:80 listen serve=host
	three_on_80
}

three_on_80() {
	gives "a at $A4:80 to $H4" from_port h tcp4 bind=$H4:0 connect=$A4:80 ask
	gives "b at $B4:80 to $H4" from_port h tcp4 bind=$H4:0 connect=$B4:80 ask
	gives "host at $H4:80 to $A4" from_port a tcp4 connect=$H4:80 ask
	gives "b at $B4:80 to $A4" from_port a tcp4 connect=$B4:80 ask
	gives "a at $A4:80 to $A4" from_port a tcp4 connect=127.0.0.1:80 ask
	gives "host at 127.0.0.1:80 to 127.0.0.1" \
		from_port h tcp4 connect=127.0.0.1:80 ask
}

@test "the host's wildcard answers on a jail's address until the jail does" {
	up a ip4.addr=$A4
	start h tcp4 reuse bind=0.0.0.0:80 listen serve=host
	gives "host at $A4:80 to $A4" from_port a tcp4 connect=$A4:80 ask
	start a tcp4 bind=0.0.0.0:80 listen serve=a
	gives "a at $A4:80 to $A4" from_port a tcp4 connect=$A4:80 ask
	jexec a /bin/kill "$SERVER"
	eventually 30 gives "host at $A4:80 to $A4" \
		from_port a tcp4 connect=$A4:80 ask
	# One on the jail's very address gives way too.
	start h tcp4 reuse bind=$A4:81 listen serve=host
	start a tcp4 bind=$A4:81 listen serve=a
	gives "a at $A4:81 to $A4" from_port a tcp4 connect=$A4:81 ask
}

@test "dual-stack and several addresses: every one is served, none else" {
	up a ip4.addr=$A4,$A4b ip6.addr=$A6,$A6b
	up b ip4.addr=$B4 ip6.addr=$B6
	start h tcp6 reuse bind=[::]:443 listen serve=host
	start a tcp6 reuse bind=[::]:443 listen serve=a
	start b tcp6 bind=[::]:443 listen serve=b
	for to in $A4 $A4b; do
		gives "a at [::ffff:$to]:443 to [::ffff:$H4]" \
			from_port h tcp4 bind=$H4:0 connect=$to:443 ask
	done
	for to in $A6 $A6b; do
		gives "a at [$to]:443 to [$H6]" \
			from_port h tcp6 bind=[$H6]:0 connect=[$to]:443 ask
	done
	gives "b at [::ffff:$B4]:443 to [::ffff:$H4]" \
		from_port h tcp4 bind=$H4:0 connect=$B4:443 ask
	gives "b at [$B6]:443 to [$H6]" \
		from_port h tcp6 bind=[$H6]:0 connect=[$B6]:443 ask
	gives "host at [$H6]:443 to [$H6]" \
		from_port h tcp6 connect=[$H6]:443 ask
	gives "0.0.0.0:80" a tcp4 bind=0.0.0.0:80 listen name
}

@test "separate IPv4 and IPv6 wildcards, as nginx makes them" {
	up a ip4.addr=$A4,$A4b ip6.addr=$A6
	start a tcp4 reuse bind=0.0.0.0:80 listen serve=four
	start a tcp6 reuse v6only bind=[::]:80 listen serve=six
	gives "four at $A4b:80 to $A4" from_port a tcp4 connect=$A4b:80 ask ||
		gives "four at $A4b:80 to $A4b" \
			from_port a tcp4 connect=$A4b:80 ask
	gives "six at [$A6]:80 to [$A6]" from_port a tcp6 connect=[::1]:80 ask
}

@test "within a jail a taken port is taken" {
	up a ip4.addr=$A4,$A4b ip6.addr=$A6
	start a tcp4 reuse bind=$A4:80 listen serve=a
	gives "bind: EADDRINUSE" a tcp4 bind=$A4:80
	gives "bind: EADDRINUSE" a tcp4 reuse bind=$A4:80
	gives "bind: EADDRINUSE" a tcp4 bind=0.0.0.0:80
	gives "bind: EADDRINUSE" a tcp6 bind=[::]:80
	gives "" a tcp6 v6only bind=[::]:80
	gives "" a tcp4 bind=$A4b:80
	start a tcp6 bind=[::]:81 listen serve=a
	gives "bind: EADDRINUSE" a tcp4 bind=$A4b:81
	gives "bind: EADDRINUSE" a tcp4 bind=0.0.0.0:81
	gives "bind: EADDRINUSE" a tcp6 bind=[::]:81
	# Bound, not listening.
	gives "bind: EADDRINUSE" a tcp4 bind=$A4:82 tcp4 bind=$A4:82
	# Given back at close.
	gives "" a tcp4 bind=$A4:82 close tcp4 bind=$A4:82 listen shut \
		bind=$A4:83 listen close tcp4 bind=$A4:83
	start a udp4 bind=$A4:80 serve=a
	gives "bind: EADDRINUSE" a udp4 bind=$A4:80
	gives "bind: EADDRINUSE" a udp4 reuse bind=$A4:80
	start a udp4 bind=$A4:8080 serve=a
	gives "bind: EADDRINUSE" a udp4 bind=$A4:8080
}

@test "listeners of a SO_REUSEPORT group outlive one another" {
	one_address
	start a tcp4 reuseport bind=0.0.0.0:80 listen serve=first
	local first=$SERVER
	start a tcp4 reuseport bind=0.0.0.0:80 listen serve=second
	local second=$SERVER
	gives "bind: EADDRINUSE" a tcp4 bind=0.0.0.0:80
	jexec a /bin/kill "$first"
	eventually 30 answers second
	start a tcp4 reuseport bind=0.0.0.0:80 listen serve=third
	jexec a /bin/kill "$second"
	eventually 30 answers third
}

answers() {
	run a tcp4 connect=$A4:80 ask
	[[ $output == "$1 at"* ]]
}

@test "low ports are for the jail's root, by allow.reserved_ports" {
	one_address
	for s in tcp4 udp4; do
		gives "" a $s bind=0.0.0.0:80
		gives "bind: EACCES" a user=1001 $s bind=0.0.0.0:80
		gives "" a bindcap=1001 $s bind=0.0.0.0:80
		gives "" a user=1001 $s bind=0.0.0.0:8080
	done
	gives "bind: EACCES" a user=1001 tcp6 bind=[::]:80
	jail -m name=a allow.noreserved_ports
	for s in tcp4 udp4; do
		gives "bind: EACCES" a $s bind=0.0.0.0:80
		gives "" a $s bind=0.0.0.0:8080
	done
}

@test "a family the jail has not: socket(2) says EPROTONOSUPPORT" {
	up a ip4.addr=$A4
	for s in tcp6 udp6 raw6 icmp6; do
		gives "$s: EPROTONOSUPPORT" a $s
	done
	up b ip6.addr=$B6
	for s in tcp4 udp4 raw4 icmp4; do
		gives "$s: EPROTONOSUPPORT" b $s
	done
	gives "bind: EAFNOSUPPORT" b tcp6 bind=[::ffff:127.0.0.1]:8080
	gives "connect: EAFNOSUPPORT" b tcp6 connect=[::ffff:$H4]:80
	gives "connect: EAFNOSUPPORT" b udp6 connect=[::ffff:$H4]:80
	gives "send: EAFNOSUPPORT" b udp6 send=[::ffff:$H4]:80
	gives "[$B6]:8080" b tcp6 bind=[::]:8080 name
}

@test "no address parameter: no network" {
	up a
	gives "tcp4: EPROTONOSUPPORT" a tcp4
	gives "tcp6: EPROTONOSUPPORT" a tcp6
	gives "udp4: EPROTONOSUPPORT" a udp4
}

@test "ip4=inherit: every address of the host, and its loopback" {
	up a ip4=inherit ip6.addr=$A6
	start h tcp4 reuse bind=127.0.0.1:7001 listen serve=host
	gives "host at 127.0.0.1:7001 to 127.0.0.1" \
		from_port a tcp4 connect=127.0.0.1:7001 ask
	gives "$H4:8080" a tcp4 bind=$H4:8080 name
	gives "0.0.0.0:80" a tcp4 bind=0.0.0.0:80 name
	gives "bind: EACCES" a user=1001 tcp4 bind=0.0.0.0:80
	gives "0.0.0.0:80" a udp4 bind=0.0.0.0:80 name
	gives "bind: EADDRNOTAVAIL" a tcp6 bind=[$H6]:80
	start a tcp6 bind=[::]:8081 listen serve=a
	gives "a at [::ffff:$H4]:8081 to [::ffff:$H4]" \
		from_port h tcp4 connect=$H4:8081 ask
	gives "a at [$A6]:8081 to [$H6]" \
		from_port h tcp6 bind=[$H6]:0 connect=[$A6]:8081 ask
	gives "connect: ETIMEDOUT" no_answer h timeout=300 tcp6 connect=[$H6]:8081
}

# A dropped SYN: SO_SNDTIMEO ends the connect with EINPROGRESS.
no_answer() {
	"$@" | sed 's/EINPROGRESS/ETIMEDOUT/; s/EAGAIN/ETIMEDOUT/'
}

@test "what never binds is not reached by the host's addresses" {
	one_address
	start a tcp4 listen name serve=a
	local port
	port=$(sed -n "s/^$A4:\([0-9]*\)$/\1/p" "$DIR"/log.*)
	[ -n "$port" ]
	gives "a at $A4:$port to $H4" \
		from_port h tcp4 bind=$H4:0 connect=$A4:$port ask
	gives "connect: ETIMEDOUT" no_answer h timeout=300 tcp4 connect=$H4:$port
	gives "connect: ETIMEDOUT" no_answer h timeout=300 tcp4 connect=127.0.0.1:$port
}

@test "a hidden port is no second way in" {
	one_address
	start a tcp4 bind=0.0.0.0:80 listen serve=a
	start a tcp6 bind=[::]:81 listen serve=a
	run hostnet ss -Hltn
	[ "${#lines[@]}" = 2 ]
	for port in $(hostnet ss -Hltn | awk '{ sub(/.*:/, "", $4); print $4 }'); do
		[ "$port" -gt 1024 ]
		for to in $A4 $H4; do
			run no_answer h timeout=300 tcp4 connect=$to:$port
			[[ $output == "connect: "* ]]
		done
		run no_answer h timeout=300 tcp6 connect=[$A6]:$port
		[[ $output == "connect: "* ]]
	done
}

@test "no datagrams of the host's or another jail's addresses" {
	one_address
	jexec a /bin/sock timeout=60000 udp4 send=$H4:9 name say=there recv recv \
		>"$DIR/log" 2>&1 3>&- &
	local pid=$!
	eventually 30 grep -q there "$DIR/log"
	local port
	port=$(sed -n 's/^0.0.0.0:\([0-9]*\)$/\1/p' "$DIR/log")
	# Each would come before the one that may: there is nothing to wait for.
	for from in 5555 5556; do
		h udp4 bind=$H4:0 send=$H4:$port
		h udp4 bind=$H4:0 send=$B4:$port
		h udp4 bind=$H4:$from send=$A4:$port
	done
	wait "$pid"
	[ "$(grep '^from' "$DIR/log")" = "from $H4:5555"$'\n'"from $H4:5556" ]
}

@test "no multicast comes in" {
	one_address
	hostnet ip route add 224.0.0.0/4 dev lo
	hostnet ip link set lo multicast on
	start h udp4 reuse bind=0.0.0.0:5353 join=224.0.0.251 serve=host
	jexec a /bin/sock timeout=60000 udp4 reuse join=224.0.0.251 send=$H4:9 name say=there \
		recv >"$DIR/log" 2>&1 3>&- &
	local pid=$!
	eventually 30 grep -q there "$DIR/log"
	local port
	port=$(sed -n 's/^0.0.0.0:\([0-9]*\)$/\1/p' "$DIR/log")
	h udp4 bind=$H4:0 send=224.0.0.251:$port
	h udp4 bind=$H4:5555 send=$A4:$port
	wait "$pid"
	[ "$(grep '^from' "$DIR/log")" = "from $H4:5555" ]
}

@test "raw sockets need allow.raw_sockets; so do ping sockets" {
	hostnet sysctl -qw net.ipv4.ping_group_range='0 2147483647'
	one_address
	up b ip4.addr=$B4 allow.raw_sockets
	gives "raw4: EPERM" a raw4
	gives "raw6: EPERM" a raw6
	gives "packet: EPROTONOSUPPORT" a packet
	gives "icmp4: EPERM" a icmp4
	gives "icmp6: EPERM" a icmp6
	# Through the source the socket is bound to or connected from.
	run b icmp4 bind=$B4:0 send=$H4:0 recv
	has "from $H4:0"
	run b icmp4 connect=$H4:0 send recv
	has "from $H4:0"
	# Another's address: bind(2) of these has no hook, the filter has.
	gives "send: EPERM" b icmp4 bind=$A4:0 send=$H4:0
	gives "send: EPERM" b icmp4 bind=$A4:0 connect=$H4:0 send
	# The same when it is allowed later.
	jail -m name=a allow.raw_sockets
	run a icmp4 bind=$A4:0 send=$H4:0 recv
	has "from $H4:0"
	gives "send: EPERM" a icmp4 bind=$B4:0 send=$H4:0
	jail -m name=a allow.noraw_sockets
	gives "icmp4: EPERM" a icmp4
}

@test "other transports are refused" {
	one_address
	gives "sctp4: EPROTONOSUPPORT" a sctp4
	gives "mptcp4: EPROTONOSUPPORT" a mptcp4
}

@test "options that go round the address rules are refused" {
	one_address
	gives "freebind: EPERM" a tcp4 freebind
	gives "transparent: EPERM" a tcp4 transparent
	gives "todevice: EPERM" a udp4 todevice
	gives "" a tcp4 reuse reuseport
}

@test "a client that binds its port gets it where clients do" {
	one_address
	start h tcp4 reuse bind=$H4:7000 listen serve=host
	gives "host at $H4:7000 to $A4:20" \
		a tcp4 reuse bind=0.0.0.0:20 connect=$H4:7000 ask
	gives "host at $H4:7000 to $A4:1023" \
		a tcp4 bind=0.0.0.0:1023 connect=$H4:7000 ask
	gives "host at $H4:7000 to $A4:7777" \
		a tcp4 noport bind=0.0.0.0:7777 connect=$H4:7000 ask
	# Any other is taken for a server's, and hidden.
	gives "host at $H4:7000 to $A4" \
		from_port a tcp4 reuse bind=0.0.0.0:7778 connect=$H4:7000 ask
	run a tcp4 reuse bind=$A4:0 connect=$H4:7000 ask
	has "to $A4:"
}

@test "a socket on all addresses of both families cannot connect out" {
	one_address
	start h tcp6 reuse bind=[::]:7000 listen serve=host
	for s in tcp6 udp6; do
		gives "connect: EADDRNOTAVAIL" a $s bind=[::]:0 \
			connect=[$H6]:7000
		gives "connect: EADDRNOTAVAIL" a $s bind=[::]:0 \
			connect=[::ffff:$H4]:7000
	done
	gives "connect: EADDRNOTAVAIL" a udp4 send=$H4:7000 connect=$H4:7000
	# One family is enough to have a source.
	gives "host at [$H6]:7000 to [$A6]" from_port a tcp6 v6only \
		bind=[::]:0 connect=[$H6]:7000 ask
	# To itself it can.
	start a tcp6 bind=[::]:7000 listen serve=jail
	gives "jail at [$A6]:7000 to [$A6]" from_port a tcp6 \
		bind=[::]:0 connect=[::1]:7000 ask
}

@test "UDP: the wildcard serves every address while it is the only one" {
	up a ip4.addr=$A4,$A4b ip6.addr=$A6
	up b ip4.addr=$B4 ip6.addr=$B6
	start a udp6 bind=[::]:53 serve=a
	for to in $A4 $A4b; do
		run h udp4 bind=$H4:0 send=$to:53 recv
		has "a at [::]:53 to [::ffff:$H4]"
	done
	run h udp6 bind=[$H6]:0 connect=[$A6]:53 ask
	has "a at [::]:53 to [$H6]"
	# Not the host's addresses, nor b's.
	gives "recv: EAGAIN" h timeout=300 udp4 bind=$H4:0 send=$H4:53 recv
	gives "recv: EAGAIN" h timeout=300 udp4 bind=$H4:0 send=$B4:53 recv
	# The second has its primary address, and keeps nothing from a.
	start b udp6 bind=[::]:53 serve=b
	run h udp6 bind=[$H6]:0 connect=[$B6]:53 ask
	has "b at [$B6]:53 to [$H6]"
	run h udp4 bind=$H4:0 send=$A4b:53 recv
	has "a at"
	# Nor from the host, which has its own addresses for the asking.
	start h udp4 reuse bind=$H4:53 serve=host
	run h udp4 bind=$H4:0 send=$H4:53 recv
	has "host at"
	run h udp4 bind=$H4:0 send=$A4:53 recv
	has "a at"
}

@test "UDP: an address is served beside the host's wildcard" {
	one_address
	up b ip4.addr=$B4
	start h udp4 reuse bind=0.0.0.0:53 serve=host
	start a udp4 bind=0.0.0.0:53 serve=a
	start b udp4 bind=$B4:53 serve=b
	run h udp4 bind=$H4:0 send=$A4:53 recv
	has "a at $A4:53"
	run h udp4 bind=$H4:0 send=$B4:53 recv
	has "b at $B4:53"
	run h udp4 bind=$H4:0 send=$H4:53 recv
	has "host at 0.0.0.0:53"
	# Dual-stack beside the host's wildcard: the primary IPv6 address.
	start h udp4 reuse bind=0.0.0.0:54 serve=host
	gives "[$A6]:54" a udp6 bind=[::]:54 name
}

@test "UDP: no jail keeps a port from another" {
	up a ip4.addr=$A4,$A4b
	up b ip4.addr=$B4
	start b udp4 bind=$B4:5000 serve=b
	gives "$A4:5000" a udp4 bind=0.0.0.0:5000 name
	start a udp4 bind=0.0.0.0:5001 serve=a
	gives "$B4:5001" b udp4 bind=0.0.0.0:5001 name
	run h udp4 bind=$H4:0 send=$A4b:5001 recv
	has "a at"
}

@test "the source among several addresses follows the route" {
	up a ip4.addr=$A4,198.51.100.10 ip6.addr=$A6,2001:db8:1::10
	addr 198.51.100.1/24 em1
	addr 198.51.100.10/32 em1
	addr 2001:db8:1::1/64 em1
	addr 2001:db8:1::10/128 em1
	jail -r a
	up a ip4.addr=$A4,198.51.100.10 ip6.addr=$A6,2001:db8:1::10
	run a udp4 connect=$H4:7000 name
	has "$A4:"
	run a udp4 connect=198.51.100.1:7000 name
	has "198.51.100.10:"
	run a udp4 connect=203.0.113.1:7000 name
	[[ $output == "$A4:"* || $output == *ENETUNREACH* ]]
	run a udp6 connect=[2001:db8:1::1]:7000 name
	has "[2001:db8:1::10]:"
	jail -m name=a ip4.nosaddrsel
	run a udp4 connect=198.51.100.1:7000 name
	has "$A4:"
}

@test "addresses change while the jail runs" {
	up a ip4.addr=$A4
	gives "$A4:8080" a tcp4 bind=0.0.0.0:8080 name
	jail -m name=a ip4.addr=$B4
	gives "$B4:8080" a tcp4 bind=0.0.0.0:8080 name
	gives "bind: EADDRNOTAVAIL" a tcp4 bind=$A4:8080
}

@test "a jail without addresses gets some later, and may lose them" {
	up a
	gives "tcp4: EPROTONOSUPPORT" a tcp4
	jail -m name=a ip4.addr=$A4
	run jls -n ip4 ip4.addr
	is "ip4=new ip4.addr=$A4"
	gives "$A4:8080" a tcp4 bind=0.0.0.0:8080 name
	gives "tcp6: EPROTONOSUPPORT" a tcp6
	jail -m name=a ip4.addr=
	run jls -n ip4 ip4.addr
	is "ip4=disable ip4.addr="
	gives "tcp4: EPROTONOSUPPORT" a tcp4
}

@test "a jail with all of the host's addresses can be held to some later" {
	up a ip4=inherit ip6=inherit
	gives "$B4:8080" a tcp4 bind=$B4:8080 name
	jail -m name=a ip4.addr=$A4
	run jls -n ip4 ip4.addr ip6
	is "ip4=new ip4.addr=$A4 ip6=inherit"
	gives "$A4:8080" a tcp4 bind=0.0.0.0:8080 name
	gives "bind: EADDRNOTAVAIL" a tcp4 bind=$B4:8080
}

@test "addresses are refused later where they are at creation" {
	jail -c name=v path="$DIR/r" vnet persist
	run jail -m name=v ip4.addr=$A4
	[ "$status" = 1 ]
	is "jail: vnet jails cannot have IP address restrictions"
	run jls -n -j v ip4.addr
	is "ip4.addr="
}

@test "addresses that the programs do not take are given back" {
	local pins
	up a ip4.addr="$A4,$A4b"
	pins=$(dirname "$(find "$GAOL_RUN" -name rules | head -n 1)")
	mv "$pins/rules" "$pins/hidden"
	run jail -m jid="$(jls -j a jid)" name=z ip4.addr="$B4,$A4b"
	[ "$status" = 1 ]
	mv "$pins/hidden" "$pins/rules"
	run jls name ip4.addr
	is "a $A4,$A4b"
	gives "$A4:8080" a tcp4 bind=$A4:8080 name
	gives "bind: EADDRNOTAVAIL" a tcp4 bind=$B4:8080
	run jail -c name=c path=/ persist ip4.addr="$A4,$B4"
	has "addresses clash"
	up b ip4.addr="$B4"
}

@test "several namespaces that play the host do not mix" {
	local other=gaol-o${DIR##*.}
	up a ip4.addr=$A4
	ip netns add "$other"
	ip -n "$other" link set lo up
	ip -n "$other" addr add $A4/32 dev lo
	nsenter --net="/run/netns/$other" -- "$BIN/jail" -c name=o \
		path="$DIR/r" persist ip4.addr=$A4
	start a tcp4 bind=0.0.0.0:80 listen serve=a
	start nsenter --net="/run/netns/$other" -- "$BIN/jexec" o /bin/sock \
		tcp4 bind=0.0.0.0:80 listen serve=o
	run h tcp4 connect=$A4:80 ask
	has "a at $A4:80"
	run nsenter --net="/run/netns/$other" -- "$SOCK" \
		tcp4 connect=$A4:80 ask
	has "o at $A4:80"
	jail -r o
	ip netns del "$other"
}

@test "a network namespace that a jail makes has no rules of the jail's" {
	up a ip4.addr=$A4 children.max=1
	run jexec a /bin/sh -c 'unshare -rn /bin/sh -c "ip link set lo up;
		/bin/sock tcp4 reuse bind=127.0.0.1:80 name listen \
			tcp4 connect=127.0.0.1:80 peer udp4 \
			bind=127.0.0.2:9 connect=127.0.0.1:9 ask"'
	has $'127.0.0.1:80\n127.0.0.1:80\n'
	has "ask: ECONNREFUSED"
}

@test "one jail cannot take all the ports there are to claim" {
	local more i
	for i in $(seq 63); do more+=,10.99.0.$i; done
	up a ip4.addr=$A4$more
	up b ip4.addr=$B4
	run a many=200
	has "many: ENOBUFS"
	gives "$B4:80" b tcp4 bind=0.0.0.0:80 name
	# All given back.
	gives "0.0.0.0:80" a tcp4 bind=0.0.0.0:80 name
}

@test "a start in a mount namespace of its own leaves jails reachable" {
	run unshare -m --propagation private \
		nsenter --net="/run/netns/$NETNS" -- \
		"$BIN/jail" -c name=a path="$DIR/r" persist ip4.addr=$A4
	[ "$status" = 0 ] || {
		has "use nsenter --net, not ip netns exec" && return
	}
	start a tcp4 bind=0.0.0.0:80 listen serve=a
	run h tcp4 connect=$A4:80 ask
	has "a at $A4:80"
	unshare -m --propagation private nsenter --net="/run/netns/$NETNS" -- \
		"$BIN/jail" -m name=a ip4.addr=$A4,$A4b
	gives "$A4b:81" a tcp4 bind=$A4b:81 name
}

@test "the programs are loaded once, however many jails start at once" {
	local i jobs=()
	mkdir -p "$GAOL_RUN"
	for i in 1 2 3 4 5 6; do
		hostnet "$LIBEXEC/bpf-load" "$GAOL_RUN" 3>&- &
		jobs+=($!)
	done
	for i in "${jobs[@]}"; do wait "$i"; done
	[ "$(find "$GAOL_RUN/bpf" -mindepth 1 -maxdepth 1 -type d | wc -l)" = 1 ]
	[ "$(find "$GAOL_RUN/bpf" -name 'net-*' | wc -l)" = 1 ]
	umount "$GAOL_RUN/bpf"
	rmdir "$GAOL_RUN/bpf"
	rm "$GAOL_RUN"/bpf?*
}

@test "a loader that was killed half way is no harm" {
	local pid
	mkdir -p "$GAOL_RUN"
	for i in 0.01 0.02 0.04 0.08; do
		hostnet "$LIBEXEC/bpf-load" "$GAOL_RUN" 3>&- &
		pid=$!
		sleep $i
		kill -9 $pid 2>/dev/null || :
		wait $pid || :
	done
	hostnet "$LIBEXEC/bpf-load" "$GAOL_RUN"
	[ ! -e "$GAOL_RUN/bpf/new" ]
	[ "$(find "$GAOL_RUN/bpf" -name egress | wc -l)" = 1 ]
	umount "$GAOL_RUN/bpf"
	rmdir "$GAOL_RUN/bpf"
	rm "$GAOL_RUN"/bpf?*
}

@test "jails made by another build keep their programs, and can be changed" {
	up a ip4.addr=$A4
	start a tcp4 bind=0.0.0.0:80 listen serve=a
	for dir in "$GAOL_RUN"/bpf/1-*; do mv "$dir" "$GAOL_RUN/bpf/1-other"; done
	up b ip4.addr=$B4
	[ "$(find "$GAOL_RUN/bpf" -mindepth 1 -maxdepth 1 -type d | wc -l)" = 2 ]
	start b tcp4 bind=0.0.0.0:80 listen serve=b
	run h tcp4 connect=$A4:80 ask
	has "a at"
	run h tcp4 connect=$B4:80 ask
	has "b at"
	jail -m name=a ip4.addr=$A4b
	gives "$A4b:81" a tcp4 bind=0.0.0.0:81 name
}

@test "VNET: no address rules at all" {
	up a vnet
	run a tcp4 bind=0.0.0.0:80 name
	has "0.0.0.0:80"
}

@test "devices: what the ruleset has not is refused a second time" {
	one_address mount.devfs
	run jexec a /bin/sh -c 'echo x >/dev/null && head -c 1 /dev/zero | wc -c'
	is 1
	# A node that the jail's tree happens to have.
	mknod "$DIR/r/kmsg" c 1 11
	mknod "$DIR/r/null" c 1 3
	chmod 666 "$DIR/r/kmsg" "$DIR/r/null"
	run jexec a /bin/sh -c 'cat </kmsg'
	[ "$status" != 0 ]
	has "Operation not permitted" || has "Permission denied"
}
