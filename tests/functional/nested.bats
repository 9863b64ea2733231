#!/usr/bin/env bats
# Jails that jails make, with the same programs (docs/compat.md, "Jails in
# jails").
load lib

setup() {
	gaol_setup
	R=$DIR/r
	mkroot "$R"
}

# furnish ROOT: a small root that has gaol in /opt, and one for a jail of its
# own in /jails/k.
furnish() {
	mkdir -p "$1"/{opt/bin,opt/libexec,jails}
	cp "$BIN"/{jail,jls,jexec} "$1/opt/bin"
	cp -a "$LIBEXEC" "$1/opt/libexec/gaol"
	mkroot "$1/jails/k"
}

# outer [PARAM ...]: the jail "o", which may make jails.
outer() {
	jail -c name=o path="$R" persist mount.procfs children.max=3 "$@"
}

# in_o PROGRAM ...: one of gaol's programs, run in the jail.
in_o() {
	jexec o "/opt/bin/$1" "${@:2}"
}

@test "a jail makes, lists, enters, changes and removes jails of its own" {
	furnish "$R"
	outer vnet
	run in_o jail -c name=k path=/jails/k host.hostname=kk persist vnet
	is ""
	run in_o jls name path host.hostname
	is "k /jails/k kk"
	run in_o jexec k hostname
	is kk
	run in_o jexec k sh -c 'exit 7'
	[ "$status" = 7 ]
	run in_o jexec k nothere
	is "jexec: execvp: nothere: No such file or directory"
	in_o jail -m name=k host.hostname=k2
	run in_o jexec k hostname
	is k2
	run jls name
	is o
	in_o jail -r k
	run in_o jls name
	is ""
}

@test "a jail's own jail.conf: commands, hooks, restart, removal from outside" {
	furnish "$R"
	echo 'k { path=/jails/k; persist; exec.prestart="echo pre";
		exec.start="echo in"; exec.stop="echo out";
		exec.poststop="echo post"; }' >"$R/etc/jail.conf"
	outer ip4=inherit
	run in_o jail -c
	is $'pre\nk: created\nin'
	run in_o jail -rc k
	is $'out\nk: removed\npost\npre\nk: created\nin'
	run in_o jail -m name=k ip4.addr=192.0.2.1
	has "jail: a jail made inside a jail has"
	run in_o jail -c path=/jails/k command=/bin/sh -c 'id -u; exit 3'
	[ "$status" = 1 ]
	has $'0\njail: '
	jail -r o
}

@test "a jail that fills children.max can be restarted at once" {
	furnish "$R"
	echo 'k { path=/jails/k; persist; }' >"$R/etc/jail.conf"
	jail -c name=o path="$R" persist mount.procfs children.max=1
	in_o jail -c
	for i in 1 2 3 4 5; do
		run in_o jail -rc k
		is $'k: removed\nk: created'
	done
	run in_o jail -c path=/jails/k command=/bin/true
	is "jail: prison limit exceeded"
	jail -r o
}

@test "a jail in a jail in a jail" {
	furnish "$R"
	furnish "$R/jails/k"
	outer vnet
	in_o jail -c name=k path=/jails/k persist vnet mount.procfs \
		children.max=1
	run in_o jexec k /opt/bin/jail -c name=m path=/jails/k persist vnet \
		host.hostname=mm
	is ""
	run in_o jexec k /opt/bin/jexec m hostname
	is mm
	run in_o jexec k /opt/bin/jail -c path=/jails/k command=/bin/true
	has "prison limit exceeded"
	jail -r o
}

@test "a jail on the host's root sees no jails but its own" {
	jail -c name=o path=/ persist children.max=2 vnet
	jail -c name=other path="$R" persist
	run jexec o "$BIN/jls" name
	is ""
	jexec o "$BIN/jail" -c name=k path="$R" persist vnet
	run jexec o "$BIN/jls" name
	is k
	run jexec o "$BIN/jexec" k sh -c 'exit 7'
	[ "$status" = 7 ]
	run jexec o "$BIN/jail" -r other
	has 'jail: "other" not found'
	run jls name
	is $'o\nother'
	jexec o "$BIN/jail" -r k
	run jls name
	is $'o\nother'
}

@test "children.max given later opens the same as at creation" {
	local group
	furnish "$R"
	jail -c name=o path="$R" persist mount.procfs vnet
	run in_o jail -c name=k path=/jails/k persist vnet mount.noprocfs
	[ "$status" = 1 ]
	jail -m name=o children.max=2
	# The jail's root owns its group, where jails of its own have theirs.
	group=$(gaol_cgroup)/$(jls -j o jid)/p
	[ "$(stat -c %u "$group")" -ge 65536 ]
	[ "$(stat -c %u "$group/cgroup.procs")" -ge 65536 ]
	in_o jail -c name=k path=/jails/k persist vnet mount.noprocfs
	in_o jexec k true
	in_o jail -r k
	# What covers parts of its own /proc stays.
	run in_o jail -c name=k path=/jails/k persist vnet
	[ "$status" = 1 ]
	has "Mount too revealing"
	jail -m name=o children.max=0
	run in_o jail -c name=k path=/jails/k persist vnet mount.noprocfs
	[ "$status" = 1 ]
}
