#!/usr/bin/env bats
# serial: counts what the whole machine holds.
# Many jails at once, and gaol killed at any instant: nothing leaks, no jid is
# given twice, and what the next command sees is true.
load lib

TOOLS=$BUILD/tests/functional/probe

# census: counts of what our jails are made of.
census() {
	echo "mounts $(gaol_mounts | wc -l)" \
		"cgroups $(gaol_cgroups | wc -l)" \
		"processes $(ip netns pids "$NETNS" | wc -l)" \
		"claims $(cd "$GAOL_RUN" && find jails name uid addr \
			-mindepth 1 | wc -l)" \
		"map entries $("$TOOLS/census" "$GAOL_RUN"/bpf/*/* |
			awk '/^\// && $2 > 0 { n += $2 } END { print n + 0 }')"
}

# kernel: BPF programs, maps, links, namespaces of the whole machine. Others
# may come and go beside a test; one leak for each jail would show all the same.
kernel() {
	"$TOOLS/census" | awk '{ n += $2 } END { print n }'
	lsns -nro NS | wc -l
}

same_census() {
	[ "$(census)" = "$1" ] || return 1
	kernel | paste -d ' ' - <(echo "$2") | awk '$1 > $2 + 40 { bad = 1 }
		END { exit bad }'
}

# count, settled: note the counts; they come back to what they were.
# Namespaces and BPF programs go a moment after their last user.
count() {
	CENSUS=$(census) KERNEL=$(kernel)
}

settled() {
	eventually 60 same_census "$CENSUS" "$KERNEL" || {
		printf 'before: %s\nafter:  %s\n' "$CENSUS $KERNEL" \
			"$(census) $(kernel)"
		return 1
	}
}

# warm: what a first jail makes once for all of them is there.
warm() {
	mkroot "$DIR/r"
	addr 10.20.0.1/16
	jail -c name=warm path="$DIR/r" persist mount.devfs mount.procfs \
		ip4.addr=10.20.0.2
	jexec warm true
	jail -r warm
	# It must outlive all that happens to others.
	jail -c name=stay path="$DIR/r" persist mount.procfs
}

# only_stay: that one lives, and no other jail is there.
only_stay() {
	jexec stay true
	[ "$(jls name)" = stay ]
}

# now: microseconds.
now() {
	echo "${EPOCHREALTIME/[.,]/}"
}

# median NUMBER ...
median() {
	printf '%s\n' "$@" | sort -n | awk '{ v[NR] = $1 }
		END { print v[int((NR + 1) / 2)] }'
}

@test "200 jails made and removed by 8 processes at once leave nothing" {
	local p i
	warm
	count
	for p in 1 2 3 4 5 6 7 8; do
		(
			for i in {1..25}; do
				jail -i -c name="s$p-$i" path="$DIR/r" persist \
					mount.devfs mount.procfs \
					ip4.addr="10.20.$p.$i" >>"$DIR/jids.$p" ||
					echo "create s$p-$i" >>"$DIR/failed"
			done
		) 3>&- &
	done
	wait
	[ ! -e "$DIR/failed" ]
	run jls -N
	[ "${#lines[@]}" = 202 ]
	[ "$(sort -u "$DIR"/jids.* | wc -l)" = 200 ]
	[ "$(jls jid | sort)" = "$({ jls -j stay jid; cat "$DIR"/jids.*; } |
		sort)" ]
	for p in 1 2 3 4 5 6 7 8; do
		(
			for i in {1..25}; do
				jexec "s$p-$i" true && jail -r "s$p-$i" ||
					echo "remove s$p-$i" >>"$DIR/failed"
			done
		) 3>&- &
	done
	wait
	[ ! -e "$DIR/failed" ]
	only_stay
	settled
}

@test "making, entering and removing the same few names at once holds" {
	local p i
	warm
	count
	for p in 1 2 3 4 5 6 7 8; do
		(
			for i in {1..25}; do
				jail -c name="n$((i % 3))" path="$DIR/r" \
					persist ip4.addr="10.20.0.$((i % 3 + 3))"
				jexec "n$((i % 3))" true
				jail -r "n$((i % 3))"
			done >"$DIR/log.$p" 2>&1
		) 3>&- &
	done
	wait
	# Only the honest reasons of a race may be told.
	run grep -hvE 'already exists|not found|already in use|: (created|removed)$|No such process|Address already in use' \
		"$DIR"/log.*
	is ''
	jail -r n0 n1 n2 >/dev/null 2>&1 || :
	only_stay
	settled
}

@test "the first jail may come while the last one goes" {
	local p i

	# No jail stays: the runtime directory is made and tidied away by
	# turns, and whoever finds it going waits and makes it anew.
	mkroot "$DIR/r"
	for p in 1 2 3 4 5 6; do
		(
			for i in {1..20}; do
				jail -c name="s$p" path="$DIR/r" persist &&
					jail -r "s$p" && gaol tidy ||
					echo "$p: $i"
			done >"$DIR/log.$p" 2>&1
		) 3>&- &
	done
	wait
	run cat "$DIR"/log.*
	is ''
	no_jails
}

