#!/usr/bin/env bats
# jail(8): forms of the command line, what it prints, exit statuses, the order
# of steps and what is undone when one fails, and bad input.
# shellcheck disable=SC2016,SC2030,SC2031 # text for shells inside; bats's $output
load lib

setup() {
	gaol_setup
	R=$DIR/r
	mkroot "$R"
	CONF=$DIR/jail.conf
	LOG=$DIR/log
}

# conf LINES: the file, with path and log hooks for every jail above.
conf() {
	{
		printf 'path = "%s";\nexec.timeout = 60;\n' "$R"
		cat
	} >"$CONF"
}

jailf() {
	jail -f "$CONF" "$@"
}

# background CMD ...: in the played host, its output in $DIR/out; sets pid.
background() {
	nsenter --net="/run/netns/$NETNS" -- "$@" >"$DIR/out" 2>&1 3>&- &
	pid=$!
}

# no_mounts: nothing is mounted below the root.
no_mounts() {
	[ "$(gaol_mounts | grep -c "$R/")" = 0 ]
}

# one_line TEXT: failed with exactly this on standard error or output.
one_line() {
	[ "$status" = 1 ]
	is "$1"
}

# --- forms -----------------------------------------------------------------

@test "a jail on the command line runs its command and goes" {
	run jail -c path="$R" mount.devfs command=/bin/sh -c 'echo in; id -u'
	[ "$status" = 0 ]
	is $'in\n0'
	run jls jid
	is ''
}

@test "the command's failure is jail's, and nothing stays" {
	run jail -c path="$R" command=/bin/false
	one_line 'jail: /bin/false: failed'
	run jail -c path="$R" command=/bin/sh -c 'kill -9 $$'
	one_line "jail: /bin/sh -c kill -9 \$\$: exited on signal 9"
	run jail -c path="$R" command=/nonexistent
	one_line 'jail: exec /nonexistent: No such file or directory'
	run jls jid
	is ''
}

@test "a jail on the command line says nothing, -i tells its jid" {
	run jail -c name=a path="$R" persist
	[ "$status" = 0 ]
	is ''
	run jail -i -c name=b path="$R" persist
	is "$(jls -j b jid)"
	run jail -c name=a path="$R" persist
	one_line 'jail: "a" already exists'
	run jail -r a
	[ "$status" = 0 ]
	is ''
	run jail -r b c
	[ "$status" = 1 ]
	is $'jail: "c" not found\nb: removed'
}

@test "the old form" {
	run jail -J "$DIR/record" "$R" old.example.org '' \
		/bin/sh -c 'hostname; echo "$@"' x 'a  b'
	[ "$status" = 0 ]
	is $'old.example.org\na  b'
	run cat "$DIR/record"
	[[ $output == *$'\t'"$R"$'\told.example.org\t\t/bin/sh'* ]]
	run jail -n oldie -s 2 -l -U www "$R" h '' /bin/sh -c \
		'id -un; echo $USER $HOME $PATH $JID'
	[ "$status" = 0 ]
	[ "${lines[0]}" = www ]
	[[ ${lines[1]} == "www /home/www "* ]]
	[[ ${lines[1]} == *:/dev/gaol ]]
}

@test "relative paths are taken from here on the command line" {
	cd "$DIR"
	run jail -c name=rel path=r persist
	[ "$status" = 0 ]
	run jls -j rel path
	is "$R"
}

@test "jails of a file, all and one" {
	conf <<-'EOF'
		persist;
		a { }
		b { host.hostname = b.example.org; }
	EOF
	run jailf -c
	[ "$status" = 0 ]
	is $'a: created\nb: created'
	run jls -N name host.hostname
	[ "$status" = 0 ]
	run jailf -c a
	one_line 'jail: "a" already exists'
	run jailf -c
	[ "$status" = 0 ]
	is ''
	run jailf -r a
	is 'a: removed'
	run jailf -q -r b
	is ''
	run jailf -r a
	one_line 'jail: "a" not found'
	run jailf -q -r a
	one_line ''
	run jailf -c nosuch
	one_line 'jail: "nosuch" not found'
}

@test "wildcards, jids, jails that no file knows" {
	conf <<-'EOF'
		persist;
		x { children.max = 3; }
		"x.*" { }
		x.a { } x.b { }
		y { }
	EOF
	run jailf -c
	is $'x: created\nx.a: created\nx.b: created\ny: created'
	run jailf -r 'x.*'
	[ "$status" = 0 ]
	is $'x.b: removed\nx.a: removed'
	jail -c name=stranger path="$R" persist
	run jailf -r "$(jls -j stranger jid)"
	[ "$status" = 0 ]
	has ': removed'
	jail -c name=stranger path="$R" persist
	run jailf -r '*'
	is $'y: removed\nx: removed'
	run jail -R '*'
	[ "$status" = 0 ]
	is 'stranger: removed'
}

