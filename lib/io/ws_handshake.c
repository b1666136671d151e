#include "lib/io/ws_handshake.h"

#include "lib/base/buf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

void mams_ws_request(struct mams_buf *out, const char *host, const char *path, const char *key,
	const char *authorization)
{
	mams_buf_printf(out,
		"GET %s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n",
		path, host, key);
	if (authorization)
		mams_buf_printf(out, "Authorization: %s\r\n", authorization);
	mams_buf_printf(out, "\r\n");
}

static bool lists(const char *value, size_t value_len, const char *word)
{
	const char *end = value + value_len;

	while (value < end) {
		size_t len = 0;

		while (value + len < end && !strchr(", \t", value[len]))
			len++;
		if (len == strlen(word) && strncasecmp(value, word, len) == 0)
			return true;
		value += len;
		while (value < end && strchr(", \t", *value))
			value++;
	}
	return false;
}

static int take_length(const char *value, size_t len, size_t *out)
{
	*out = 0;
	if (len == 0)
		return -MAMS_EPROTO;
	for (size_t i = 0; i < len; i++) {
		if (value[i] < '0' || value[i] > '9')
			return -MAMS_EPROTO;
		*out = *out * 10 + (size_t)(value[i] - '0');
		if (*out > MAMS_WS_RESPONSE_MAX)
			return -MAMS_ELIMIT;
	}
	return 0;
}

struct fields {
	bool upgrade;
	bool connection;
	bool framed; /* its end can be known */
	size_t body;
};

static int take_field(const char *line, size_t len, struct mams_ws_response *r, struct fields *f)
{
	const char *colon = memchr(line, ':', len);
	size_t name = colon ? (size_t)(colon - line) : 0;
	const char *value = line + name + 1;
	size_t n = colon ? len - name - 1 : 0;

	if (name == 0)
		return -MAMS_EPROTO;
	while (n > 0 && (*value == ' ' || *value == '\t')) {
		value++;
		n--;
	}
	while (n > 0 && (value[n - 1] == ' ' || value[n - 1] == '\t'))
		n--;
#define IS(text) (name == sizeof(text) - 1 && strncasecmp(line, text, name) == 0)
	if (IS("Upgrade")) {
		f->upgrade = lists(value, n, "websocket");
	} else if (IS("Connection")) {
		f->connection = lists(value, n, "upgrade");
		r->closes = lists(value, n, "close");
	} else if (IS("Content-Length")) {
		f->framed = true;
		return take_length(value, n, &f->body);
	} else if (IS("Sec-WebSocket-Accept")) {
		snprintf(r->accept, sizeof(r->accept), "%.*s", (int)n, value);
	} else if (IS("WWW-Authenticate") && !r->challenge[0] && n > 7 &&
		   strncasecmp(value, "Digest ", 7) == 0) {
		if (n >= sizeof(r->challenge))
			return -MAMS_ELIMIT;
		snprintf(r->challenge, sizeof(r->challenge), "%.*s", (int)n, value);
	}
#undef IS
	return 0;
}

static int take_status(const char *line, size_t len, unsigned *out)
{
	const char *digits = line + 9;

	if (len < 12 || strncmp(line, "HTTP/1.1 ", 9) != 0 || (len > 12 && line[12] != ' '))
		return -MAMS_EPROTO;
	*out = 0;
	for (int i = 0; i < 3; i++) {
		if (digits[i] < '0' || digits[i] > '9')
			return -MAMS_EPROTO;
		*out = *out * 10 + (unsigned)(digits[i] - '0');
	}
	return *out >= 100 ? 0 : -MAMS_EPROTO;
}

