#!/usr/bin/env bats
# ifconfig(8) for hooks: what it makes and lists, held against iproute2.
load lib

ifc() { helper ifconfig "$@"; }
ipj() { ip -n "$NETNS" -j -d "$@"; }

# state JQ IF: something iproute2 knows of an interface.
state() { ipj addr show dev "$2" | jq -r ".[0] | $1"; }

# addrs IF: its addresses as iproute2 has them.
addrs() { state '[.addr_info[] | "\(.local)/\(.prefixlen)"] | join(" ")' "$1"; }

# addrs4 IF: the IPv4 ones of them.
addrs4() { addrs "$1" | tr ' ' '\n' | grep '^[0-9.]*/' | paste -sd ' '; }

# filters: does this kernel's bridge filter vlans?
filters() {
	ip -n "$NETNS" link add brf type bridge vlan_filtering 1 2>/dev/null ||
		return 1
	ip -n "$NETNS" link del brf
}

@test "epair create makes the next free pair and prints its a end" {
	run ifc epair create
	[ "$status" = 0 ]
	is epair0a
	run ifc epair create
	is epair1a
	ifc epair0a destroy
	run ifc epair create
	is epair0a
	[ "$(state .linkinfo.info_kind epair0b)" = veth ]
	[ "$(state .link epair0a)" = epair0b ]
}

@test "epair ends have stable local MACs ending in 0a and 0b" {
	local a b
	ifc epair7 create
	a=$(state .address epair7a) b=$(state .address epair7b)
	[[ $a == 02:*:0a && $b == 02:*:0b && ${a%:*} == "${b%:*}" ]]
	ifc epair7b destroy
	ifc epair7 create
	[ "$(state .address epair7a)" = "$a" ]
}

@test "words after epair create apply to the a end only" {
	run ifc epair5 create up descr jail:web
	is epair5a
	[[ $(state '.flags | join(" ")' epair5a) == *UP* ]]
	[[ $(state '.flags | join(" ")' epair5b) != *UP* ]]
	[ "$(state .ifalias epair5a)" = jail:web ]
}

@test "what exists is not created again" {
	ifc epair5 create
	run ifc epair5 create
	[ "$status" = 1 ]
	is 'ifconfig: interface epair5 already exists'
	run ifc epair5a create
	is 'ifconfig: interface epair5a already exists'
	ifc bridge0 create
	run ifc bridge0 create
	[ "$status" = 1 ]
	is 'ifconfig: interface bridge0 already exists'
	run ifc bridge0 create up # create before more is no error
	[ "$status" = 0 ]
	run ifc frob0 create
	[ "$status" = 1 ]
	is 'ifconfig: SIOCIFCREATE2 (frob0): Invalid argument'
}

@test "destroying one end of an epair destroys both" {
	ifc epair5 create
	ifc epair5b destroy
	run ifc epair5a
	[ "$status" = 1 ]
	is 'ifconfig: interface epair5a does not exist'
	run ifc lo0 destroy
	[ "$status" = 1 ]
}

@test "eight creators at once get eight pairs" {
	local i
	for i in 1 2 3 4 5 6 7 8; do
		ifc epair create >"$DIR/$i" &
	done
	wait
	[ "$(sort -u "$DIR"/[1-8] | wc -l)" = 8 ]
	[ "$(ifc -g epair | wc -l)" = 16 ]
}

@test "a renamed interface keeps its unit taken" {
	run ifc epair create name e0a_web
	is e0a_web
	ifc epair0b name e0b_web
	run ifc epair create
	is epair1a
	[ "$(state .address epair1a)" != "$(state .address e0a_web)" ]
	run ifc e0a_web
	has 'groups: epair'
	ifc e0a_web destroy
	run ifc epair create
	is epair0a
}

@test "name prints the new name, refuses a taken one" {
	ifc epair0 create
	run ifc epair0a name e0a_shop
	[ "$status" = 0 ]
	is e0a_shop
	run ifc e0a_shop name epair0b
	[ "$status" = 1 ]
	is 'ifconfig: ioctl SIOCSIFNAME (set name): File exists'
	run ifc e0a_shop name a_name_of_16_byte
	[ "$status" = 1 ]
}

