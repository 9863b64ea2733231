#!/usr/bin/env bats
# Attacks from inside a jail, each of which must fail: a numbered list of the
# known ways out of containers, then tricks that aim at gaol itself. What attacks is tests/functional/probe, a static program
# that says "succeeded" or the errno it was refused with.
#
# A test that cannot fail proves nothing, so each attack also runs as the host's
# root in namespaces made for it (control), where it must succeed.
# shellcheck disable=SC2016 # what is in single quotes is for the jail's shell
load lib

PROBE=$BUILD/tests/functional/probe/probe

# start NAME [PARAM ...]: a persistent jail with a small root of its own.
start() {
	local name=$1
	shift
	[ -d "$DIR/$name" ] || mkroot "$DIR/$name"
	cp "$PROBE" "$DIR/$name/bin/probe"
	jail -c name="$name" path="$DIR/$name" persist mount.devfs \
		mount.procfs "$@"
}

# refused ERRNO[|ERRNO] ATTACK ...: root of jail j tries and is refused so.
refused() {
	local want=$1
	shift
	run jexec "${J:-j}" /bin/probe "$@"
	if [ "$status" != 1 ] || ! [[ ${lines[-1]} =~ ^($want)$ ]]; then
		echo "attack: $*; wanted: $want; got: $output ($status)"
		return 1
	fi
}

# control ATTACK ...: the same attack succeeds for the host's root, unless this
# kernel was built without the call.
control() {
	run unshare --mount --uts --ipc -- "$PROBE" "$@"
	[ "$status" = 0 ] || [ "$output" = ENOSYS ] || {
		echo "control: $*: $output ($status)"
		return 1
	}
}

# --- the checklist ----------------------------------------------------------

@test "1: kernel parameters cannot be written" {
	local f
	start j
	for f in /proc/sys/kernel/core_pattern /proc/sys/vm/drop_caches \
		/proc/sys/kernel/hostname /proc/sys/kernel/shmmax \
		/proc/sys/user/max_user_namespaces /proc/mtrr \
		/proc/irq/default_smp_affinity /proc/sysrq-trigger; do
		[ -e "$f" ] || continue
		refused 'EACCES|EROFS|EPERM' open-write "$f"
		[ "${f#*/user/}" != "$f" ] || control open-write "$f"
	done
}

@test "2: no cgroup version 1 hierarchy and its release_agent" {
	start j
	refused EPERM mount cgroup /tmp memory
	start m allow.mount allow.mount.tmpfs enforce_statfs=1
	run jexec m /bin/probe mount cgroup /tmp memory
	J=m refused 'EACCES|ENOENT|EPERM' open-write /tmp/release_agent
	J=m refused 'EACCES|ENOENT|EPERM' open-write /tmp/cgroup.procs
	if [ -d /sys/fs/cgroup/memory ]; then
		mkdir "$DIR/m1"
		run unshare --mount sh -c "mount -t cgroup -o memory none \
			$DIR/m1 && $PROBE open-write $DIR/m1/release_agent"
		is succeeded
	fi
}

@test "3: limits cannot be raised, nor the control group left" {
	local f
	start j
	refused EPERM mount cgroup2 /tmp
	start m allow.mount allow.mount.tmpfs enforce_statfs=1
	run jexec m /bin/probe mount cgroup2 /tmp
	for f in cgroup.procs cgroup.kill cgroup.freeze memory.max pids.max \
		cgroup.subtree_control; do
		J=m refused 'EACCES|ENOENT|EPERM' open-write "/tmp/$f"
	done
	run jexec m /bin/cat /proc/self/cgroup
	[[ $output != *gaol* ]]
	control open-write "$(dirname "$(gaol_cgroup)")/cgroup.procs"
}

