#include "lib/io/modems.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>

#define SERVICE "org.freedesktop.ModemManager1"
#define MODEM SERVICE ".Modem"
#define PORT_NET 2         /* MMModemPortType */
#define LOCATION_LAC_CI 1u /* MMModemLocationSource */
#define SIGNAL_RATE 5      /* s: so often a modem whose signal nobody watches is asked for it */
#define ASK_MS 1000
#define OLD_MS 10000
/* sd-bus looks for the time before it looks for answers, and nobody may have looked for 10 s */
#define CALL_US 60000000
#define AGAIN_MS 30000 /* until a bus that is not there is looked for again */

struct mams_modems {
	char *address;
	sd_bus *bus;        /* NULL: none */
	sd_bus_slot *asked; /* a call under way */
	mams_time next;     /* not before */
	mams_time at;       /* of what is known; NEVER: nothing is */
	bool answered;
	struct mams_modem modem[MAMS_MODEMS_MAX];
	size_t n;
};

/* ---- answers ---- */

/* What is read of one modem; each function consumes one value, or fails with -errno. */
struct found {
	struct mams_modem m;
	bool is_modem, unwatched;
};

static int take_ports(sd_bus_message *msg, struct found *f)
{
	const char *name;
	uint32_t type;
	int rc = sd_bus_message_enter_container(msg, 'a', "(su)");

	while (rc >= 0 && (rc = sd_bus_message_read(msg, "(su)", &name, &type)) > 0)
		if (type == PORT_NET && strlen(name) < sizeof(f->m.interface))
			memcpy(f->m.interface, name, strlen(name) + 1);
	return rc < 0 ? rc : sd_bus_message_exit_container(msg);
}

/* ModemManager has values far off for what is not known. */
static bool put_signal(double v, int16_t *out)
{
	if (!(v > -200 && v < 0))
		return false;
	*out = (int16_t)(v - 0.5);
	return true;
}

/* a{sv} of one technology: rsrp, rsrq among others */
static int take_signal(sd_bus_message *msg, bool *has, int16_t *rsrp, int16_t *rsrq)
{
	bool power = false;
	bool quality = false;
	const char *key;
	int rc = sd_bus_message_enter_container(msg, 'a', "{sv}");

	while (rc >= 0 && (rc = sd_bus_message_enter_container(msg, 'e', "sv")) > 0) {
		double v = 0;

		rc = sd_bus_message_read(msg, "s", &key);
		if (rc >= 0 && (strcmp(key, "rsrp") == 0 || strcmp(key, "rsrq") == 0)) {
			rc = sd_bus_message_read(msg, "v", "d", &v);
			if (rc >= 0 && key[3] == 'p')
				power = put_signal(v, rsrp);
			else if (rc >= 0)
				quality = put_signal(v, rsrq);
		} else if (rc >= 0) {
			rc = sd_bus_message_skip(msg, "v");
		}
		if (rc >= 0)
			rc = sd_bus_message_exit_container(msg);
	}
	*has = power && quality;
	return rc < 0 ? rc : sd_bus_message_exit_container(msg);
}

/* "MCC,MNC,LAC,CI,TAC", numbers of the cell in hexadecimal */
static void put_cell(const char *text, struct mams_modem *m)
{
	char mcc[4];
	char mnc[4];
	char cell[17];

	if (sscanf(text, "%3[0-9],%3[0-9],%*[0-9A-Fa-f],%16[0-9A-Fa-f]", mcc, mnc, cell) == 3 &&
		strspn(cell, "0") < strlen(cell))
		snprintf(m->cell, sizeof(m->cell), "%s%s-%s", mcc, mnc, cell);
}

