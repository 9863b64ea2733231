#!/usr/bin/env bats
# What 'make install' installs works where it lands, a DESTDIR too.
load lib

@test "an installed tree runs jails, finds its helpers and its manuals" {
	local inst

	# The lab brings what meson installed outside.
	cp -a "$BUILD/installed" "$DIR/inst" 2>/dev/null ||
		meson install -C "$BUILD" --quiet --no-rebuild \
			--destdir "$DIR/inst"
	inst=$DIR/inst/usr/local
	# The programs that were built, all of them and no other.
	diff <(ls "$inst/bin") \
		<(cd "$BIN" && find . -maxdepth 1 -type f -perm -u+x -printf '%P\n' | sort)
	for program in gaol jail jexec jls; do
		[ -x "$inst/bin/$program" ]
	done
	for page in jail.8 jls.8 jexec.8 gaol.8; do
		[ -s "$inst/share/man/man8/$page" ]
	done
	[ -s "$inst/share/man/man5/jail.conf.5" ]

	# A hook's ifconfig and jexec come from that tree.
	mkroot "$DIR/r"
	cat >"$DIR/jail.conf" <<-END
		w {
			path = "$DIR/r";
			exec.clean;
			exec.prepare = "ifconfig lo1 create";
			ip4.addr = "lo1|10.9.0.1/32";
			exec.poststart = "jexec w /bin/hostname >$DIR/out";
			exec.poststart += "command -v ifconfig >>$DIR/out";
			exec.poststart += "command -v jexec >>$DIR/out";
			host.hostname = w.example.org;
			persist;
		}
	END
	hostnet "$inst/bin/jail" -f "$DIR/jail.conf" -c
	run cat "$DIR/out"
	is "w.example.org
$inst/libexec/gaol/freebsd/ifconfig
$inst/libexec/gaol/freebsd/jexec"
	hostnet "$inst/bin/jail" -f "$DIR/jail.conf" -r w
}

@test "what starts jails is small and loads no library" {
	for program in "$BIN/jail" "$LIBEXEC/init" "$LIBEXEC/freebsd/ifconfig"; do
		run ldd "$program"
		[[ $output == *"statically linked"* ||
			$output == *"not a dynamic executable"* ]]
	done
	[ "$(stat -c %s "$LIBEXEC/init")" -lt 4096 ]
}