@test "-m changes, -cm makes or changes, -mr makes anew when it must" {
	conf <<-'EOF'
		persist;
		a { securelevel = 1; }
	EOF
	run jailf -m a
	one_line 'jail: "a" not found'
	run jailf -cm a
	is 'a: created'
	sed -i 's/securelevel = 1/securelevel = 2/' "$CONF"
	run jailf -m a
	[ "$status" = 0 ]
	is 'a: updated'
	run jls -j a securelevel
	is 2
	sed -i 's/securelevel = 2/securelevel = 2; vnet/' "$CONF"
	run jailf -m a
	one_line 'jail: a: vnet cannot be changed after creation'
	jid=$(jls -j a jid)
	run jailf -mr a
	[ "$status" = 0 ]
	is $'a: removed\na: created'
	[ "$jid" != "$(jls -j a jid)" ]
	run jail -m name=a meta.k=v host.hostname=new
	[ "$status" = 0 ]
	run jls -j a host.hostname meta
	has new
	has k=v
}

@test "-rc restarts, by name only what runs" {
	conf <<-'EOF'
		persist; stop.timeout = 0;
		a { } b { depend = a; }
	EOF
	run jailf -rc a
	one_line 'jail: "a" not found'
	run jailf -rc
	[ "$status" = 0 ]
	is $'a: created\nb: created'
	run jailf -rc a
	[ "$status" = 0 ]
	is $'b: removed\na: removed\na: created\nb: created'
}

@test "-e shows the file's jails" {
	conf <<-'EOF'
		$v = "a b";
		one { ip4.addr = 10.0.0.1, 10.0.0.2; host.hostname = $v; }
		two { persist; mount.nodevfs; }
		"w.*" { }
	EOF
	run jailf -e '|'
	[ "$status" = 0 ]
	[ "${#lines[@]}" = 2 ]
	[[ ${lines[0]} == 'name=one|'* ]]
	[[ ${lines[0]} == *'|ip4.addr=10.0.0.1,10.0.0.2|'* ]]
	[[ ${lines[0]} == *'|host.hostname="a b"'* ]]
	[[ ${lines[1]} == *'|persist|mount.nodevfs' ]]
}

@test "-J records what was made" {
	conf <<-'EOF'
		persist;
		a { host.hostname = "h i"; }
	EOF
	run jailf -J "$DIR/rec" -c
	[ "$status" = 0 ]
	run cat "$DIR/rec"
	[[ $output == "jid=$(jls -j a jid)"$'\tname=a\t'* ]]
	[[ $output == *$'\thost.hostname="h i"'* ]]
}

@test "standard input as the file" {
	run jail -f - -c <<<"path = \"$R\"; persist; a { }"
	[ "$status" = 0 ]
	is 'a: created'
	run jail -f - -c <<<'a { persist } '
	[ "$status" = 1 ]
	has 'jail: STDIN line 1: }: syntax error'
}

@test "usage" {
	for args in '' '-c -e x' '-r' '-r name=x' '-e' '-x' '-Rc a' \
		'-h -r a' 'relative host ip cmd' '/path host ip' '-l -c a'; do
		# shellcheck disable=SC2086
		run jail $args
		[ "$status" = 1 ]
		[[ $output == *'usage: jail -[cm]'* ]]
	done
	run jail -c -p many a
	one_line 'jail: -p many: not a limit'
}

@test "-d and allow.dying say once that they do nothing" {
	local gone="the 'allow.dying' parameter and '-d' flag are deprecated and have no effect."

	run jail -d -c name=a path="$R" persist
	[ "$status" = 0 ]
	is "jail: $gone"
	conf <<-'EOF'
		persist; allow.dying;
		b { } c { }
	EOF
	run jailf -q -c
	[ "$status" = 0 ]
	is "jail: $gone"
}

@test "without privilege: one line" {
	run setpriv --reuid 1001 --clear-groups "$BIN/jail" -c path="$R" persist
	one_line 'jail: Operation not permitted'
}

# --- steps -----------------------------------------------------------------

# hooks: all of them, logging their name.
hooks() {
	local h

	for h in prepare prestart created poststart prestop poststop release; do
		echo "exec.$h = \"echo $h \$JID \$JNAME \$JPATH >>$LOG\";"
	done
	echo 'exec.start = "echo start >>/log"; exec.stop = "echo stop >>/log";'
}

@test "hooks run in FreeBSD's order, with the jail's environment" {
	{
		hooks
		echo 'persist; stop.timeout = 0; a { }'
	} | conf
	sed -i 's/\$J/\\$J/g' "$CONF"
	run jailf -c
	[ "$status" = 0 ]
	is 'a: created'
	jid=$(jls -j a jid)
	run cat "$LOG"
	is "prepare a $R
prestart a $R
created $jid a $R
poststart $jid a $R"
	run jailf -r a
	[ "$status" = 0 ]
	run tail -n 3 "$LOG"
	is "prestop $jid a $R
poststop a $R
release a $R"
	run cat "$R/log"
	is $'start\nstop'
}

