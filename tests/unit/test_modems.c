/* A bus of our own, on which somebody answers as ModemManager does; there is no modem here. */
#include "lib/io/modems.h"
#include "tests/support/suite.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#define SERVICE "org.freedesktop.ModemManager1"
#define ROOT "/org/freedesktop/ModemManager1"
#define MODEM ROOT "/Modem/0"

static char address[256];
static pid_t daemon_pid;
static sd_bus *fake;
static struct {
	double rsrp;
	uint32_t rate;
	const char *location;
	unsigned asked, watched;
	bool other_types, silent;
} says;
static mams_time now;

static void start_daemon(void)
{
	int pipes[2];
	ssize_t n;

	mams_assert(pipe(pipes) == 0);
	daemon_pid = fork();
	mams_assert(daemon_pid >= 0);
	if (daemon_pid == 0) {
		char fd[32];

		snprintf(fd, sizeof(fd), "--print-address=%d", pipes[1]);
		execlp("dbus-daemon", "dbus-daemon", "--session", "--nofork", "--nosyslog", fd,
			(char *)NULL);
		_exit(127);
	}
	close(pipes[1]);
	n = read(pipes[0], address, sizeof(address) - 1);
	mams_assert(n > 0); /* package dbus-daemon */
	close(pipes[0]);
	address[strcspn(address, "\n")] = '\0';
}

