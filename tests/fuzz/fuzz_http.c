/* What an authenticated client says inside TLS to a whole NCM.  The first octet chooses: the octets
 * as they are; the body of a POST whose length is told; or that body in chunks.  The second is how
 * many octets come at a time. */
#include "tests/support/ncm_rig.h"

#include "lib/base/buf.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PIECES_MAX 400
#define ANSWER_MAX 1000000
/* of waiting for the NCM: at first as fast as it goes, then seconds, however loaded the machine */
#define TURNS_FAST 400
#define TURNS_MAX 30000

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static gnutls_certificate_credentials_t cred;
static struct ncm_rig g;

static void stop(void)
{
	if (g.service)
		ncm_rig_stop(&g);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	char cert[128];

	(void)argc;
	(void)argv;
	signal(SIGPIPE, SIG_IGN); /* as the daemon does; the client is in this process, too */
	ncm_rig_files(MAMS_CA);
	atexit(stop);
	strncpy(cert, ncm_rig_file("good.crt"), sizeof(cert) - 1);
	cert[sizeof(cert) - 1] = '\0';
	if (gnutls_certificate_allocate_credentials(&cred) < 0 ||
		gnutls_certificate_set_x509_key_file(
			cred, cert, ncm_rig_file("good.key"), GNUTLS_X509_FMT_PEM) < 0)
		abort();
	return 0;
}

/* The n-th turn of waiting for something. */
static void turn(int n)
{
	if (n > TURNS_FAST)
		usleep(100);
	ncm_rig_turn(&g);
}

static gnutls_session_t dial(void)
{
	const int at_once = 1;
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(ncm_rig_port(false))};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	int rc = GNUTLS_E_AGAIN;
	gnutls_session_t s;

	inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 ||
		gnutls_init(&s, GNUTLS_CLIENT | GNUTLS_NONBLOCK) < 0)
		abort();
	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	/* or the kernel holds small pieces back until the end, and they come as one */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof(at_once));
	gnutls_credentials_set(s, GNUTLS_CRD_CERTIFICATE, cred);
	gnutls_set_default_priority(s);
	gnutls_transport_set_int(s, fd);
	for (int i = 0; i < TURNS_MAX && rc < 0 && !gnutls_error_is_fatal(rc); i++) {
		turn(i);
		rc = gnutls_handshake(s);
	}
	if (rc < 0)
		abort();
	return s;
}

/* Read what is there, for so many turns at most. */
static void listen_to(gnutls_session_t s, int turns)
{
	static char answer[65536];
	size_t total = 0;

	for (int i = 0; i < turns; i++) {
		ssize_t n = gnutls_record_recv(s, answer, sizeof(answer));

		total += n > 0 ? (size_t)n : 0;
		if (total > ANSWER_MAX) /* nothing that a client says brings so much */
			abort();
		if (n == 0 || (n < 0 && gnutls_error_is_fatal((int)n)))
			return;
		ncm_rig_turn(&g);
	}
}

static void say(gnutls_session_t s, const char *text, size_t len, size_t step)
{
	for (size_t at = 0; at < len; at += step) {
		ssize_t n;

		step = step < len - at ? step : len - at;
		do {
			n = gnutls_record_send(s, text + at, step);
			ncm_rig_turn(&g);
		} while (n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED);
		if (n < 0)
			return; /* the NCM has had enough */
		step = (size_t)n;
	}
}

static void put(struct mams_buf *out, unsigned how, const uint8_t *data, size_t size)
{
	static const char head[] = "POST /mams/v1/message HTTP/1.1\r\nHost: x\r\n";
	size_t half = size / 2;

	if (how % 3 == 0) {
		mams_buf_add(out, data, size);
	} else if (how % 3 == 1) {
		mams_buf_printf(out, "%sContent-Length: %zu\r\n\r\n", head, size);
		mams_buf_add(out, data, size);
	} else {
		mams_buf_printf(out, "%sTransfer-Encoding: chunked\r\n\r\n%zx\r\n", head, half);
		mams_buf_add(out, data, half);
		mams_buf_printf(out, "%s%zx\r\n", half ? "\r\n" : "", size - half);
		mams_buf_add(out, data + half, size - half);
		mams_buf_printf(out, "\r\n0\r\n\r\n");
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mams_buf text = {0};
	gnutls_session_t s;
	size_t step;

	if (size < 2)
		return 0;
	put(&text, data[0], data + 2, size - 2);
	step = data[1] && text.len / data[1] < PIECES_MAX ? data[1] : 4096;
	ncm_rig_again(&g);
	s = dial();
	say(s, text.data ? text.data : "", text.len, step);
	listen_to(s, 8);
	close(gnutls_transport_get_int(s));
	gnutls_deinit(s);
	for (int i = 0; i < TURNS_MAX && ncm_rig_counter(&g, "https_connections_open") > 0; i++)
		turn(i);
	if (ncm_rig_counter(&g, "https_connections_open") > 0)
		abort();
	if (ncm_registry_count(ncm_service_registry(g.service)) > 1)
		abort();
	mams_buf_fini(&text);
	return 0;
}