@test "4: what covers parts of /proc cannot be taken away" {
	local p
	start j
	start m allow.mount allow.mount.tmpfs enforce_statfs=1
	for p in /proc/sys /proc/cmdline /proc/keys /proc; do
		refused EPERM umount "$p"
		J=m refused 'EINVAL|EPERM' umount "$p"
		J=m refused 'EINVAL|EPERM' mount-move "$p" /tmp
	done
	refused EPERM remount-rw /proc/sys
	J=m refused EPERM remount-rw /proc/sys
	J=m refused 'EPERM|EINVAL' bind /proc /tmp
	J=m refused 'EPERM' mount proc /tmp
	run unshare --mount sh -c "mount --bind /dev/null /proc/cmdline &&
		$PROBE umount /proc/cmdline"
	is succeeded
}

@test "5: chroot does not lead out" {
	start j
	mkdir "$DIR/j/cage"
	refused EXDEV chroot-escape /cage
	# Without pivot_root(2) the same trick works.
	run chroot "$DIR/j" /bin/probe chroot-escape /cage
	is succeeded
}

@test "6: no descriptor of the host comes along" {
	start j
	exec 9</etc 8</proc/self/ns/net
	refused EBADF fds
	refused EBADF fd-outside 9 hostname
	refused EPERM setns 8
	refused 'EPERM|EACCES' setns /proc/1/ns/mnt
	run "$PROBE" fd-outside 9 hostname
	is succeeded
	control setns 8
	run jail -c path="$DIR/j" name=fds command=/bin/probe fds
	has EBADF
	exec 9<&- 8<&-
}

@test "7: files cannot be opened by handle" {
	start j
	refused EPERM handle /
	control handle /
	refused EPERM handle-ino / 2
}

@test "8: the host's programs cannot be written through /proc" {
	local pid
	start j
	refused 'EACCES|EPERM' open-write /proc/1/exe
	refused 'EACCES|EPERM' touch /proc/1/exe
	refused 'EACCES|EPERM|EROFS' open-write /dev/gaol/ifconfig
	cp "$PROBE" "$DIR/prog"
	"$DIR/prog" inotify 1 1000 >/dev/null 3>&- &
	pid=$!
	eventually 30 test "/proc/$pid/exe" -ef "$DIR/prog"
	control open-write "/proc/$pid/exe"
	control touch "/proc/$pid/exe"
	kill "$pid"
}

@test "9: links in a root do not lead mounts out of it" {
	mkroot "$DIR/j"
	mkdir "$DIR/victim" "$DIR/src"
	touch "$DIR/victim/here" "$DIR/src/there"
	rmdir "$DIR/j/dev"
	ln -s "$DIR/victim" "$DIR/j/dev"
	run jail -c name=j path="$DIR/j" persist mount.devfs
	[ "$status" = 1 ]
	has "/dev"
	rm "$DIR/j/dev"
	mkdir "$DIR/j/dev"
	rmdir "$DIR/j/proc"
	ln -s "$DIR/victim" "$DIR/j/proc"
	run jail -c name=j path="$DIR/j" persist mount.procfs
	[ "$status" = 1 ]
	ln -s "$DIR/victim" "$DIR/j/data"
	echo "$DIR/src $DIR/j/data nullfs rw 0 0" >"$DIR/fstab"
	run jail -c name=j path="$DIR/j" persist mount.fstab="$DIR/fstab"
	[ "$status" = 1 ]
	# One component further up is no better.
	ln -s "$DIR" "$DIR/j/up"
	echo "$DIR/src $DIR/j/up/victim nullfs rw 0 0" >"$DIR/fstab"
	run jail -c name=j path="$DIR/j" persist mount.fstab="$DIR/fstab"
	[ "$status" = 1 ]
	[ -e "$DIR/victim/here" ] && [ ! -e "$DIR/victim/there" ]
	[ -z "$(gaol_mounts | grep "$DIR" || :)" ]
	run jls -N
	[ "${#lines[@]}" = 1 ]
	# The naive way lands there.
	run unshare --mount sh -c "mount --bind $DIR/src $DIR/j/data &&
		ls $DIR/victim"
	is there
}

