#!/usr/bin/env bats
# devfs.bats - devfs.rules(5) and what a jail's /dev then holds.
# shellcheck disable=SC2016 # $D and the like belong to the inner shell
load lib

# scene SCRIPT [STATUS]: by sh -eu in a mount namespace of its own, with an
# /etc of its own that can be written.
scene() {
	mkdir -p "$DIR/upper" "$DIR/ovl"
	run hostnet unshare --mount --propagation private \
		env PATH="$LIBEXEC/freebsd:$BIN:$PATH" GAOL_RUN="$GAOL_RUN" \
		D="$DIR" sh -eu -c "
			/bin/mount -t tmpfs x $DIR/ovl
			mkdir $DIR/ovl/u $DIR/ovl/w
			/bin/mount -t overlay x -o \
lowerdir=/etc,upperdir=$DIR/ovl/u,workdir=$DIR/ovl/w /etc
			cd $DIR
			trap '/bin/umount -l $GAOL_RUN/devfs/* 2>/dev/null || :; \
rm -rf $GAOL_RUN' EXIT
			$1"
	if [ "$status" -ne "${2-0}" ]; then
		echo "status $status: $output"
		return 1
	fi
}

@test "devfs: the built-in rulesets are 1 to 5, with Linux's names" {
	run helper devfs rule showsets
	is "1
2
3
4
5"
	run helper devfs rule -s 1 show
	is "100 hide"
	run helper devfs rule -s 4 show
	is "100 include 1
200 include 2
300 include 3
400 path fuse mode 666 unhide" || is "100 include 1
200 include 2
300 include 3
400 path fuse unhide mode 666
500 path zfs unhide"
	run helper devfs rule -s 77 show
	[ "$status" -eq 1 ]
	is "devfs: no devfs ruleset 77"
}

@test "devfs: rulesets 4 and 5 show a jail's nodes and no more" {
	mkdir "$DIR/dev"
	scene '
		for set in 4 5; do
			mount -t devfs -o ruleset=$set devfs $D/dev
			find dev -xdev -type b
			find dev -xdev -type c ! -name fuse ! -name zfs -printf "%f %m\n" |
				sort
			readlink dev/ptmx dev/fd dev/stdin dev/log
			umount $D/dev
		done'
	one="full 666
null 666
random 666
tty 666
urandom 666
zero 666
pts/ptmx
/proc/self/fd
/proc/self/fd/0
/run/log"
	is "$one
$one"
}

@test "devfs: ruleset 1 hides all" {
	mkdir "$DIR/dev"
	scene '
		mount -t devfs -o ruleset=1 devfs $D/dev
		find dev -xdev ! -type d'
	is ""
}

@test "devfs: /etc/devfs.rules adds and replaces, at once" {
	mkdir "$DIR/dev"
	scene '
		mount -t devfs -o ruleset=4 devfs $D/dev
		test -e dev/kmsg && exit 9
		cat >/etc/devfs.rules <<-END
			# ours
			[devfsrules_mine=10]
			add include \$devfsrules_hide_all
			add include \$devfsrules_unhide_basic
			add include \$devfsrules_unhide_login
			add path '"'kms*'"' unhide mode 0600
			add path '"'tun*'"' unhide
			[devfsrules_unhide_basic=2]
			add path null unhide
		END
		devfs rule showsets | tr "\n" " "; echo
		umount $D/dev
		mount -t devfs -o ruleset=10 devfs $D/dev
		test -c dev/kmsg
		test -c dev/net/tun || test ! -c /dev/net/tun
		ls dev/zero 2>/dev/null || echo no zero
		umount $D/dev'
	is "1 2 3 4 5 10 
no zero"
}

@test "devfs: a mistake in the rules is told with file and line, nothing made" {
	mkdir "$DIR/dev"
	scene '
		printf "[x=9]\nadd paht null\n" >/etc/devfs.rules
		mount -t devfs -o ruleset=4 devfs $D/dev || echo failed
		devfs rule showsets || echo failed
		ls dev'
	is "mount: devfs ruleset 4: /etc/devfs.rules line 2: unknown argument: paht
failed
devfs: /etc/devfs.rules line 2: unknown argument: paht
failed"
}

@test "devfs: -m DIR ruleset N changes a devfs that a hook mounted" {
	mkdir "$DIR/dev" "$DIR/plain"
	scene '
		mount -t devfs devfs $D/dev
		test -c dev/null
		devfs -m $D/dev ruleset 1
		ls dev/null 2>/dev/null || echo hidden
		devfs -m $D/dev rule -s 4 applyset
		test -c dev/null
		devfs -m $D/dev rule applyset
		mount | grep -c "on $D/dev "
		devfs -m $D/plain ruleset 4 || echo refused
		devfs ruleset 4 || echo refused
		devfs rule -s 9 add path x unhide || echo refused
		devfs -m $D/dev rule apply path x unhide || echo refused'
	is "hidden
1
devfs: $DIR/plain: no devfs is mounted there; what a jail mounts by itself has \
the ruleset of its devfs_ruleset parameter
refused
devfs: /dev: is the host's own; name a jail's with -m
refused
devfs: add: rules are kept in /etc/devfs.rules; edit them there
refused
devfs: apply: a single rule cannot be applied; make a ruleset of it in \
/etc/devfs.rules and give its number to devfs_ruleset
refused"
}

