#!/usr/bin/env bats
# The example site as a newcomer meets it: up, proof, warm start, down.
bats_require_minimum_version 1.5.0
load lib

setup() {
	gaol_setup
	net=$NETNS-site
	site=$REPO/examples/site
	export PATH=$BIN:$PATH
	run ! grep -q ' /var/lib/gaol/jails/' /proc/self/mountinfo ||
		skip "the example site is up: sudo make stop"
	[ -d /var/lib/gaol/base/www ] && [ -d /var/lib/gaol/disk/debian ] ||
		command -v mmdebstrap >/dev/null || skip "no mmdebstrap here"
	[ -c /dev/net/tun ] || skip "no /dev/net/tun here"
	# The jails alone: a VM takes its time.
	jails=$DIR/site
	mkdir "$jails"
	cp -r "$site/base" "$site/jail.conf" "$jails"
}

teardown() {
	# What a jail that failed had to say.
	[ -n "${BATS_TEST_COMPLETED-}" ] || [ -z "${site-}" ] ||
		tail -n 20 /var/lib/gaol/jails/*/console.log || :
	for dir in "${jails-}" "${site-}"; do
		[ -z "$dir" ] || "$BIN/gaol" down "$dir" >/dev/null 2>&1 || :
	done
	rm -rf "$GAOL_RUN-vm"
	ip netns del "$net" 2>/dev/null || :
	gaol_teardown
}

@test "the example site comes up, serves, holds its jails apart, goes" {
	"$BIN/gaol" up --host-net "$net" "$site"
	run jls name
	[ "$(sort <<<"$output")" = $'A\nB\nC' ]
	[ "$(ls "$GAOL_RUN-vm")" = linux ]

	run "$site/proof" "$net"
	echo "$output"
	[ "$status" = 0 ]

	# The VM's console reaches a login. What it says while nobody listens is
	# lost, so it is asked until it answers.
	exec {tty}<>"$GAOL_RUN-vm/linux/console"
	while sleep 1 && printf '\r' >&"$tty"; do :; done 2>/dev/null &
	asker=$!
	timeout $((300 * ${GAOL_SLOW:-1})) grep -aqm 1 'linux login:' <&"$tty"
	kill "$asker"
	exec {tty}>&-

	# Nothing of it shows on the machine's own network.
	run ip -brief addr
	[[ $output != *10.0.0.1* && $output != *192.168.10.* ]]
	run ip -brief link
	[[ $output != *epair* && $output != *bridge0* && $output != *lo1* &&
		$output != *tap0* ]]

	"$BIN/gaol" down "$site"
	[ -z "$(gaol_leaks)" ]
	[ -z "$(ls "$GAOL_RUN-vm")" ]
	[ ! -e "$GAOL_RUN-pf" ]
	run ! grep ' /var/lib/gaol/' /proc/self/mountinfo
	run ip netns list
	[[ $output != *"$net"* ]]

	# The second time nothing is copied or fetched.
	run "$BIN/gaol" up --host-net "$net" "$site"
	[ "$status" = 0 ]
	[[ $output != *base* && $output != *copied* ]]
}

@test "plain jail(8) starts and stops the site too" {
	[ -d /var/lib/gaol/base/www ] || "$BIN/gaol" base make www \
		"$site/base/www"
	run jail -f "$site/jail.conf" -c
	echo "$output"
	[ "$status" = 0 ]
	run hostnet curl -sS --max-time 60 http://192.168.10.1/
	has "This is jail C,"
	run jail -f "$site/jail.conf" -r '*'
	[ "$status" = 0 ]
	gaol tidy
	[ -z "$(gaol_leaks)" ]
	run ip -n "$NETNS" -brief link
	[ "${#lines[@]}" = 1 ]
}

@test "what a thin jail writes is its own, what it shares it cannot write" {
	"$BIN/gaol" up --host-net "$net" "$jails"
	jexec A touch /etc/mine /var/mine /home/mine /usr/local/mine /run/mine
	[ -e /var/lib/gaol/jails/A/own/etc/mine ]
	[ ! -e /var/lib/gaol/base/www/etc/mine ]
	run jexec C ls /etc/mine
	[ "$status" != 0 ]
	run jexec A touch /usr/bin/mine
	[ "$status" != 0 ]
	has "Read-only file system"
	jexec A rm /etc/mine /var/mine /home/mine /usr/local/mine
	# Owners on disk are as written, not shifted.
	[ "$(stat -c %u /var/lib/gaol/jails/A/own/var/www/html/index.html)" = 0 ]
}

@test "a jail's servers die, down clears up all the same" {
	"$BIN/gaol" up --host-net "$net" "$jails"
	gaol_cgroups | while read -r group; do
		echo 1 >"$group/cgroup.kill"
	done
	eventually 30 no_jails
	"$BIN/gaol" down "$jails"
	[ -z "$(gaol_leaks)" ]
	run ! grep ' /var/lib/gaol/' /proc/self/mountinfo
}