@test "10: processes of the host can be neither signalled nor traced" {
	local pid
	start j
	sleep 1000 3>&- &
	pid=$!
	refused 'ESRCH' kill "$pid" 0
	refused 'ESRCH|EPERM' trace "$pid"
	refused ENOENT read "/proc/$pid/root/etc/hostname"
	refused ENOENT read "/proc/$pid/cmdline"
	run jexec j /bin/kill -9 -1
	kill -0 "$pid"
	control kill "$pid" 0
	control trace "$pid"
	kill "$pid"
}

@test "11: nothing of the host as a whole can be changed" {
	local g
	start j
	for g in kexec_load kexec_file_load init_module finit_module \
		delete_module iopl ioperm swapon swapoff acct quotactl; do
		refused 'EPERM|ENOSYS' gate "$g"
		control gate "$g"
	done
}

@test "12, 14, 15: large young interfaces of the kernel are closed" {
	start j
	for g in bpf perf_event_open userfaultfd userfaultfd_user; do
		refused EPERM gate "$g"
		control gate "$g"
	done
	refused ENOSYS gate io_uring_setup
	control gate io_uring_setup
}

@test "13: keys of the host's session are out of reach" {
	start j
	run hostnet "$PROBE" key-give gaol-t "$PROBE" key-find gaol-t
	is succeeded
	run hostnet "$PROBE" key-give gaol-t "$BIN/jexec" j \
		/bin/probe key-find gaol-t
	[[ $output =~ ^(ENOSYS|ENOKEY)$ ]]
	run hostnet "$PROBE" key-give gaol-t "$BIN/jail" -c \
		path="$DIR/j" name=k command=/bin/probe key-find gaol-t
	[[ $output =~ (ENOSYS|ENOKEY) ]]
	refused 'ENODATA' read /proc/keys
	for g in add_key request_key keyctl; do
		refused ENOSYS gate "$g"
		control gate "$g"
	done
}

@test "16: no namespaces in a jail without children" {
	local s
	start j
	for s in user mnt pid net uts ipc cgroup; do
		refused EPERM unshare "$s"
		refused EPERM clone "$s"
		refused ENOSYS clone3 "$s"
		control unshare "$s"
		control clone "$s"
		control clone3 "$s"
	done
}

@test "17: no device nodes, neither made nor found" {
	start j
	refused EPERM mknod /tmp/zero c 1 5
	refused EPERM mknod /tmp/disk b 7 0
	mknod "$DIR/j/tmp/zero" c 1 5
	mknod "$DIR/j/tmp/kmsg" c 1 11
	refused EACCES read /tmp/zero
	refused 'EACCES|EPERM' read /tmp/kmsg
	control read "$DIR/j/tmp/zero"
	control mknod "$DIR/zero" c 1 5
	run jexec j /bin/probe read /dev/zero
	is succeeded
}

@test "18: the clock cannot be set" {
	start j
	for g in settimeofday adjtimex; do
		refused EPERM gate "$g"
		control gate "$g"
	done
}

@test "19: reboot is refused" {
	start j
	refused EPERM gate reboot
	control gate reboot
	run jexec j /bin/busybox reboot -f
	[ "$status" != 0 ]
	jexec j true
}

@test "20: the kernel's log, addresses and tables stay hidden" {
	local f
	start j
	refused EPERM gate syslog
	control gate syslog
	refused 'ENODATA|EACCES' addresses
	for f in kmsg kcore timer_list slabinfo vmallocinfo pagetypeinfo \
		kpagecount kpageflags sched_debug latency_stats \
		timer_stats allocinfo; do
		refused 'ENODATA|EACCES|EPERM|ENOENT' read "/proc/$f"
	done
	for f in acpi asound scsi tty/driver; do
		refused 'ENODATA|EACCES|ENOENT' list "/proc/$f"
	done
	control read /proc/timer_list
	refused ENOENT read /dev/mem
	refused ENOENT read /dev/kmsg
}

