#!/usr/bin/env bats
# Interfaces lent to VNET jails: ifconfig vnet, -vnet and -j, route -j, and
# their way home when the jail goes.
load lib

ifc() { helper ifconfig "$@"; }

setup() {
	gaol_setup
	mkroot "$DIR/r"
	ifc epair0 create up >/dev/null
}

vnet_jail() { jail -qc name="$1" path="$DIR/r" persist vnet "${@:2}"; }

@test "an interface moves into a jail and back, keeping MAC and description only" {
	local mac
	vnet_jail web
	ifc epair0b descr 'of web' group lent
	ifc epair0b 10.0.0.2/24
	mac=$(ifc epair0b ether | grep ether)
	run ifc epair0b vnet web
	[ "$status" = 0 ]
	is ''
	run ifc epair0b
	[ "$status" = 1 ]
	run ifc -j web epair0b
	has "$mac"
	has 'description: of web'
	has $'groups: epair\n' # groups by hand end at the border
	[[ $output != *'inet '* && $output != *'<UP'* ]]
	[[ $output != *ACCEPT_RTADV* ]]
	run ifc epair0b -vnet web
	[ "$status" = 0 ]
	run ifc epair0b
	has "$mac"
	run ls "$GAOL_RUN/jails/$(jls -j web jid)/vnet.d"
	is ''
}

@test "jids do for names; absent jails are told" {
	vnet_jail web
	ifc epair0b vnet "$(jls -j web jid)"
	ifc epair0b -vnet web up
	[[ $(ifc epair0b) == *'<UP'* ]]
	run ifc epair0b vnet nope
	[ "$status" = 1 ]
	is 'ifconfig: jail "nope" not found'
	run ifc -j 99 -l
	is 'ifconfig: jail "99" not found'
	run helper route -j nope add default 10.0.0.1
	[ "$status" = 1 ]
	is 'route: jail "nope" not found'
	run ifc epair0b vnet ../jails
	is 'ifconfig: jail "../jails" not found'
}

@test "a jail without a stack of its own takes none" {
	jail -qc name=plain path="$DIR/r" persist ip4=inherit
	run ifc epair0b vnet plain
	[ "$status" = 1 ]
	is 'ifconfig: SIOCSIFVNET: File exists'
	ifc epair0b
}

@test "a name taken in the jail is refused" {
	vnet_jail web
	ifc -j web epair0 create
	run ifc epair0b vnet web
	[ "$status" = 1 ]
	has 'ifconfig: SIOCSIFVNET: File exists'
	ifc epair0b
	run ls "$GAOL_RUN/jails/$(jls -j web jid)/vnet.d"
	is ''
}

@test "-j configures a jail's stack from outside" {
	vnet_jail web
	ifc epair0b vnet web
	ifc -j web lo0 127.0.0.1/8 up
	ifc -j web epair0b 10.0.0.2/24
	run helper route -j web add default 10.0.0.1
	is 'add net default: gateway 10.0.0.1'
	run ifc -j web -l
	is 'lo0 epair0b'
	ifc epair0a 10.0.0.1/24
	eventually 30 hostnet busybox ping -qc1 -W2 10.0.0.2
	run jexec web ping -qc1 -W30 10.0.0.1
	[ "$status" = 0 ]
	run ifc -j web tap0 create
	[ "$status" = 0 ] || has /dev/net/tun
	run ifc -l
	is 'lo0 epair0a'
}

@test "the helpers run inside a jail, as its root" {
	cp "$LIBEXEC/freebsd/ifconfig" "$LIBEXEC/freebsd/route" "$DIR/r/"
	vnet_jail web vnet.interface=epair0b
	jexec web /ifconfig lo0 127.0.0.1/8 up
	jexec web /ifconfig epair0b 10.0.0.2/24 up
	run jexec web /route add default 10.0.0.1
	is 'add net default: gateway 10.0.0.1'
	run jexec web /ifconfig epair0b
	has 'inet 10.0.0.2 netmask 0xffffff00'
	run jexec web /ifconfig epair create
	[ "$status" = 0 ]
	is epair1a # epair0b is here
	run jexec web /ifconfig bridge0 create addm epair1a up
	[ "$status" = 0 ]
	run jexec web /ifconfig epair1a destroy
	[ "$status" = 0 ]
	run jexec web /ifconfig -l
	is 'lo0 epair0b bridge0'
}

