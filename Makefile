# gaol - a short front for meson; HACKING.md tells what each target is for.
B = build
PREFIX = /usr/local
all: $(B)/build.ninja
	@ninja -C $(B) --quiet
$(B)/build.ninja:
	@tools/deps build && meson setup $(B) --prefix $(PREFIX) >$(B).log || { cat $(B).log; exit 1; }
check: all
	@meson test -C $(B) --suite unit
test lab run stop bench bench-pf bench-vm fuzz:
	@tools/$@
install: all
	@meson configure $(B) --prefix $(PREFIX) && ninja -C $(B) --quiet
	@meson install -C $(B) --quiet --no-rebuild --destdir "$(abspath $(DESTDIR))"
clean:
	@rm -rf build build-* build.log
.PHONY: all check test lab run stop bench bench-pf bench-vm fuzz install clean