@test "the transcript of -v" {
	addr 192.0.2.1/24 em0
	conf <<-'EOF'
		web {
			host.hostname = web.example.org; interface = em0;
			ip4.addr = 192.0.2.10/24; mount.devfs;
			exec.start = "/bin/sh -c true"; exec.stop = true;
			exec.poststart = "echo  up";
			command = sleep, 30;
			exec.jail_user = www; exec.system_user = root;
			exec.consolelog = /dev/null;
		}
	EOF
	sed -i '/command/d' "$CONF"
	sed -i 's|"/bin/sh -c true"|"/bin/sleep 100 \&"|' "$CONF"
	run jailf -v -c
	[ "$status" = 0 ]
	jid=$(jls -j web jid)
	is "web: run command: /sbin/ifconfig em0 inet 192.0.2.10/24 alias
web: run command: /sbin/mount -t devfs -oruleset=4 . $R/dev
$(grep_warnings)web: jail_set(JAIL_CREATE) persist name=web path=$R host.hostname=web.example.org ip4.addr=192.0.2.10
web: created
web: run command in jail as www: /bin/sleep 100 &
web: run command as root: echo  up
up
web: jail_set(JAIL_UPDATE) jid=$jid nopersist"
	run jailf -v -r web
	[ "$status" = 0 ]
	[ "${lines[0]}" = 'web: run command in jail as www: true' ]
	[[ ${lines[1]} == 'web: sent SIGTERM to: '* ]]
	[ "${lines[2]}" = 'web: removed' ]
	[ "${lines[3]}" = "web: run command: /sbin/umount $R/dev" ]
	[ "${lines[4]}" = \
		'web: run command: /sbin/ifconfig em0 inet 192.0.2.10/24 -alias' ]
	[ "${#lines[@]}" = 5 ]
	run hostnet ip -4 -o addr show em0
	[[ $output != *192.0.2.10* ]]
}

# What jail(8) says of this machine in the last run, to be left alone.
grep_warnings() {
	printf '%s\n' "$output" | grep '^jail: web: ' || :
}

@test "mounts of the host are made, seen inside, and undone" {
	mkdir -p "$DIR/data" "$R/mnt" "$R/t"
	echo hello >"$DIR/data/f"
	conf <<-EOF
		mount = "$DIR/data \$path/mnt nullfs ro 0 0";
		mount += "tmpfs \$path/t tmpfs rw,size=1m,mode=1777 0 0";
		mount.devfs; mount.fdescfs; mount.procfs;
		persist; stop.timeout = 0;
		a { exec.start = "cat /mnt/f; touch /t/x /mnt/x";
		    exec.poststart = "ls -d /dev/null"; }
		b { mount += "x \$path/gone nullfs rw"; }
	EOF
	run jailf -c a
	[ "$status" = 1 ] # /mnt is read-only
	has hello
	has 'Read-only file system'
	no_mounts
	sed -i 's| /mnt/x||' "$CONF"
	run jailf -c a
	[ "$status" = 0 ]
	run gaol_mounts
	has "$R/mnt"
	# Before Linux 6.3 a tmpfs is made inside.
	! gaol doctor | grep -q '^idmapped tmpfs  *yes' || has "$R/t"
	run jailf -r a
	[ "$status" = 0 ]
	no_mounts
	run jailf -c b
	one_line "jail: b: mount: $R/gone: No such file or directory"
	no_mounts
}

@test "a tmpfs below the root is the jail's, with the covered directory's owner" {
	chmod 751 "$R/run"
	conf <<-'EOF'
		mount  = "tmpfs $path/run tmpfs rw 0 0";
		mount += "tmpfs $path/home/www tmpfs rw,late,size=1m 0 0";
		mount += "tmpfs $path/tmp tmpfs ro,noatime,mode=1700,uid=1001";
		persist; stop.timeout = 0;
		a { }
	EOF
	run jailf -c
	echo "$output"
	[ "$status" = 0 ]
	run jexec a /bin/sh -c 'stat -c "%n %a %u:%g" /run /home/www /tmp
		touch /run/x && stat -c %u /run/x
		touch /tmp/x || df -k /home/www | tail -n 1'
	echo "$output"
	has '/run 751 0:0'
	has '/home/www 755 1001:1001'
	has '/tmp 1700 1001:0'
	has $'\n0\n'
	has 'Read-only file system'
	[[ ${lines[-1]} =~ tmpfs\ +1024\  ]]
	jexec -U www a touch /home/www/mine
	run jailf -r a
	[ "$status" = 0 ]
	no_mounts
}

