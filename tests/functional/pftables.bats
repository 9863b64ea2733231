#!/usr/bin/env bats
# pfctl -T: tables that change while rules are in force.
load lib

setup() {
	gaol_setup
	ip -n "$NETNS" route add local 10.0.0.0/8 dev lo
	ip -n "$NETNS" route add local fd00::/16 dev lo
}

probe() { hostnet "$BATS_TEST_DIRNAME/tableprobe.py" "$@"; }

# table NAME [OPTION ...] COMMAND [ADDRESS ...]
table() {
	local opts=(-t "$1")

	shift
	while [[ $1 == -* ]]; do
		opts+=("$1")
		[ "$1" != -f ] || {
			shift
			opts+=("$1")
		}
		shift
	done
	pfctl "${opts[@]}" -T "$@"
}

@test "commands say what pfctl says" {
	run table x add 10.0.0.0/8 '!10.1.0.0/16' 10.1.2.3
	[ "$status" = 0 ]
	is '1 table created.
3/3 addresses added.'
	run table x show
	is '   10.0.0.0/8
  !10.1.0.0/16
   10.1.2.3'
	run table x -vv add 10.0.0.0/8 10.9.9.9 10.9.9.9 10.1.0.0/16
	is '1/4 addresses added.
   10.0.0.0/8
A  10.9.9.9
X  10.9.9.9
Y  10.1.0.0/16'
	run table x test 10.2.2.2 10.1.2.3
	[ "$status" = 0 ]
	is '2/2 addresses match.'
	run table x -vv test 10.1.0.5 10.2.2.2 11.1.1.1
	[ "$status" = 2 ]
	is $'1/3 addresses match.\n   10.1.0.5\t!10.1.0.0/16\nM  10.2.2.2\t 10.0.0.0/8\n   11.1.1.1\t nomatch'
	run table x -v replace 1.2.3.4 10.0.0.0/8 '!10.9.9.9'
	is '1 addresses added.
2 addresses deleted.
1 addresses changed.
A  1.2.3.4
C !10.9.9.9
D !10.1.0.0/16
D  10.1.2.3'
	run table x replace 1.2.3.4 10.0.0.0/8 '!10.9.9.9'
	is 'no changes.'
	run table x -v delete 1.2.3.4 10.9.9.9 5.5.5.5
	is '1/3 addresses deleted.
D  1.2.3.4
Y  10.9.9.9'
	run table x -n flush
	is '2 addresses deleted (dummy).'
	run table x zero
	is '1 table/stats cleared.'
	run table x -v zero 10.0.0.0/8 1.1.1.1
	is '1/2 addresses cleared.
Z  10.0.0.0/8'
	run table x flush
	is '2 addresses deleted.'
	run table x kill
	is '1 table deleted.'
	run table x show
	[ "$status" = 1 ]
	is 'pfctl: Table does not exist.'
	run table x -q add 1.1.1.1
	is ''
}

@test "words that are no addresses, and uses that are none, are refused" {
	run table x -S add no.such.host
	[ "$status" = 1 ]
	is 'no IP address found for no.such.host'
	run table x test 10.0.0.0/8
	[ "$status" = 1 ]
	has 'Invalid argument'
	run table x expire soon
	[ "$status" = 1 ]
	is 'pfctl: expiry time: invalid'
	run pfctl -T add 1.1.1.1
	[ "$status" = 1 ]
	has 'usage:'
	run table x fly
	[ "$status" = 1 ]
	has "Unknown table command 'fly'"
	run pfctl -sT
	is ''
}

@test "a file of addresses is read with its comments, also from stdin" {
	printf '10.0.0.1 # one\n; two\n!10.0.0.0/24 2001:db8::/32\n' >"$DIR/f"
	run table x -f "$DIR/f" add 10.0.0.2
	has '4/4 addresses added.'
	run table x -f - delete <<<$'10.0.0.1\n10.0.0.2'
	is '2/2 addresses deleted.'
	run table x show
	is '  !10.0.0.0/24
   2001:db8::/32'
	run table x -f "$DIR/none" add
	[ "$status" = 1 ]
	has 'cannot load'
}

