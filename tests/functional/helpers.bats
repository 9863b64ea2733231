#!/usr/bin/env bats
# helpers.bats - the FreeBSD-syntax programs of hooks: mount, umount, sysctl,
# sysrc, kldload and its siblings, devfs, jib. Every mount is made in a mount
# namespace of its own, every setting in the test's network namespace.
# shellcheck disable=SC2016 # $D and the like belong to the inner shell
load lib

# scene SCRIPT: run it by sh -eu, in a mount namespace of its own and the test's
# network namespace, in $DIR, with the helpers first in PATH. $output and
# $status are its.
scene() {
	run hostnet unshare --mount --uts --propagation private \
		env PATH="$LIBEXEC/freebsd:$PATH" GAOL_RUN="$GAOL_RUN" D="$DIR" \
		sh -eu -c "cd $DIR; trap '/bin/umount -l $GAOL_RUN/devfs/* \
2>/dev/null || :; rm -rf $GAOL_RUN' EXIT; $1"
	if [ "$status" -ne "${2-0}" ]; then
		echo "status $status: $output"
		return 1
	fi
}

# --- mount and umount -------------------------------------------------------

@test "mount: nullfs shows a directory elsewhere, without what is mounted below" {
	mkdir -p "$DIR/src/sub" "$DIR/dst"
	echo text >"$DIR/src/file"
	scene '
		mount -t tmpfs tmpfs $D/src/sub
		echo below >$D/src/sub/x
		mount -t nullfs $D/src $D/dst
		cat dst/file
		ls dst/sub
		umount $D/dst
		ls dst'
	is text
}

@test "mount: nullfs -o ro cannot be written, -u changes that" {
	mkdir "$DIR/src" "$DIR/dst"
	scene '
		mount_nullfs -o ro $D/src $D/dst
		touch dst/no 2>/dev/null && exit 9
		mount -u -o rw $D/dst
		touch dst/yes
		mount -ur $D/dst
		touch dst/no 2>/dev/null && exit 9
		touch src/other
		mount -p | grep $D/dst'
	is "$DIR/src		$DIR/dst	nullfs	ro	0 0"
	[ -f "$DIR/src/yes" ]
}

@test "mount: noatime is taken when mounting and by -u" {
	mkdir "$DIR/n"
	scene '
		mount -t nullfs -o noatime /etc $D/n
		findmnt -no OPTIONS $D/n | grep -ow noatime
		umount $D/n
		mount -t tmpfs tmpfs $D/n
		findmnt -no OPTIONS $D/n | grep -ow noatime || echo atime
		mount -u -o noatime $D/n
		findmnt -no OPTIONS $D/n | grep -ow noatime
		umount $D/n'
	is $'noatime\natime\nnoatime'
}

@test "mount: nullfs of a single file, and of a path with blanks" {
	mkdir "$DIR/a b" "$DIR/c d"
	echo one >"$DIR/a b/f"
	: >"$DIR/g"
	scene '
		mount -t nullfs "$D/a b/f" $D/g
		cat g
		mount -t nullfs "$D/a b" "$D/c d"
		mount | grep "c d"
		umount "$D/c d"
		umount $D/g'
	is "one
$DIR/a b on $DIR/c d (nullfs, local)"
}

@test "mount: tmpfs takes FreeBSD's options, and the place's owner and mode" {
	mkdir "$DIR/t"
	chown 1001:1002 "$DIR/t"
	chmod 750 "$DIR/t"
	scene '
		mount -t tmpfs tmpfs $D/t
		stat -c "%a %u %g" t
		umount $D/t
		mount -t tmpfs -o rw,size=8m,mode=1777,uid=5 tmpfs $D/t
		stat -c "%a %u %g" t
		df --output=size -k t | tail -n 1 | tr -d " "
		umount tmpfs
		stat -c "%a %u %g" t'
	is "750 1001 1002
1777 5 1002
8192
750 1001 1002"
}

@test "mount: unionfs puts a layer above, or with -o below beneath" {
	mkdir "$DIR/one" "$DIR/two"
	echo 1 >"$DIR/one/a"
	echo 2 >"$DIR/two/b"
	scene '
		mount -t unionfs $D/one $D/two
		cat two/a two/b
		echo new >two/c
		mount | grep unionfs
		umount $D/two
		ls two one
		mount -t unionfs -o below $D/one $D/two
		cat two/a two/b
		echo new >two/d
		umount -t unionfs $D/two
		ls two one
		ls -A'
	is "1
2
<above>:$DIR/one on $DIR/two (unionfs, local)
one:
a
c

two:
b
1
2
one:
a
c

two:
b
d
one
two"
}