@test "jail -r brings home what was lent, under its own name" {
	ifc epair1 create
	vnet_jail web vnet.interface=epair0b,epair1b
	ifc -j web epair1b name inner
	jail -qr web
	run ifc -l
	has epair0b
	has epair1b
	[[ $output != *inner* ]]
	ifc epair0a destroy # as poststop hooks do
}

@test "what the jail destroyed or clashes at home is no trouble" {
	ifc epair1 create
	vnet_jail web vnet.interface=epair0b,epair1b
	ifc -j web epair1b destroy
	ifc epair0a name e0a_web
	ifc bridge0 create name epair0b # somebody took the name
	run jail -r web
	[ "$status" = 0 ]
	run ifc -l
	[[ $output =~ vnet[0-9]+ ]]
	run ifc "${BASH_REMATCH[0]}"
	has 'groups: epair'
}

@test "-j is for jails with a stack of their own" {
	jail -qc name=plain path="$DIR/r" persist ip4=inherit
	run ifc -j plain epair0b up
	[ "$status" = 1 ]
	is 'ifconfig: jail "plain" has no vnet'
	run helper route -j plain add default 10.0.0.1
	[ "$status" = 1 ]
	run ifc epair0b -vnet plain
	[ "$status" = 1 ]
	[[ $(ifc epair0b) != *'<UP'* ]]
}

# The jail's root is no friend: names it gives must not pass for the host's.
@test "names given inside stay inside" {
	local jid
	vnet_jail web vnet.interface=epair0b
	jid=$(jls -j web jid)
	inside() {
		nsenter --net="/proc/$(sed -n 's/^init.pid=//p' \
			"$GAOL_RUN/jails/$jid/record")/ns/net" "$@"
	}
	inside ip link property add dev epair0b altname em0 altname epair0a \
		altname group:wheel:1 altname born:bridge0
	inside ip link set epair0b name $'lo\033[2J'
	inside ip link set $'lo\033[2J' alias $'x\n\tinet 9.9.9.9'
	run ifc -j web -a
	[[ $output != *$'\033'* && $output != *$'\tinet 9'* ]]
	run jail -qr web
	[ "$status" = 0 ]
	is ''
	run ifc em0
	[ "$status" = 1 ]
	run ifc epair0b
	has $'\tgroups: epair\n'
	run ifc bridge0 create
	[ "$status" = 0 ]
}

@test "a jail's many alternative names do not keep its interface" {
	vnet_jail web vnet.interface=epair0b
	for i in {1..120}; do
		ip=("${ip[@]}" altname "a-rather-long-name-that-takes-its-room-$i")
	done
	nsenter --net="/proc/$(sed -n 's/^init.pid=//p' \
		"$GAOL_RUN"/jails/*/record)/ns/net" \
		ip link property add dev epair0b "${ip[@]}"
	jail -qr web
	run hostnet ip link show epair0b
	[ "$status" = 0 ]
	[[ $output != *altname* ]]
}

