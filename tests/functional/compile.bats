# A guest builds a program and runs it, on two processors.

load lib
load guest

setup() {
	guest_setup
}

teardown() {
	guest_teardown
}

# tree DIR: what a compiler needs, from this host's packages.
tree() {
	local file

	mkdir -p "$1/tmp"
	dpkg -L tcc libtcc-dev libc6-dev libc6 libcrypt-dev linux-libc-dev 2>/dev/null |
		grep -E '^/' | grep -vE '^/usr/share/|/gconv/|/audit/' | sort -u |
		while read -r file; do
			if [ -e "$file" ] && { [ ! -d "$file" ] || [ -L "$file" ]; }; then
				echo "$file"
			fi
		done | cpio -pdmL --quiet "$1" 2>/dev/null
}

# program: four threads stir a table of their own, and one sum over all tells
# whether every step of integers, doubles, strings and locks was right.
program() {
	cat <<-'EOF'
	#include <math.h>
	#include <pthread.h>
	#include <stdint.h>
	#include <stdio.h>
	#include <stdlib.h>
	#include <string.h>

	enum { THREADS = 4, WORDS = 1 << 16, ROUNDS = 12 };

	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static uint64_t turns, total;

	static uint64_t mix(uint64_t x)
	{
		x ^= x >> 31;
		x *= 0x7fb5d329728ea185ull;
		x ^= x >> 27;
		x *= 0x81dadef4bc2dd44dull;
		return x ^ x >> 33;
	}

	static void *work(void *arg)
	{
		uint64_t seed = (uint64_t)(size_t)arg, sum = 0;
		uint64_t *t = malloc(WORDS * sizeof(*t));
		char text[64];

		for (int i = 0; i < WORDS; i++)
			t[i] = mix(seed << 32 | i);
		for (int r = 0; r < ROUNDS; r++)
			for (int i = 0; i < WORDS; i++) {
				uint64_t at = t[i] % WORDS;
				double d = sqrt((double)(t[at] >> 11));

				t[i] = mix(t[i] ^ t[at] ^ (uint64_t)d);
				if (i % 4096 == 0) {
					sprintf(text, "%llx.%d", (unsigned long long)t[i], i);
					t[at] += strlen(text) + text[3];
					pthread_mutex_lock(&lock);
					turns++;
					pthread_mutex_unlock(&lock);
				}
			}
		for (int i = 0; i < WORDS; i++)
			sum = mix(sum + t[i]);
		pthread_mutex_lock(&lock);
		total ^= sum;
		pthread_mutex_unlock(&lock);
		free(t);
		return NULL;
	}

	int main(void)
	{
		pthread_t id[THREADS];

		for (size_t i = 0; i < THREADS; i++)
			pthread_create(&id[i], NULL, work, (void *)(i + 1));
		for (int i = 0; i < THREADS; i++)
			pthread_join(id[i], NULL);
		printf("sum %016llx turns %llu\n", (unsigned long long)total,
		       (unsigned long long)turns);
		return 0;
	}
	EOF
}

@test "a guest compiles a program and runs it on two processors" {
	tree "$DIR/tree"
	program >"$DIR/tree/tmp/work.c"
	cc -O1 -w -o "$DIR/work" "$DIR/tree/tmp/work.c" -lpthread -lm
	want=$("$DIR/work")
	mke2fs -qF -t ext4 -d "$DIR/tree" "$DIR/disk" 128M
	{
		cat <<-'EOF'
		mkdir /m
		mount -t ext4 /dev/vdb /m
		chroot /m /usr/bin/tcc -o /tmp/work /tmp/work.c -lpthread -lm && echo compiled
		for i in 1 2 3; do chroot /m /tmp/work; done
		md5sum </m/tmp/work
		umount /m
		poweroff -f
		sleep 99
		EOF
	} >"$DIR/script"
	truncate -s 64K "$DIR/script"
	guest_start 'gaol.run=sh,/dev/vda' -o engine=soft -c 2 \
		-s 3,virtio-blk,"$DIR/script",ro -s 4,virtio-blk,"$DIR/disk" cc
	guest_end 600
	[ "$STATUS" = 1 ]
	tr -d '\r' <"$OUT" >"$DIR/said"
	grep -qx compiled "$DIR/said"
	[ "$(grep -cx "$want" "$DIR/said")" = 3 ]
	# What it built is on the disk, whole.
	e2fsck -fn "$DIR/disk"
	sum=$(debugfs -R 'cat /tmp/work' "$DIR/disk" 2>/dev/null | md5sum)
	grep -qx "$sum" "$DIR/said"
}
