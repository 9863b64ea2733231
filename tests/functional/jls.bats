#!/usr/bin/env bats
# jls(8): what it shows of running jails, and what jail(8) says of parameters
# that Linux gives in part or not at all.
load lib

# mkjail NAME [PARAM ...]: a persistent jail on a root of its own.
mkjail() {
	local name=$1
	shift
	[ -d "$DIR/$name" ] || mkroot "$DIR/$name"
	jail -c name="$name" path="$DIR/$name" persist "$@"
}

@test "no jails: the header alone, empty documents, success" {
	run jls
	[ "$status" = 0 ]
	is "   JID  IP Address      Hostname                      Path"
	run jls --libxo json
	[ "$status" = 0 ]
	is '{"__version": "2", "jail-information": {"jail": []}}'
	run jls -n
	[ "$status" = 0 ]
	is ""
}

@test "the default table and -N have FreeBSD's columns" {
	mkjail web host.hostname=web.example.org
	mkjail db host.hostname=a-hostname-that-is-longer-than-29-bytes
	run jls
	[ "$status" = 0 ]
	[ "${lines[1]}" = "     1                  web.example.org               $DIR/web" ]
	[ "${lines[2]}" = "     2                  a-hostname-that-is-longer-tha $DIR/db" ]
	run jls -N
	[ "${lines[0]}" = " JID             IP Address      Hostname                      Path" ]
	[ "${lines[1]}" = " web                             web.example.org               $DIR/web" ]
}

@test "-v tells name, state, cpuset" {
	mkjail web host.hostname=web.example.org
	run jls -v
	[ "${#lines[@]}" = 7 ]
	[ "${lines[4]}" = "     1  web.example.org               $DIR/web" ]
	[ "${lines[5]}" = "        web                           ACTIVE" ]
	[ "${lines[6]}" = "        1" ]
}

@test "addresses: the first in the table, all elsewhere, sorted after the first" {
	addr 10.0.0.3/24
	addr 2001:db8::1/64
	mkjail web ip4.addr=10.0.0.3,10.0.0.2,10.0.0.1 ip6.addr=2001:db8::1
	run jls
	[ "${lines[1]}" = "     1  10.0.0.3                                      $DIR/web" ]
	run jls -v
	[ "${lines[7]}" = "        10.0.0.3" ]
	[ "${lines[8]}" = "        10.0.0.1" ]
	[ "${lines[10]}" = "        2001:db8::1" ]
	run jls -n ip4 ip4.addr ip6.addr
	is "ip4=new ip4.addr=10.0.0.3,10.0.0.1,10.0.0.2 ip6.addr=2001:db8::1"
	[ "$(jls -n ip4.addr --libxo json | jq -c \
		'."jail-information".jail[0]["ip4.addr"]')" = \
		'["10.0.0.3","10.0.0.1","10.0.0.2"]' ]
	jail -m name=web ip4.addr=10.0.0.2
	run jls ip4.addr
	is 10.0.0.2
}

@test "parameters are shown as asked for, -n names them" {
	mkjail web host.hostname="two words" allow.mlock meta.owner=me
	run jls name persist ip4.addr host.domainname meta.owner
	is 'web true - "" me'
	run jls -q host.hostname ip4.addr
	is '"two words" ""'
	run jls -n jid name persist allow.mlock allow.mount ip4.addr
	is "jid=1 name=web persist allow.mlock allow.nomount ip4.addr="
	run jls -h jid name
	is $'jid name\n1 web'
}

@test "one jail by jid or by name; a jail that is not there is told" {
	mkjail web
	mkjail db
	run jls -j 2 name
	is db
	run jls -j db jid
	is 2
	run jls -j nosuch name
	[ "$status" = 1 ]
	is 'jls: jail "nosuch" not found'
	run jls -j 7 --libxo json
	[ "$status" = 1 ]
	is 'jls: jail "7" not found'
}

@test "-c says by its status whether a jail is there" {
	mkjail web
	run jls -c -j web
	[ "$status" = 0 ]
	is ""
	run jls -c -j 9
	[ "$status" = 1 ]
	is ""
	run jls -c
	[ "$status" = 1 ]
	has usage:
}

@test "mistakes on the command line are told in one line" {
	run jls nosuch
	[ "$status" = 1 ]
	is "jls: unknown parameter: nosuch"
	run jls exec.start
	is "jls: unknown parameter: exec.start"
	run jls -z
	[ "$status" = 1 ]
	[ "${lines[0]}" = "jls: illegal option -- z" ]
	run jls --libxo html
	[ "$status" = 1 ]
	has '"html" is not supported'
}

@test "JSON and XML of every form can be read" {
	local form
	mkjail web host.hostname='a "b" <c> & \ d' meta.note="it's"
	mkjail db
	for form in "" -N -v -n -s -h "name persist" "-n all"; do
		# shellcheck disable=SC2086 # words
		jls --libxo json $form | jq -e \
			'."jail-information".jail | length == 2' >/dev/null
		# shellcheck disable=SC2086
		jls --libxo:JP $form | jq -e . >/dev/null
		# shellcheck disable=SC2086
		jls --libxo=xml $form | python3 -c \
			'import sys, xml.dom.minidom as m
d = m.parseString(sys.stdin.read()).documentElement
assert len(d.getElementsByTagName("jail")) == 2'
	done
	[ "$(jls --libxo json -j web | jq -r \
		'."jail-information".jail[0].hostname')" = 'a "b" <c> & \ d' ]
}

