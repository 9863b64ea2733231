#!/usr/bin/env bats
# Bases and the roots made from them: gaol base, gaol root.
load lib

setup() {
	gaol_setup
	export GAOL_LIB=$DIR/lib
	base=$GAOL_LIB/base/small
	mkroot "$base"
	mkdir -p "$base"/{opt,srv,usr/local/bin}
	chown 1001:1001 "$base/var/www"
}

@test "a thin root has an empty root and its own directories" {
	run gaol root thin "$base" "$DIR/j"
	[ "$status" = 0 ]
	has "$DIR/j: thin root, "
	[ -z "$(ls -A "$DIR/j/root")" ]
	run ls "$DIR/j/own"
	is $'etc\nhome\nopt\nroot\nsrv\ntmp\nusr\nvar'
	[ -d "$DIR/j/own/usr/local/bin" ]
	[ "$(stat -c %u "$DIR/j/own/var/www")" = 1001 ]
	[ "$(stat -c %a "$DIR/j/own/tmp")" = 1777 ]
	[ ! -e "$DIR/j/own/bin" ]
}

@test "a thick root is a full copy" {
	run gaol root thick "$base" "$DIR/j"
	[ "$status" = 0 ]
	has "$DIR/j: thick root, "
	diff -r --no-dereference "$base" "$DIR/j/root"
	[ "$(stat -c %u "$DIR/j/root/var/www")" = 1001 ]
}

@test "a root that is there is left alone" {
	gaol root thin "$base" "$DIR/t"
	gaol root thick "$base" "$DIR/k"
	echo mine >"$DIR/t/own/etc/passwd"
	rm "$DIR/k/root/etc/passwd"
	run gaol root thin "$base" "$DIR/t"
	is ''
	run gaol root thick "$base" "$DIR/k"
	is ''
	[ "$(cat "$DIR/t/own/etc/passwd")" = mine ]
	[ ! -e "$DIR/k/root/etc/passwd" ]
}

@test "a thick root shares blocks with the base on btrfs, and says so" {
	command -v mkfs.btrfs >/dev/null || skip "no mkfs.btrfs here"
	grep -qw btrfs /proc/filesystems || modprobe -q btrfs ||
		skip "this kernel has no btrfs"
	truncate -s 256M "$DIR/img"
	mkfs.btrfs -q "$DIR/img"
	mkdir "$DIR/m"
	mount -o loop "$DIR/img" "$DIR/m"
	mkroot "$DIR/m/base"
	run gaol root thick "$DIR/m/base" "$DIR/m/j"
	umount "$DIR/m"
	[ "$status" = 0 ]
	has "by reflink"
}

@test "a copy killed at any instant leaves a whole root or none" {
	local i files

	cp -r "$base/bin" "$base/var/more"
	for ((i = 0; i < 12; i++)); do
		cp "$base/bin/busybox" "$base/var/big$i"
	done
	files=$(find "$base" | wc -l)
	for ((i = 0; i < 20; i++)); do
		"$BIN/gaol" root thick "$base" "$DIR/j$i" >/dev/null 3>&- &
		sleep "0.0$(printf %02d $((i * 2)))"
		kill -9 $! 2>/dev/null || :
		wait $! || :
		if [ -e "$DIR/j$i/root" ]; then
			[ "$(find "$DIR/j$i/root" | wc -l)" = "$files" ]
		fi
		gaol root thick "$base" "$DIR/j$i"
		[ "$(find "$DIR/j$i/root" | wc -l)" = "$files" ]
		[ "$(ls -A "$DIR/j$i")" = $'.lock\nroot' ]
	done
}

@test "two at once make one root" {
	gaol root thick "$base" "$DIR/j" >"$DIR/a" &
	gaol root thick "$base" "$DIR/j" >"$DIR/b"
	wait
	[ "$(cat "$DIR/a" "$DIR/b" | wc -l)" = 1 ]
	diff -r --no-dereference "$base" "$DIR/j/root"
}

@test "the disk being full leaves nothing half made" {
	mkdir "$DIR/m"
	mount -t tmpfs -o size=1m none "$DIR/m"
	run gaol root thick "$base" "$DIR/m/j"
	local left
	left=$(ls -A "$DIR/m/j")
	umount "$DIR/m"
	[ "$status" = 1 ]
	has "No space left on device"
	[ "$left" = .lock ]
}

@test "what gaol root cannot do is said in one line" {
	run gaol root thin /no/such "$DIR/j"
	[ "$status" = 1 ]
	is "gaol: root: base '/no/such': No such file or directory"
	run gaol root thin "$base" relative
	[ "$status" = 1 ]
	is "gaol: root: 'relative': not an absolute pathname"
	run gaol root fat "$base" "$DIR/j"
	[ "$status" = 2 ]
	[[ $output == usage:* ]]
}

@test "bases are listed and removed, unless in use" {
	run gaol base list
	is small
	mkdir "$DIR/m"
	mount --bind "$base" "$DIR/m"
	run gaol base remove small
	umount "$DIR/m"
	[ "$status" = 1 ]
	is "gaol: base: base small: in use"
	run gaol base remove small
	[ "$status" = 0 ]
	run gaol base list
	is ''
	run gaol base remove small
	[ "$status" = 1 ]
	has "No such file or directory"
}

@test "a bad base file is told with its line" {
	printf 'suite bookworm\npackages lighttpd\n' >"$DIR/web"
	run gaol base make web "$DIR/web"
	[ "$status" = 1 ]
	is "gaol: base: web line 2: unknown word 'packages'"
	run gaol base make ../web "$DIR/web"
	[ "$status" = 1 ]
}

@test "a base that mmdebstrap cannot make leaves nothing" {
	command -v mmdebstrap >/dev/null || skip "no mmdebstrap here"
	printf 'suite bookworm\nmirror file:///no/such/mirror\n' >"$DIR/web"
	run gaol base make web "$DIR/web"
	[ "$status" = 1 ]
	[[ ${lines[-1]} == "gaol: base: base web: mmdebstrap: "* ]]
	[ ! -e "$GAOL_LIB/base/web" ]
	[ ! -e "$GAOL_LIB/base/.web.new" ]
}

@test "a base is not made when it is there, and not replaced when in use" {
	printf 'suite bookworm\n' >"$DIR/small"
	cp "$DIR/small" "$base/etc/gaol.base"
	run gaol base make small "$DIR/small"
	[ "$status" = 0 ]
	is "base small: was there"
	echo 'package curl' >>"$DIR/small"
	mkdir "$DIR/m"
	mount --bind "$base" "$DIR/m"
	run gaol base make small "$DIR/small"
	umount "$DIR/m"
	[ "$status" = 1 ]
	has "made from another file, and in use"
}