@test "mount: procfs and linsysfs are there and go again" {
	mkdir "$DIR/p" "$DIR/s"
	scene '
		mount -t linprocfs linprocfs $D/p
		test -d p/self/fd
		mount -t linsysfs linsys $D/s
		test -d s/class/net
		umount -t linprocfs $D/p
		umount $D/s
		ls p s'
	is "p:

s:"
}

@test "mount: devfs is a jail's, fdescfs its link; each undone by umount" {
	mkdir "$DIR/dev"
	scene '
		mount -t devfs -o ruleset=4 devfs $D/dev
		test -c dev/null; test -c dev/tty; test -d dev/pts
		test -e dev/kmsg && exit 9
		echo x >dev/null
		touch dev/x 2>/dev/null && exit 9
		mount -t fdescfs fdesc $D/dev/fd
		umount -t fdescfs $D/dev/fd
		umount -t devfs $D/dev
		ls dev
		mount -t fdescfs fdesc $D/dev' 1
	is "mount: $DIR/dev: not a link to /proc/self/fd; mount a devfs there first"
}

@test "mount -a -F: lines in order, twice is once; umount -a -F: backward" {
	mkdir "$DIR/base" "$DIR/root"
	mkdir "$DIR/base/tmp"
	cat >"$DIR/fstab" <<-END
		# comment
		$DIR/base $DIR/root nullfs ro 0 0

		tmpfs $DIR/root/tmp tmpfs rw,size=1m,mode=1777 0 0
		$DIR/none $DIR/base nullfs noauto 0 0
		$DIR/none $DIR/base nullfs rw,failok 0 0
		$DIR/swap none swap sw 0 0
	END
	scene '
		mount -a -F fstab
		mount -a -F fstab 2>/dev/null
		mount | grep -c "$D/root"
		touch root/tmp/x
		umount -F fstab -a 2>/dev/null || :
		mount | grep -c "$D/root" || :'
	is "mount: $DIR/none: No such file or directory
2
0"
}

@test "mount: mistakes are told in one line and mount nothing" {
	mkdir "$DIR/a" "$DIR/b"
	scene '
		mount -t nullfs $D/none $D/b || echo 1
		mount -t nullfs $D/a $D/none || echo 2
		mount -t nullfs -o size=1m $D/a $D/b || echo 3
		mount -t tmpfs -o size=lots tmpfs $D/b || echo 4
		mount -t tmpfs -o mode=9 tmpfs $D/b || echo 5
		mount -t devfs -o ruleset=777 devfs $D/b || echo 6
		umount $D/a || echo 7
		umount -t tmpfs nosuch || echo 8
		mount -t nosuchfs x $D/b >/dev/null 2>&1 || echo 9
		mount | grep -c $D || :'
	is "mount: $DIR/none: No such file or directory
1
mount: $DIR/none: No such file or directory
2
mount: nullfs: option 'size=1m' is not supported
3
mount: bad value for size: lots
4
mount: invalid mode: 9
5
mount: devfs ruleset 777: no devfs ruleset 777
6
umount: $DIR/a: not a file system root directory
7
umount: nosuch: unknown file system
8
9
0"
}

@test "mount: below \$JPATH no link is followed, by umount neither" {
	mkdir -p "$DIR/jail/real" "$DIR/host"
	ln -s "$DIR/host" "$DIR/jail/link"
	scene '
		export JPATH=$D/jail
		mount -t tmpfs tmpfs $D/jail/real
		umount $D/jail/real
		mount -t tmpfs tmpfs $D/jail/link || echo refused
		mount -t tmpfs tmpfs $D/host
		umount $D/jail/link || echo refused
		umount $D/jail/link/. || echo refused
		umount $D/host'
	is "mount: $DIR/jail/link is a symbolic link
refused
umount: $DIR/jail/link: not a file system root directory
refused
umount: $DIR/jail/link is a symbolic link
refused"
}

@test "umount: busy is refused, -f is not" {
	mkdir "$DIR/t"
	scene '
		mount -t tmpfs tmpfs $D/t
		exec 3>t/open
		umount $D/t || echo busy
		umount -f $D/t
		mount | grep -c $D || :'
	is "umount: unmount of $DIR/t failed: Device or resource busy
busy
0"
}