@test "an interface is renamed while it is up, and keeps what it has" {
	ifc epair0 create up
	ifc epair0b up
	ifc epair0a 10.0.0.1/24
	ifc epair0a inet6 no_dad 2001:db8::1/64
	helper route -q add default 10.0.0.254
	helper route -q -6 add default 2001:db8::ff
	run ifc epair0a name e0a_shop
	is e0a_shop
	[[ $(state '.flags | join(" ")' e0a_shop) == *UP* ]]
	[[ $(addrs e0a_shop) == *10.0.0.1/24*2001:db8::1/64* ]]
	[[ $(ip -n "$NETNS" route) == *'default via 10.0.0.254 dev e0a_shop'* ]]
	[[ $(ip -n "$NETNS" -6 route) == *'default via 2001:db8::ff dev e0a_shop'* ]]
}

@test "bridges take members, several in one line" {
	ifc epair0 create
	ifc epair1 create
	run ifc bridge create name em0bridge up
	is em0bridge
	run ifc bridge0 create # its unit is taken
	is 'ifconfig: interface bridge0 already exists'
	ifc bridge1 create
	ifc em0bridge addm epair0a addm epair1a up
	[ "$(state .master epair0a)" = em0bridge ]
	[ "$(state .master epair1a)" = em0bridge ]
	run ifc em0bridge
	has $'\tmember: epair0a flags=3<LEARNING,DISCOVER>'
	has $'\tmember: epair1a'
	ifc em0bridge deletem epair0a
	[ "$(state .master epair0a)" = null ]
	run ifc em0bridge deletem epair0a
	[ "$status" = 1 ]
	is 'ifconfig: BRDGDEL epair0a: No such file or directory'
	run ifc em0bridge addm epair1a
	is 'ifconfig: BRDGADD epair1a: File exists'
	run ifc bridge1 addm epair1a
	is 'ifconfig: BRDGADD epair1a: Device or resource busy'
	run ifc em0bridge addm nope
	is 'ifconfig: BRDGADD nope: No such file or directory'
}

@test "a bridge's MAC does not follow its members" {
	local mac
	ifc bridge0 create
	mac=$(state .address bridge0)
	ifc epair0 create ether 00:00:00:00:00:02
	ifc bridge0 addm epair0a
	[ "$(state .address bridge0)" = "$mac" ]
}

@test "bridge settings reach the bridge" {
	ifc bridge0 create priority 4096 hellotime 3 fwddelay 10 maxage 12 \
		timeout 77
	[ "$(state .linkinfo.info_data.priority bridge0)" = 4096 ]
	[ "$(state .linkinfo.info_data.hello_time bridge0)" = 300 ]
	[ "$(state .linkinfo.info_data.forward_delay bridge0)" = 1000 ]
	[ "$(state .linkinfo.info_data.ageing_time bridge0)" = 7700 ]
	ifc epair0 create
	ifc bridge0 addm epair0a -learn epair0a private epair0a \
		ifpriority epair0a 64 ifpathcost epair0a 55
	run ifc bridge0
	has 'member: epair0a flags=402<DISCOVER,PRIVATE>'
	has 'priority 64 path cost 55'
	run ifc bridge0 learn epair9a
	[ "$status" = 1 ]
	ifc bridge0 flush
}

@test "bridge members can be kept to vlans" {
	filters || skip "this kernel's bridges do not filter vlans"
	ifc epair0 create
	ifc epair1 create
	ifc bridge0 create vlanfilter addm epair0a untagged 20 \
		addm epair1a tagged 20,30-32
	run ip netns exec "$NETNS" bridge -j vlan show dev epair0a
	[ "$(jq -c '.[0].vlans[-1]' <<<"$output")" = \
		'{"vlan":20,"flags":["PVID","Egress Untagged"]}' ]
	run ip netns exec "$NETNS" bridge vlan show dev epair1a
	has 20
	has 31
	[ "$(state .linkinfo.info_data.vlan_filtering bridge0)" = 1 ]
	ifc bridge0 -vlanfilter
	[ "$(state .linkinfo.info_data.vlan_filtering bridge0)" = 0 ]
	run ifc bridge0 untagged 5
	[ "$status" = 1 ]
	is 'ifconfig: untagged: must follow addm'
}