is_gone() {
	! jls -j "$1" jid >/dev/null 2>&1
}

# truthful NUMBER: what gaol says of jail kNUMBER is so, whichever it is, and
# the name can be used again at once. A jail seen dying may go a moment later.
truthful() {
	if is_gone "k$1"; then
		! jexec "k$1" true 2>/dev/null || return 1
	elif jexec "k$1" true; then
		jail -r "k$1" || return 1
	else
		eventually 30 is_gone "k$1" || return 1
	fi
	make_one "$1" && jexec "k$1" true && remove_one "$1" && is_gone "k$1"
}

# clear: the dead that nobody stumbled over are swept away by command.
clear() {
	gaol tidy
	only_stay
}

KILL=() # what make_one and remove_one run under
make_one() {
	hostnet "${KILL[@]}" "$BIN/jail" -c name="k$1" path="$DIR/r" persist \
		mount.devfs mount.procfs "${NETWORK[@]}"
}

remove_one() {
	hostnet "${KILL[@]}" "$BIN/jail" -r "k$1"
}

# instant I FULL: the I-th of 50 instants in FULL us. Where a machine was slow
# while FULL was measured most come too late: each further 50 come earlier.
instant() {
	echo $(($2 * ($1 % 50) / 50 / (1 + $1 / 50)))
}

# killed_creations: SIGKILL at 50 instants of creation. Each next jail has
# another name and the same address, so that claims of the dead show.
killed_creations() {
	local full i t killed=0 times=()
	for i in 1 2 3 4 5; do
		t=$(now)
		make_one "$i" >/dev/null
		times+=($(($(now) - t)))
		remove_one "$i"
	done
	full=$(median "${times[@]}")
	echo "creation takes $full us"
	for ((i = 0; i < 50 || (killed < 10 && i < 200); i++)); do
		t=$(instant "$i" "$full")
		KILL=("$TOOLS/killafter" "$t")
		make_one "$i" >/dev/null 2>&1 || killed=$((killed + 1))
		KILL=()
		truthful "$i" || {
			echo "after $t us"
			return 1
		}
	done
	echo "$killed were killed before the end"
	[ "$killed" -ge 10 ]
}

@test "jail killed at 50 instants of creation: the truth is told" {
	warm
	count
	NETWORK=(ip4.addr=10.20.0.7)
	killed_creations
	clear
	settled
}

@test "jail killed at 50 instants of creation with a stack of its own" {
	warm
	count
	NETWORK=(vnet)
	killed_creations
	clear
	settled
}

@test "jail killed at 50 instants of removal: the truth is told" {
	local full t i killed=0 times=()
	warm
	count
	NETWORK=(ip4.addr=10.20.0.7)
	for i in 1 2 3 4 5; do
		make_one "$i"
		t=$(now)
		remove_one "$i"
		times+=($(($(now) - t)))
	done
	full=$(median "${times[@]}")
	for ((i = 0; i < 50 || (killed < 10 && i < 200); i++)); do
		make_one "$i"
		KILL=("$TOOLS/killafter" "$(instant "$i" $((full * 5 / 8)))")
		remove_one "$i" >/dev/null 2>&1 || killed=$((killed + 1))
		KILL=()
		truthful "$i"
	done
	echo "$killed of $i killed in $full us"
	[ "$killed" -ge 10 ]
	clear
	settled
}

@test "1,000 persistent jails: made, listed, removed" {
	local i t made=() gone=() first last
	warm
	count
	for ((i = 1; i <= 1000; i++)); do
		t=$(now)
		jail -c name="m$i" path="$DIR/r" persist mount.devfs \
			mount.procfs ip4.addr="10.20.$((i / 250 + 1)).$((i % 250 + 1))"
		made+=($(($(now) - t)))
	done
	[ "$(jls jid | wc -l)" = 1001 ]
	t=$(now)
	jls >"$DIR/list"
	t=$(($(now) - t))
	[ "$(wc -l <"$DIR/list")" = 1002 ]
	echo "jls of 1,000: $t us"
	jexec m1000 true
	for ((i = 1; i <= 1000; i++)); do
		t=$(now)
		jail -r "m$i"
		gone+=($(($(now) - t)))
	done
	# Told, not judged: the benchmark measures, beside nothing else.
	first=$(median "${made[@]:0:100}") last=$(median "${made[@]:900:100}")
	echo "made: first hundred $first us, last hundred $last us"
	first=$(median "${gone[@]:900:100}") last=$(median "${gone[@]:0:100}")
	echo "removed: with few $first us, with many $last us"
	only_stay
	settled
}
