#!/usr/bin/env bats
# pfctl(8): what is loaded, kept and told.
load lib

conf() { cat >"$DIR/pf.conf"; }


@test "pf is disabled until it is enabled, and says so once" {
	run pfctl -s Running
	[ "$status" = 1 ]
	is Disabled
	run pfctl -e
	[ "$status" = 0 ]
	is 'pf enabled'
	run pfctl -e
	[ "$status" = 1 ]
	is 'pfctl: pf already enabled'
	run pfctl -s Run
	[ "$status" = 0 ]
	is Enabled
	run pfctl -qd
	[ "$status" = 0 ]
	is ''
	run pfctl -d
	[ "$status" = 1 ]
	is 'pfctl: pf not enabled'
}

@test "rules are shown as they were loaded, by kind" {
	conf <<'EOF'
set skip on lo
table <bad> persist { 192.0.2.0/24, !192.0.2.4 }
nat on em0 inet from 10.0.0.0/8 to any -> 192.0.2.1
rdr on em0 inet proto tcp to 192.0.2.1 port 80 -> 10.0.0.2 port 8080
block return in log
pass in quick on em0 proto tcp from ! <bad> to port { ssh http } tag WEB
anchor "later"
anchor "now" on em1 {
	pass proto udp to port domain
}
anchor out {
	pass out
}
EOF
	run pfctl -f "$DIR/pf.conf"
	[ "$status" = 0 ]
	is ''
	run pfctl -sr
	is 'block return in log all
pass in quick on em0 proto tcp from ! <bad> to any port = ssh flags S/SA keep state tag WEB
pass in quick on em0 proto tcp from ! <bad> to any port = http flags S/SA keep state tag WEB
anchor "later" all
anchor "now" on em1 all
anchor out all {
  pass out all flags S/SA keep state
}'
	run pfctl -P -s nat
	is 'nat on em0 inet from 10.0.0.0/8 to any -> 192.0.2.1
rdr on em0 inet proto tcp from any to 192.0.2.1 port = 80 -> 10.0.0.2 port 8080'
	run pfctl -sA
	is $'  later\n  now'
	run pfctl -a now -sr
	is 'pass proto udp from any to any port = domain keep state'
	run pfctl -a '*' -sr
	has $'anchor "now" on em1 all {\n  pass proto udp'
}

@test "an anchor is loaded alone, and outlives a load of the main rules" {
	conf <<'EOF'
anchor "a"
anchor "b" {
	pass in proto tcp
}
block in on em0
EOF
	pfctl -f "$DIR/pf.conf"
	pfctl -a a -f - <<<'pass out proto udp'
	pfctl -a b -f - <<<'block out proto tcp'
	run pfctl -a b -sr
	is 'block drop out proto tcp all'
	run pfctl -sr
	is 'anchor "a" all
anchor "b" all
block drop in on em0 all'
	pfctl -f "$DIR/pf.conf"
	run pfctl -a a -sr
	is 'pass out proto udp all keep state'
	run pfctl -a b -sr
	is 'pass in proto tcp all flags S/SA keep state'
	run pfctl -a a -F rules
	is 'rules cleared'
	run pfctl -a a -sr
	is ''
	run pfctl -a none -F rules
	[ "$status" = 1 ]
}

@test "braces in braces outlive what is around them" {
	conf <<'EOF'
anchor "out" {
	anchor in {
		block
		anchor "deep" {
			pass proto udp
		}
	}
	pass
}
EOF
	pfctl -f "$DIR/pf.conf"
	pfctl -f - <<<block
	run pfctl -a out -sr
	is 'anchor in all {
  block drop all
  anchor "deep" all
}
pass all flags S/SA keep state'
	pfctl -a out -f - <<<$'anchor {\nmatch tag X\n}'
	pfctl -f "$DIR/pf.conf"
	run pfctl -a '*' -sr
	has '    block drop all
    anchor "deep" all {
      pass proto udp all keep state
    }'
}