/* a{uv}: by source */
static int take_location(sd_bus_message *msg, struct found *f)
{
	uint32_t source;
	int rc = sd_bus_message_enter_container(msg, 'a', "{uv}");

	while (rc >= 0 && (rc = sd_bus_message_enter_container(msg, 'e', "uv")) > 0) {
		const char *text = NULL;

		rc = sd_bus_message_read(msg, "u", &source);
		if (rc >= 0 && source == LOCATION_LAC_CI) {
			rc = sd_bus_message_read(msg, "v", "s", &text);
			if (rc >= 0)
				put_cell(text, &f->m);
		} else if (rc >= 0) {
			rc = sd_bus_message_skip(msg, "v");
		}
		if (rc >= 0)
			rc = sd_bus_message_exit_container(msg);
	}
	return rc < 0 ? rc : sd_bus_message_exit_container(msg);
}

static int take_rate(sd_bus_message *msg, struct found *f)
{
	uint32_t rate = 0;
	int rc = sd_bus_message_read(msg, "u", &rate);

	f->unwatched = rate == 0;
	return rc;
}

/* @param type  of the variant that the property must have */
static int take_property(
	sd_bus_message *msg, const char *interface, const char *key, struct found *f)
{
	static const struct {
		const char *interface, *key, *type;
	} wanted[] = {{MODEM, "Ports", "a(su)"}, {MODEM ".Signal", "Lte", "a{sv}"},
		{MODEM ".Signal", "Nr5g", "a{sv}"}, {MODEM ".Signal", "Rate", "u"},
		{MODEM ".Location", "Location", "a{uv}"}};
	size_t i = 0;
	int rc;

	while (i < MAMS_ARRAY_LEN(wanted) &&
		(strcmp(wanted[i].interface, interface) != 0 || strcmp(wanted[i].key, key) != 0))
		i++;
	if (i == MAMS_ARRAY_LEN(wanted))
		return sd_bus_message_skip(msg, "v");
	rc = sd_bus_message_enter_container(msg, 'v', wanted[i].type);
	if (rc < 0)
		return rc;
	rc = i == 0   ? take_ports(msg, f)
	     : i == 1 ? take_signal(msg, &f->m.has_lte, &f->m.lte_rsrp, &f->m.lte_rsrq)
	     : i == 2 ? take_signal(msg, &f->m.has_nr, &f->m.nr_rsrp, &f->m.nr_rsrq)
	     : i == 3 ? take_rate(msg, f)
		      : take_location(msg, f);
	return rc < 0 ? rc : sd_bus_message_exit_container(msg);
}

/* a{sa{sv}}: interfaces of an object and their properties */
static int take_object(sd_bus_message *msg, struct found *f)
{
	const char *interface;
	const char *key;
	int rc = sd_bus_message_enter_container(msg, 'a', "{sa{sv}}");

	while (rc >= 0 && (rc = sd_bus_message_enter_container(msg, 'e', "sa{sv}")) > 0) {
		rc = sd_bus_message_read(msg, "s", &interface);
		if (rc >= 0)
			rc = sd_bus_message_enter_container(msg, 'a', "{sv}");
		while (rc >= 0 && (rc = sd_bus_message_enter_container(msg, 'e', "sv")) > 0) {
			rc = sd_bus_message_read(msg, "s", &key);
			if (rc >= 0)
				rc = take_property(msg, interface, key, f);
			if (rc >= 0)
				rc = sd_bus_message_exit_container(msg);
		}
		if (rc >= 0)
			rc = sd_bus_message_exit_container(msg);
		if (rc >= 0)
			rc = sd_bus_message_exit_container(msg);
	}
	return rc < 0 ? rc : sd_bus_message_exit_container(msg);
}

/* Who may not is told no, and nobody reads it: the signal then is what others have asked for. */
static void watch(sd_bus *bus, const char *path)
{
	sd_bus_message *call = NULL;

	if (sd_bus_message_new_method_call(bus, &call, SERVICE, path, MODEM ".Signal", "Setup") >=
			0 &&
		sd_bus_message_set_expect_reply(call, 0) >= 0 &&
		sd_bus_message_append(call, "u", SIGNAL_RATE) >= 0)
		(void)!sd_bus_send(bus, call, NULL);
	sd_bus_message_unref(call);
}