int mams_ws_response(const char *text, size_t len, struct mams_ws_response *out)
{
	size_t seen = len < MAMS_WS_RESPONSE_MAX ? len : MAMS_WS_RESPONSE_MAX;
	const char *end = memmem(text, seen, "\r\n\r\n", 4);
	struct fields f = {0};
	const char *line = text;
	int rc = 0;

	*out = (struct mams_ws_response){0};
	if (!end)
		return len >= MAMS_WS_RESPONSE_MAX ? -MAMS_ELIMIT : -EAGAIN;
	if (memchr(text, '\0', (size_t)(end - text)))
		return -MAMS_EPROTO;
	for (bool first = true; rc == 0 && line < end + 2; first = false) {
		size_t n =
			(size_t)((const char *)memmem(line, (size_t)(end + 2 - line), "\r\n", 2) -
				 line);

		rc = first ? take_status(line, n, &out->status) : take_field(line, n, out, &f);
		line += n + 2;
	}
	if (rc < 0)
		return rc;
	out->upgrades = out->status == 101 && f.upgrade && f.connection;
	out->closes = out->closes || (out->status != 101 && !f.framed);
	out->len = (size_t)(end + 4 - text) + (out->status == 101 ? 0 : f.body);
	return out->status != 101 && !out->closes && len < out->len ? -EAGAIN : 0;
}

/* ---- the server's side ---- */

struct ask_fields {
	bool upgrade;
	bool connection;
	bool version;
};

/* Each of these at most once: with two, which of them would be meant? */
static int take_once(const char **slot, const char *value)
{
	if (*slot)
		return -MAMS_EPROTO;
	*slot = value;
	return 0;
}

static int take_ask_field(char *line, struct mams_ws_ask *a, struct ask_fields *f)
{
	char *value = strchr(line, ':');
	size_t n;

	if (!value || value == line || strcspn(line, " \t") < (size_t)(value - line))
		return -MAMS_EPROTO;
	*value++ = '\0';
	value += strspn(value, " \t");
	n = strlen(value);
	while (n > 0 && (value[n - 1] == ' ' || value[n - 1] == '\t'))
		value[--n] = '\0';
	if (strcasecmp(line, "Upgrade") == 0)
		f->upgrade = f->upgrade || lists(value, n, "websocket");
	else if (strcasecmp(line, "Connection") == 0)
		f->connection = f->connection || lists(value, n, "upgrade");
	else if (strcasecmp(line, "Sec-WebSocket-Version") == 0)
		f->version = strcmp(value, "13") == 0;
	else if (strcasecmp(line, "Sec-WebSocket-Key") == 0)
		return take_once(&a->key, value);
	else if (strcasecmp(line, "Authorization") == 0)
		return take_once(&a->authorization, value);
	else if (strcasecmp(line, "Transfer-Encoding") == 0)
		a->has_body = true;
	else if (strcasecmp(line, "Content-Length") == 0)
		a->has_body = a->has_body || strcmp(value, "0") != 0;
	return 0;
}

static int take_request_line(char *line, struct mams_ws_ask *a)
{
	char *target = strchr(line, ' ');
	char *version = target ? strchr(target + 1, ' ') : NULL;

	if (!version || target == line || version == target + 1 ||
		strcmp(version, " HTTP/1.1") != 0)
		return -MAMS_EPROTO;
	*target++ = '\0';
	*version = '\0';
	a->method = line;
	a->target = target;
	return 0;
}

int mams_ws_ask(char *text, size_t len, struct mams_ws_ask *out)
{
	size_t seen = len < MAMS_WS_REQUEST_MAX ? len : MAMS_WS_REQUEST_MAX;
	const char *end = memmem(text, seen, "\r\n\r\n", 4);
	struct ask_fields f = {0};
	char *line = text;
	int rc = 0;

	*out = (struct mams_ws_ask){0};
	if (!end)
		return len >= MAMS_WS_REQUEST_MAX ? -MAMS_ELIMIT : -EAGAIN;
	if (memchr(text, '\0', (size_t)(end - text)))
		return -MAMS_EPROTO;
	for (bool first = true; rc == 0 && line < end + 2; first = false) {
		char *stop = memmem(line, (size_t)(end + 2 - line), "\r\n", 2);

		*stop = '\0';
		rc = first ? take_request_line(line, out) : take_ask_field(line, out, &f);
		line = stop + 2;
	}
	out->len = (size_t)(end + 4 - text);
	out->upgrades = f.upgrade && f.connection && f.version;
	return rc;
}
