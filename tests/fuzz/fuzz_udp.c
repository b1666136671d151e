/* Datagrams to a whole NCM; a zero octet ends each.  They come from 127.0.0.2; the client at
 * 127.0.0.3 has said an honest Discover, and nobody else must reach its session.  "@A" and "@B" in
 * the text become the two session ids. */
#include "ncm-service/intake.h"
#include "tests/support/ncm_rig.h"

#include "lib/base/buf.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DATAGRAMS_MAX 32
#define HELLO_TURNS_MAX 20000
#define NAME_A NCM_UDP_IDENTITY "127.0.0.2"
#define NAME_B NCM_UDP_IDENTITY "127.0.0.3"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct ncm_rig g;
static int sock[2];

static int socket_at(const char *host)
{
	struct sockaddr_in from = {.sin_family = AF_INET};
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(ncm_rig_port(true))};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	inet_pton(AF_INET, host, &from.sin_addr);
	inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
	if (bind(fd, (struct sockaddr *)&from, sizeof(from)) < 0 ||
		connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		abort();
	return fd;
}

static void stop(void)
{
	if (g.service)
		ncm_rig_stop(&g);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	ncm_rig_files(MAMS_CA);
	atexit(stop);
	sock[0] = socket_at("127.0.0.2");
	sock[1] = socket_at("127.0.0.3");
	return 0;
}

static const struct ncm_session *session(const char *identity)
{
	return ncm_registry_by_identity(ncm_service_registry(g.service), identity);
}

/* What the NCM says is a message, and one that an NCM may send. */
static void drain(int fd)
{
	static char text[65536];
	ssize_t n;

	while ((n = recv(fd, text, sizeof(text), 0)) >= 0) {
		struct mx_msg *m = NULL;
		struct mams_error err;

		if (mx_decode(text, (size_t)n, &m, &err) < 0 || !mx_type_from(m->type, MX_ROLE_NCM))
			abort();
		mx_msg_free(m);
	}
}

static void say(int fd, const void *data, size_t len)
{
	uint64_t before = ncm_rig_counter(&g, "udp_received_total");

	if (send(fd, data, len, 0) < 0)
		return;
	for (int i = 0; i < 3 && ncm_rig_counter(&g, "udp_received_total") == before; i++)
		ncm_rig_turn(&g);
	drain(sock[0]);
	drain(sock[1]);
}

static void say_text(const uint8_t *data, size_t len)
{
	struct mams_buf text = {0};

	for (size_t i = 0; i < len; i++) {
		const struct ncm_session *s = NULL;

		if (i + 1 < len && data[i] == '@')
			s = data[i + 1] == 'A'   ? session(NAME_A)
			    : data[i + 1] == 'B' ? session(NAME_B)
						 : NULL;
		if (s) {
			mams_buf_printf(&text, "%llu", (unsigned long long)s->s.session_id);
			i++;
		} else {
			mams_buf_add(&text, data + i, 1);
		}
	}
	say(sock[0], text.data ? text.data : "", text.len);
	mams_buf_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char hello[] =
		"{\"version\":\"1.0\",\"message_type\":\"mx_discover\",\"sequence_num\":1}";
	const struct ncm_session *b;
	struct ncm_saved saved;
	enum ncm_state state;

	ncm_rig_again(&g);
	say(sock[1], hello, sizeof(hello) - 1);
	/* on a loaded machine it may still be on its way */
	for (int i = 0; i < HELLO_TURNS_MAX && !session(NAME_B); i++) {
		usleep(100);
		ncm_rig_turn(&g);
	}
	b = session(NAME_B);
	if (!b)
		abort();
	saved = b->s;
	state = b->state;
	for (unsigned n = 0; size > 0 && n < DATAGRAMS_MAX; n++) {
		const uint8_t *end = memchr(data, '\0', size);
		size_t len = end ? (size_t)(end - data) : size;

		say_text(data, len);
		data += len + (end != NULL);
		size -= len + (end != NULL);
	}
	ncm_rig_turn(&g);
	if (session(NAME_B) != b || memcmp(&saved, &b->s, sizeof(saved)) != 0 || b->state != state)
		abort();
	if (ncm_registry_count(ncm_service_registry(g.service)) > 2)
		abort();
	drain(sock[0]);
	drain(sock[1]);
	return 0;
}