static int on_call(sd_bus_message *msg, void *user, sd_bus_error *err)
{
	sd_bus_message *reply = NULL;
	int rc;

	(void)user;
	(void)err;
	if (sd_bus_message_is_method_call(msg, SERVICE ".Modem.Signal", "Setup")) {
		mams_assert(sd_bus_message_read(msg, "u", &says.rate) > 0);
		says.watched++;
		return 1;
	}
	if (!sd_bus_message_is_method_call(
		    msg, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects"))
		return 0;
	says.asked++;
	if (says.silent)
		return 1;
	mams_assert(sd_bus_message_new_method_return(msg, &reply) >= 0);
	if (says.other_types)
		rc = sd_bus_message_append(reply, "a{oa{sa{sv}}}", 1, MODEM, 1, SERVICE ".Modem", 1,
			"Ports", "s", "wwan0");
	else
		rc = sd_bus_message_append(reply, "a{oa{sa{sv}}}", 1, MODEM, 3, SERVICE ".Modem", 2,
			"Model", "s", "none", "Ports", "a(su)", 2, "cdc-wdm0", 6, "wwan0", 2,
			SERVICE ".Modem.Signal", 3, "Rate", "u", says.rate, "Lte", "a{sv}", 3,
			"rssi", "d", -60.0, "rsrp", "d", says.rsrp, "rsrq", "d", -11.6, "Nr5g",
			"a{sv}", 2, "rsrp", "d", -32768.0, "rsrq", "d", -32768.0,
			SERVICE ".Modem.Location", 1, "Location", "a{uv}", 2, 16u, "s", "none", 1u,
			"s", says.location);
	mams_assert(rc >= 0);
	mams_assert(sd_bus_send(NULL, reply, NULL) >= 0);
	sd_bus_message_unref(reply);
	return 1;
}

static void start_fake(void)
{
	mams_assert(sd_bus_new(&fake) >= 0 && sd_bus_set_address(fake, address) >= 0 &&
		    sd_bus_set_bus_client(fake, 1) >= 0 && sd_bus_start(fake) >= 0);
	mams_assert(sd_bus_add_fallback(fake, NULL, ROOT, on_call, NULL) >= 0);
	mams_assert(sd_bus_request_name(fake, SERVICE, 0) >= 0);
}

/* What is read after some seconds of looking each second. */
static bool look(struct mams_modems *m, const char *interface, struct mams_modem *out)
{
	bool good = false;

	for (unsigned i = 0; i < 60; i++) {
		if (i % 10 == 0)
			now = mams_time_add_ms(now, 1000);
		good = mams_modems_read(m, interface, now, out);
		while (fake && sd_bus_process(fake, NULL) > 0)
			;
		poll(NULL, 0, 5);
	}
	return good;
}

static void a_modem(void)
{
	struct mams_modems *m;
	struct mams_modem out;

	says.rsrp = -97.4;
	says.location = "262,01,FFFE,1A2B3C,00C2F1";
	CU_ASSERT_EQUAL_FATAL(mams_modems_open(address, &m), 0);
	CU_ASSERT_TRUE_FATAL(look(m, "wwan0", &out));
	CU_ASSERT_TRUE(out.has_lte);
	CU_ASSERT_EQUAL(out.lte_rsrp, -97);
	CU_ASSERT_EQUAL(out.lte_rsrq, -12);
	CU_ASSERT_FALSE(out.has_nr);
	CU_ASSERT_STRING_EQUAL(out.cell, "26201-1A2B3C");
	CU_ASSERT_FALSE(mams_modems_read(m, "cdc-wdm0", now, &out));
	CU_ASSERT_FALSE(mams_modems_read(m, "wifi", now, &out));
	/* its signal is watched from now on, and it is asked for it once a second */
	CU_ASSERT_EQUAL(says.watched, 1);
	CU_ASSERT_EQUAL(says.rate, 5);
	CU_ASSERT(says.asked >= 3 && says.asked <= 7);
	says.rsrp = -110;
	says.location = "262,01,FFFE,0,0";
	CU_ASSERT_TRUE(look(m, "wwan0", &out));
	CU_ASSERT_EQUAL(out.lte_rsrp, -110);
	CU_ASSERT_STRING_EQUAL(out.cell, "");
	mams_modems_close(m);
}

static void words_that_are_none(void)
{
	static const char *const bad[] = {
		"", "262", "a,b,c,d", "262,01,FFFE,,1", "262,01,FFFE,xyz,1"};
	struct mams_modems *m;
	struct mams_modem out;

	CU_ASSERT_EQUAL_FATAL(mams_modems_open(address, &m), 0);
	for (size_t i = 0; i < MAMS_ARRAY_LEN(bad); i++) {
		says.location = bad[i];
		says.rsrp = i % 2 ? 20 : -500;
		CU_ASSERT_TRUE(look(m, "wwan0", &out));
		CU_ASSERT_STRING_EQUAL(out.cell, "");
		CU_ASSERT_FALSE(out.has_lte);
	}
	says.other_types = true;
	CU_ASSERT_FALSE(look(m, "wwan0", &out));
	says.other_types = false;
	says.location = "262,01,FFFE,1,1";
	CU_ASSERT_TRUE(look(m, "wwan0", &out));
	/* what it said last is old some day */
	says.silent = true;
	CU_ASSERT_TRUE(look(m, "wwan0", &out));
	CU_ASSERT_FALSE(look(m, "wwan0", &out));
	says.silent = false;
	mams_modems_close(m);
}

static void nobody_there(void)
{
	struct mams_modems *m;
	struct mams_modem out;

	fake = sd_bus_flush_close_unref(fake);
	CU_ASSERT_EQUAL_FATAL(mams_modems_open(address, &m), 0);
	CU_ASSERT_FALSE(look(m, "wwan0", &out));
	/* it comes */
	start_fake();
	CU_ASSERT_TRUE(look(m, "wwan0", &out));
	mams_modems_close(m);
	CU_ASSERT_EQUAL_FATAL(mams_modems_open("unix:path=/nonexistent/bus", &m), 0);
	CU_ASSERT_FALSE(look(m, "wwan0", &out));
	mams_modems_close(m);
	mams_modems_close(NULL);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"a modem", a_modem},
		{"words that are none", words_that_are_none},
		{"nobody there", nobody_there},
	};
	int rc;

	start_daemon();
	start_fake();
	rc = mams_suite_run("modems", cases, MAMS_ARRAY_LEN(cases));
	sd_bus_flush_close_unref(fake);
	kill(daemon_pid, SIGTERM);
	waitpid(daemon_pid, NULL, 0);
	return rc;
}
