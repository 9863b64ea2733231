# shellcheck shell=bash disable=SC2154,SC2034 # bats's, lib.bash's
# pf.bash - a firewall between a client and a server, each in a network
# namespace, for tests of pf: 10.1.0.2 on f0, 10.2.0.2 on f1. Files that load it
# after lib have its setup and teardown.

setup() {
	gaol_setup
	C=$NETNS-c S=$NETNS-s
	ip netns add "$C"
	ip netns add "$S"
	ip -n "$NETNS" link add f0 type veth peer name c0 netns "$C"
	ip -n "$NETNS" link add f1 type veth peer name s0 netns "$S"
	side "$NETNS" f0 10.1.0.1/24 2001:db8:1::1/64
	side "$NETNS" f1 10.2.0.1/24 2001:db8:2::1/64
	side "$C" c0 10.1.0.2/24 2001:db8:1::2/64
	side "$S" s0 10.2.0.2/24 2001:db8:2::2/64
	ip -n "$C" route add default via 10.1.0.1
	ip -n "$C" route add default via 2001:db8:1::1
	ip -n "$S" route add default via 10.2.0.1
	ip -n "$S" route add default via 2001:db8:2::1
	hostnet sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward
		echo 1 >/proc/sys/net/ipv6/conf/all/forwarding'
	coproc PEERS {
		exec python3 "$BATS_TEST_DIRNAME/peers.py" "/run/netns/$C" \
			"/run/netns/$S" 3>&-
	}
	TO=${PEERS[1]} FROM=${PEERS[0]}
	[ "$(line)" = ready ]
}

teardown() {
	[ -z "${PEERS_PID:-}" ] || kill "$PEERS_PID" 2>/dev/null || :
	wait 2>/dev/null || :
	ip netns del "$C" 2>/dev/null || :
	ip netns del "$S" 2>/dev/null || :
	gaol_teardown
}

# side NETNS INTERFACE ADDRESS ...: up, with addresses usable at once.
side() {
	local ns=$1 dev=$2 a

	shift 2
	ip -n "$ns" link set lo up
	ip -n "$ns" link set "$dev" up
	for a; do
		case $a in
		*:*) ip -n "$ns" addr add "$a" dev "$dev" nodad ;;
		*) ip -n "$ns" addr add "$a" dev "$dev" ;;
		esac
	done
}

# line: what the peers answer next.
line() {
	local said

	read -r -t 120 said <&"$FROM" && printf '%s\n' "$said"
}

# peers WORD ...: let them do it; prints what came of it.
peers() {
	echo "$*" >&"$TO"
	line
}
