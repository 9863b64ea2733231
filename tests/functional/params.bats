#!/usr/bin/env bats
# What docs/compat.md says of parameters, seen from inside. The jails share the
# host's root, so that python3 can make the calls.
load lib

setup() {
	gaol_setup
	[ -n "$(command -v python3)" ] || skip "needs python3"
	cp "$BATS_TEST_DIRNAME/try.py" "$DIR/try.py"
}

# mkjail [PARAM ...]: the jail "j" with the host's root.
mkjail() {
	jail -c name=j path=/ persist "$@" 2>"$DIR/said" || {
		cat "$DIR/said"
		return 1
	}
}

# inside CALL ...: how each ends, in one line.
inside() {
	jexec j python3 "$DIR/try.py" "$@" 2>&1 | tr '\n' ' ' | sed 's/ $//'
}

# gives TEXT CALL ...: inside says just that.
gives() {
	output=$(inside "${@:2}")
	is "$1"
}

@test "System V IPC: disabled calls do not exist, new has keys of its own" {
	local id
	id=$(ipcmk -M 45056 -p 0666 | grep -o '[0-9]*$')
	mkjail sysvshm=new sysvsem=disable
	gives "shmget: ok semget: ENOSYS msgget: ENOSYS" shmget semget msgget
	run ipcs -m
	has " 45056 "
	run jexec j ipcs -m
	[ "$status" = 0 ]
	[[ $output != *45056* ]]
	ipcrm -m "$id"
	run jls -n sysvshm sysvsem sysvmsg
	is "sysvshm=new sysvsem=disable sysvmsg=disable"
	jail -m name=j sysvmsg=new
	gives "shmget: ok semget: ENOSYS msgget: ok" shmget semget msgget
}

@test "System V IPC: inherit is the host's, allow.sysvipc stands for it" {
	python3 -c 'import ctypes
assert ctypes.CDLL(None).shmget(0x6a01, 4096, 0o1666) >= 0'
	mkjail allow.sysvipc
	run inside shm-of-host semget
	ipcrm -M 0x6a01
	is "shm-of-host: ok semget: ok"
	run jls sysvmsg sysvsem sysvshm
	is "inherit inherit inherit"
	run jail -m name=j sysvshm=new
	[ "$status" = 1 ]
	has "cannot be changed after creation"
	jail -r j
	run jail -c name=j path=/ persist sysvshm=new sysvmsg=inherit
	[ "$status" = 1 ]
	has "one IPC namespace for the three"
}

@test "host=inherit is the host's names, out of the jail's reach" {
	mkjail host=inherit
	run jexec j hostname
	is "$(hostname)"
	run jls host.hostname
	is "$(hostname)"
	gives "sethostname: EPERM" sethostname
	run jail -m name=j host.hostname=evil
	[ "$status" = 1 ]
	has "host.hostname cannot be changed"
	[ "$(hostname)" != evil ]
	run jail -c name=k path=/ persist host=disable
	[ "$status" = 1 ]
	has "host = disable is refused"
}

@test "a host name of its own means host=new" {
	mkjail host=inherit host.hostname=mine
	run jexec j hostname
	is mine
	run jls host
	is new
	[ "$(hostname)" != mine ]
}

@test "host names and their limits" {
	mkjail host.hostname=h host.domainname=d host.hostid=42 \
		host.hostuuid=1234
	run jexec j sh -c 'hostname; domainname'
	is $'h\nd'
	run jls host.hostname host.domainname host.hostid host.hostuuid
	is "h d 42 1234"
	jail -m name=j host.hostname=h2 host.domainname=d2
	run jexec j sh -c 'hostname; domainname'
	is $'h2\nd2'
	run jail -m name=j host.hostname="$(printf '%065d' 0)"
	[ "$status" = 1 ]
	has "host.hostname: longer than 64 bytes"
}

@test "osrelease is told by jls, uname stays Linux's" {
	mkjail osrelease=14.2-RELEASE osreldate=1402000
	run jls osrelease osreldate
	is "14.2-RELEASE 1402000"
	run jexec j uname -r
	is "$(uname -r)"
	jail -r j
	mkjail
	run jls osrelease linux.osrelease
	is "$(uname -r) $(uname -r)"
}