@test "FreeBSD's and Linux's usual mounts inside" {
	mkdir -p "$R/sys" "$R/proc"
	conf <<-'EOF'
		persist; stop.timeout = 0;
		a {
			mount  = "devfs $path/dev devfs rw 0 0";
			mount += "fdescfs $path/dev/fd fdescfs rw,linrdlnk 0 0";
			mount += "linprocfs $path/proc linprocfs rw 0 0";
			mount += "tmpfs $path/dev/shm tmpfs rw,size=1m,mode=1777";
		}
	EOF
	run jailf -c
	[ "$status" = 0 ]
	run jexec a /bin/sh -c 'ls /dev/fd/0 && echo x >/dev/shm/y && test -d /proc/1 && echo ok'
	has ok
}

@test "an own root with /proc gets one, unless told otherwise" {
	run jail -c path="$R" command=/bin/sh -c 'test -d /proc/1'
	[ "$status" = 0 ]
	run jail -c path="$R" mount.noprocfs command=/bin/sh -c 'test ! -d /proc/1'
	[ "$status" = 0 ]
	rmdir "$R/proc"
	run jail -c path="$R" command=/bin/true
	[ "$status" = 0 ]
}

@test "a failed start undoes all but hooks" {
	addr 192.0.2.1/24 em0
	mkdir -p "$R/mnt"
	conf <<-EOF
		interface = em0; ip4.addr = 192.0.2.10/24;
		mount = "$DIR \$path/mnt nullfs ro"; mount.devfs;
		exec.poststop = "echo poststop >>$LOG";
		exec.release = "echo release >>$LOG";
		a { exec.prestart = false; persist; }
		b { exec.created = false; persist; }
		c { exec.start = "sleep 100 &", false; exec.consolelog = /dev/null; }
		d { exec.poststart = "kill \\\$\\\$"; }
	EOF
	for j in a b c d; do
		run jailf -c $j
		[ "$status" = 1 ]
		run jls jid
		is ''
		no_mounts
		run hostnet ip -4 -o addr show em0
		[[ $output != *192.0.2.10* ]]
	done
	[ ! -e "$LOG" ]
}

@test "a hook that hangs is given up after exec.timeout" {
	conf <<-'EOF'
		exec.timeout = 1;
		a { exec.start = "sleep 100"; }
		b { exec.prestart = "sleep 3 >/dev/null 2>&1"; persist; }
	EOF
	run jailf -c a
	[ "$status" = 1 ]
	is $'a: created\njail: a: sleep 100: timed out\na: removed'
	run jailf -c b
	one_line 'jail: b: sleep 3 >/dev/null 2>&1: timed out'
	run jls jid
	is ''
}

@test "SIGTERM, stop.timeout, SIGKILL" {
	conf <<-'EOF'
		exec.consolelog = /dev/null;
		polite { exec.start = "sleep 1000 &"; stop.timeout = 60; }
		deaf { exec.start = "/bin/deaf &"; stop.timeout = 1; }
	EOF
	printf '#!/bin/sh\ntrap "" TERM\ntouch /deaf\nwhile :; do sleep 1; done\n' >"$R/bin/deaf"
	chmod 755 "$R/bin/deaf"
	run jailf -c
	[ "$status" = 0 ]
	run jailf -v -r polite
	[[ $output != *'timed out'* ]]
	eventually 30 test -e "$R/deaf"
	run jailf -v -r deaf
	[ "$status" = 0 ]
	has 'deaf: timed out'
	has 'deaf: removed'
}

@test "exec.stop that fails leaves the jail running" {
	conf <<-EOF
		persist; stop.timeout = 0;
		a { exec.stop = false; exec.poststop = "echo no >>$LOG"; }
	EOF
	jailf -c
	run jailf -r a
	one_line 'jail: a: false: failed'
	run jls -j a name
	is a
	[ ! -e "$LOG" ]
	run jail -R a
	[ "$status" = 0 ]
}

@test "-C does the last steps of a jail that is gone" {
	addr 192.0.2.1/24 em0
	mkdir -p "$R/mnt"
	conf <<-EOF
		persist; stop.timeout = 0;
		a { exec.prestop = "echo prestop >>$LOG";
		    exec.poststop = "echo poststop >>$LOG";
		    exec.release = "echo release >>$LOG";
		    interface = em0; ip4.addr = 192.0.2.10/24;
		    mount = "$DIR \$path/mnt nullfs ro"; }
	EOF
	jailf -c
	jail -R a
	run jailf -r a
	one_line 'jail: "a" not found'
	run jailf -rC a
	[ "$status" = 0 ]
	run cat "$LOG"
	is $'poststop\nrelease'
	no_mounts
	run hostnet ip -4 -o addr show em0
	[[ $output != *192.0.2.10* ]]
	# Once more: there is nothing left to undo, and that is no failure.
	run jailf -rC a
	[ "$status" = 0 ]
}