@test "devfs: a jail's /dev is its root's, read-only, with the helpers" {
	mkroot "$DIR/root"
	run jail -c name=d path="$DIR/root" mount.devfs exec.clean \
		command=/bin/sh -c '
		stat -c "%u %a %F" /dev/null /dev/tty
		echo x >/dev/null
		head -c 4 /dev/urandom | wc -c
		touch /dev/x 2>/dev/null || echo read-only
		mknod /tmp/n c 1 3 2>/dev/null || echo no mknod
		ls /dev/kmsg /dev/mem 2>/dev/null || echo hidden
		test -x /dev/gaol/sysctl
		/dev/gaol/sysctl -n security.jail.jailed security.jail.vnet
		/dev/gaol/sysctl kern.version=1 || echo refused
		readlink /dev/log'
	[ "$status" -eq 0 ] || { echo "$output" && false; }
	has "4
read-only
no mknod
hidden
1
0"
	# Without idmapping (before Linux 6.3) the nodes are nobody's.
	if gaol doctor | grep -q '^idmapped tmpfs  *yes'; then
		[[ ${lines[0]} == "0 666 character special file" ]]
	else
		has "65534 666 character special file"
	fi
	has /run/log
}

@test "devfs: jails of one ruleset share one template; the last one's is gone" {
	local templates i

	mkroot "$DIR/root"
	for i in 1 2 3; do
		jail -c name=s$i path="$DIR/root" mount.devfs persist
	done
	run ls "$GAOL_RUN/devfs"
	# Both where the first cannot be idmapped.
	is 4.own || is $'4\n4.own'
	templates=${#lines[@]}
	# Each is a mount, and one of the helpers in it.
	run sh -c "findmnt -rno TARGET | grep -c $GAOL_RUN/devfs/4"
	[ "$output" = $((2 * templates)) ]
	jail -R '*'
	gaol tidy
	[ ! -e "$GAOL_RUN/devfs" ]
}

@test "devfs: helpers mount inside a jail that may" {
	mkroot "$DIR/root"
	mkdir "$DIR/root/mnt"
	run jail -c name=m path="$DIR/root" mount.devfs allow.mount \
		allow.mount.tmpfs allow.mount.nullfs allow.mount.devfs \
		enforce_statfs=1 exec.clean command=/bin/sh -c '
		g=/dev/gaol # by path: busybox has a mount of its own
		$g/mount -t tmpfs -o size=1m,mode=700 tmpfs /mnt
		stat -c %a /mnt
		$g/umount /mnt
		$g/mount -t nullfs -o ro /etc /mnt
		cat /mnt/hosts
		$g/umount /mnt
		$g/mount -t devfs devfs /mnt
		test -c /mnt/null && echo devfs
		$g/umount -f /mnt
		$g/mount -t devfs -o ruleset=0 devfs /mnt || echo refused
		$g/sysrc hostname=inside'
	[ "$status" -eq 0 ] || { echo "$output" && false; }
	has "700
127.0.0.1 localhost
devfs
mount: /mnt: Operation not permitted
refused
hostname:  -> inside"
	[ "$(cat "$DIR/root/etc/rc.conf")" = 'hostname="inside"' ]
}

@test "sysctl -j, sysrc -j: run inside the jail" {
	mkroot "$DIR/root"
	jail -c name=j path="$DIR/root" host.hostname=inner mount.devfs persist
	run helper sysctl -j j -n kern.hostname security.jail.jailed
	is "inner
1"
	run helper sysrc -j j a=1
	is "a:  -> 1"
	run cat "$DIR/root/etc/rc.conf"
	is 'a="1"'
}

@test "/dev/gaol shows programs only, and nothing that leads out" {
	mkroot "$DIR/root"
	jail -c name=d path="$DIR/root" mount.devfs persist
	run jexec d /bin/sh -c 'cd /dev/gaol; for f in *; do
		[ -f "$f" ] && [ -x "$f" ] || echo "$f"; done'
	is ""
	run jexec d /bin/ls /dev/gaol
	for f in ifconfig route mount umount sysctl sysrc kldload kldstat \
		mount_nullfs devfs jib; do
		has "$f"
	done
	# Hooks find all these, and jail(8) and its kin, on the host.
	for f in "$LIBEXEC"/inside/* jail jexec jls gaol; do
		[ -x "$LIBEXEC/freebsd/$(basename "$f")" ]
	done
	jail -R d
}