@test "packets are blocked as the table says at that time" {
	pfctl -ef - <<<$'table <x> persist\nblock in from <x>\npass from ! <x>'
	run probe 10.0.0.1 fd00::1
	is $'10.0.0.1 pass\nfd00::1 pass'
	table x -q add 10.0.0.0/8 '!10.1.0.0/16' 10.1.2.3 fd00::/64
	run probe 10.0.0.1 10.1.0.1 10.1.2.3 fd00::1 fd00:1::1
	is $'10.0.0.1 block\n10.1.0.1 pass\n10.1.2.3 block\nfd00::1 block\nfd00:1::1 pass'
	table x -q add 10.1.0.0/24
	table x -q delete 10.1.2.3
	run probe 10.1.0.1 10.1.2.3
	is $'10.1.0.1 block\n10.1.2.3 pass'
	table x -q replace 10.1.2.3 '!fd00::7' fd00::/16
	run probe 10.0.0.1 10.1.2.3 fd00:1::1 fd00::7
	is $'10.0.0.1 pass\n10.1.2.3 block\nfd00:1::1 block\nfd00::7 pass'
	table x -q flush
	run probe 10.1.2.3 fd00:1::1
	is $'10.1.2.3 pass\nfd00:1::1 pass'
}

@test "no packet of a source in the table passes while its neighbours change" {
	pfctl -ef - <<<$'table <x> persist { 10.0.0.0/8 }\npass\nblock in from <x>'
	hostnet python3 - "$BIN/pfctl" <<'EOF'
import socket, subprocess, sys
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 0))
server.settimeout(60)
def send(source, text):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as c:
        c.setsockopt(socket.IPPROTO_IP, 15, 1)
        c.bind((source, 0))
        c.sendto(text, server.getsockname())
for i in range(60):
    # Each takes apart, or puts together, the range that 10.0.0.5 is in.
    word = ("!10.0.0.4", "!10.0.0.6", "10.0.0.5", "10.0.0.0/30", "!10.0.0.8/29",
            "10.0.0.0/24")[i // 2 % 6]
    p = subprocess.Popen([sys.argv[1], "-q", "-t", "x", "-T",
                          "add" if i % 2 == 0 else "delete", word])
    while p.poll() is None:
        for _ in range(20):
            send("10.0.0.5", b"no")
    assert p.returncode == 0
send("127.0.0.1", b"end")
assert server.recv(16) == b"end"
EOF
}

@test "a load keeps what tables hold, but where it says otherwise" {
	pfctl -ef - <<<$'table <a> persist { 10.0.0.1 }\ntable <b> { 10.0.0.2 }\ntable <c> persist\nblock from <a>\nblock from <b>'
	table a -q add 10.0.0.11
	table b -q add 10.0.0.12
	table c -q add 10.0.0.13
	pfctl -f - <<<$'table <a> persist\ntable <b> { 10.0.0.3 10.0.0.12 }\nblock in from <a>\nblock in from <b>'
	run table a show
	is $'   10.0.0.1\n   10.0.0.11'
	run table b show
	is $'   10.0.0.3\n   10.0.0.12'
	run table c show
	is '   10.0.0.13'
	run probe 10.0.0.11 10.0.0.2 10.0.0.12 10.0.0.13
	is $'10.0.0.11 block\n10.0.0.2 pass\n10.0.0.12 block\n10.0.0.13 pass'
	pfctl -f - <<<$'table <c> const { }\nblock in from <a>\npass from <c>'
	run pfctl -sT
	is $'a\nc'
	run table c show
	is ''
	run pfctl -T load -f - <<<$'table <a> { 10.0.0.4 }'
	[ "$status" = 0 ]
	run table a show
	is '   10.0.0.4'
	run pfctl -sr
	has 'block drop in from <a> to any'
	pfctl -d
	pfctl -e
	run probe 10.0.0.4
	is '10.0.0.4 block'
	pfctl -F rules
	run pfctl -sT
	is ''
}

