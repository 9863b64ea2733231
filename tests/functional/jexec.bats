#!/usr/bin/env bats
# jexec(8): commands in jails, as its callers see them.
load lib

setup() {
	gaol_setup
	mkroot "$DIR/web"
	jail -c name=web path="$DIR/web" mount.devfs persist
}

@test "the jail is found by jid and by name; others are told" {
	run jexec web id -u
	is 0
	run jexec 1 id -u
	is 0
	run jexec nope true
	[ "$status" = 1 ]
	is 'jexec: jail "nope" not found'
	run jexec 77 true
	[ "$status" = 1 ]
	is 'jexec: jail "77" not found'
}

@test "the command's exit status and signal are jexec's" {
	run jexec web sh -c 'exit 7'
	[ "$status" = 7 ]
	run jexec web sh -c 'kill -TERM $$'
	[ "$status" = 143 ]
	run jexec web no-such-command
	[ "$status" = 1 ]
	is 'jexec: execvp: no-such-command: No such file or directory'
}

@test "environment: the caller's as it is, with -l a clean one" {
	FOO=bar run jexec web sh -c 'echo $FOO'
	is bar
	FOO=bar TERM=vt100 run jexec -l web env
	has TERM=vt100
	has USER=root
	[[ $output != *FOO=* ]]
}

@test "-U takes the jail's user, -u the host's" {
	run jexec -U www web sh -c 'id -u; id -g; echo $HOME $USER'
	is $'1001\n1001\n/home/www www'
	run jexec -u www web true
	[ "$status" = 1 ]
	is 'jexec: www: no such user'
	run jexec -U nobodyhere web true
	[ "$status" = 1 ]
	is 'jexec: nobodyhere: no such user'
	run jexec -u nobody web sh -c 'id -u; echo $USER'
	is "$(id -u nobody)"$'\n'nobody
	run jexec -u root -U root web true
	[ "$status" = 1 ]
	has 'usage: jexec'
}

@test "it starts in /, -l with a user at home, -d where told" {
	cd /tmp
	run jexec web pwd
	is /
	run jexec -l -U www web pwd
	is /home/www
	run jexec -l -U www -d /var web pwd
	is /var
	run jexec -d /nowhere web pwd
	[ "$status" = 1 ]
	is 'jexec: chdir /nowhere: No such file or directory'
}

@test "without a command it runs SHELL, or sh where the jail has none" {
	run jexec web <<<'echo from $0'
	has 'from '
	SHELL=/no/such/shell run jexec web <<<'echo still here'
	has 'still here'
}

@test "a signal to jexec reaches the command" {
	nsenter --net="/run/netns/$NETNS" -- "$BIN/jexec" web sh -c \
		'trap "echo got it; exit 3" USR1; echo ready; while :; do sleep 0.1; done' \
		>"$DIR/out" &
	pid=$!
	eventually 30 grep -q ready "$DIR/out"
	kill -USR1 "$pid"
	status=0
	wait "$pid" || status=$?
	[ "$status" = 3 ]
	grep -q 'got it' "$DIR/out"
}

@test "no descriptor but the three crosses into the jail" {
	exec 7</etc/hostname 8</
	run jexec web sh -c 'ls /proc/self/fd'
	exec 7<&- 8<&-
	[[ $output != *7* && $output != *8* ]]
}

@test "an ordinary user is refused in one line" {
	run setpriv --reuid=65534 --regid=65534 --clear-groups \
		"$BIN/jexec" web true
	[ "$status" = 1 ]
	[[ $output == 'jexec: '* ]]
	[ "${#lines[@]}" = 1 ]
}

@test "the jail stays when the command ends, and persists no longer than told" {
	jexec web true
	run jls name
	is web
	jail -m name=web nopersist
	run jls name
	is ''
}