@test "lo clones hold addresses" {
	run ifc lo1 create
	[ "$status" = 0 ]
	is ''
	ifc lo1 alias 10.9.0.5/32
	ifc lo1 inet 10.9.0.6/32 alias
	[ "$(addrs4 lo1)" = '10.9.0.5/32 10.9.0.6/32' ]
	run ifc lo1
	has 'lo1: flags=1008049<UP,LOOPBACK,RUNNING,MULTICAST,LOWER_UP>'
	has $'\tgroups: lo'
	[[ $output != *ether* ]]
	ifc lo1 inet 10.9.0.5 -alias
	run addrs4 lo1
	is 10.9.0.6/32
	eventually 30 hostnet busybox ping -qc1 -W2 10.9.0.6
	run ifc lo create
	is lo2
}

@test "lo0 is lo" {
	ip -n "$NETNS" addr flush dev lo
	ifc lo0 127.0.0.1/8 up
	run ifc lo0
	has 'lo0: flags='
	has $'\tinet 127.0.0.1 netmask 0xff000000\n'
	run ifc -l
	is lo0
	run ifc lo0 create
	is 'ifconfig: interface lo0 already exists'
}

@test "taps stay when their maker has gone" {
	[ -c /dev/net/tun ] || skip "no /dev/net/tun"
	run ifc tap create
	is tap0
	ifc tap5 create up
	[ "$(state .linkinfo.info_data.type tap0)" = tap ]
	[[ $(state .address tap0) == 02:*:00 ]]
	run ifc tap5
	has 'groups: tap'
	has 'status: no carrier'
	run ifc tap5 create
	is 'ifconfig: interface tap5 already exists'
	ifc tap5 destroy
}

@test "vlans are made with number and parent, or by dotted name" {
	ifc epair0 create up
	run ifc vlan5 create
	[ "$status" = 1 ]
	has "a vlan needs 'vlan NUMBER vlandev INTERFACE'"
	run ifc vlan5 create vlan 5 vlandev epair0a
	[[ $output != *"no vlan devices"* ]] ||
		skip "this kernel has no vlan devices"
	[ "$status" = 0 ]
	[ "$(state .linkinfo.info_data.id vlan5)" = 5 ]
	[ "$(state .link vlan5)" = epair0a ]
	run ifc vlan5
	has 'vlan: 5 vlanproto: 802.1q vlanpcp: 0 parent interface: epair0a'
	ifc vlan5 vlan 5 vlandev epair0a # the same again
	run ifc vlan5 vlan 6
	is 'ifconfig: SIOCSETVLAN: Device or resource busy'
	ifc epair0a.7 create inet 10.7.0.1/24
	[ "$(addrs epair0a.7)" = 10.7.0.1/24 ]
}

@test "an address replaces the first one, an alias adds" {
	ifc epair0 create
	ifc epair0b 10.0.0.2/24
	[[ $(state '.flags | join(" ")' epair0b) == *UP* ]] # and brings it up
	ifc epair0b inet 10.0.0.3 netmask 255.255.255.0 alias
	ifc epair0b alias 10.1.0.1 netmask 0xffff0000
	[ "$(addrs epair0b)" = '10.0.0.2/24 10.1.0.1/16 10.0.0.3/24' ]
	ifc epair0b 10.2.0.1/24
	[[ $(addrs epair0b) != *10.0.0.2* ]]
	[[ $(addrs epair0b) == *10.0.0.3/24* ]] # Linux alone would lose it
	[[ $(addrs epair0b) == *10.2.0.1/24* ]]
	ifc epair0b 10.2.0.1/24 # the same again
	[ "$(state .addr_info[].broadcast epair0b | grep -c 10.2.0.255)" = 1 ]
}

@test "addresses are removed one by one" {
	ifc lo1 create 10.9.0.1/24
	ifc lo1 10.9.0.2/24 alias
	ifc lo1 inet 10.9.0.1 -alias
	[ "$(addrs4 lo1)" = 10.9.0.2/24 ]
	run ifc lo1 10.9.0.7 delete
	[ "$status" = 1 ]
	is 'ifconfig: ioctl (SIOCDIFADDR): Cannot assign requested address'
	ifc lo1 delete # the first
	[ "$(addrs4 lo1)" = '' ]
}