@test "tables have flags, and one that is constant does not change" {
	pfctl -f - <<<$'table <c> const { 10.0.0.1 }\ntable <p> persist counters\nblock from <c>\nblock from <u>'
	table u -q add 10.0.0.2
	pfctl -a sub -t p -q -T add 1.1.1.1
	run pfctl -v -sT
	is $'c-a-r--\tc\n-pa--hC\tp\n-pa-r--\tu'
	run pfctl -a sub -v -sT
	is $'-pa----\tp\tsub'
	run pfctl -vv -s Tables
	has $'\tAddresses:   1'
	has $'\tReferences:  [ Anchors: 0                  Rules: 1                  ]'
	for word in 'add 1.1.1.1' 'delete 10.0.0.1' 'replace 1.1.1.1' flush 'expire 0'; do
		# shellcheck disable=SC2086 # words
		run table c $word
		[ "$status" = 1 ]
		is 'pfctl: Operation not permitted.'
	done
	run table c test 10.0.0.1
	[ "$status" = 0 ]
	run pfctl -F Tables
	is '3 tables deleted.'
	run pfctl -a sub -F Tables
	is '1 tables deleted.'
	run pfctl -sT
	is ''
}

@test "an anchor's own table goes before the main one's, as long as there is one" {
	pfctl -ef - <<<$'table <x> persist { 10.0.0.1 }\npass\nanchor a'
	pfctl -a a -f - <<<'block in from <x>'
	run probe 10.0.0.1 10.0.0.2
	is $'10.0.0.1 block\n10.0.0.2 pass'
	run pfctl -a a -t x -T add 10.0.0.2
	is $'pfctl: warning: table <x> already defined in anchor "/"\n1 table created.\n1/1 addresses added.'
	run probe 10.0.0.1 10.0.0.2
	is $'10.0.0.1 pass\n10.0.0.2 block'
	pfctl -a a -t x -q -T add 10.0.0.3
	table x -q add 10.0.0.4
	run probe 10.0.0.3 10.0.0.4
	is $'10.0.0.3 block\n10.0.0.4 pass'
	pfctl -a a -t x -q -T kill
	run probe 10.0.0.1 10.0.0.2 10.0.0.4
	is $'10.0.0.1 block\n10.0.0.2 pass\n10.0.0.4 block'
}

@test "entries expire when they have been there, or counting, for long" {
	pfctl -f - <<<$'table <x> persist\nblock from <x>'
	table x -q add 10.0.0.1 10.0.0.2
	run table x expire 1000
	is '0/0 addresses expired.'
	run table x -v show
	[[ $output =~ ^'   10.0.0.1'$'\n\t''Cleared:     '[A-Z] ]]
	gone() { table x -q expire 1 && [ "$(table x show | wc -l)" = 0 ]; }
	eventually 30 gone
}

@test "a table with counters tells the packets of each address, over loads, too" {
	pfctl -ef - <<<$'table <x> persist counters { 10.0.0.0/30 !10.0.0.1 }\npass\nblock in from <x>'
	probe 10.0.0.2 10.0.0.2 10.0.0.1
	run table x -v show
	counted() {
		run table x -v show
		[[ $output =~ 10.0.0.0/30.*Matched:\ +\[\ Packets:\ $1\ +Bytes:\ $2\ +\].*!10.0.0.1.*Packets:\ 0\  ]]
	}
	counted 2 66
	# Also over a load.
	pfctl -f - <<<$'table <x> persist counters { 10.0.0.0/30 !10.0.0.1 !10.0.0.0 10.0.0.4 }\npass\nblock in from <x>'
	counted 2 66
	probe 10.0.0.2
	counted 3 99
	run table x reset
	is '1/1 stats cleared.'
	run table x -v show
	[[ $output != *'Packets: 2'* ]]
}

@test "a hundred thousand addresses: changed, matched, loaded, told" {
	python3 -c 'for i in range(100000): print("10.%d.%d.%d" % (i >> 16, i >> 8 & 255, i & 255))' >"$DIR/f"
	pfctl -ef - <<<$'table <x> persist\npass\nblock in from <x>'
	run table x -f "$DIR/f" add
	is '100000/100000 addresses added.'
	table x -q add 10.200.0.1 10.201.0.0/16
	run table x add '!10.0.1.1'
	is '0/1 addresses added.'
	run table x test 10.0.1.1 10.201.3.3 10.1.134.159
	[ "$status" = 0 ]
	run probe 10.0.1.1 10.200.0.1 10.200.0.2 10.201.9.9 10.1.134.159 10.1.134.160
	is $'10.0.1.1 block\n10.200.0.1 block\n10.200.0.2 pass\n10.201.9.9 block\n10.1.134.159 block\n10.1.134.160 pass'
	table x -q delete 10.0.0.77
	pfctl -f - <<<$'pass\nblock in proto udp from <x> to port 1:65535'
	run probe 10.0.0.77 10.0.0.78 10.200.0.1
	is $'10.0.0.77 pass\n10.0.0.78 block\n10.200.0.1 block'
	[ "$(table x show | wc -l)" = 100001 ]
	run table x -f "$DIR/f" replace
	is $'1 addresses added.\n2 addresses deleted.'
}