@test "21: neither the host's boot line nor its mounts are seen" {
	start j
	refused ENODATA read /proc/cmdline
	control read /proc/cmdline
	refused ENOENT list /sys/kernel
	run jexec j /bin/awk '{ print $5 }' /proc/self/mountinfo
	while read -r mount; do
		[[ $mount =~ ^/(dev|proc)?(/|$) ]] || {
			echo "sees $mount"
			return 1
		}
	done <<<"$output"
}

# serve KIND CMD ...: CMD, which is no function, as its death would leave its
# child, holds the abstract name gaol-t; its pid goes to $SERVERS.
serve() {
	local kind=$1
	shift
	"$@" "$kind" gaol-t 1000 >"$DIR/out" 3>&- &
	SERVERS+=" $!"
	eventually 30 grep -q ready "$DIR/out"
}

# unserve: the names are free again.
unserve() {
	# shellcheck disable=SC2086 # a list
	kill $SERVERS
	wait
	SERVERS=
}

# abstract_refused CMD ...: j reaches no name that CMD holds.
abstract_refused() {
	serve abstract-listen "$@"
	refused 'EPERM|ECONNREFUSED' abstract-connect gaol-t
	run hostnet "$PROBE" abstract-connect gaol-t
	is succeeded
	unserve
	serve abstract-receive "$@"
	refused 'EPERM|ECONNREFUSED' abstract-send gaol-t
	run hostnet "$PROBE" abstract-send gaol-t
	is succeeded
	unserve
}

@test "22: abstract sockets of the host cannot be reached" {
	start j
	abstract_refused nsenter --net="/run/netns/$NETNS" "$PROBE"
}

@test "22: nor those of another jail" {
	start j
	start k
	abstract_refused nsenter --net="/run/netns/$NETNS" "$BIN/jexec" k \
		/bin/probe
}

@test "22: those of the jail itself can, where the BPF LSM tells them apart" {
	gaol doctor | grep -q 'out of reach: BPF LSM' || skip "no BPF LSM here"
	start j
	serve abstract-listen nsenter --net="/run/netns/$NETNS" \
		"$BIN/jexec" j /bin/probe
	run jexec j /bin/probe abstract-connect gaol-t
	is succeeded
	unserve
	serve abstract-receive nsenter --net="/run/netns/$NETNS" \
		"$BIN/jexec" j /bin/probe
	run jexec j /bin/probe abstract-send gaol-t
	is succeeded
	unserve
}

@test "23: only the socket families of a jail exist" {
	local f
	start j
	for f in 2 10 17 29 30 38 39 40 44; do # INET ... CAN TIPC ALG VSOCK XDP
		refused EPROTONOSUPPORT socket "$f" 2 0
	done
	control socket 2 2 0
	start n ip4=inherit ip6=inherit
	J=n refused EPERM socket 2 3 1       # raw ICMP
	J=n refused EPERM socket 10 3 58     # raw ICMPv6
	J=n refused EPROTONOSUPPORT socket 2 10 768 # SOCK_PACKET
	J=n refused EPROTONOSUPPORT socket 2 1 132  # SCTP
	J=n refused EPROTONOSUPPORT socket 16 3 4   # sock_diag
	control socket 2 3 1
	control socket 16 3 4
	start s allow.socket_af allow.raw_sockets ip4=inherit
	J=s refused 'EPERM' socket 17 3 768 # the stack is still the host's
	control socket 17 3 768
}

@test "24: the network of the host cannot be changed or overheard" {
	start j ip4=inherit
	refused EPROTONOSUPPORT netlink 9 1
	refused EPROTONOSUPPORT netlink 15 1
	refused EPROTONOSUPPORT netlink 12 1
	refused EPERM link-up lo
	run hostnet "$PROBE" link-up lo
	is succeeded
	control netlink 15 1
	control netlink 12 1
}

