/* SPDX-License-Identifier: BSD-2-Clause */
/* run_test.c - order of steps, undo at every failing step, dependencies, and
 * what each letter does, in a fake world.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "jail/run.h"
#include "jail/run_fake.h"

static const char everything[] =
    "exec.prepare = \"log prepare\"; exec.prestart = \"log prestart\";\n"
    "exec.created = \"log created\"; exec.start = \"true start\";\n"
    "exec.poststart = \"log poststart\"; exec.prestop = \"log prestop\";\n"
    "exec.stop = \"true stop\"; exec.poststop = \"log poststop\";\n"
    "exec.release = \"log release\"; stop.timeout = 0;\n"
    "interface = em0; mount.noprocfs;\n"
    "ip4.addr = 10.0.0.1/24, 10.0.0.2; ip6.addr = \"lo1|fd00::1\";\n"
    "mount = \"/base $path/mnt nullfs ro 0 0\"; mount.devfs;\n";

static void
starts_and_stops_in_order(void **state)
{
	struct run_options o = { .ops = RUN_CREATE };
	cleanup_buf struct buf text = BUF_INIT;

	(void)state;
	setenv("PATH", "/bin:/usr/bin", 1);
	buf_printf(&text, "%s a { command = true, word; }", everything);
	assert_int_equal(run_conf(buf_str(&text), &o, NULL), 0);
	expect("prepare\n"
	       "ifconfig em0 inet 10.0.0.1/24 alias\n"
	       "ifconfig em0 inet 10.0.0.2 netmask 255.255.255.255 alias\n"
	       "ifconfig lo1 inet6 fd00::1 prefixlen 128 alias\n"
	       "mount -t nullfs -o ro /base @/mnt\n"
	       "prestart\n"
	       "create a persist\n"
	       "> a: created\n"
	       "created\n"
	       "inside a: true start\n"
	       "inside a: true word\n"
	       "poststart\n"
	       "update a persist=false\n");
	assert_string_equal(w.mounts, "devfs:/dev:ruleset=4 ");
	o.ops = RUN_REMOVE;
	/* The fake mounts nothing, so there is nothing to unmount. */
	assert_int_equal(run_conf(buf_str(&text), &o, NULL), 1);
	expect("prestop\n"
	       "inside a: true stop\n"
	       "remove a\n"
	       "> a: removed\n"
	       "poststop\n"
	       "! a: mount: @/mnt: not a mount point\n"
	       "ifconfig lo1 inet6 fd00::1 prefixlen 128 -alias\n"
	       "ifconfig em0 inet 10.0.0.2 netmask 255.255.255.255 -alias\n"
	       "ifconfig em0 inet 10.0.0.1/24 -alias\n"
	       "release\n");
}