@test "a name may hold a slash, as on FreeBSD" {
	local name

	jail -c name=a/b path=/ persist children.max=2
	jail -c name=a/b.c/d path=/ persist
	run jls -j a/b children.cur
	is 1
	jail -m jid="$(jls -j a/b jid)" name=z/y
	run jls name
	is $'z/y\nz/y.c/d'
	for name in ../jails a/../b; do
		run jail -c name="$name" path=/ persist
		[ "$status" = 1 ]
	done
	jail -r z/y
	no_jails
}

@test "a change that fails leaves all as it was" {
	local -a shown=(name ip4.addr children.max host.hostname)
	local jid before p
	jail -c name=other path=/ persist ip4.addr=10.9.0.2,10.9.0.3
	mkjail ip4.addr=10.9.0.1,10.9.0.4 children.max=2 host.hostname=h
	jail -c name=j.k path=/ persist
	jid=$(jls -j j jid)
	before=$(jls "${shown[@]}")
	for p in ip4.addr=10.9.0.7,10.9.0.3 host.hostid=x; do
		run jail -m jid="$jid" name=new host.hostname=changed \
			children.max=1 "$p"
		[ "$status" = 1 ]
		run jls "${shown[@]}"
		is "$before"
		run jexec j hostname
		is h
		run jexec j cat /proc/sys/user/max_user_namespaces
		is 2
	done
	# Nor is the new name held by anybody, nor the address.
	jail -c name=new path=/ persist ip4.addr=10.9.0.7,10.9.0.8
	run jls -j new.k
	[ "$status" = 1 ]
}

@test "a renamed jail takes its children along" {
	local name

	jail -c name=a path=/ persist children.max=3
	jail -c name=a.b path=/ persist children.max=1
	jail -c name=a.b.c path=/ persist
	jail -c name=other path=/ persist
	jail -m jid="$(jls -j a.b jid)" name=a.x
	jail -m jid="$(jls -j a jid)" name=z
	run jls name
	is $'z\nz.x\nz.x.c\nother'
	run jail -m jid="$(jls -j z jid)" name=other
	has 'jail "other" already exists'
	for name in x other.x other.z z.y.x; do
		run jail -m jid="$(jls -j z.x jid)" name="$name"
		[ "$status" = 1 ]
		has "cannot change jail's parent"
	done
	jail -r z
	run jls name
	is other
}

@test "children.max opens namespaces, and only it does" {
	mkjail
	gives "newuser: EPERM" newuser
	jail -r j
	mkjail children.max=1 mount.procfs
	gives "newuser: ok" newuser
	jail -m name=j children.max=0
	gives "newuser: EPERM" newuser
	jail -m name=j children.max=1
	run jexec j unshare -Ur unshare -U true
	[ "$status" != 0 ]
	jail -m name=j children.max=2
	# The kernel frees namespaces a little after their last process.
	eventually 30 jexec j unshare -Ur unshare -U true
}

@test "a child has no more than its parent" {
	mkjail securelevel=2 children.max=2 allow.noset_hostname
	jail -c name=j.k path=/ persist 2>/dev/null
	run jls -j j.k -n securelevel allow.set_hostname
	is "securelevel=2 allow.noset_hostname"
	jail -r j.k
	run jail -c name=j.k path=/ persist securelevel=1
	[ "$status" = 1 ]
	has "securelevel: below the parent's"
	run jail -c name=j.k path=/ persist allow.mlock
	[ "$status" = 1 ]
	has allow.mlock
	run jls name
	is j
	jail -c name=j.k path=/ persist 2>/dev/null
	run jail -m name=j.k securelevel=1
	[ "$status" = 1 ]
	has "securelevel: below the parent's"
	run jail -m name=j.k allow.mlock
	[ "$status" = 1 ]
	has allow.mlock
	run jls -j j.k -n securelevel allow.mlock
	is "securelevel=2 allow.nomlock"
}

@test "securelevel 3 closes the firewall of a VNET jail" {
	mkjail vnet securelevel=2
	gives "netfilter: ok" netfilter
	jail -r j
	mkjail vnet securelevel=3
	gives "netfilter: EPROTONOSUPPORT" netfilter
}

