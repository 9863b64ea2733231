# shellcheck shell=bash disable=SC2034,SC2154 # $output and $status are bats's
# guest.bash - what tests of bhyve share: a small Linux guest (tests/guest/kit),
# started and waited for, and nothing left of it.
#
#   $KIT    directory of vmlinuz and initrd
#   $OUT    what the guest wrote to its serial line
#   $VM     pid of the bhyve that guest_start started
#
# A file loads lib, then guest; its setup calls guest_setup.

guest_setup() {
	gaol_setup
	KIT=$("$REPO/tests/guest/kit") || skip "no guest kernel to be had"
	OUT=$DIR/console
	VM=
	STATUS=
}

guest_teardown() {
	local status=$?

	[ -z "$VM" ] || kill -KILL "$VM" 2>/dev/null || :
	rm -rf "$GAOL_RUN-vm"
	[ "$status" = 0 ] || tail -n 30 "$OUT" "$OUT.err" 2>/dev/null
	gaol_teardown
}

# kvm_or_skip: for tests of the engine that lets the processor run the guest.
kvm_or_skip() {
	run timeout -s KILL 20 "$BIN/bhyve" -o engine=kvm -s 0,hostbridge \
		-o loader.kernel=/dev/null probe
	[[ $output != *"engine 'kvm'"* ]] ||
		skip "${output#*engine \'kvm\': }"
}

bhyvectl() { "$BIN/bhyvectl" "$@"; }

# bhyve_line WORDS OPTION ...: bhyve with the kit's guest, in the played host's
# network; WORDS go to its kernel. The last option is the name.
bhyve_line() {
	local words=$1
	shift
	exec nsenter --net="/run/netns/$NETNS" -- "$BIN/bhyve" -m 256M -H -A -s 0,hostbridge -s 31,lpc -l com1,stdio \
		-o loader.kernel="$KIT/vmlinuz" -o loader.initrd="$KIT/initrd" \
		-o "loader.cmdline=console=ttyS0 quiet reboot=t panic=-1 $words" \
		"$@" <"${GUEST_IN:-/dev/null}"
}

# guest_start WORDS OPTION ...: in the background, its output in $OUT.
guest_start() {
	bhyve_line "$@" >>"$OUT" 2>"$OUT.err" 3>&- &
	VM=$!
}

# guest_end [SECONDS]: waits for it; its exit status in $STATUS. Like those of
# "eventually", the limits are for machines that do much else.
guest_end() {
	local n=$((${1:-180} * ${GAOL_SLOW:-1} * 10))

	while kill -0 "$VM" 2>/dev/null; do
		[ $((n--)) -gt 0 ] || { echo "the guest goes on for ever"; return 1; }
		sleep 0.1
	done
	STATUS=0
	wait "$VM" || STATUS=$?
	VM=
}

# guest_says TEXT [SECONDS]: waits until its console has a line with TEXT.
guest_says() {
	local n=$((${2:-180} * ${GAOL_SLOW:-1} * 10))

	until grep -q -e "$1" "$OUT"; do
		kill -0 "$VM" 2>/dev/null || { echo "the guest ended"; return 1; }
		[ $((n--)) -gt 0 ] || { echo "the guest never said '$1'"; return 1; }
		sleep 0.1
	done
}