/* What each failing step leaves to be undone, in reverse. */
static void
undoes_backward_at_every_step(void **state)
{
#define ALIAS   "ifconfig em0 inet 10.0.0.1/24 alias\n"
#define UNALIAS "ifconfig em0 inet 10.0.0.1/24 -alias\n"
#define CREATED ALIAS "create a persist\n> a: created\n"
#define REMOVED "remove a\n> a: removed\n" UNALIAS
	static const struct {
		const char *conf, *create_fails, *log;
	} rows[] = {
		{ "exec.prepare = false;", NULL, "! a: false: failed\n" },
		{ "ip4.addr += \"bad|10.0.0.2\";", NULL,
		  ALIAS
		  "ifconfig bad inet 10.0.0.2 netmask 255.255.255.255 alias\n"
		  "! a: /sbin/ifconfig bad inet 10.0.0.2 netmask "
		  "255.255.255.255 alias: failed\n" UNALIAS },
		{ "mount = \"/bad $path/mnt nullfs rw\";", NULL,
		  ALIAS "mount -t nullfs -o rw /bad @/mnt\n"
		        "! a: /sbin/mount -t nullfs -o rw /bad @/mnt: "
		        "failed\n" UNALIAS },
		{ "mount = \"/b $path/none nullfs rw\";", NULL,
		  ALIAS
		  "! a: mount: @/none: No such file or directory\n" UNALIAS },
		{ "exec.prestart = \"exit 3\", \"log never\";", NULL,
		  ALIAS "! a: exec exit: No such file or directory\n" UNALIAS },
		{ "exec.prestart = \"kill -9 \\$\\$\";", NULL,
		  ALIAS "! a: kill -9 $$: exited on signal 9\n" UNALIAS },
		{ "exec.start = true;", "no way",
		  ALIAS "create a fails\n! a: no way\n" UNALIAS },
		{ "path = /nonexistent; persist;", NULL,
		  ALIAS "! a: path /nonexistent: No such file or "
		        "directory\n" UNALIAS },
		{ "nopersist;", NULL,
		  ALIAS "! a: new jail must persist or attach\n" UNALIAS },
		{ "exec.created = false; persist;", NULL,
		  ALIAS "create a persist\n> a: created\n"
		        "! a: false: failed\n" REMOVED },
		{ "vnet.interface = e0b, badb; exec.start = true;", NULL,
		  CREATED "ifconfig e0b vnet a\nifconfig badb vnet a\n"
		          "! a: /sbin/ifconfig badb vnet a: failed\n"
		          "ifconfig e0b -vnet a\n" REMOVED },
		{ "exec.start = nosuch;", NULL,
		  CREATED "inside a: nosuch\n"
		          "! a: exec nosuch: No such file or "
		          "directory\n" REMOVED },
		{ "exec.start = false;", NULL,
		  CREATED "inside a: false\n! a: false: failed\n" REMOVED },
		{ "command = false, now;", NULL,
		  CREATED
		  "inside a: false now\n! a: false now: failed\n" REMOVED },
		{ "exec.start = true; exec.poststart = false;", NULL,
		  CREATED "inside a: true\n! a: false: failed\n" REMOVED },
	};
	const struct run_options o = { .ops = RUN_CREATE };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		cleanup_buf struct buf text = BUF_INIT;

		reset_world(NULL);
		w.create_fails = rows[i].create_fails;
		buf_printf(&text,
		           "a { ip4.addr = \"em0|10.0.0.1/24\"; mount.noprocfs;"
		           " exec.poststop = \"log never\"; %s }",
		           rows[i].conf);
		assert_int_equal(run_conf(buf_str(&text), &o, NULL), 1);
		expect(rows[i].log);
	}
}

static void
stops_where_a_stop_hook_fails(void **state)
{
	static const char conf[] =
	    "a { persist; stop.timeout = 0; exec.prestop = \"log prestop\";"
	    "    exec.stop = false; exec.poststop = \"log poststop\"; }"
	    "b { persist; stop.timeout = 0; exec.poststop = false;"
	    "    exec.release = \"log release\"; depend = a; }";
	struct run_options o = { .ops = RUN_CREATE, .quiet = true };

	(void)state;
	assert_int_equal(run_conf(conf, &o, NULL), 0);
	expect("create a persist\ncreate b persist\n");
	o.ops = RUN_REMOVE;
	/* b fails when it is gone already: it does its other steps, and a may
	 * be stopped. a fails before that, and stays. */
	assert_int_equal(run_conf(conf, &o, NULL), 1);
	expect("remove b\n! b: false: failed\nrelease\n"
	       "prestop\ninside a: false\n! a: false: failed\n");
}

static void
orders_by_dependency(void **state)
{
	static const char conf[] = "persist; stop.timeout = 0;"
	                           "web { depend = db, app; }"
	                           "app { depend = db; }"
	                           "db { exec.poststart = \"sleep 0.1\"; }"
	                           "top.kid { }"
	                           "top { exec.poststart = \"sleep 0.1\"; }";
	static const char *const only_web[] = { "web", NULL };
	static const char *const only_db[] = { "db", NULL };
	struct run_options o = { .ops = RUN_CREATE };

	(void)state;
	assert_int_equal(run_conf(conf, &o, only_web), 0);
	expect("create db persist\n> db: created\n"
	       "create app persist\n> app: created\n"
	       "create web persist\n> web: created\n");
	/* Those that run are left alone; a child only needs its parent made. */
	assert_int_equal(run_conf(conf, &o, NULL), 0);
	expect("create top persist\n> top: created\n"
	       "create top.kid persist\n> top.kid: created\n");
	o.ops = RUN_REMOVE;
	assert_int_equal(run_conf(conf, &o, only_db), 0);
	expect("remove web\n> web: removed\nremove app\n> app: removed\n"
	       "remove db\n> db: removed\n");
}

