#!/usr/bin/env bats
# The test house itself: what lib.bash promises to the other files.
load lib

@test "the played host has a network of its own" {
	run hostnet ip -brief link
	[ "$status" = 0 ]
	[ "${#lines[@]}" = 1 ]
	has lo
}

@test "an address given to the played host is not the machine's" {
	addr 10.9.8.7/24 em0
	run hostnet ip -brief addr show em0
	has 10.9.8.7/24
	run ip -brief addr
	[[ $output != *10.9.8.7* ]]
}

@test "a small root runs commands" {
	mkroot "$DIR/r"
	run chroot "$DIR/r" /bin/sh -c 'id -un; cat /var/www/index.html'
	[ "$status" = 0 ]
	is $'root\npage of r'
}

@test "teardown tells of a mount that was forgotten, and removes it" {
	local dir=$DIR

	mkdir "$DIR/m"
	mount -t tmpfs none "$DIR/m"
	run gaol_teardown
	[ "$status" = 1 ]
	has "left behind: mount:$dir/m"
	[ ! -e "$dir" ]
	unset DIR
}

@test "teardown tells of a process that was forgotten, and ends it" {
	local length=1000.$$ # nobody else's

	hostnet setsid sleep "$length" </dev/null >/dev/null 2>&1 3>&- &
	disown
	eventually 30 pgrep -x -f "sleep $length" >/dev/null
	LEFT_WAIT=1
	run gaol_teardown
	[ "$status" = 1 ]
	has "(sleep $length"
	run pgrep -x -f "sleep $length"
	[ "$status" = 1 ]
	unset DIR
}