@test "what others did to the kernel's sets is mended by the next change" {
	pfctl -ef - <<<$'table <x> persist { 10.0.0.1 10.0.0.2 10.0.0.3 }\npass\nblock in from <x>'
	hostnet nft delete element ip pf t___x '{ 10.0.0.1 }'
	table x -q delete 10.0.0.1
	hostnet nft flush set ip pf t___x
	table x -q delete 10.0.0.2
	run probe 10.0.0.1 10.0.0.2 10.0.0.3
	is $'10.0.0.1 pass\n10.0.0.2 pass\n10.0.0.3 block'
}

@test "the kernel has what tables say through random changes" {
	run hostnet "$BUILD/tests/pf/pf_sets" 300 "$RANDOM"
	echo "$output"
	[ "$status" = 0 ]
}

@test "explaining and pools go by what a table holds now" {
	pfctl -ef - <<<$'table <x> persist { 10.0.0.1 }\nnat on lo inet from 10.9.9.9 to any -> <x>\npass\nblock in from <x>'
	table x -q replace 10.0.0.2
	run pfctl --explain 'in on lo0 proto udp from 10.0.0.2 to 10.0.0.9 port 80'
	has 'block by @1'
	run pfctl --explain 'in on lo0 proto udp from 10.0.0.1 to 10.0.0.9 port 80'
	has 'pass by @0'
	pfctl -a sub -f - <<<pass
	run hostnet nft list table ip pf
	has 'snat to 10.0.0.2'
}

@test "what overload adds is of the table: shown, deleted, kept by a load" {
	rules() {
		printf '%s\n' 'table <bad> persist' 'pass' 'block in quick from <bad>' \
			'pass in on lo0 proto tcp to port 7000 flags any keep state (max-src-conn-rate 2/60, overload <bad>)'
	}
	rules | pfctl -ef -
	cat >"$DIR/overload.py" <<'EOF'
import socket, subprocess, sys, time
pfctl, source = sys.argv[1:]
server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(("127.0.0.1", 7000))
server.listen(50)
held = []
for _ in range(6):
    c = socket.socket()
    c.setsockopt(socket.IPPROTO_IP, 15, 1)
    c.bind((source, 0))
    c.setblocking(False)
    c.connect_ex(("127.0.0.1", 7000))
    held.append(c)
end = time.monotonic() + 60
while subprocess.run([pfctl, "-q", "-t", "bad", "-T", "test", source]).returncode:
    assert time.monotonic() < end
    time.sleep(0.1)
EOF
	hostnet python3 "$DIR/overload.py" "$BIN/pfctl" 10.0.0.5
	run table bad show
	is '   10.0.0.5'
	run probe 10.0.0.5 10.0.0.6
	is $'10.0.0.5 block\n10.0.0.6 pass'
	# A network around it, and without it.
	table bad -q add 10.0.0.0/24
	run table bad delete 10.0.0.5
	is '1/1 addresses deleted.'
	run probe 10.0.0.5 10.0.1.5
	is $'10.0.0.5 block\n10.0.1.5 pass'
	table bad -q flush
	run probe 10.0.0.5
	is '10.0.0.5 pass'
	hostnet python3 "$DIR/overload.py" "$BIN/pfctl" 10.1.0.5
	rules | pfctl -f -
	run table bad show
	is '   10.1.0.5'
	run probe 10.1.0.5
	is '10.1.0.5 block'
	run table bad flush
	is '1 addresses deleted.'
	run probe 10.1.0.5
	is '10.1.0.5 pass'
	# Only tables that are defined are filled.
	rules | grep -v '<bad> persist' | pfctl -f -
	pfctl -F Tables
	run pfctl -sT
	is ''
}