static void
tells_broken_dependencies(void **state)
{
	static const char conf[] = "persist; a { depend = b; }"
	                           "b { depend = c; } c { depend = b; }"
	                           "d { depend = nobody; } e { depend = d; }"
	                           "f { }";
	struct run_options o = { .ops = RUN_CREATE };

	(void)state;
	assert_int_equal(run_conf(conf, &o, NULL), 1);
	expect("! b: dependency loop\n! c: dependency loop\n"
	       "! d: depends on undefined jail \"nobody\"\n"
	       "! a: skipped\n! e: skipped\n"
	       "create f persist\n> f: created\n");
}

/* Restarting db takes down what runs on it, and brings it back. */
static void
restarts_dependents(void **state)
{
	static const char conf[] = "persist; stop.timeout = 0;"
	                           "db { } app { depend = db; }"
	                           "idle { depend = db; }";
	static const char *const some[] = { "app", NULL };
	static const char *const db[] = { "db", NULL };
	struct run_options o = { .ops = RUN_CREATE, .quiet = true };

	(void)state;
	assert_int_equal(run_conf(conf, &o, some), 0);
	expect("create db persist\ncreate app persist\n");
	o.ops = RUN_REMOVE | RUN_CREATE;
	assert_int_equal(run_conf(conf, &o, db), 0);
	expect("remove app\nremove db\ncreate db persist\n"
	       "create app persist\n");
}

/* One that is needed by one restarted jail and needs another is restarted, or
 * started when it did not run. */
static void
starts_what_restarted_jails_need(void **state)
{
	static const char conf[] =
	    "persist; stop.timeout = 0;"
	    "g.one { } d { depend = g.one; }"
	    "g.two { depend = d; } loose { depend = d; }";
	static const char *const group[] = { "g.*", NULL };
	struct run_options o = { .ops = RUN_CREATE | RUN_REMOVE,
		                 .quiet = true };

	(void)state;
	assert_int_equal(run_conf(conf, &o, group), 0);
	expect("create g.one persist\ncreate d persist\n"
	       "create g.two persist\n");
	assert_int_equal(run_conf(conf, &o, group), 0);
	expect("remove g.two\nremove d\nremove g.one\n"
	       "create g.one persist\ncreate d persist\n"
	       "create g.two persist\n");
}