# uses_up_its_own_inotify: jail j takes all instances it can get and is gone.
uses_up_its_own_inotify() {
	local pid
	hostnet "$BIN/jexec" j /bin/probe inotify 8192 1000 >"$DIR/out" 3>&- &
	pid=$!
	eventually 30 grep -q ready "$DIR/out"
	refused EMFILE inotify 1 0
	run "$PROBE" inotify 1 0
	has succeeded
	jail -r j
	wait "$pid" || :
	run grep succeeded "$DIR/out"
	is ''
}

@test "25: using up inotify instances hurts only the jail" {
	start j
	uses_up_its_own_inotify
}

@test "26: a fork bomb ends in the jail" {
	mkroot "$DIR/j"
	cp "$PROBE" "$DIR/j/bin/probe"
	hostnet prlimit --nproc=300:300 "$BIN/jail" -c name=j path="$DIR/j" \
		persist mount.procfs
	hostnet prlimit --nproc=4096:4096 \
		"$BIN/jexec" j /bin/probe forks 600 >"$DIR/out" 3>&- &
	wait $! || :
	run cat "$DIR/out"
	is EAGAIN
	run "$PROBE" forks 600
	is succeeded
}

@test "26: a memory hog dies in the jail" {
	local file
	start j
	file=/sys/fs/cgroup/memory/$(basename "$(gaol_cgroup)")/memory.limit_in_bytes
	[ -e "$file" ] || file=$(gaol_cgroup)/memory.max
	[ -e "$file" ] || skip "no memory controller"
	[ "$(cat "$file")" != max ]
	echo $((64 << 20)) >"$file"
	run jexec j /bin/probe memory 256
	[ "$status" = 137 ]
	run jexec j /bin/probe memory 16
	is succeeded
	run "$PROBE" memory 256
	is succeeded
}

@test "27: descriptors run out in the jail first" {
	start j
	hostnet "$BIN/jexec" j /bin/probe pipes 100000 3 >"$DIR/out" 3>&- &
	eventually 30 grep -q ready "$DIR/out"
	run "$PROBE" pipes 1 0
	has succeeded
	wait $! || :
	run tail -n 1 "$DIR/out"
	[[ $output =~ ^(EMFILE|ENFILE)$ ]]
}

@test "28: nothing can be typed into a terminal that was lent" {
	start j
	run script -qec "nsenter --net=/run/netns/$NETNS $BIN/jexec j \
		/bin/probe tiocsti" /dev/null
	has EPERM
	run script -qec "$PROBE tiocsti" /dev/null
	has succeeded
}

@test "29: binfmt_misc is not the host's" {
	start j
	refused EPERM mount binfmt_misc /tmp
	start m allow.mount allow.mount.tmpfs enforce_statfs=1
	run jexec m /bin/probe mount binfmt_misc /tmp
	[ "$status" = 1 ] || {
		jexec m /bin/sh -c 'echo ":gaolt:E::gaolt::/bin/sh:" \
			>/tmp/register'
		run unshare --mount sh -c "mount -t binfmt_misc none /mnt &&
			ls /mnt"
		[[ $output != *gaolt* ]]
	}
}

@test "30: no two jails share user ids" {
	local a b
	start j
	start k
	a=$(jexec j /bin/awk '{ print $2, $3 }' /proc/self/uid_map)
	b=$(jexec k /bin/awk '{ print $2, $3 }' /proc/self/uid_map)
	echo "$a; $b"
	[ "${a#* }" = 65536 ] && [ "${b#* }" = 65536 ]
	[ "${a% *}" -ge 65536 ] && [ "${b% *}" -ge 65536 ]
	[ $((${a% *} - ${b% *})) -ge 65536 ] ||
		[ $((${b% *} - ${a% *})) -ge 65536 ]
}

@test "31: no better priority than others" {
	start j
	for g in nice sched_fifo sched_deadline; do
		refused 'EPERM|EACCES' gate "$g"
		control gate "$g"
	done
}

