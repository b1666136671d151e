/* Network role, last words: a Convert message to the client, then wait until it has gone, so that
 * the answer is not overtaken by a reset (RFC 8803 section 6.2.2).  Address-bound cookies of
 * section 6.2.7. */
#include "proxy/conn.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>
#include <sys/socket.h>

#define ERRORS_PER_SECOND 200u /* Error TLVs to one address, 6.2.5 */
#define COOKIE_LEN 16u

static const struct px_octets nothing;

void px_answer_send(struct px_worker *w, struct px_conn *c, const uint8_t *data, size_t len)
{
	ssize_t n = send(c->leg[0].fd, data, len, MSG_NOSIGNAL);

	if (n != (ssize_t)len) {
		px_conn_end(w, c, true);
		return;
	}
	(void)shutdown(c->leg[0].fd, SHUT_WR);
	px_conn_release_pending(w, c);
	c->flow.phase = PX_PHASE_TAIL;
	px_conn_arm(w, c, mams_time_add_ms(w->now, w->cfg->set.tail_ms));
	c->leg[0].readable = true;
	px_conn_wake(w, c);
}

static bool may_answer(struct px_worker *w, const struct px_conn *c)
{
	struct px_source *src;
	int64_t second = w->now.us / 1000000;

	if (c->setup->source == UINT32_MAX)
		return true;
	src = &w->sources[c->setup->source];
	if (src->second != second) {
		src->second = second;
		src->errors = 0;
	}
	return ++src->errors <= ERRORS_PER_SECOND;
}

void px_answer_error(struct px_worker *w, struct px_conn *c, enum px_convert_code code,
	uint8_t first, struct px_octets rest)
{
	uint8_t out[PX_CONVERT_MAX];
	struct mams_wr wr = mams_wr_init(out, sizeof(out));

	if (c->setup->transparent) {
		px_conn_end(w, c, true);
		return;
	}
	if (!may_answer(w, c)) {
		px_inc(&w->counters.error_limited);
		px_conn_end(w, c, true);
		return;
	}
	px_convert_begin(&wr);
	px_convert_put_error(&wr, code, first, rest);
	if (px_convert_end(&wr) != 0) {
		px_conn_end(w, c, true);
		return;
	}
	px_inc(&w->counters.answered[code]);
	px_answer_send(w, c, wr.data, wr.len);
}

/** HMAC over the peer's address: whoever can receive at that address may present it. */
static bool address_cookie(struct px_worker *w, const struct px_conn *c, uint8_t out[COOKIE_LEN])
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	struct mams_addr peer;
	uint8_t mac[EVP_MAX_MD_SIZE];
	unsigned mac_len = 0;

	if (w->cfg->set.n_cookie_networks == 0)
		return false;
	if (getpeername(c->leg[0].fd, (struct sockaddr *)&sa, &len) != 0 ||
		mams_addr_from_sa((struct sockaddr *)&sa, &peer) != 0)
		return false;
	mams_addr_unmap(&peer);
	for (size_t i = 0; i < w->cfg->set.n_cookie_networks; i++) {
		if (!mams_prefix_has(&w->cfg->set.cookie_networks[i], &peer))
			continue;
		if (!HMAC(EVP_sha256(), w->cfg->set.cookie_secret,
			    sizeof(w->cfg->set.cookie_secret), peer.ip, sizeof(peer.ip), mac,
			    &mac_len))
			return false;
		memcpy(out, mac, COOKIE_LEN);
		return true;
	}
	return false;
}

/** Error 3 only together with a cookie we made; else the client is simply not authorized. */
void px_answer_missing_cookie(struct px_worker *w, struct px_conn *c)
{
	uint8_t cookie[COOKIE_LEN];

	if (address_cookie(w, c, cookie))
		px_answer_error(w, c, PX_CONVERT_MISSING_COOKIE, 0,
			(struct px_octets){.data = cookie, .len = sizeof(cookie)});
	else
		px_answer_error(w, c, PX_CONVERT_NOT_AUTHORIZED, 0, nothing);
}

bool px_answer_is_our_cookie(struct px_worker *w, struct px_conn *c, struct px_octets cookie)
{
	uint8_t expected[COOKIE_LEN];

	/* the padding of the TLV cannot be told apart from the cookie */
	return address_cookie(w, c, expected) && cookie.len >= COOKIE_LEN &&
	       cookie.len < COOKIE_LEN + 4 && CRYPTO_memcmp(expected, cookie.data, COOKIE_LEN) == 0;
}

void px_answer_run(struct px_worker *w, struct px_conn *c)
{
	for (;;) {
		ssize_t n = recv(c->leg[0].fd, w->scratch->data, w->scratch->cap, 0);

		if (n > 0 || (n < 0 && errno == EINTR))
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		px_conn_end(w, c, n < 0);
		return;
	}
}
