#!/usr/bin/env bats
# route(8) for hooks, held against iproute2.
load lib

rt() { helper route "$@"; }
# routes [-6]: the main table as iproute2 has it, without what came by itself.
routes() { ip -n "$NETNS" "$@" route show proto static; }

setup() {
	gaol_setup
	helper ifconfig epair0 create up >/dev/null
	helper ifconfig epair0b up
	helper ifconfig epair0a 10.0.0.1/24
	helper ifconfig epair0a inet6 no_dad 2001:db8::1/64
}

@test "default route: added, there already, deleted, gone" {
	run rt add default 10.0.0.254
	[ "$status" = 0 ]
	is 'add net default: gateway 10.0.0.254'
	[ "$(routes)" = 'default via 10.0.0.254 dev epair0a ' ]
	run rt add default 10.0.0.253
	[ "$status" = 1 ]
	has 'add net default: gateway 10.0.0.253: route already in table'
	has 'route: writing to routing socket: File exists'
	run rt delete default
	[ "$status" = 0 ]
	is 'delete net default'
	run rt delete default
	[ "$status" = 1 ]
	has 'delete net default: not in table'
	[ "$(routes)" = '' ]
}

@test "networks and hosts" {
	run rt -n add -net 192.168.64/20 10.0.0.9
	is 'add net 192.168.64: gateway 10.0.0.9'
	rt add 172.16.0.0/12 10.0.0.9
	rt add -net 172.32.0.0 -netmask 255.255.0.0 10.0.0.9
	rt add -host 10.7.7.7 -interface epair0a
	rt add 10.7.7.8/32 -iface 10.0.0.1
	diff <(routes | sed 's/ *$//') - <<-END
		10.7.7.7 dev epair0a scope link
		10.7.7.8 dev epair0a scope link
		172.16.0.0/12 via 10.0.0.9 dev epair0a
		172.32.0.0/16 via 10.0.0.9 dev epair0a
		192.168.64.0/20 via 10.0.0.9 dev epair0a
	END
	run rt change -net 192.168.64/20 10.0.0.8
	[ "$status" = 0 ]
	[[ $(routes) == *'192.168.64.0/20 via 10.0.0.8'* ]]
	rt delete -host 10.7.7.7
	run rt change 10.7.7.7 10.0.0.8
	[ "$status" = 1 ]
	has 'not in table'
}

@test "inet6, with and without scope" {
	run rt -6 add default fe80::1%epair0a
	[ "$status" = 0 ]
	is 'add net default: gateway fe80::1%epair0a'
	run rt add -inet6 2001:db8:7::/48 2001:db8::9
	is 'add net 2001:db8:7::/48: gateway 2001:db8::9'
	[[ $(routes -6) == *'default via fe80::1 dev epair0a'* ]]
	[[ $(routes -6) == *'2001:db8:7::/48 via 2001:db8::9'* ]]
	rt -6 delete default
	[[ $(routes -6) != *default* ]]
}

@test "dropping routes" {
	rt add -blackhole 10.99.0.0/16 127.0.0.1
	rt add -reject 10.98.0.0/16 127.0.0.1
	[[ $(routes) == *'blackhole 10.99.0.0/16'* ]]
	[[ $(routes) == *'unreachable 10.98.0.0/16'* ]]
}

@test "an unreachable gateway is refused" {
	run rt add default 172.31.0.1
	[ "$status" = 1 ]
	has 'add net default: gateway 172.31.0.1: Network is unreachable'
	run rt -6 add default 2001:db8:dead::1
	[ "$status" = 1 ]
	has 'Network is unreachable'
	run rt add default nohost
	[ "$status" = 68 ]
	is 'route: bad address: nohost'
	run rt add default
	[ "$status" = 64 ]
	has 'usage: route'
	run rt add -interface 10.1.1.1 10.0.0.77
	[ "$status" != 0 ]
}

@test "-q is quiet, -d changes nothing" {
	run rt -q add default 10.0.0.254
	[ "$status" = 0 ]
	is ''
	run rt -d delete default
	is 'delete net default'
	[[ $(routes) == default* ]]
}

@test "get shows the route that is taken" {
	rt -q add default 10.0.0.254
	run rt -n get default
	has 'destination: default'
	has '    gateway: 10.0.0.254'
	has '  interface: epair0a'
	has 'flags: <UP,GATEWAY,DONE,STATIC>'
	run rt get 10.0.0.7
	has 'destination: 10.0.0.0'
	has '       mask: 255.255.255.0'
	has 'flags: <UP,DONE,PINNED>'
	run rt get 8.8.8.8
	has '    gateway: 10.0.0.254'
	rt -q delete default
	run rt get 8.8.8.8
	[ "$status" = 1 ]
	is 'route: route has not been found'
}

@test "flush removes what goes through a gateway" {
	rt -q add default 10.0.0.254
	rt -q -6 add default 2001:db8::ff
	rt -q add -host 10.7.7.7 -interface epair0a
	run rt flush -inet
	has 'default              10.0.0.254           done'
	[[ $(routes) == '10.7.7.7 '* ]]
	[[ $(routes -6) == *default* ]]
	rt -q flush
	[[ $(routes -6) != *default* ]]
}