@test "without a mask the class decides, with FreeBSD's warning" {
	ifc epair0 create
	run ifc epair0a 192.168.7.1
	[ "$status" = 0 ]
	has 'WARNING: setting interface address without mask is deprecated'
	[[ $(addrs epair0a) == *192.168.7.1/24* ]]
}

@test "inet6 addresses add up; no mask is /64" {
	ifc epair0 create
	ifc epair0a inet6 2001:db8::1/48
	ifc epair0a inet6 2001:db8:1::2 alias
	ifc epair0a inet6 2001:db8:2::3 prefixlen 128
	[[ $(addrs epair0a) == *2001:db8::1/48* ]]
	[[ $(addrs epair0a) == *2001:db8:1::2/64* ]]
	[[ $(addrs epair0a) == *2001:db8:2::3/128* ]]
	ifc epair0a inet6 2001:db8::1 -alias
	[[ $(addrs epair0a) != *2001:db8::1/48* ]]
	run ifc epair0a inet6
	has 'inet6 2001:db8:1::2 prefixlen 64'
	[[ $output != *groups* ]]
}

@test "inet6 switches of an interface" {
	ifc epair0 create
	run ifc epair0a
	[[ $output != *ACCEPT_RTADV* ]] # as FreeBSD: only when told
	ifc epair0a inet6 accept_rtadv ifdisabled -auto_linklocal
	run ifc epair0a
	has 'nd6 options=b<PERFORMNUD,ACCEPT_RTADV,IFDISABLED>'
	ifc epair0a inet6 -accept_rtadv -ifdisabled auto_linklocal no_dad
	run ifc epair0a
	has 'nd6 options=21<PERFORMNUD,AUTO_LINKLOCAL>'
	run hostnet cat /proc/sys/net/ipv6/conf/epair0a/accept_dad
	is 0
	run ifc epair0a accept_rtadv
	[ "$status" = 1 ]
}

@test "MAC, MTU, description" {
	ifc epair0 create
	ifc epair0a ether 58:9c:fc:00:00:0a
	ifc epair0b link 58-9c-fc-00-00-0b mtu 1400
	ifc epair0a lladdr random
	[[ $(state .address epair0a) != 58:* ]]
	[ "$(state .address epair0b)" = 58:9c:fc:00:00:0b ]
	ifc epair0b descr 'vnet0 host interface for jail shop'
	[ "$(state .ifalias epair0b)" = 'vnet0 host interface for jail shop' ]
	run ifc epair0b
	has $'\tdescription: vnet0 host interface for jail shop\n'
	ifc epair0b -descr
	[ "$(state .ifalias epair0b)" = null ]
	run ifc epair0a mtu 1
	[ "$status" = 1 ]
	has 'ioctl SIOCSIFMTU (set mtu): Invalid argument'
	run ifc epair0a ether 01:00:00:00:00:01 # a group's
	[ "$status" = 1 ]
}

@test "groups by hand and by kind" {
	ifc epair0 create group jails group web
	ifc epair1 create group jails
	run ifc epair0a
	has $'\tgroups: epair jails web\n'
	run ifc -g jails
	is $'epair0a\nepair1a'
	ifc epair0a -group jails
	run ifc -g jails
	is epair1a
	run ifc -g none
	[ "$status" = 0 ]
	is ''
	run ifc epair1a group jails
	is 'ifconfig: SIOCAIFGROUP: File exists'
	run ifc epair1a group web1
	is 'ifconfig: setifgroup: group names may not end in a digit'
	run ifc epair1a -group web
	[ "$status" = 1 ]
	ifc -a -g jails group out
	run ifc -g out
	is epair1a
}

@test "what Linux cannot do is said by name, nothing done" {
	ifc epair0 create
	run ifc epair0a -vlanhwfilter -txcsum up
	[ "$status" = 0 ]
	is 'ifconfig: -vlanhwfilter: no Linux driver has it, nothing changed'
	run ifc epair0a vhid 1 pass x 10.0.0.1/32
	[ "$status" = 1 ]
	is 'ifconfig: vhid: not supported on Linux'
	[ "$(addrs epair0a | grep -c '^10')" = 0 ]
	run ifc epair0a fib 1
	is 'ifconfig: SIOCSIFFIB: Invalid argument'
	ifc epair0a fib 0
}