@test "ip4 and ip6: disabled families have no sockets, inherited ones do" {
	mkjail
	gives "ip4: EPROTONOSUPPORT ip6: EPROTONOSUPPORT" ip4 ip6
	run jls ip4 ip6
	is "disable disable"
	jail -r j
	mkjail ip4=inherit
	gives "ip4: ok ip6: EPROTONOSUPPORT" ip4 ip6
	run jls ip4 ip6
	is "inherit disable"
}

@test "allow.raw_sockets: ping only on the host's stack, all in a VNET jail" {
	mkjail ip4=inherit
	gives "raw: EPERM ping: EACCES" raw ping
	jail -r j
	mkjail ip4=inherit allow.raw_sockets
	[[ $(<"$DIR/said") == *"only ICMP echo (ping) works"* ]]
	[[ $(<"$DIR/said") == *"ping_group_range is now "* ]]
	gives "raw: EPERM ping: ok" raw ping
	jail -r j
	mkjail vnet
	[ ! -s "$DIR/said" ]
	gives "raw: ok packet: ok" raw packet
}

@test "allow.mount needs a type and enforce_statfs below 2" {
	local words
	for words in "" "allow.mount enforce_statfs=1" \
		"allow.mount allow.mount.tmpfs" \
		"allow.mount.tmpfs enforce_statfs=1"; do
		# shellcheck disable=SC2086 # words
		mkjail $words
		gives "mount-tmpfs: EPERM" mount-tmpfs
		jail -r j
	done
	mkjail allow.mount allow.mount.tmpfs enforce_statfs=1
	gives "mount-tmpfs: ok" mount-tmpfs
	run findmnt /mnt
	[[ $output != *tmpfs* ]]
}

@test "allow.socket_af opens the other families" {
	[ "$(python3 "$DIR/try.py" vsock)" = "vsock: ok" ] ||
		skip "this kernel has no AF_VSOCK"
	mkjail
	gives "vsock: EPROTONOSUPPORT packet: EPROTONOSUPPORT" vsock packet
	jail -r j
	mkjail allow.socket_af
	gives "vsock: ok" vsock
}

@test "allow.mlock, allow.unprivileged_proc_debug" {
	mkjail
	gives "mlock: EPERM ptrace: ok" mlock ptrace
	jail -r j
	mkjail allow.mlock allow.nounprivileged_proc_debug
	gives "mlock: ok ptrace: EPERM" mlock ptrace
	jail -m name=j allow.nomlock allow.unprivileged_proc_debug
	gives "mlock: EPERM ptrace: ok" mlock ptrace
}

@test "allow.reserved_ports: root of the jail has the low ports, or not" {
	mkjail ip4=inherit
	gives "port80: ok port8080: ok" port80 port8080
	jail -m name=j allow.noreserved_ports
	gives "port80: EACCES port8080: ok" port80 port8080
	jail -r j
	mkjail vnet allow.noreserved_ports
	gives "port80: EACCES" port80
	jail -r j
	mkjail vnet
	gives "port80: ok" port80
}

@test "without allow.suser user 0 has no privilege" {
	mkjail
	gives "chown: ok" chown
	jail -r j
	mkjail allow.nosuser mount.procfs
	chown 0 "$DIR/try.py"
	gives "chown: EPERM sethostname: EPERM" chown sethostname
	run jexec j grep -E '^Cap(Inh|Prm|Eff|Bnd|Amb)' /proc/self/status
	[ "$(grep -c 0000000000000000 <<<"$output")" -ge 3 ]
}

@test "what no jail may do stays refused" {
	mkjail allow.mlock allow.socket_af children.max=1
	gives "settime: EPERM syslog: EPERM quotactl: EPERM" \
		settime syslog quotactl
}

@test "meta and env are kept, key by key" {
	mkjail meta.owner=me meta.rack=7 env.X=1
	run jls meta.owner meta.rack env.X
	is "me 7 1"
	jail -m name=j meta.owner=you
	run jls meta.owner meta.rack
	is "you 7"
	jail -m name=j meta.rack
	run jls meta.owner meta.rack
	is 'you ""'
}