@test "the whole of a classic jail.conf, up and down twice" {
	cp "$LIBEXEC/freebsd/ifconfig" "$LIBEXEC/freebsd/route" "$DIR/r/"
	ifc epair0a destroy
	ifc bridge0 create 10.0.0.1/24 up
	cat >"$DIR/jail.conf" <<-END
		vnet;
		vnet.interface = "epair\${id}b";
		\$bridge = "bridge0"; \$gw = "10.0.0.1";
		path = "$DIR/r"; persist;
		exec.prestart  = "ifconfig epair\${id} create up";
		exec.prestart += "ifconfig epair\${id}a up descr jail:\${name}";
		exec.prestart += "ifconfig \${bridge} addm epair\${id}a up";
		exec.start     = "/ifconfig lo0 127.0.0.1/8 up";
		exec.start    += "/ifconfig epair\${id}b 10.0.0.\${id}/24 up";
		exec.start    += "/route add default \${gw}";
		exec.poststop  = "ifconfig \${bridge} deletem epair\${id}a";
		exec.poststop += "ifconfig epair\${id}a destroy";
		app { \$id = 21; }
		db  { \$id = 22; }
	END
	for _ in 1 2; do
		jail -q -f "$DIR/jail.conf" -c
		eventually 30 hostnet busybox ping -qc1 -W2 10.0.0.21
		eventually 30 jexec app ping -qc1 -W2 10.0.0.22
		jail -q -f "$DIR/jail.conf" -r app db
		run ifc -l
		is 'lo0 bridge0'
	done
}

@test "a destroyed interface is gone at once, and its name free" {
	ifc bridge0 create addm epair0a
	for _ in {1..10}; do
		ifc epair0a destroy
		run ifc -l
		is 'lo0 bridge0'
		run hostnet ip -br link show type veth
		is ''
		ifc epair0 create up >/dev/null
		ifc bridge0 addm epair0a
	done
	run ifc lo0 destroy
	[ "$status" = 1 ]
	is 'ifconfig: SIOCIFDESTROY: Operation not supported'
	run ifc epair0b destroy # the other end, too
	[ "$status" = 0 ]
	is ''
	run ifc epair0a destroy
	[ "$status" = 1 ]
	is 'ifconfig: interface epair0a does not exist'
}

@test "a pair can be born with one end in the jail" {
	vnet_jail web
	run ifc epair create vnet web
	[ "$status" = 0 ]
	is epair1a
	run ifc -l
	is 'lo0 epair0b epair0a epair1b'
	run ifc -j web -l
	is 'lo0 epair1a'
	run ifc -j web epair1a
	[[ $output != *ACCEPT_RTADV* ]]
	run ifc epair1b
	[[ $output != *ACCEPT_RTADV* ]]
	ifc -j web epair1a 10.0.0.2/24
	ifc epair1b 10.0.0.1/24
	eventually 30 hostnet busybox ping -qc1 -W2 10.0.0.2
	run jail -qr web
	[ "$status" = 0 ]
	run ifc epair1a # its home is where it was made
	[ "$status" = 0 ]
	ifc epair1b destroy
}

@test "a pair that cannot be born in the jail is told as one that cannot move" {
	vnet_jail web
	jail -qc name=plain path="$DIR/r" persist ip4=inherit
	ifc -j web epair3 create >/dev/null
	run ifc epair3 create vnet web
	[ "$status" = 1 ]
	has 'ifconfig: SIOCSIFVNET: File exists'
	ifc epair3a destroy
	run ifc epair4 create vnet plain
	[ "$status" = 1 ]
	has 'ifconfig: SIOCSIFVNET: File exists'
	ifc epair4a destroy
	run ifc epair5 create vnet nope
	[ "$status" = 1 ]
	has 'ifconfig: jail "nope" not found'
	ifc epair5a destroy
	ifc epair6 create >/dev/null
	run ifc epair6 create vnet web
	[ "$status" = 1 ]
	is 'ifconfig: interface epair6 already exists'
	ifc epair6a name e6
	ifc epair0b vnet web
	for pair in epair0 epair6; do
		run ifc $pair create vnet web
		[ "$status" = 1 ]
		is "ifconfig: interface $pair already exists"
	done
	ifc epair0b -vnet web
	run ls "$GAOL_RUN/jails/$(jls -j web jid)/vnet.d"
	is ''
}