@test "what is wrong in a file loads nothing, and what was there stays" {
	pfctl -ef - <<<'block in proto tcp label kept'
	conf <<'EOF'
pass in
pass in form any
EOF
	run pfctl -f "$DIR/pf.conf"
	[ "$status" = 1 ]
	has "$DIR/pf.conf:2: syntax error"
	has 'pf rules not loaded'
	conf <<'EOF'
pass in
pass in inet6 to 64:ff9b::/96 af-to inet from 192.0.2.1
EOF
	run pfctl -f "$DIR/pf.conf"
	[ "$status" = 1 ]
	has "$DIR/pf.conf:2: "
	run pfctl -nf - <<<'pass in proto 256'
	[ "$status" = 1 ]
	run pfctl -sr
	is 'block drop in proto tcp all label "kept"'
	run pfctl -s Running
	is Enabled
}

@test "kinds of rules are loaded and flushed alone" {
	conf <<'EOF'
nat on em0 inet from 10.0.0.0/8 to any -> 192.0.2.1
pass in
EOF
	pfctl -N -f "$DIR/pf.conf"
	run pfctl -sr
	is ''
	pfctl -R -f "$DIR/pf.conf"
	pfctl -N -f - <<<''
	run pfctl -sn
	is ''
	run pfctl -sr
	is 'pass in all flags S/SA keep state'
	pfctl -f "$DIR/pf.conf"
	run pfctl -F nat
	is 'nat cleared'
	run pfctl -F rules
	is 'rules cleared'
	run pfctl -sr -sn
	is ''
}

@test "options last until a load that does not name them, but for -m" {
	pfctl -e
	pfctl -f - <<<$'set skip on em9\npass'
	run hostnet nft list chain ip pf in
	has '"em9" accept'
	pfctl -m -f - <<<'pass'
	run hostnet nft list chain ip pf in
	has '"em9" accept'
	pfctl -f - <<<'pass'
	run hostnet nft list chain ip pf in
	[[ $output != *em9* ]]
}

@test "a packet is explained by the rule that decides" {
	pfctl -f - <<<$'block in\npass in proto tcp to port 80'
	run pfctl --explain 'in on em0 proto tcp from 10.0.0.9 to 10.0.0.1 port 80'
	[ "$status" = 0 ]
	has 'pass by @1'
	run pfctl --explain 'in on em0 proto udp from 10.0.0.9 to 10.0.0.1 port 80'
	has 'block by @0'
	run pfctl --explain 'in on em0 proto'
	[ "$status" = 1 ]
}

@test "counters are those of the packets that a rule decided" {
	pfctl -ef - <<<$'pass\nblock in proto udp to port 9 label nine'
	for _ in 1 2 3; do
		hostnet bash -c 'echo x >/dev/udp/127.0.0.1/9' || :
	done
	run pfctl -s labels
	[[ $output =~ ^nine\ 3\ 3\ 90\ 3\ 90\ 0\ 0\ 0$ ]] || is 'nine 3 3 90 3 90 0 0 0'
	run pfctl -vsr
	has 'Packets: 3 '
	run pfctl -z
	[ "$status" = 0 ]
	run pfctl -sl
	is 'nine 0 0 0 0 0 0 0 0'
}

@test "anything else is a wrong use" {
	run pfctl
	[ "$status" = 1 ]
	has 'usage: pfctl'
	run pfctl -s nothing
	[ "$status" = 1 ]
	has "Unknown show modifier 'nothing'"
	run pfctl -a x -e
	[ "$status" = 1 ]
	has 'anchors apply to -f, -F, -s, and -T only'
	run pfctl -D x -f /dev/null
	[ "$status" = 1 ]
	has 'could not parse macro definition x'
}

@test "what is FreeBSD's and not here is refused by name" {
	local words

	for words in '-s queue' '-s osfp' '-s ether' '-s creatorids' \
		'-F queue' '-F osfp' '-F ethernet' '-x loud' '-p /dev/pf'; do
		# shellcheck disable=SC2086
		run pfctl $words
		[ "$status" = 1 ]
		has "pfctl: $words: "
		[[ $output != *usage* ]]
	done
	run pfctl -h
	[ "$status" = 1 ]
	has 'usage: pfctl'
	run pfctl -o basic -nf /dev/null
	[ "$status" = 0 ]
	run pfctl -o best -nf /dev/null
	[ "$status" = 1 ]
	has "Unknown optimize modifier 'best'"
}

