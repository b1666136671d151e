#include "trailer-madp/proof.h"

#include "lib/base/buf.h"

#include <string.h>

#define MAC 16u
#define COVERED (MADP_PROOF_SIZE - MAC)
#define SLOT_US 10000000
#define FIRST_WAIT_MS 100u
#define LONGEST_WAIT_MS 2000u

static const uint8_t label[] = {'m', 'a', 'm', 's', ' ', 'p', 'r', 'o', 'o', 'f'};

static void make_mac(const uint8_t *pdu, const struct madp_secret *s, uint8_t out[32])
{
	uint8_t text[sizeof(label) + COVERED];

	memcpy(text, label, sizeof(label));
	memcpy(text + sizeof(label), pdu, COVERED);
	s->mac(s->key, s->len, text, sizeof(text), out);
}

static bool same(const uint8_t *a, const uint8_t *b, size_t len)
{
	volatile uint8_t differ = 0;

	for (size_t i = 0; i < len; i++)
		differ = (uint8_t)(differ | (a[i] ^ b[i]));
	return differ == 0;
}

void madp_proof_encode(const struct madp_proof *p, const struct madp_secret *secret, uint8_t *pdu)
{
	struct mams_wr w = mams_wr_init(pdu, MADP_PROOF_SIZE);
	uint8_t mac[32];

	mams_wr_u8(&w, MADP_PROOF_TYPE);
	mams_wr_u8(&w, p->cid);
	mams_wr_u8(&w, p->step);
	mams_wr_u8(&w, 0);
	mams_wr_u32(&w, (uint32_t)(p->session >> 32));
	mams_wr_u32(&w, (uint32_t)p->session);
	mams_wr_bytes(&w, p->client, MADP_NONCE);
	mams_wr_bytes(&w, p->server, MADP_NONCE);
	mams_wr_u32(&w, p->incarnation);
	make_mac(pdu, secret, mac);
	mams_wr_bytes(&w, mac, MAC);
}

int madp_proof_decode(const uint8_t *pdu, size_t len, struct madp_proof *out)
{
	struct mams_rd r = mams_rd_init(pdu, len);
	uint8_t type = mams_rd_u8(&r);
	uint8_t zero;
	const uint8_t *client;
	const uint8_t *server;

	*out = (struct madp_proof){.cid = mams_rd_u8(&r), .step = 0};
	out->step = mams_rd_u8(&r);
	zero = mams_rd_u8(&r);
	out->session = (uint64_t)mams_rd_u32(&r) << 32;
	out->session |= mams_rd_u32(&r);
	client = mams_rd_bytes(&r, MADP_NONCE);
	server = mams_rd_bytes(&r, MADP_NONCE);
	out->incarnation = mams_rd_u32(&r);
	mams_rd_skip(&r, MAC);
	if (r.err)
		return r.err;
	memcpy(out->client, client, MADP_NONCE);
	memcpy(out->server, server, MADP_NONCE);
	if (type != MADP_PROOF_TYPE || zero != 0 || mams_rd_left(&r) != 0 ||
		out->step < MADP_PROOF_HELLO || out->step > MADP_PROOF_ACCEPT)
		return -MAMS_EPROTO;
	return 0;
}

bool madp_proof_verify(const uint8_t *pdu, const struct madp_secret *secret)
{
	uint8_t mac[32];

	make_mac(pdu, secret, mac);
	return same(mac, pdu + COVERED, MAC);
}

static void bind_nonce(const struct madp_proof *p, const struct madp_proof_bond *bond,
	const struct madp_secret *own, uint64_t slot, uint8_t out[MADP_NONCE])
{
	uint8_t text[64];
	struct mams_wr w = mams_wr_init(text, sizeof(text));
	uint8_t mac[32];

	mams_wr_bytes(&w, bond->address, sizeof(bond->address));
	mams_wr_u32(&w, bond->generation);
	mams_wr_u8(&w, p->cid);
	mams_wr_u32(&w, (uint32_t)(p->session >> 32));
	mams_wr_u32(&w, (uint32_t)p->session);
	mams_wr_u32(&w, (uint32_t)slot);
	mams_wr_bytes(&w, p->client, MADP_NONCE);
	own->mac(own->key, own->len, text, w.len, mac);
	memcpy(out, mac, MADP_NONCE);
}

void madp_proof_challenge(const struct madp_proof *p, const struct madp_proof_bond *bond,
	const struct madp_secret *own, mams_time now, uint8_t out[MADP_NONCE])
{
	bind_nonce(p, bond, own, (uint64_t)now.us / SLOT_US, out);
}

bool madp_proof_is_bound(const struct madp_proof *p, const struct madp_proof_bond *bond,
	const struct madp_secret *own, mams_time now)
{
	uint64_t slot = (uint64_t)now.us / SLOT_US;
	uint8_t nonce[MADP_NONCE];

	for (int i = 0; i < 2; i++, slot--) {
		bind_nonce(p, bond, own, slot, nonce);
		if (same(nonce, p->server, MADP_NONCE))
			return true;
	}
	return false;
}

void madp_prover_start(struct madp_prover *p, const uint8_t *nonce, mams_time now)
{
	*p = (struct madp_prover){
		.step = MADP_PROOF_HELLO, .wait_ms = FIRST_WAIT_MS, .next_at = now};
	memcpy(p->client, nonce, MADP_NONCE);
}

bool madp_prover_is_busy(const struct madp_prover *p)
{
	return p->step != 0;
}

bool madp_prover_next(struct madp_prover *p, mams_time now, struct madp_proof *out)
{
	if (p->step == 0 || mams_time_before(now, p->next_at))
		return false;
	*out = (struct madp_proof){.step = p->step};
	memcpy(out->client, p->client, MADP_NONCE);
	if (p->step == MADP_PROOF_PROOF)
		memcpy(out->server, p->server, MADP_NONCE);
	p->next_at = mams_time_add_ms(now, p->wait_ms);
	p->wait_ms = p->wait_ms * 2 < LONGEST_WAIT_MS ? p->wait_ms * 2 : LONGEST_WAIT_MS;
	/* an ACCEPT that was lost: the N-MADP has moved on, so the exchange begins again */
	p->step = MADP_PROOF_HELLO;
	return true;
}

bool madp_prover_input(struct madp_prover *p, const struct madp_proof *in, mams_time now)
{
	if (p->step == 0 || !same(in->client, p->client, MADP_NONCE))
		return false;
	if (in->step == MADP_PROOF_CHALLENGE) {
		memcpy(p->server, in->server, MADP_NONCE);
		p->step = MADP_PROOF_PROOF;
		p->next_at = now;
		return false;
	}
	if (in->step != MADP_PROOF_ACCEPT || !same(in->server, p->server, MADP_NONCE))
		return false;
	*p = (struct madp_prover){0};
	return true;
}

mams_time madp_prover_deadline(const struct madp_prover *p)
{
	return p->step ? p->next_at : MAMS_TIME_NEVER;
}