@test "every parameter has a column, sorted, dotless names first" {
	local names
	mkjail web
	names=$(jls -h | head -n 1 | tr ' ' '\n')
	[ "$(grep -c . <<<"$names")" -gt 60 ]
	[ "$names" = "$({ grep -v '\.' <<<"$names" | LC_ALL=C sort
		grep '\.' <<<"$names" | LC_ALL=C sort; })" ]
	[ "$(jls -n | tr ' ' '\n' | grep -c .)" = "$(grep -c . <<<"$names")" ]
}

@test "what -s prints makes the same jail again" {
	local words before after
	mkjail web host.hostname="two words" allow.mlock securelevel=2 \
		allow.noset_hostname children.max=3 meta.owner="it's me"
	before=$(jls -j web -n)
	words=$(jls -j web -s)
	[[ $words != *cpuset* && $words != *dying* && $words != *ip4.addr* ]]
	jail -r web
	eval "jail -c $words" 2>/dev/null
	after=$(jls -j web -n)
	[ "$before" = "$after" ]
}

@test "a hostname set from inside is told, and cannot reach the terminal" {
	mkjail web host.hostname=before
	jexec web hostname inside
	run jls host.hostname
	is inside
	jexec web hostname $'\e]0;evil\a'
	run jls
	has "?]0;evil?"
	jls --libxo json | jq -e . >/dev/null
}

@test "an ordinary user can list jails" {
	mkjail web host.hostname=web
	cp "$BIN/jls" "$DIR/jls"
	run setpriv --reuid=65534 --regid=65534 --clear-groups "$DIR/jls" name
	[ "$status" = 0 ]
	is web
}

@test "a runtime directory that may not be read is an error" {
	mkjail web
	cp "$BIN/jls" "$DIR/jls"
	chmod 700 "$GAOL_RUN"
	run setpriv --reuid=65534 --regid=65534 --clear-groups "$DIR/jls"
	[ "$status" = 1 ]
	is "jls: open '$GAOL_RUN': Permission denied"
	chmod 755 "$GAOL_RUN"
}

@test "a parameter that Linux cannot give is refused by name, nothing is left" {
	local word
	mkroot "$DIR/r"
	for word in allow.chflags allow.settime allow.routing allow.quotas \
		allow.read_msgbuf allow.extattr allow.nfsd allow.vmm \
		allow.mount.zfs enforce_statfs=0 mac.label=x \
		zfs.mount_snapshot=1 linux.osname=Plan9; do
		run jail -c name=r path="$DIR/r" persist "$word"
		[ "$status" = 1 ]
		has "${word%%=*}"
		has refused
		[ "${#lines[@]}" = 1 ]
	done
	run jls name
	is ""
}

@test "leaving such a parameter off is fine, written down or not" {
	mkjail web allow.nochflags allow.settime=false mac.label= \
		zfs.mount_snapshot=0
	run jls -n allow.chflags allow.settime
	is "allow.nochflags allow.nosettime"
}

@test "values out of range are told" {
	mkroot "$DIR/r"
	run jail -c name=r path="$DIR/r" persist securelevel=4
	[ "$status" = 1 ]
	has "securelevel: 4 is not -1 to 3"
	run jail -c name=r path="$DIR/r" persist vnet ip4.addr=10.0.0.1
	[ "$status" = 1 ]
	has "vnet jails cannot have IP address restrictions"
	run jail -c name=7 path="$DIR/r" persist
	[ "$status" = 1 ]
	has "name cannot be numeric"
	run jls name
	is ""
}

@test "what works nearly is said once" {
	mkroot "$DIR/web"
	run jail -c name=web path="$DIR/web" persist osrelease=14.2-RELEASE
	[ "$status" = 0 ]
	has "osrelease: told by jls only"
	run jls osrelease
	is 14.2-RELEASE
}

@test "jail -m changes rights for processes that enter later" {
	mkjail web
	run jexec web hostname one
	[ "$status" = 0 ]
	jail -m name=web allow.noset_hostname
	run jls -n allow.set_hostname
	is allow.noset_hostname
	run jexec web hostname two
	[ "$status" != 0 ]
	has "not permitted"
	run jls host.hostname
	is one
}

@test "jail -m leaves alone what only creation can set" {
	mkjail web
	run jail -m name=web vnet=new
	[ "$status" = 1 ]
	has "vnet cannot be changed after creation"
	run jail -m name=web sysvshm=inherit
	[ "$status" = 1 ]
	has "sysvshm cannot be changed after creation"
	run jail -m name=web allow.chflags
	[ "$status" = 1 ]
	has "allow.chflags is refused"
	run jls -n vnet sysvshm allow.chflags
	is "vnet=inherit sysvshm=disable allow.nochflags"
}