@test "ip_hostname adds what the host name resolves to" {
	jail -c name=j path=/ persist host.hostname=192.0.2.7 ip_hostname \
		ip4.addr=192.0.2.1
	run jls -n ip4.addr ip6.addr
	is "ip4.addr=192.0.2.1,192.0.2.7 ip6.addr="
	jail -r j
	run jail -c name=j path=/ persist host.hostname=no.such.invalid \
		ip_hostname
	[ "$status" = 1 ]
	has "jail: host.hostname no.such.invalid: "
	run jls name
	is ""
}

@test "exec.system_jail_user: the jail's user is one of the host's" {
	mkroot "$DIR/r"
	run jail -c path="$DIR/r" exec.jail_user=www-data command=/bin/id -u
	[ "$status" = 1 ]
	is "jail: www-data: no such user"
	run jail -c path="$DIR/r" exec.jail_user=www-data \
		exec.system_jail_user command=/bin/id -u
	is "$(id -u www-data)"
}

@test "the rarely named parameters, as the table has them" {
	local p text

	# Refused: by name, with why, by -c and by -m; off is what they are.
	mkjail
	while IFS='|' read -r p text; do
		for how in "-c name=k path=/ persist" "-m name=j"; do
			# shellcheck disable=SC2086 # words
			run jail $how "$p"
			[ "$status" = 1 ]
			is "jail: $text"
		done
		grep -qF "$text" "$REPO/docs/compat.md"
	done <<-'EOF'
		allow.adjtime|allow.adjtime is refused: the clock is the host's, and no user namespace may change it
		allow.setaudit|allow.setaudit is refused: the audit state needs a right that no user namespace has
		allow.unprivileged_parent_tampering|allow.unprivileged_parent_tampering is refused: a jail has user ids of its own, so no ordinary user of the host has rights over its processes
		allow.vmm_ppt|allow.vmm_ppt is refused: passing devices through to virtual machines is not there
		linux.oss_version=262144|linux.oss_version is refused for any value but 198144: Linux's own sound devices have no version per process
	EOF
	jail -m name=j allow.noadjtime allow.nosetaudit allow.novmm_ppt \
		allow.nounprivileged_parent_tampering linux.oss_version=198144
	run jls -j j linux.oss_version
	is 198144
	# The jid stands for it, and nobody sets it.
	run jls -j j cpuset.id
	is "$(jls -j j jid)"
	for how in "-c name=k path=/ persist" "-m name=j"; do
		# shellcheck disable=SC2086
		run jail $how cpuset.id=1000
		[ "$status" = 1 ]
		has "cpuset.id"
	done
	run jls name
	is j
	# Taken, told, changed.
	run jls -j j -n ip6.saddrsel
	is ip6.saddrsel
	jail -m name=j ip6.nosaddrsel
	run jls -j j -n ip6.saddrsel
	is ip6.nosaddrsel
}

@test "-m refuses a ruleset that is not there, as -c does" {
	run jail -c name=k path=/ persist devfs_ruleset=77
	[ "$status" = 1 ]
	has "no devfs ruleset 77"
	mkjail
	run jail -m name=j devfs_ruleset=77
	[ "$status" = 1 ]
	is "jail: devfs_ruleset: no devfs ruleset 77"
	run jls devfs_ruleset
	is 0
	jail -m name=j devfs_ruleset=5
	run jls devfs_ruleset
	is 5
}

@test "ip6.saddrsel off: unbound sockets leave from the first address" {
	addr fd00:1::1/64 em0
	addr fd00:1::2/64 em0
	addr fd00:2::1/64 em1
	mkjail ip6.addr=fd00:2::1,fd00:1::2
	output=$(jexec j python3 -c 'import socket
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.connect(("fd00:1::1", 9)); print(s.getsockname()[0])')
	is fd00:1::2
	jail -m name=j ip6.nosaddrsel
	output=$(jexec j python3 -c 'import socket
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.connect(("fd00:1::1", 9)); print(s.getsockname()[0])')
	is fd00:2::1
}