@test "32: a setuid file on a shared volume gives no rights elsewhere" {
	local v=$DIR/vol name
	mkdir "$v"
	chmod 1777 "$v"
	for name in j k; do
		mkroot "$DIR/$name"
		mkdir "$DIR/$name/vol"
		echo "$v $DIR/$name/vol nullfs rw,nosuid 0 0" \
			>"$DIR/$name.fstab"
		start "$name" mount.fstab="$DIR/$name.fstab"
	done
	jexec j /bin/sh -c 'cp /bin/probe /vol/su && chmod 4755 /vol/su'
	run jexec -U www k /vol/su be-root
	is EPERM
	# Without nosuid, in the jail itself, it makes root of the jail and no
	# more: the file's owner on disk is uid 0, the process's is not.
	jexec j /bin/sh -c 'cp /bin/probe /tmp/su && chmod 4755 /tmp/su'
	run jexec -U www j /tmp/su be-root
	is succeeded
	[ "$(stat -c %u:%a "$DIR/j/tmp/su")" = 0:4755 ]
	hostnet "$BIN/jexec" -U www j /tmp/su inotify 1 1000 >"$DIR/out" 3>&- &
	eventually 30 grep -q ready "$DIR/out"
	run pgrep -U 0 -f '^/tmp/su inotify'
	is ''
	jail -r j k
	umount "$DIR/j/vol" "$DIR/k/vol"
}

# --- tricks ----------------------------------------------------------------

@test "a process on its way in cannot be looked into" {
	local pid
	start j
	hostnet "$BIN/jexec" j /bin/probe watch 3 >"$DIR/out" 3>&- &
	pid=$!
	while kill -0 "$pid" 2>/dev/null; do
		jexec j /bin/true
	done
	wait "$pid" || :
	run cat "$DIR/out"
	is EACCES
	# Inside, ordinary processes can be: the watcher is not blind.
	hostnet "$BIN/jexec" j /bin/sleep 1000 3>&- &
	eventually 30 jexec j /bin/pidof sleep
	run jexec j /bin/sh -c '/bin/probe trace $(pidof sleep)'
	is succeeded
}

@test "a jail's init does not make calls for its root" {
	local pid
	start j
	# socket(2), unshare(2), io_uring_setup(2), through init.
	refused ENOSYS inject 1 41 1 1 0
	refused ENOSYS inject 1 272 0x10000000 0 0
	refused ENOSYS inject 1 425 1 0 0
	jexec j true
	sleep 1000 3>&- &
	pid=$!
	# Not before it is that program.
	eventually 30 grep -qx sleep "/proc/$pid/comm"
	control inject "$pid" 41 1 1 0
	kill "$pid"
}

@test "init holds no descriptor of the jail's choosing" {
	local pid fd
	mkroot "$DIR/j"
	ln -s /etc/group "$DIR/j/dev/null" # /proc/kcore would do
	jail -c name=j path="$DIR/j" persist mount.procfs
	pid=$(sed -n 's/^init.pid=//p' "$GAOL_RUN"/jails/*/record)
	for fd in "/proc/$pid/fd/"*; do
		run readlink "$fd"
		[[ $output =~ ^(anon_inode:.*|.*/cgroup\.events)$ ]] || {
			echo "$fd: $output"
			return 1
		}
	done
}

@test "a jail's root dies neither of its init nor for it" {
	start j
	run jexec j /bin/kill -9 1
	run jexec j /bin/kill -TERM 1
	run jexec j /bin/kill -USR1 1
	jexec j true
	run jls -N
	[ "${#lines[@]}" = 2 ]
}

@test "the host's root does not follow what a jail calls itself" {
	start j
	# Names in the jail's passwd file are the jail's.
	run jexec j /bin/sh -c 'echo evil:x:0:0::/:/bin/sh >>/etc/passwd'
	run jexec -U evil j /bin/id -u
	is 0
	run jexec j /bin/awk '{ print $2 }' /proc/self/uid_map
	[ "$output" -ge 65536 ]
}