/* What the letters do to a jail that runs (name r) and one that does not. */
static void
does_what_the_letters_say(void **state)
{
	enum {
		C = RUN_CREATE,
		M = RUN_MODIFY,
		R = RUN_REMOVE,
	};
	static const struct {
		unsigned ops;
		const char *name;
		int rc;
		const char *log;
	} rows[] = {
		{ C, "r", 1, "! \"r\" already exists\n" },
		{ C, "n", 0, "create n persist\n" },
		{ C, NULL, 0, "create n persist\n" },
		{ M, "r", 0, "update r persist=true\n" },
		{ M, "n", 1, "! \"n\" not found\n" },
		{ C | M, "r", 0, "update r persist=true\n" },
		{ C | M, "n", 0, "create n persist\n" },
		{ R, "r", 0, "remove r\n" },
		{ R, "n", 1, "" },
		{ R, "x", 1, "" },
		{ R, NULL, 0, "remove r\n" },
		{ R | C, "r", 0, "remove r\ncreate r persist\n" },
		{ R | C, "n", 1, "" },
		{ R | C, NULL, 0,
		  "create n persist\nremove r\ncreate r persist\n" },
		{ M | R, "r", 0, "update r persist=true\n" },
		{ M | R, "n", 1, "" },
		{ C | M | R, "n", 0, "create n persist\n" },
		{ C, "x", 1, "! \"x\" not found\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *const names[] = { rows[i].name, NULL };
		const struct run_options o = { .ops = rows[i].ops,
			                       .quiet = true };

		reset_world(NULL);
		strcpy(w.jail[0].name, "r");
		w.next_jid = 1;
		assert_int_equal(
		    run_conf("persist; stop.timeout = 0; r { } n { }", &o,
		             rows[i].name != NULL ? names : NULL),
		    rows[i].rc);
		expect(rows[i].log);
	}
}

static void
changes_what_can_be_changed(void **state)
{
	static const struct {
		const char *conf;
		unsigned ops;
		int rc;
		const char *log;
	} rows[] = {
		{ "osrelease = 1;", RUN_MODIFY, 0,
		  "update r persist=true\n> r: updated\n" },
		{ "osrelease = 2;", RUN_MODIFY, 1,
		  "! r: osrelease cannot be changed after creation\n" },
		{ "osrelease = 2;", RUN_MODIFY | RUN_REMOVE, 0,
		  "remove r\n> r: removed\n"
		  "! r: osrelease: told by jls only; uname inside tells the "
		  "Linux kernel's release\ncreate r persist\n> r: created\n" },
		{ "meta.b = 2; meta.a;", RUN_MODIFY, 0,
		  "update r persist=true meta=b=2\n\n> r: updated\n" },
		{ "bogus = 1;", RUN_MODIFY, 1,
		  "! r: unknown parameter: bogus\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct run_options o = { .ops = rows[i].ops };
		cleanup_buf struct buf text = BUF_INIT;

		reset_world(NULL);
		strcpy(w.jail[0].name, "r");
		w.next_jid = 1;
		buf_printf(&text, "persist; stop.timeout = 0; r { %s }",
		           rows[i].conf);
		assert_int_equal(run_conf(buf_str(&text), &o, NULL),
		                 rows[i].rc);
		expect(rows[i].log);
	}
}

/* -R and -r of jails that no file has; -C of one that is gone. */
static void
removes_without_a_file(void **state)
{
	static const char *const all[] = { "*", NULL };
	static const char *const other[] = { "2", NULL };
	struct run_options o = { .ops = RUN_REMOVE, .only_remove = true };

	(void)state;
	strcpy(w.jail[0].name, "r");
	strcpy(w.jail[1].name, "other");
	assert_int_equal(run_conf("r { exec.prestop = false; }", &o, all), 0);
	expect("remove other\n> other: removed\nremove r\n> r: removed\n");
	strcpy(w.jail[1].name, "other");
	o.only_remove = false;
	assert_int_equal(run_conf("r { }", &o, other), 0);
	expect("remove other\n> 2: removed\n");
	o.cleanup = true;
	assert_int_equal(run_conf("r { exec.prestop = false; exec.poststop = "
	                          "\"log poststop\"; exec.release = \"log "
	                          "release\"; ip4.addr = \"em0|192.0.2.99\"; "
	                          "mount = \"/b $path/mnt nullfs rw\"; }",
	                          &o, all),
	                 0);
	expect("poststop\nrelease\n");
	assert_int_equal(w.n_tidied, 2); /* -R and -C, not -r */
}

/* Another jail(8) is at work on the same jail: wait, and look again. */
static void
waits_for_its_turn(void **state)
{
	struct run_options o = { .ops = RUN_CREATE };

	(void)state;
	w.n_busy = 3;
	assert_int_equal(run_conf("exec.prepare = \"log prepare\"; persist;"
	                          "a {}",
	                          &o, NULL),
	                 0);
	expect("prepare\ncreate a persist\n> a: created\n");
	w.n_busy = 2;
	w.is_overtaken = true;
	assert_int_equal(run_conf("exec.prepare = \"log prepare\"; persist;"
	                          "b {}",
	                          &o, (const char *const[]){ "b", NULL }),
	                 1);
	expect("! \"b\" already exists\n");
	/* Chosen with all others, it is as wanted. */
	w.n_busy = 2;
	assert_int_equal(run_conf("exec.prepare = \"log prepare\"; persist;"
	                          "c {}",
	                          &o, NULL),
	                 0);
	expect("");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(starts_and_stops_in_order, reset_world),
		cmocka_unit_test_setup(undoes_backward_at_every_step,
		                       reset_world),
		cmocka_unit_test_setup(stops_where_a_stop_hook_fails,
		                       reset_world),
		cmocka_unit_test_setup(orders_by_dependency, reset_world),
		cmocka_unit_test_setup(tells_broken_dependencies, reset_world),
		cmocka_unit_test_setup(restarts_dependents, reset_world),
		cmocka_unit_test_setup(starts_what_restarted_jails_need,
		                       reset_world),
		cmocka_unit_test_setup(does_what_the_letters_say, reset_world),
		cmocka_unit_test_setup(changes_what_can_be_changed,
		                       reset_world),
		cmocka_unit_test_setup(removes_without_a_file, reset_world),
		cmocka_unit_test_setup(waits_for_its_turn, reset_world),
	};

	return cmocka_run_group_tests(tests, make_world, drop_world);
}
