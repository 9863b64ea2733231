#!/usr/bin/env bats
# gaol up, down, tidy, doctor: sites in a namespace that plays the host.
load lib

setup() {
	gaol_setup
	net=$NETNS-site
	mkroot "$DIR/r1"
	mkroot "$DIR/r2"
	mkdir "$DIR/site"
	cat >"$DIR/site/jail.conf" <<-END
		path = "$DIR/\$name";
		ip4 = inherit;
		persist;
		r1 { }
		r2 { depend = r1; }
	END
}

teardown() {
	ip netns del "$net" 2>/dev/null || :
	gaol_teardown
}

@test "up starts a site's jails, down stops them and leaves nothing" {
	run gaol up "$DIR/site"
	[ "$status" = 0 ]
	run jls name
	is $'r1\nr2'
	run gaol down "$DIR/site"
	[ "$status" = 0 ]
	run jls name
	is ''
	[ -z "$(gaol_leaks)" ]
}

@test "up --host-net makes the namespace, down takes it away" {
	run gaol up --host-net "$net" "$DIR/site"
	[ "$status" = 0 ]
	ip netns list | grep -qw "$net"
	[[ $(ip -n "$net" -br link show lo) == *LOOPBACK,UP* ]]
	run jexec r1 ip link
	has lo
	run gaol down "$DIR/site"
	[ "$status" = 0 ]
	run ip netns list
	[[ $output != *"$net"* ]]
	[ -z "$(gaol_leaks)" ]
}

@test "down keeps a namespace that was there before" {
	ip netns add "$net"
	gaol up --host-net "$net" "$DIR/site"
	gaol down "$DIR/site"
	ip netns list | grep -qw "$net"
}

@test "up twice starts what does not run" {
	gaol up "$DIR/site"
	jail -f "$DIR/site/jail.conf" -r r2
	run gaol up "$DIR/site"
	[ "$status" = 0 ]
	run jls name
	is $'r1\nr2'
	run gaol up "$DIR/site"
	[ "$status" = 0 ]
	has "are running"
}

@test "down clears up after jails that died" {
	cat >>"$DIR/site/jail.conf" <<-END
		r1 { mount = "tmpfs \$path/tmp tmpfs rw 0 0";
		     mount += "$DIR/r2/var \$path/var nullfs rw 0 0"; }
	END
	sed -i '/^r1 { }/d' "$DIR/site/jail.conf"
	gaol up "$DIR/site"
	gaol_cgroups | while read -r group; do
		echo 1 >"$group/cgroup.kill"
	done
	eventually 30 no_jails
	run gaol down "$DIR/site"
	[ "$status" = 0 ]
	[ -z "$(gaol_leaks)" ]
}

@test "up says what is wrong with a site, and starts nothing" {
	run gaol up "$DIR/none"
	[ "$status" = 1 ]
	is "gaol: up: site '$DIR/none': No such file or directory"
	run gaol up "$DIR/r1"
	[ "$status" = 1 ]
	is "gaol: up: site '$DIR/r1': jail.conf: No such file or directory"
	echo 'r3 { path = ; }' >>"$DIR/site/jail.conf"
	run gaol up "$DIR/site"
	[ "$status" = 1 ]
	has "jail.conf line 6"
	run jls name
	is ''
	run gaol up --host-net a/b "$DIR/r1"
	[ "$status" = 1 ]
}

@test "a site whose jail fails exits as jail does" {
	echo 'r1 { path = "/no/such"; }' >"$DIR/site/jail.conf"
	run gaol up "$DIR/site"
	[ "$status" = 1 ]
	has "jail: "
}

@test "the command line is checked" {
	run gaol
	[ "$status" = 2 ]
	[[ ${lines[0]} == "usage: gaol up "* ]]
	run gaol frobnicate
	[ "$status" = 2 ]
	run gaol up
	[ "$status" = 2 ]
	run gaol up --host-net x
	[ "$status" = 2 ]
	run gaol help
	[ "$status" = 0 ]
	run gaol completion
	is 'complete -o default -W "up down console base disk root tidy doctor completion help" gaol'
}

@test "every command of the list is in the manual" {
	gaol help | awk '{ sub("usage:", ""); print $2 }' | sort -u |
		while read -r name; do
			grep -q "^\.Cm $name\|It Cm $name" "$REPO/man/gaol.8"
		done
}

@test "the doctor names what each mechanism is for, or what is used instead" {
	run gaol doctor
	[ "$status" = 0 ]
	[ "${#lines[@]}" -gt 15 ]
	has "cgroup v2"
	for line in "${lines[@]}"; do
		[[ $line =~ ^[A-Za-z0-9_\ ]{19}(yes|fallback|MISSING)\ +.+ ]]
	done
}

@test "the jails of the manual's example start" {
	mkroot "$DIR/base"
	awk '/^\.Bd/ { n++; next } /^\.Ed/ { on = 0 } n == 2 && !/^\./' \
		"$REPO/man/gaol.8" |
		sed "s|/var/lib/gaol/base/www|$DIR/base|
			s|/var/lib/gaol/jails|$DIR/jails|" >"$DIR/example.conf"
	grep -q '^thick {' "$DIR/example.conf"
	run jail -f "$DIR/example.conf" -c
	echo "$output"
	[ "$status" = 0 ]
	jexec thin touch /etc/mine
	[ -e "$DIR/jails/thin/own/etc/mine" ]
	jexec thick touch /bin/mine
	[ -e "$DIR/jails/thick/root/bin/mine" ]
	jail -f "$DIR/example.conf" -r thin
	jail -f "$DIR/example.conf" -r thick
}