@test "mount: other types go to the system's mount" {
	mkdir "$DIR/r"
	scene '
		mount -t ramfs ramfs $D/r
		mount | grep $D/r
		umount $D/r'
	is "ramfs on $DIR/r (ramfs, local)"
}

# --- sysctl -----------------------------------------------------------------

@test "sysctl: reads, sets and tells old -> new" {
	run helper sysctl net.inet.ip.forwarding=1 net.inet6.ip6.forwarding
	is "net.inet.ip.forwarding: 0 -> 1
net.inet6.ip6.forwarding: 0"
	run helper sysctl -n net.inet.ip.forwarding
	is 1
	run helper sysctl -e net.inet.ip.forwarding
	is net.inet.ip.forwarding=1
	run helper sysctl -d net.inet.ip.forwarding
	is "net.inet.ip.forwarding: Enable IP forwarding between interfaces"
	run hostnet cat /proc/sys/net/ipv4/ip_forward
	is 1
}

@test "sysctl: a name that is not there, read only, or not a number" {
	run helper sysctl nosuch.oid
	[ "$status" -eq 1 ]
	is "sysctl: unknown oid 'nosuch.oid'"
	run helper sysctl -q nosuch.oid=1
	[ "$status" -eq 1 ]
	is ""
	run helper sysctl -i nosuch.oid hw.byteorder
	[ "$status" -eq 0 ]
	is "hw.byteorder: 1234"
	run helper sysctl hw.ncpu=64
	[ "$status" -eq 1 ]
	is "sysctl: oid 'hw.ncpu' is read only"
	run helper sysctl kern.racct.enable=1
	[ "$status" -eq 1 ]
	is "sysctl: oid 'kern.racct.enable' is a read only tunable
sysctl: Tunable values are set in /boot/loader.conf"
	run helper sysctl net.inet.ip.forwarding=yes
	[ "$status" -eq 1 ]
	is "sysctl: invalid integer 'yes'"
	run helper sysctl net.inet.ip.forwarding=
	[ "$status" -eq 1 ]
	is "sysctl: empty numeric value"
}

@test "sysctl: what Linux always does takes that value only" {
	run helper sysctl net.inet.ip.random_id=1
	[ "$status" -eq 0 ]
	is "net.inet.ip.random_id: 1 -> 1"
	run helper sysctl net.inet.ip.random_id=0
	[ "$status" -eq 1 ]
	is "net.inet.ip.random_id: 1
sysctl: net.inet.ip.random_id: Operation not supported"
}

@test "sysctl: converts units and finds words in lists" {
	run helper sysctl net.inet.tcp.keepidle=60000 \
		net.inet.ip.portrange.last=50000
	[ "$status" -eq 0 ]
	run hostnet cat /proc/sys/net/ipv4/tcp_keepalive_time \
		/proc/sys/net/ipv4/ip_local_port_range
	is "60
32768	50000"
}

@test "sysctl: the host is not jailed; jail parameters are listed" {
	run helper sysctl -n security.jail.jailed security.jail.vnet
	is "0
0"
	run helper sysctl security.jail.param.host.hostname
	has "security.jail.param.host.hostname: "
	run helper sysctl -dn security.jail.param.path
	[ -n "$output" ]
	run helper sysctl -N security.jail.param
	has security.jail.param.allow.raw_sockets
}

@test "sysctl: hostname, in a namespace of its own" {
	scene 'sysctl kern.hostname=web; sysctl -n kern.hostname; hostname'
	has "-> web
web
web"
}

@test "sysctl -f: lines of a file, each mistake told" {
	printf '# a comment\nnet.inet.ip.ttl=32 # ours\n\nnosuch=2\n' >"$DIR/f"
	run helper sysctl -f "$DIR/f"
	[ "$status" -eq 1 ]
	is "net.inet.ip.ttl: 64 -> 32
sysctl: unknown oid 'nosuch'"
}

# --- sysrc ------------------------------------------------------------------