@test "interfaces are listed, and those that are skipped" {
	addr 192.0.2.1/24 em9
	pfctl -f - <<<'set skip on lo'
	run pfctl -s Interfaces
	is $'em9\nlo'
	run pfctl -vs Interfaces
	is $'em9\nlo (skip)'
	run pfctl -i em9 -s Interfaces
	is em9
}

@test "names that pf.conf cannot say are refused, all others kept" {
	local name

	# shellcheck disable=SC2016,SC1003 # names as they are
	for name in 'a b' "a'b" 'a"b' 'a\b' '{' '$x' '*x' '#' '<t>'; do
		pfctl -a "$name" -f - <<<"pass label x"
		pfctl -t "$name" -qT add 192.0.2.1
		pfctl -f - <<<block
		run pfctl -a "$name" -sr
		is 'pass all flags S/SA keep state label "x"'
		run pfctl -t "$name" -T show
		has 192.0.2.1
	done
	# shellcheck disable=SC1003
	for name in $'a\nb' 'a\'; do
		run pfctl -a "$name" -f - <<<pass
		[ "$status" = 1 ]
		has 'a name that pf.conf cannot say'
		run pfctl -t "$name" -T add 192.0.2.1
		[ "$status" = 1 ]
		has 'a name that pf.conf cannot say'
	done
	run pfctl -a _1 -f - <<<pass
	[ "$status" = 1 ]
	has 'names that begin with _'
}

# give_pfctl ROOT: pfctl and the libraries it needs, in a jail's tree.
give_pfctl() {
	local lib

	cp "$BIN/pfctl" "$1/bin/"
	ldd "$BIN/pfctl" | grep -o '/[^ ]*' | while read -r lib; do
		mkdir -p "$1$(dirname "$lib")"
		cp -L "$lib" "$1$lib"
	done
}

@test "a VNET jail's rules are its own, from inside and by -j from outside" {
	mkroot "$DIR/r"
	give_pfctl "$DIR/r"
	jail -qc name=v path="$DIR/r" persist vnet
	pfctl -f - <<<'pass in label host'
	run pfctl -j v -ef - <<<'block in proto udp label outside'
	[ "$status" = 0 ]
	is 'pf enabled'
	run jexec v pfctl -sr
	is 'block drop in proto udp all label "outside"'
	jexec v sh -c 'echo block out proto udp label inside | pfctl -f -'
	run pfctl -j v -sr
	is 'block drop out proto udp all label "inside"'
	run pfctl -s rules
	is 'pass in all flags S/SA keep state label "host"'
	run pfctl -j v -s Running
	is Enabled
	echo 'block in label theirs' >"$DIR/host.conf"
	run pfctl -j v -F rules -f "$DIR/host.conf"
	[ "$status" = 0 ]
	run pfctl -j v -sr
	is 'block drop in all label "theirs"'
	echo 192.0.2.7 >"$DIR/addresses"
	pfctl -j v -qt t -T add -f "$DIR/addresses"
	run jexec v pfctl -t t -T show
	has 192.0.2.7
	run pfctl -j none -sr
	[ "$status" = 1 ]
	is 'pfctl: jail "none" not found'
}

@test "a jail on the host's stack has no rules of its own" {
	mkroot "$DIR/r"
	give_pfctl "$DIR/r"
	jail -qc name=s path="$DIR/r" persist ip4=inherit
	run pfctl -j s -sr
	[ "$status" = 1 ]
	has 'has no network stack of its own'
	run jexec s sh -c 'echo block | pfctl -f -'
	[ "$status" != 0 ]
	run pfctl -sr
	is ''
}

@test "loading under traffic opens no window, and closes none" {
	run "$REPO/tests/endurance/pfreload" 100
	echo "$output"
	[ "$status" = 0 ]
	has '100 loads under'
}

