# shellcheck shell=bash disable=SC2154 # $output and $status are bats's
# lib.bash - what functional tests share: a network namespace that plays the
# host, a runtime directory and a work directory of their own, small roots,
# and a teardown that leaves nothing and fails the test when gaol did.
#
# A file starts with "load lib"; it may define setup and teardown of its own
# that call gaol_setup and gaol_teardown. Programs under test are called by
# name: functions of the same name run them inside the test's namespace.
#
#   $DIR       work directory, on the file system of /tmp (or $GAOL_TMP)
#   $NETNS     the named namespace that plays the host, lo up
#   $GAOL_RUN  runtime directory; $BIN, $LIBEXEC the built programs

REPO=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
BUILD=${GAOL_BUILD:-$REPO/build}
BIN=$BUILD/bin
LIBEXEC=$BUILD/libexec/gaol

setup() {
	gaol_setup
}

teardown() {
	gaol_teardown
}

# gaol_setup: the test's own little world.
gaol_setup() {
	local tag

	[ "$(id -u)" = 0 ] || skip "needs root"
	DIR=$(mktemp -d "${GAOL_TMP:-/tmp}/gaol-t.XXXXXX")
	chmod 755 "$DIR"
	tag=${DIR##*.}
	NETNS=gaol-t$tag
	GAOL_RUN=/run/gaol-t$tag
	export DIR NETNS GAOL_RUN
	ip netns add "$NETNS"
	ip -n "$NETNS" link set lo up
}

# hostnet CMD ...: run in the namespace that plays the host; mounts and
# cgroups stay the machine's, as they would be for an administrator.
hostnet() {
	nsenter --net="/run/netns/$NETNS" -- "$@"
}

# The programs, as the administrator of the played host runs them.
jail() { hostnet "$BIN/jail" "$@"; }
jls() { hostnet "$BIN/jls" "$@"; }
jexec() { hostnet "$BIN/jexec" "$@"; }
gaol() { hostnet "$BIN/gaol" "$@"; }
pfctl() { hostnet "$BIN/pfctl" "$@"; }

# helper NAME ...: a FreeBSD-syntax helper, as a hook would run it.
helper() {
	local name=$1
	shift
	hostnet "$LIBEXEC/freebsd/$name" "$@"
}

# mkroot PATH: a small root: busybox under every name, root and www (1001),
# /dev /proc /sys /tmp /home/www, a page in /var/www.
mkroot() {
	local r=$1

	mkdir -p "$r"/{bin,dev,etc,home/www,proc,root,run,sys,tmp,var/www}
	chmod 755 "$r"
	chmod 700 "$r/root"
	chmod 1777 "$r/tmp"
	ln -sfn bin "$r/sbin"
	mkdir -p "$r/usr"
	ln -sfn ../bin "$r/usr/bin"
	ln -sfn ../bin "$r/usr/sbin"
	cp "$(command -v busybox)" "$r/bin/busybox"
	chroot "$r" /bin/busybox --install -s /bin
	printf '%s\n' 'root:x:0:0:root:/root:/bin/sh' \
		'www:x:1001:1001:www:/home/www:/bin/sh' >"$r/etc/passwd"
	printf '%s\n' 'root:x:0:' 'www:x:1001:' >"$r/etc/group"
	echo '127.0.0.1 localhost' >"$r/etc/hosts"
	chown 1001:1001 "$r/home/www"
	echo "page of $(basename "$r")" >"$r/var/www/index.html"
}

# addr ADDRESS/LEN [INTERFACE]: give the played host an address. Without an
# interface on lo; one that is not there is made, as a bridge without ports
# (not every kernel has dummy).
addr() {
	local ifname=${2:-lo}

	ip -n "$NETNS" link show "$ifname" >/dev/null 2>&1 ||
		ip -n "$NETNS" link add "$ifname" type bridge
	ip -n "$NETNS" link set "$ifname" up
	ip -n "$NETNS" addr add "$1" dev "$ifname" nodad 2>/dev/null ||
		ip -n "$NETNS" addr add "$1" dev "$ifname"
}

# eventually SECONDS CMD ...: retry until it succeeds. SECONDS is when to give up
# on a machine that does much else: 30 and more. GAOL_SLOW says how many times
# slower than usual this machine is.
eventually() {
	local end=$((SECONDS + $1 * ${GAOL_SLOW:-1}))
	shift
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.05
	done
}

# no_processes: none is left in the played host's network.
no_processes() {
	[ -z "$(ip netns pids "$NETNS")" ]
}

# no_jails: none runs.
no_jails() {
	[ -z "$(jls jid)" ]
}

# has TEXT: $output (of bats' run) contains it; shows both when not.
has() {
	[[ $output == *"$1"* ]] || {
		printf 'wanted: %s\ngot:    %s\n' "$1" "$output"
		return 1
	}
}

# is TEXT: $output is exactly that.
is() {
	[ "$output" = "$1" ] || {
		printf 'wanted: %s\ngot:    %s\n' "$1" "$output"
		return 1
	}
}

# gaol_cgroup: the group above this runtime directory's jails, named for a hash
# of its path (FNV-1a, src/jail/sys.c).
gaol_cgroup() {
	local hash=2166136261 i code

	for ((i = 0; i < ${#GAOL_RUN}; i++)); do
		printf -v code %d "'${GAOL_RUN:i:1}"
		hash=$(((hash ^ code) * 16777619 & 0xffffffff))
	done
	printf '%s/gaol-%08x\n' \
		"$(findmnt -rn -t cgroup2 -o TARGET | head -n 1)" "$hash"
}

# gaol_cgroups: that group and those below, deepest first, and those of the
# version 1 controller that jails of uid 0 need.
gaol_cgroups() {
	local group

	group=$(gaol_cgroup)
	find "$group" "/sys/fs/cgroup/pids/$(basename "$group")" \
		-depth -type d 2>/dev/null || :
}

# gaol_mounts: mounts below the test's directories, deepest first.
gaol_mounts() {
	awk -v a="$DIR" -v b="$GAOL_RUN" '
		$5 == a || index($5, a "/") == 1 ||
		$5 == b || index($5, b "/") == 1 { print $5 }' \
		/proc/self/mountinfo | tac
}

# gaol_leaks: what is there of gaol's that should not be, a word for each.
# The empty skeleton of a runtime directory may stay.
gaol_leaks() {
	gaol_mounts | sed 's/^/mount:/'
	gaol_cgroups | sed 's/^/cgroup:/'
	[ ! -d "$GAOL_RUN" ] || (cd "$GAOL_RUN" && find . -mindepth 1 \
		! -path ./lock ! -path ./sites.lock ! -path ./jails \
		! -path ./name ! -path ./uid ! -path ./addr) |
		sed "s|^|file:$GAOL_RUN/|"
	ip netns pids "$NETNS" 2>/dev/null | while read -r pid; do
		echo "process:$pid($(tr '\0' ' ' <"/proc/$pid/cmdline"))"
	done
}

# gaol_teardown: remove every jail as an administrator would, fail the test
# when gaol left something, then remove that too.
gaol_teardown() {
	local left path

	[ -n "${DIR-}" ] || return 0
	if [ -x "$BIN/jail" ] && [ -d "$GAOL_RUN" ]; then
		jail -R '*' >/dev/null 2>&1 || :
	fi
	# What the test itself still runs is its own business.
	jobs -p | xargs -r kill -9 2>/dev/null || :
	[ ! -x "$BIN/gaol" ] || gaol tidy || :
	left=$(gaol_leaks)
	# "ifconfig destroy" leaves a process for a moment, and so does a hook.
	[[ $left != process:* ]] || {
		eventually "${LEFT_WAIT:-30}" no_processes || :
		left=$(gaol_leaks)
	}
	[ -z "$left" ] || gaol_force_clean
	ip netns del "$NETNS" || :
	# What pfctl keeps of the namespace goes with it.
	rm -rf --one-file-system "$GAOL_RUN" "$GAOL_RUN-pf" "$DIR" || left+=" files"
	unset DIR
	[ -z "$left" ] || {
		printf 'left behind: %s\n' "$left"
		return 1
	}
}

gaol_force_clean() {
	local path

	ip netns pids "$NETNS" | xargs -r kill -9 2>/dev/null || :
	gaol_cgroups | while read -r path; do
		echo 1 >"$path/cgroup.kill"
	done 2>/dev/null
	sleep 0.2
	gaol_mounts | while read -r path; do
		umount -l "$path"
	done
	gaol_cgroups | while read -r path; do
		rmdir "$path"
	done
}