@test "sysrc: sets, adds, takes away, tells and deletes" {
	mkdir "$DIR/etc"
	run helper sysrc -R "$DIR" hostname=web cloned_interfaces+=lo1
	is "hostname:  -> web
cloned_interfaces:  -> lo1"
	run helper sysrc -R "$DIR" cloned_interfaces+="lo2 lo1"
	is "cloned_interfaces: lo1 -> lo1 lo2"
	run helper sysrc -R "$DIR" cloned_interfaces-=lo1 hostname
	is "cloned_interfaces: lo1 lo2 -> lo2
hostname: web"
	run helper sysrc -R "$DIR" -n hostname
	is web
	run helper sysrc -R "$DIR" -e hostname
	is 'hostname="web"'
	run helper sysrc -R "$DIR" -a
	is "cloned_interfaces: lo2
hostname: web"
	run helper sysrc -R "$DIR" -x hostname
	[ "$status" -eq 0 ]
	is ""
	run cat "$DIR/etc/rc.conf"
	is 'cloned_interfaces="lo2"'
	run helper sysrc -R "$DIR" hostname
	[ "$status" -eq 1 ]
	is "sysrc: unknown variable 'hostname'"
}

@test "sysrc -c: says by its status whether something would change" {
	mkdir "$DIR/etc"
	echo 'a="1"' >"$DIR/etc/rc.conf"
	helper sysrc -R "$DIR" -c a=1
	run helper sysrc -R "$DIR" -c a=2
	[ "$status" -eq 1 ]
	is ""
	run helper sysrc -R "$DIR" -c b=2
	[ "$status" -eq 1 ]
	run cat "$DIR/etc/rc.conf"
	is 'a="1"'
}

@test "sysrc -f: any file; mode, owner, comments and other lines stay" {
	printf 'x=1 # one\n  y="2"\n# end\n' >"$DIR/conf"
	chmod 640 "$DIR/conf"
	chown 0:1001 "$DIR/conf"
	run helper sysrc -f "$DIR/conf" 'y=a "b" $c' z=3
	is "y: 2 -> a \"b\" \$c
z:  -> 3"
	run cat "$DIR/conf"
	is 'x=1 # one
  y="a \"b\" \$c"
# end
z="3"'
	run stat -c '%a %g' "$DIR/conf"
	is "640 1001"
	run ls -A "$DIR"
	is conf
	run sh -c ". $DIR/conf; echo \"\$y\""
	is 'a "b" $c'
}

@test "sysrc: a broken file is not touched, a link in a jail not followed" {
	mkdir -p "$DIR/etc" "$DIR/host"
	echo 'a="open' >"$DIR/etc/rc.conf"
	run helper sysrc -R "$DIR" b=1
	[ "$status" -eq 1 ]
	is "sysrc: /etc/rc.conf: line 1: unterminated quoted string"
	echo 'secret=1' >"$DIR/host/rc.conf"
	ln -sf "$DIR/host/rc.conf" "$DIR/etc/rc.conf"
	run helper sysrc -R "$DIR" secret
	[ "$status" -eq 1 ]
	is "sysrc: $DIR/etc/rc.conf is a symbolic link"
	rm -r "${DIR:?}/etc"
	ln -s "$DIR/host" "$DIR/etc"
	run helper sysrc -R "$DIR" b=1
	[ "$status" -eq 1 ]
	is "sysrc: $DIR/etc is a symbolic link"
	run cat "$DIR/host/rc.conf"
	is secret=1
}

# --- kld --------------------------------------------------------------------

@test "kldload: a known module needs nothing, an unknown cannot be loaded" {
	run helper kldload if_epair
	[ "$status" -eq 0 ]
	is "kldload: if_epair: nothing to load: Linux has veth"
	run helper kldload -n if_bridge pf.ko
	[ "$status" -eq 0 ]
	is ""
	run helper kldload -n nosuch
	[ "$status" -eq 1 ]
	is "kldload: can't load nosuch: No such file or directory"
	helper kldstat -q -m if_bridge
	run helper kldstat -q -m nosuch
	[ "$status" -eq 1 ]
	run helper kldunload if_bridge
	[ "$status" -eq 1 ]
	is "kldunload: can't unload if_bridge: Device or resource busy"
}

# --- jib --------------------------------------------------------------------

@test "jib: makes a bridge and a pair for each interface, and destroys them" {
	hostnet ip link add up0 type veth peer name up0peer
	run helper jib addm web up0
	[ "$status" -eq 0 ] || { echo "$output" && false; }
	run helper ifconfig up0bridge
	has "member: up0"
	has "member: e0a_web"
	run helper jib show web
	is e0a_web
	run helper jib list
	is web
	run helper ifconfig e0b_web ether
	first=$output
	run helper jib addm web up0
	[ "$status" -eq 1 ]
	is "jib: e0a_web: already exists"
	helper jib destroy web
	helper jib addm web up0
	run helper ifconfig e0b_web ether
	is "$first"
	helper jib destroy web
	run helper jib show
	is ""
}
