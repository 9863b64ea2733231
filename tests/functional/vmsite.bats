#!/usr/bin/env bats
# VMs of a site: gaol up and down with a small guest of the test's own, on the
# software engine.
bats_require_minimum_version 1.5.0
load lib

setup() {
	gaol_setup
	vms=$GAOL_RUN-vm
	site=$DIR/site
	export GAOL_LIB=$DIR/lib
	# Names of this test's own: processes are found by them.
	one=one-${DIR##*.} two=two-${DIR##*.}
	[ -x "$BIN/bhyve" ] || skip "no bhyve was built"
	[ -c /dev/net/tun ] || skip "no /dev/net/tun here"
	guest=$("$REPO/tests/guest/kit") || skip "no guest: tests/guest/kit"
	ip -n "$NETNS" link add bridge0 type bridge
	ip -n "$NETNS" link set bridge0 up
	mkdir -p "$site/vm"
	: >"$site/jail.conf"
}

teardown() {
	[ -n "${BATS_TEST_COMPLETED-}" ] || tail -n 20 "$DIR"/lib/vms/*/*.log || :
	[ -z "${site-}" ] || gaol down "$site" >/dev/null 2>&1 || :
	[ -z "${vms-}" ] || rm -rf "$vms"
	gaol_teardown
}

# vm NAME WORDS [LINE ...]: a file for a VM; WORDS go to the guest.
vm() {
	local name=$1 words=$2
	shift 2
	cat >"$site/vm/$name.conf" <<END
engine=soft
memory.size=128M
acpi_tables=true
x86.vmexit_on_hlt=true
loader.kernel=$guest/vmlinuz
loader.initrd=$guest/initrd
loader.cmdline=console=ttyS0 quiet panic=-1 $words
lpc.com1.path=pty=%(presence)/console
pci.0.0.0.device=hostbridge
pci.0.31.0.device=lpc
END
	[ $# = 0 ] || printf '%s\n' "$@" >>"$site/vm/$name.conf"
}

net=(pci.0.4.0.device=virtio-net pci.0.4.0.backend=tap0
	pci.0.4.0.bridge=bridge0)

# says NAME TEXT: the VM's console says it in time.
says() {
	timeout -s KILL $((180 * ${GAOL_SLOW:-1})) \
		grep -aqm 1 "$2" "$vms/$1/console"
}

# gone NAME: neither presence nor process.
gone() {
	[ ! -e "$vms/$1" ] && no_process "$1"
}

# kill_vm NAME: both its processes, as a crash would.
kill_vm() {
	pgrep -fx "bhyve: $1" | xargs -r kill -KILL
	eventually 30 unlocked "$vms/$1/lock"
}

# unlocked FILE: the last thread of who had it locked is gone.
unlocked() {
	! grep -q ":$(stat -c %i "$1") " /proc/locks
}

no_process() {
	[ -z "$(pgrep -fx "bhyve: $1")" ]
}

@test "a VM comes up on the bridge with a console, shuts down, leaves nothing" {
	vm "$one" gaol.do=wait "${net[@]}" 'exec.prepare=which gaol >%(dir)/who' \
		"dir=$DIR"
	run gaol up "$site"
	[ "$status" = 0 ]
	is "VM $one: started"
	[ "$(cat "$DIR/who")" = "$BIN/gaol" ]
	run ip -n "$NETNS" -o link show master bridge0
	has tap0
	says "$one" 'gaol guest listens'

	# "~." leaves the console; what is typed before it is the guest's.
	run gaol console "$one" <<<$'x\n~.'
	[ "$status" = 0 ]
	run gaol console "$two"
	[ "$status" = 1 ]
	is "gaol: console: VM:$two is not created."

	# A second up has nothing to do.
	run gaol up "$site"
	is ""

	run gaol down "$site"
	[ "$status" = 0 ]
	is "VMs shut down: 1 ..."
	eventually 30 gone "$one"
	[ -z "$(ls "$vms")" ]
	run ip -n "$NETNS" -o link show tap0
	[ "$status" != 0 ]
}

@test "a VM that resets starts again, one that goes off is gone" {
	vm "$one" "gaol.do=reboot"
	vm "$two" "gaol.do=off"
	gaol up "$site"
	eventually 60 gone "$two"
	# The terminal goes and comes with each of its lives.
	eventually 180 says "$one" 'gaol guest up'
	eventually 180 says "$one" 'gaol guest up'
	gaol down "$site"
	eventually 30 gone "$one"
}

@test "a VM that will not shut down is powered off in time" {
	# Its button is not heard: it sleeps on.
	vm "$one" "gaol.run=sleep,1000" stop.timeout=2
	gaol up "$site"
	says "$one" 'gaol guest up'
	run gaol down "$site"
	[ "$status" = 0 ]
	has "VM $one: powered off, it did not shut down"
	eventually 30 gone "$one"
}

@test "what keeps a VM from starting is said" {
	vm "$one" gaol.do=off pci.0.4.0.device=virtio-nett
	run gaol up "$site"
	[ "$status" = 1 ]
	has "VM '$one': "
	has 'unknown device "virtio-nett"'
	vm "$one" gaol.do=off exec.prepare=false
	run gaol up "$site"
	has "VM '$one': exec.prepare failed: false"
	vm "$one" gaol.do=off "${net[@]}" pci.0.4.0.bridge=bridge7
	run gaol up "$site"
	has "bridge7"
	gone "$one"
	vm "$one" gaol.do=off lpc.com2.path=stdio
	run gaol up "$site"
	[ "$status" = 1 ]
	has 'lpc.com2.path: stdio: it has no terminal here'
	gone "$one"
}

@test "a killed VM is cleared away, and started anew" {
	vm "$one" gaol.do=wait "${net[@]}"
	gaol up "$site"
	kill_vm "$one"
	[ -e "$vms/$one" ]
	run gaol up "$site"
	is "VM $one: started"
	kill_vm "$one"
	gaol down "$site"
	eventually 30 gone "$one"
}