static int on_objects(sd_bus_message *msg, void *user, sd_bus_error *err)
{
	struct mams_modems *m = user;
	const char *path;
	int rc;

	(void)err;
	m->asked = sd_bus_slot_unref(m->asked);
	m->n = 0;
	if (sd_bus_message_is_method_error(msg, NULL))
		return 0;
	m->answered = true;
	rc = sd_bus_message_enter_container(msg, 'a', "{oa{sa{sv}}}");
	while (rc >= 0 && (rc = sd_bus_message_enter_container(msg, 'e', "oa{sa{sv}}")) > 0) {
		struct found f = {0};

		rc = sd_bus_message_read(msg, "o", &path);
		if (rc >= 0)
			rc = take_object(msg, &f);
		if (rc >= 0)
			rc = sd_bus_message_exit_container(msg);
		if (rc < 0 || !f.m.interface[0] || m->n == MAMS_MODEMS_MAX)
			continue;
		m->modem[m->n++] = f.m;
		if (f.unwatched)
			watch(sd_bus_message_get_bus(msg), path);
	}
	return 0;
}

/* ---- questions ---- */

static void drop_bus(struct mams_modems *m)
{
	m->asked = sd_bus_slot_unref(m->asked);
	m->bus = sd_bus_close_unref(m->bus);
	m->n = 0;
}

static int find_bus(struct mams_modems *m)
{
	int rc;

	if (!m->address)
		return sd_bus_open_system(&m->bus);
	rc = sd_bus_new(&m->bus);
	if (rc >= 0)
		rc = sd_bus_set_address(m->bus, m->address);
	if (rc >= 0)
		rc = sd_bus_set_bus_client(m->bus, 1);
	return rc < 0 ? rc : sd_bus_start(m->bus);
}

/* A host without ModemManager does not get one started. */
static int ask(struct mams_modems *m)
{
	sd_bus_message *call = NULL;
	int rc = sd_bus_message_new_method_call(m->bus, &call, SERVICE,
		"/org/freedesktop/ModemManager1", "org.freedesktop.DBus.ObjectManager",
		"GetManagedObjects");

	if (rc >= 0)
		rc = sd_bus_message_set_auto_start(call, 0);
	if (rc >= 0)
		rc = sd_bus_call_async(m->bus, &m->asked, call, on_objects, m, CALL_US);
	sd_bus_message_unref(call);
	return rc;
}

static void turn(struct mams_modems *m, mams_time now)
{
	int rc = 1;

	while (m->bus && (rc = sd_bus_process(m->bus, NULL)) > 0)
		;
	if (m->answered)
		m->at = now;
	m->answered = false;
	if (rc >= 0 && !m->asked && !mams_time_before(now, m->next)) {
		m->next = mams_time_add_ms(now, ASK_MS);
		rc = m->bus ? 0 : find_bus(m);
		if (rc >= 0)
			rc = ask(m);
	}
	if (rc < 0) {
		drop_bus(m);
		m->next = mams_time_add_ms(now, AGAIN_MS);
	}
}

int mams_modems_open(const char *address, struct mams_modems **out)
{
	struct mams_modems *m = calloc(1, sizeof(*m));

	if (m && address)
		m->address = strdup(address);
	if (!m || (address && !m->address)) {
		free(m);
		return -ENOMEM;
	}
	m->at = MAMS_TIME_NEVER;
	*out = m;
	return 0;
}

void mams_modems_close(struct mams_modems *m)
{
	if (!m)
		return;
	drop_bus(m);
	free(m->address);
	free(m);
}

bool mams_modems_read(
	struct mams_modems *m, const char *interface, mams_time now, struct mams_modem *out)
{
	turn(m, now);
	if (mams_time_is_never(m->at) || mams_time_ms_until(m->at, now) > OLD_MS)
		return false;
	for (size_t i = 0; i < m->n; i++)
		if (strcmp(m->modem[i].interface, interface) == 0) {
			*out = m->modem[i];
			return true;
		}
	return false;
}