@test "a hard link does not carry a file of the host into the jail" {
	start j
	refused 'EXDEV|EPERM|ENOENT|EROFS' hardlink /dev/gaol/ifconfig /tmp/x
	refused 'EXDEV|EPERM|ENOENT' hardlink /proc/1/exe /tmp/x
	refused 'EXDEV|EPERM|ENOENT' hardlink /proc/1/root/etc/passwd \
		/dev/shm/x
	echo x >"$DIR/file"
	control hardlink "$DIR/file" "$DIR/link"
}

@test "a command given by the host is found in the jail only" {
	start j
	rm "$DIR/j/bin/ls"
	ln -s "$BIN/jls" "$DIR/j/bin/ls"
	run jexec j ls
	[ "$status" != 0 ]
}

@test "the working directory of the caller does not come along" {
	start j
	cd /etc
	run jexec j /bin/pwd
	is /
	run jexec j /bin/cat hostname
	[ "$status" != 0 ]
	run jexec j /bin/probe read ../../../../etc/hostname
	is ENOENT
}

# unshifted PATH: a root on a file system that cannot map ids.
unshifted() {
	mkroot "$DIR/low"
	cp "$PROBE" "$DIR/low/bin/probe"
	mkdir "$DIR/up" "$DIR/work" "$1"
	mount -t overlay none -o "lowerdir=$DIR/low,upperdir=$DIR/up" \
		-o "workdir=$DIR/work" "$1"
}

@test "a jail without uid ranges of its own is walled all the same" {
	local f m=$DIR/m
	unshifted "$m"
	run jail -c name=j path="$m" persist mount.devfs mount.procfs
	[ "$status" = 0 ]
	has "uid 0"
	run jexec j /bin/awk '{ print $2 }' /proc/self/uid_map
	is 0
	for f in sys/kernel/core_pattern sys/vm/drop_caches \
		irq/default_smp_affinity; do
		[ ! -e "/proc/$f" ] || refused EROFS open-write "/proc/$f"
	done
	for f in kmsg kcore timer_list slabinfo vmallocinfo pagetypeinfo \
		kpagecount kpageflags keys cmdline mtrr sysrq-trigger; do
		refused 'ENODATA|EACCES|EPERM|ENOENT' read "/proc/$f"
	done
	refused 'ENODATA|EACCES' addresses
	for f in reboot swapon acct settimeofday adjtimex syslog nice \
		sched_fifo bpf perf_event_open; do
		refused 'EPERM|EACCES' gate "$f"
	done
	refused EPERM mknod /tmp/x c 1 5
	refused EPERM mount tmpfs /tmp
	refused EPERM unshare user
	refused EPERM umount /proc/sys
	refused 'ESRCH' kill $$ 0
	refused EROFS touch /proc/1/exe
	refused EBADF fds
	refused ENOSYS inject 1 41 1 1 0
	refused EXDEV chroot-escape /tmp
	jail -r j
	umount "$m"
}

@test "a fork bomb of uid 0 ends in its jail" {
	local m=$DIR/m
	unshifted "$m"
	gaol doctor | grep -q '^pids controller  *yes' ||
		skip "no pids controller"
	hostnet prlimit --nproc=300:300 "$BIN/jail" -c name=j path="$m" \
		persist mount.devfs mount.procfs
	run jexec j /bin/awk '{ print $2 }' /proc/self/uid_map
	is 0
	refused EAGAIN forks 600
	run "$PROBE" forks 600
	is succeeded
	# Full, it can still be removed. A shell whose fork fails ends and frees
	# its own place, so that whoever fills the jail must not be counted on
	# to stay: it is filled again until nobody can enter and fork.
	eventually 30 fill_jail j
	jail -r j
	umount "$m"
}