@test "a line with a mistake changes nothing" {
	run ifc epair5 create up frob
	[ "$status" = 1 ]
	is 'ifconfig: frob: bad value'
	run ifc epair5a
	[ "$status" = 1 ]
	run ifc nope up
	[ "$status" = 1 ]
	is 'ifconfig: interface nope does not exist'
	run ifc -x
	[ "$status" = 1 ]
	has 'usage: ifconfig'
}

@test "without privilege nothing changes" {
	ifc epair0 create
	run hostnet setpriv --reuid 1001 --regid 1001 --clear-groups \
		"$LIBEXEC/freebsd/ifconfig" epair0a up
	[ "$status" = 1 ]
	is 'ifconfig: up: permission denied'
	run hostnet setpriv --reuid 1001 --regid 1001 --clear-groups \
		"$LIBEXEC/freebsd/ifconfig" epair1 create
	[ "$status" = 1 ]
	is 'ifconfig: SIOCIFCREATE2 (epair1): Operation not permitted'
}

@test "listings by options" {
	ifc epair0 create up
	ifc bridge0 create
	run ifc -l
	is 'lo0 epair0b epair0a bridge0'
	run ifc -lu
	is 'lo0 epair0a'
	run ifc -ld ether
	is 'epair0b bridge0'
	run ifc -C
	has 'bridge epair lo tap'
	ifc epair0a 10.0.0.1/24
	run ifc -a inet
	has $'\tinet 10.0.0.1 netmask 0xffffff00 broadcast 10.0.0.255'
	[[ $output != *bridge0* ]]
	run ifc -f inet:cidr epair0a inet
	has $'\tinet 10.0.0.1/24 broadcast 10.0.0.255'
	run ifc epair0a ether
	has $'\tether 02:'
	[[ $output != *inet* ]]
	ifc -a -g epair up
	[[ $(state '.flags | join(" ")' epair0b) == *UP* ]]
}

@test "the listing says what iproute2 says" {
	local i name
	ifc bridge0 create 10.50.0.1/20
	for i in 1 2 3; do
		ifc epair$i create up mtu $((1300 + i)) descr "pair $i"
		ifc bridge0 addm epair${i}a
		ifc epair${i}b "10.$i.0.2/$((8 + 5 * i))"
		ifc epair${i}b alias "10.60.$i.1/32"
		ifc epair${i}b inet6 "2001:db8:$i::2/64"
	done
	for name in $(ifc -l); do
		[ "$name" != lo0 ] || continue
		run ifc -f inet:cidr,inet6:cidr "$name"
		has " mtu $(state .mtu "$name")"
		has "ether $(state .address "$name")"
		diff <(sed -n 's/^\tinet6* \([^ %]*\)\(%[^/]*\)*\(\/[0-9]*\).*/\1\3/p' <<<"$output" | sort) \
			<(addrs "$name" | tr ' ' '\n' | grep . | sort)
		diff <(sed -n 's/^\tdescription: //p' <<<"$output") \
			<(state '.ifalias // empty' "$name")
	done
	diff <(ifc bridge0 | sed -n 's/^\tmember: \([^ ]*\).*/\1/p' | sort) \
		<(ipj link show master bridge0 | jq -r '.[].ifname' | sort)
}

@test "the manual has every word" {
	local word missing=''
	[ -e "$REPO/src/net/ifwords.c" ] || skip "no sources here"
	for word in $(sed -n '/^static const struct row rows/,/^};/s/^\t{ "\([^"]*\)".*/\1/p' \
		"$REPO/src/net/ifwords.c"); do
		grep -qE "(^|[ ,])$word( |,|$)" \
			<(sed -n '/^\.Sh IFCONFIG/,/^\.Sh JIB/p' \
				"$REPO/man/gaol-helpers.7") || missing+=" $word"
	done
	[ "$missing" = '' ] || {
		echo "not in gaol-helpers.7:$missing"
		return 1
	}
}