@test "killed in the middle of a start: -rC cleans up" {
	addr 192.0.2.1/24 em0
	mkdir -p "$R/mnt"
	conf <<-EOF
		interface = em0; ip4.addr = 192.0.2.10/24, 192.0.2.11/24;
		mount = "$DIR \$path/mnt nullfs ro";
		a { exec.prestart = "touch $DIR/there;
			until [ -e $DIR/go ]; do sleep 0.1; done"; persist; }
	EOF
	background "$BIN/jail" -f "$CONF" -c a
	eventually 30 test -e "$DIR/there"
	kill -9 $pid
	wait $pid || :
	run jailf -rC a
	[ "$status" = 0 ]
	no_mounts
	run hostnet ip -4 -o addr show em0
	[[ $output != *192.0.2.10* ]]
	touch "$DIR/go" # for the hook, which lives on
}

@test "SIGTERM in the middle of a start undoes it" {
	addr 192.0.2.1/24 em0
	conf <<-EOF
		interface = em0; ip4.addr = 192.0.2.10/24;
		a { exec.start = "touch /there; sleep 1000"; }
	EOF
	background "$BIN/jail" -f "$CONF" -c a
	eventually 30 test -e "$R/there"
	kill $pid
	wait "$pid" || [ $? = 1 ]
	run cat "$DIR/out"
	is $'a: created\njail: a: interrupted\na: removed'
	run jls jid
	is ''
	run hostnet ip -4 -o addr show em0
	[[ $output != *192.0.2.10* ]]
}

@test "dependencies decide the order, -p how many at once" {
	conf <<-EOF
		persist; stop.timeout = 0;
		exec.prestart = "echo \$name >>$LOG";
		web { depend = db, app; }
		app { depend = db; }
		db { exec.poststart = "sleep 0.2"; }
	EOF
	run jailf -p 1 -c web
	[ "$status" = 0 ]
	is $'db: created\napp: created\nweb: created'
	run jailf -r db
	is $'web: removed\napp: removed\ndb: removed'
	conf <<-'EOF'
		persist;
		a { depend = b; } b { depend = a; }
		c { depend = none; }
		d { depend = c; }
		e { }
	EOF
	run jailf -c
	[ "$status" = 1 ]
	is "jail: a: dependency loop
jail: b: dependency loop
jail: c: depends on undefined jail \"none\"
jail: d: skipped
e: created"
	run jail -c name=f path="$R" persist depend=g
	one_line 'jail: depends on nonexistent jail "g"'
}

@test "a jail without persist goes with its last process" {
	conf <<-'EOF'
		exec.consolelog = /dev/null;
		a { exec.start = "/bin/stays &"; }
		b { exec.start = "true"; }
	EOF
	printf '#!/bin/sh\nuntil test -e /go; do sleep 0.1; done\n' >"$R/bin/stays"
	chmod 755 "$R/bin/stays"
	run jailf -c
	[ "$status" = 0 ]
	run jls name
	is a
	touch "$R/go"
	eventually 30 gone a
}

gone() {
	! jls -j "$1" >/dev/null 2>&1
}

@test "exec.consolelog takes what is said inside" {
	conf <<-EOF
		persist; stop.timeout = 0;
		exec.start = "echo in", "echo err >&2"; exec.poststart = "echo host";
		a { exec.consolelog = "$DIR/console"; }
		b { exec.consolelog = "\$path/evil"; }
	EOF
	run jailf -c a
	[ "$status" = 0 ]
	is $'a: created\nhost'
	run cat "$DIR/console"
	is $'in\nerr'
	ln -s "$DIR/secret" "$R/evil"
	run jailf -c b
	[ "$status" = 1 ]
	has "jail: b: exec.consolelog: $R/evil is a symbolic link"
	[ ! -e "$DIR/secret" ]
}

@test "the environment of exec.clean" {
	conf <<-'EOF'
		exec.clean;
		a { exec.poststart = "env";
		    exec.start = "env"; }
	EOF
	export SECRET=x
	run jailf -c
	[ "$status" = 0 ]
	[[ $output != *SECRET* ]]
	[[ $output != *JNAME* ]]
	has 'HOME=/root'
	has "PATH=$LIBEXEC/freebsd:/bin:/usr/bin:/sbin:/usr/sbin"
}

# --- bad input -------------------------------------------------------------

@test "bad parameters: one line each, nothing begun" {
	local p
	conf <<-EOF
		exec.prepare = "touch $DIR/begun"; persist;
		u { bogus = 1; }
		a4 { ip4.addr = 300.1.2.3; }
		a6 { ip6.addr = "::g"; }
		bo { allow.mount = perhaps; }
		z { zfs.dataset = tank/a; }
		f { exec.fib = 3; }
		s { securelevel = high; }
	EOF
	run jailf -c u
	one_line 'jail: u: unknown parameter: bogus'
	run jailf -c a4
	one_line 'jail: a4: ip4.addr: not an IPv4 address: 300.1.2.3'
	run jailf -c a6
	one_line 'jail: a6: ip6.addr: not an IPv6 address: ::g'
	run jailf -c bo
	one_line 'jail: bo: allow.mount: unknown boolean value "perhaps"'
	run jailf -c z
	[ "$status" = 1 ] && [ "${#lines[@]}" = 1 ]
	has 'jail: z: zfs.dataset'
	run jailf -c f
	[ "$status" = 1 ] && [ "${#lines[@]}" = 1 ]
	has 'jail: f: exec.fib'
	run jailf -c s
	one_line 'jail: s: securelevel: non-integer value "high"'
	for p in 'lo|' '|' '/24' 'lo|/24'; do
		run jail -c name=n path="$R" persist ip4.addr="$p"
		one_line 'jail: ip4.addr: not an IPv4 address: '
		run jail -c name=n path="$R" persist ip6.addr="$p"
		one_line 'jail: ip6.addr: not an IPv6 address: '
	done
	# No address at all is one way to say so.
	jail -c name=n path="$R" ip4.addr= command=true
	[ ! -e "$DIR/begun" ]
}

@test "a file where /dev, /proc or a tmpfs belongs: one line, nothing left" {
	mkdir -p "$DIR/f/run"
	touch "$DIR/f/dev"
	run jail -c name=n path="$DIR/f" persist mount.devfs
	one_line 'jail: mount devfs at /dev: /dev: Not a directory'
	rm "$DIR/f/dev"
	touch "$DIR/f/proc"
	run jail -c name=n path="$DIR/f" persist mount.procfs
	one_line 'jail: mount procfs at /proc: /proc: Not a directory'
}

@test "bad paths: one line each, nothing left" {
	mkdir "$R/real"
	ln -s /etc "$R/out"
	ln -s real "$R/in"
	touch "$R/file"
	conf <<-EOF
		persist;
		gone { path = $DIR/none; }
		file { path = $R/file; }
		rel { path = some/where; }
		out { mount = "$DIR \$path/out nullfs rw"; }
		below { mount = "$DIR \$path/out/x nullfs rw"; }
		in { mount = "$DIR \$path/in nullfs rw"; }
		dev { path = $DIR/none; mount.devfs; }
		tab { mount.fstab = $DIR/nofstab; }
		short { mount = "a b"; }
		bad { mount = "a\\\\9 /b c"; }
	EOF
	run jailf -c gone
	one_line "jail: gone: path $DIR/none: No such file or directory"
	run jailf -c file
	one_line "jail: file: path $R/file: Not a directory"
	run jailf -c rel
	one_line 'jail: rel: path some/where: not an absolute pathname'
	run jailf -c out
	one_line "jail: out: mount: $R/out is a symbolic link"
	run jailf -c below
	one_line "jail: below: mount: $R/out is a symbolic link"
	run jailf -c in
	one_line "jail: in: mount: $R/in is a symbolic link"
	run jailf -c dev
	one_line "jail: dev: mount.devfs: $DIR/none/dev: No such file or directory"
	run jailf -c tab
	one_line "jail: tab: mount.fstab: $DIR/nofstab: No such file or directory"
	run jailf -c short
	one_line 'jail: short: mount: a b: missing information'
	run jailf -c bad
	one_line 'jail: bad: mount: a\9 /b c: fstab parse error'
	run gaol_mounts
	[[ $output != *"$R"* ]]
}

@test "bad files: one line each, nothing begun" {
	run jail -f "$DIR/none" -c
	one_line "jail: $DIR/none: No such file or directory"
	conf <<-EOF
		.include "$DIR/missing.conf";
		a { persist; }
	EOF
	run jailf -c
	[ "$status" = 1 ]
	has "$DIR/missing.conf"
	conf <<-'EOF'
		a { persist }
		x;
		b { path = ; }
	EOF
	run jailf -c
	[ "$status" = 1 ]
	is "jail: $CONF line 3: }: syntax error
jail: $CONF line 5: ;: syntax error"
	run jls jid
	is ''
}

@test "a user that is not there" {
	conf <<-'EOF'
		a { exec.start = true; exec.jail_user = nobody9; }
		b { exec.prepare = true; exec.system_user = nobody9; persist; }
	EOF
	run jailf -c a
	[ "$status" = 1 ]
	has 'jail: a: nobody9: no such user'
	run jailf -c b
	one_line 'jail: b: nobody9: no such user'
}

@test "a full disk: one line, nothing left" {
	mkdir "$DIR/full"
	mount -t tmpfs -o size=64k,nr_inodes=12 none "$DIR/full"
	export GAOL_RUN=$DIR/full/run
	dd if=/dev/zero of="$DIR/full/fill" bs=4k >/dev/null 2>&1 || :
	run jail -c name=a path="$R" persist
	umount "$DIR/full"
	[ "$status" = 1 ]
	has 'No space left on device'
	[ "${#lines[@]}" = 1 ]
}

@test "helpers stand in inside for programs that the jail has not" {
	rm "$R/bin/ifconfig"
	conf <<-'EOF'
		vnet; mount.devfs; persist; stop.timeout = 0;
		a { exec.start = "/sbin/ifconfig lo0 127.0.0.1/8 up",
		    "ifconfig lo0"; }
		b { mount.nodevfs; exec.start = "/sbin/ifconfig lo0"; }
	EOF
	run jailf -c a
	[ "$status" = 0 ]
	has 127.0.0.1
	run jailf -c b
	[ "$status" = 1 ]
	has 'jail: b: exec /sbin/ifconfig: No such file or directory'
}

@test "a jail on the host's own root" {
	run jail -c path=/ command=/bin/sh -c 'id -u; test -x /bin/sh'
	[ "$status" = 0 ]
	is 0
	# Without a path the root is the same.
	run jail -c name=s persist
	[ "$status" = 0 ]
	run jls -j s path
	is /
	# The host's /dev is a mount that stays outside; what a program writes
	# to /dev/null must not end on the disk beneath.
	run jail -c path=/ mount.nodevfs mount.noprocfs command=/bin/sh -c \
		'test -c /dev/null && echo x >/dev/null && test -d /proc/1'
	[ "$status" = 0 ]
	run jexec s /bin/sh -c 'test -c /dev/null && test -d /proc/1'
	[ "$status" = 0 ]
}

@test "what falls short on Linux is told once" {
	run jail -c path="$R" allow.raw_sockets ip4=inherit \
		command=/bin/true
	[ "$status" = 0 ]
	# Beside it, the sysctl that was opened for it is told.
	run grep -c 'allow.raw_sockets: without vnet only ICMP echo' <<<"$output"
	is 1
}

@test "whoever starts it may ignore SIGCHLD and have an odd umask" {
	addr 10.99.0.1/32
	conf <<-'EOF'
		persist; stop.timeout = 0;
		a { ip4.addr = "lo|10.99.0.9/32"; exec.start = "true"; }
	EOF
	run hostnet env --ignore-signal=CHLD sh -c "umask 077
		'$BIN/jail' -f '$CONF' -c && '$BIN/jexec' a true &&
		setpriv --reuid 65534 --clear-groups '$BIN/jls' name &&
		'$BIN/jail' -f '$CONF' -r a"
	[ "$status" = 0 ]
	is $'a: created\na\na: removed'
}

@test "-e tells when its output is lost" {
	conf <<<'a { persist; }'
	run hostnet sh -c "'$BIN/jail' -f '$CONF' -e , >/dev/full"
	[ "$status" = 1 ]
	has 'jail: stdout: No space left on device'
}

@test "what killed writers left is tidied away" {
	jail -c path="$R" command=/bin/true
	touch "$GAOL_RUN"/{next,swept}.1
	gaol tidy
	run ls "$GAOL_RUN"/next* "$GAOL_RUN"/swept*
	[ "$status" != 0 ]
}

@test "below ip netns exec, which has mounts of its own" {
	local in_ns="ip netns exec $NETNS $BIN"

	# What that command mounts is gone with it, /sys among it; here pid 1
	# may be looked at, so what all jails share goes to the host's mounts.
	addr 10.99.0.1/32
	run unshare --fork --pid --mount-proc --propagation shared sh -ec "
		$in_ns/jail -c name=n path=$R persist mount.devfs \
		    ip4.addr=10.99.0.1
		nsenter --net=/run/netns/$NETNS $BIN/jail -m name=n ip4.addr=
		nsenter --net=/run/netns/$NETNS $BIN/jls -j n -n ip4.addr
		$in_ns/jexec n test -c /dev/null
		$in_ns/jail -r n; $in_ns/jls name; $BIN/gaol tidy"
	[ "$status" = 0 ]
	is ip4.addr=
	# And where it may not, jails are found from both sides.
	ip netns exec "$NETNS" "$BIN/jail" -c name=n path="$R" persist
	jexec n true
	ip netns exec "$NETNS" "$BIN/jexec" n true
	jail -r n
	no_jails
}

@test "closed standard descriptors are nobody else's" {
	conf <<-'EOF'
		persist; stop.timeout = 0;
		a { exec.poststart = "ls -l /proc/self/fd >$path/fds"; }
	EOF
	hostnet "$BIN/jail" -f "$CONF" -c <&- >&- 2>&-
	run grep -cE ' [0-2] -> /dev/null| 1 -> .*/fds' "$R/fds"
	is 3
}

@test "a reader that goes does not stop a start halfway" {
	conf <<-EOF
		persist; stop.timeout = 0;
		a { exec.poststart = "sleep 0.3", "touch $DIR/done"; }
	EOF
	hostnet "$BIN/jail" -v -f "$CONF" -c | head -n 1
	eventually 30 test -e "$DIR/done"
	run jls name
	is a
}

@test "every parameter has its entry in the manual" {
	local name missing=

	while read -r name; do
		grep -qE "^\\.It Va (.* )?$name( |\$)|^$name( |\$)|^allow.*$name( |\$)" \
			"$REPO/man/jail.8" || missing+=" $name"
	done < <(sed -n 's/^| `\([a-z0-9._]*\)`.*/\1/p' "$REPO/docs/compat.md")
	[ -z "$missing" ] || {
		echo "missing:$missing"
		false
	}
}

@test "the same jail started by several at once: one has it, whole" {
	local i wants=0

	mkroot "$DIR/r"
	mkdir "$DIR/r/mnt"
	for i in 1 2 3 4 5 6; do
		jail -c name=b path="$DIR/r" persist interface=lo \
			ip4.addr=10.0.0.7 exec.prestart="sleep 0.1" \
			mount="tmpfs $DIR/r/mnt tmpfs rw 0 0" \
			>"$DIR/out.$i" 2>&1 3>&- &
		wants+=" $!"
	done
	# shellcheck disable=SC2086
	wait ${wants#0} || :
	run sort -u "$DIR"/out.*
	is 'jail: "b" already exists'
	[ "$(cat "$DIR"/out.* | wc -l)" = 5 ]
	[ "$(jls name)" = b ]
	hostnet ip addr show lo | grep 10.0.0.7
	# Before Linux 6.3 it is the jail's alone, not in the host's list.
	[ "$(jexec b /bin/stat -f -c %t /mnt)" = 1021994 ]
	jail -R b
	! mountpoint -q "$DIR/r/mnt" || umount "$DIR/r/mnt"
}

@test "starts and stops of one jail at once spoil nothing" {
	local p i

	mkroot "$DIR/r"
	mkdir "$DIR/r/mnt"
	cat >"$DIR/c" <<-EOC
		path = $DIR/r; persist; interface = lo;
		mount = "tmpfs $DIR/r/mnt tmpfs rw 0 0";
		b { ip4.addr = 10.0.0.7; }
	EOC
	for p in 1 2 3 4; do
		for i in 1 2 3 4 5 6; do
			jail -f "$DIR/c" -c b
			jail -f "$DIR/c" -r b
		done >"$DIR/log.$p" 2>&1 3>&- &
	done
	wait
	# What another has removed is not there to be removed.
	run grep -hvE 'b: (created|removed)$|"b" (already exists|not found)$' \
		"$DIR"/log.*
	is ''
	jail -f "$DIR/c" -r b >/dev/null 2>&1 || :
	run hostnet ip addr show lo
	[[ $output != *10.0.0.7* ]]
	run grep " $DIR/r/mnt " /proc/mounts
	is ''
	# A stop takes a start with it whose command does not end.
	jail -c name=b path="$DIR/r" interface=lo ip4.addr=10.0.0.7 \
		command=sleep 1000 3>&- 2>/dev/null &
	eventually 30 jls -j b >/dev/null
	hostnet timeout 60 "$BIN/jail" -r b
	wait
	run hostnet ip addr show lo
	[[ $output != *10.0.0.7* ]]
}

@test "a hook may start another jail, not the one it is a hook of" {
	mkroot "$DIR/r"
	cat >"$DIR/c" <<-EOC
		path = $DIR/r; persist; exec.timeout = 60;
		a { exec.prestart = "$BIN/jail -f $DIR/c -c b";
		    exec.poststop = "$BIN/jail -f $DIR/c -r b"; }
		b { exec.prestart = "true"; }
		c { exec.prestart = "$BIN/jail -f $DIR/c -c c"; }
		d { exec.clean; exec.poststop = "$BIN/jail -f $DIR/c -c d"; }
		e { exec.poststart = "$BIN/jail -f $DIR/c -m e";
		    exec.prestop = "$BIN/jail -f $DIR/c -m e"; }
	EOC
	jail -q -f "$DIR/c" -c a
	[ "$(jls name | sort | tr '\n' ' ')" = "a b " ]
	jail -q -f "$DIR/c" -r a
	[ -z "$(jls name)" ]
	run jail -f "$DIR/c" -c c
	[ "$status" = 1 ]
	has 'jail: c: jail "c" is being started or stopped by who runs this command'
	jail -q -f "$DIR/c" -c d
	run jail -f "$DIR/c" -r d
	[ "$status" = 1 ]
	has "being started or stopped"
	jail -q -f "$DIR/c" -c e
	jail -q -f "$DIR/c" -r e
	[ -z "$(jls name)" ]
}