@test "a jail of uid 0 that may mount has no limit of its own to raise" {
	local m=$DIR/m f p
	unshifted "$m"
	for p in children.max=2 'allow.mount allow.mount.tmpfs enforce_statfs=1'
	do
		# shellcheck disable=SC2086 # words
		run jail -c name=j path="$m" persist ip4=inherit $p
		if grep -qv ^0:: /proc/self/cgroup; then
			# All groups of version 1 would be its own.
			[ "$status" = 1 ]
			has "control groups of version 1"
			# Nor later, all at once or one by one.
			jail -c name=j path="$m" persist ip4=inherit \
				enforce_statfs=1 2>/dev/null
			# shellcheck disable=SC2086
			run jail -m name=j $p
			[ "$status" = 1 ]
			has "control groups of version 1"
			run jls -n children.max allow.mount
			is "children.max=0 allow.nomount"
			jail -r j
			continue
		fi
		[ "$status" = 0 ]
		run jexec j /bin/probe mount cgroup2 /tmp
		for f in pids.max memory.max cpu.max; do
			refused 'EACCES|ENOENT' open-write "/tmp/$f"
		done
		jail -r j
	done
	umount "$m"
}

# fill_jail NAME: start processes that stay until no more can be made, and see
# that one who enters then cannot fork.
fill_jail() {
	hostnet "$BIN/jexec" "$1" /bin/sh -c \
		'for i in $(seq 400); do sleep 60 & done' >/dev/null 2>&1 3>&-
	! jexec "$1" /bin/sh -c '(exit 0); exit 0' 2>/dev/null
}

@test "a jail of uid 0 uses up its own inotify instances" {
	unshifted "$DIR/m"
	jail -c name=j path="$DIR/m" persist
	uses_up_its_own_inotify
	umount "$DIR/m"
}

# as_own_root WORDS: probe from a user namespace made in jail j. The kernel
# counts the one before until it is really gone: false then, try again.
as_own_root() {
	run jexec j unshare -r -m /bin/sh -c "/bin/probe $1"
	[[ $output != *"No space left"* ]]
}

@test "a jail that may hold jails is walled too" {
	local f
	start j children.max=2 ip4=inherit
	jexec j /bin/mkdir /tmp/cg
	# It may mount and make namespaces; nothing of the host comes with it.
	run jexec j /bin/probe mount cgroup2 /tmp/cg
	is succeeded
	for f in cgroup.procs cgroup.kill cgroup.freeze cgroup.max.depth \
		memory.max pids.max p/cgroup.kill p/cgroup.max.descendants; do
		refused 'EACCES|ENOENT' open-write "/tmp/cg/$f"
	done
	for f in sysfs devtmpfs debugfs securityfs tracefs bpf proc ext4; do
		refused 'EPERM|ENODEV' mount "$f" /tmp
	done
	refused 'EINVAL|EPERM' umount /proc
	refused 'EINVAL|EPERM' umount /dev
	for f in sys/kernel/core_pattern sys/vm/drop_caches mtrr kmsg \
		irq/default_smp_affinity; do
		[ ! -e "/proc/$f" ] || refused EACCES open-write "/proc/$f"
	done
	refused EACCES open-write /proc/sys/user/max_user_namespaces
	for f in bpf perf_event_open userfaultfd syslog reboot settimeofday \
		adjtimex swapon acct; do
		refused EPERM gate "$f"
	done
	refused ENOSYS gate io_uring_setup
	refused ENOSYS key-find gaol-t
	refused EPERM mknod /tmp/zero c 1 5
	refused EPERM handle /
	refused EPERM link-up lo
	refused EPROTONOSUPPORT socket 40 1 0
	refused ENOSYS inject 1 41 40 1 0
	refused 'EACCES|EPERM' open-write /proc/1/exe
	refused ESRCH kill $$ 0
	# Nor from root of a user namespace of its own making.
	for f in 'mknod /tmp/zero c 1 5' 'handle /' 'link-up lo' \
		'gate adjtimex' 'umount /proc' 'gate bpf'; do
		eventually 30 as_own_root "$f"
		[[ $output =~ ^(EPERM|EINVAL)$ ]]
	done
}