# classic_conf, born_conf: a file with jails app and db, each on an epair of its
# own in bridge0; moved into the jail, or born there.
common_conf() {
	ifc epair0a destroy
	ifc bridge0 create 10.0.0.1/24 up
	cat <<-END
		path = "$DIR/r"; vnet; mount.devfs; exec.clean;
		exec.start  = "/dev/gaol/ifconfig epair\${id}\$in 10.0.0.\${id}/24 up";
		exec.start += "/bin/sleep 1000 &";
		exec.stop   = "killall sleep || true";
		app { \$id = 21; }
		db  { \$id = 22; }
	END
}

classic_conf() {
	common_conf >"$DIR/jail.conf"
	cat >>"$DIR/jail.conf" <<-END
		\$in = b;
		vnet.interface = "epair\${id}b";
		exec.prestart  = "ifconfig epair\${id} create up";
		exec.prestart += "ifconfig epair\${id}b ether 02:00:00:00:00:\$id";
		exec.prestart += "ifconfig bridge0 addm epair\${id}a";
		exec.poststop  = "ifconfig epair\${id}a destroy";
	END
}

born_conf() {
	common_conf >"$DIR/jail.conf"
	cat >>"$DIR/jail.conf" <<-END
		\$in = a;
		exec.created   = "ifconfig epair\${id} create vnet \$name";
		exec.created  += "ifconfig epair\${id}b up";
		exec.created  += "ifconfig bridge0 addm epair\${id}b";
		exec.poststop  = "ifconfig epair\${id}b destroy";
	END
}

site() { jail -q -f "$DIR/jail.conf" "$@"; }

# Both answer, and are another's neighbours.
answer() {
	eventually 30 hostnet busybox ping -qc1 -W2 10.0.0.21
	eventually 30 jexec app ping -qc1 -W2 10.0.0.22
}

# in_and_out: both at once, one again, all away, each time with the same names.
in_and_out() {
	for _ in 1 2; do
		site -c
		answer
		site -rc db
		answer
		site -r app db
		run ifc -l
		is 'lo0 bridge0'
		no_jails
	done
}

@test "pairs that are moved in: two jails, restart, removal" {
	classic_conf
	in_and_out
}

@test "pairs that are born in a jail: two jails, restart, removal" {
	born_conf
	in_and_out
}

@test "what a hook set before the start holds inside" {
	classic_conf
	site -c app
	run jexec app /dev/gaol/ifconfig epair21b ether
	has 02:00:00:00:00:21
	site -r app
}

@test "a jail that fails to start leaves the pair as its hooks made it" {
	local conf
	for conf in classic_conf born_conf; do
		ifc epair0 create >/dev/null 2>&1 || :
		$conf
		printf '%s\n' 'exec.start = "/bin/false";' >>"$DIR/jail.conf"
		run site -c app
		[ "$status" = 1 ]
		no_jails
		run ifc bridge0
		has 'member: epair21'
		ifc epair21a
		ifc epair21b
		ifc epair21b destroy
		ifc bridge0 destroy
	done
}

# killed_in HOOK LINE: the start of app ends with the death of jail(8).
killed_in() {
	# shellcheck disable=SC2016 # for the hook's shell
	printf '%s += "kill -9 \\$PPID";\n' "$1" >>"$DIR/jail.conf"
	run site -c app
	[ "$status" = 137 ]
}

@test "jail killed before the jail is made: the pair stays" {
	classic_conf
	killed_in exec.prestart
	gaol tidy
	no_jails
	run ifc bridge0
	has 'member: epair21a'
	ifc epair21b
	sed -i /PPID/d "$DIR/jail.conf"
	ifc epair21a destroy
	site -c
	answer
	site -r app db
}

@test "jail killed when the pair is born: the jail is there, and gives it back" {
	born_conf
	killed_in exec.created
	gaol tidy
	run ifc -j app -l
	is 'lo0 epair21a'
	sed -i /PPID/d "$DIR/jail.conf"
	site -r app
	run ifc -l
	is 'lo0 bridge0'
	site -c
	answer
	site -r app db
}