@test "a connection lives through loads, also when its rule has gone" {
	hostnet sysctl -qw net.netfilter.nf_conntrack_tcp_loose=0 || :
	pfctl -ef - <<<$'block\npass on lo proto tcp to port 7007'
	hostnet python3 - "$BIN/pfctl" <<'EOF'
import socket, subprocess, sys
s = socket.create_server(("127.0.0.1", 7007))
c = socket.create_connection(("127.0.0.1", 7007))
d, _ = s.accept()
def speak():
    for a, b in ((c, d), (d, c)):
        b.settimeout(20)
        a.sendall(b"x")
        assert b.recv(1) == b"x"
speak()
for rules in ("block", "block label other", "block\npass on lo proto udp",
              "block\npass on lo proto tcp to port 7007"):
    subprocess.run([sys.argv[1], "-f", "-"], input=rules.encode(), check=True)
    speak()
n = socket.socket()
n.settimeout(20)
n.connect(("127.0.0.1", 7007))
subprocess.run([sys.argv[1], "-f", "-"], input=b"block return", check=True)
speak()
n = socket.socket()
n.settimeout(20)
try:
    n.connect(("127.0.0.1", 7007))
    sys.exit("connected")
except ConnectionRefusedError:
    pass
EOF
}

state_dir() { echo "$GAOL_RUN"-pf/*; }

@test "what a pfctl that was killed left is swept by the next" {
	local dir

	pfctl -ef - <<<'table <t> persist { 192.0.2.1 }'
	dir=$(state_dir)
	[ "$(stat -c %a "$dir" "$GAOL_RUN-pf")" = $'700\n700' ]
	touch "$dir"/{state.0000000000000001,state.1.77,table.1.2}
	pfctl -f - <<<'table <t> persist { 192.0.2.2 }'
	run ls "$dir"
	[ "$(grep -c '^state' <<<"$output")" = 1 ]
	[ "$(grep -c '^table' <<<"$output")" = 1 ]
	has "table.$(sed -n 's/^state\.//p' <<<"$output")."
}

@test "files that are not pfctl's stop no pfctl" {
	local dir state table

	pfctl -ef - <<<$'table <t> persist { 192.0.2.1 }\nblock'
	dir=$(state_dir)
	table=$(echo "$dir"/table.*)
	mv "$table" "$DIR/table"
	mkfifo "$table"
	run timeout -k 5 120 ip netns exec "$NETNS" "$BIN/pfctl" -t t -T show
	[ "$status" = 1 ]
	has 'no file of a table'
	rm "$table"
	mv "$DIR/table" "$table"
	state=$(echo "$dir"/state.*)
	echo nothing >"$state"
	run pfctl -sr
	[ "$status" = 1 ]
	has 'not a file of pfctl'
	rm "$state"
	run pfctl -sr
	[ "$status" = 1 ]
	has 'to begin anew, nft delete table ip pfgen_'
	# shellcheck disable=SC2086
	hostnet nft ${output#*nft }
	pfctl -ef - <<<pass
	run pfctl -sr
	is 'pass all flags S/SA keep state'
}

@test "a load whose routes fail leaves those that were there" {
	local i

	addr 192.0.2.1/24 em9
	routes() { ip -n "$NETNS" route show table all | grep -o 'via [0-9.]*'; }
	pfctl -f - <<<'pass in on lo route-to (em9 192.0.2.9) proto tcp'
	run routes
	is 'via 192.0.2.9'
	for i in {1..5}; do
		echo "pass in on lo route-to (em9 192.0.2.1$i) proto tcp"
	done >"$DIR/pf.conf"
	echo 'pass in on lo route-to (lo 127.0.0.9) proto tcp' >>"$DIR/pf.conf"
	run pfctl -f "$DIR/pf.conf"
	[ "$status" = 1 ]
	has 'routes of rules'
	run routes
	is 'via 192.0.2.9'
}

@test "disabled and flushed, pf leaves nothing behind" {
	pfctl -ef - <<'EOF'
set skip on em0
table <t> persist { 192.0.2.1 }
block return
EOF
	pfctl -d
	run pfctl -F all
	[ "$status" = 0 ]
	run hostnet nft list ruleset
	is ''
	[ ! -e "$GAOL_RUN-pf" ]
	run pfctl -sr
	[ "$status" = 0 ]
	is ''
	pfctl -d || :
	[ ! -e "$GAOL_RUN-pf" ]
}
