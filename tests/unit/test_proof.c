/* The proof of a peer: the whole exchange, and everything that must not be taken for one. */
#include "trailer-madp/proof.h"

#include "tests/support/suite.h"
#include "trailer-madp/frame.h"

#include <string.h>

/* Not a MAC, but a function of key and text in which every bit counts: FNV-1a, four times. */
static void fake_mac(
	const uint8_t *key, size_t key_len, const uint8_t *data, size_t len, uint8_t out[32])
{
	for (uint64_t k = 0; k < 4; k++) {
		uint64_t h = UINT64_C(0xcbf29ce484222325) + k;

		for (size_t i = 0; i < key_len; i++)
			h = (h ^ key[i]) * UINT64_C(0x100000001b3);
		for (size_t i = 0; i < len; i++)
			h = (h ^ data[i]) * UINT64_C(0x100000001b3);
		memcpy(out + 8 * k, &h, 8);
	}
}

static const uint8_t key[] = "0123456789abcdef";
static const uint8_t own_key[] = "fedcba9876543210";
static const struct madp_secret secret = {fake_mac, key, 16};
static const struct madp_secret own = {fake_mac, own_key, 16};
static const uint8_t nonce[MADP_NONCE] = {1, 2, 3};

static mams_time at(int64_t ms)
{
	return mams_time_us(1000000000 + ms * 1000);
}

/** The network's half: what it answers to pdu from there, if anything. */
static bool answer(const uint8_t *pdu, const struct madp_proof_bond *bond, mams_time now,
	uint8_t *reply, bool *accepted)
{
	struct madp_proof p;

	if (madp_proof_decode(pdu, MADP_PROOF_SIZE, &p) < 0 || !madp_proof_verify(pdu, &secret))
		return false;
	if (p.step == MADP_PROOF_HELLO) {
		madp_proof_challenge(&p, bond, &own, now, p.server);
		p.step = MADP_PROOF_CHALLENGE;
	} else if (p.step == MADP_PROOF_PROOF && madp_proof_is_bound(&p, bond, &own, now)) {
		p.step = MADP_PROOF_ACCEPT;
		*accepted = true;
	} else {
		return false;
	}
	madp_proof_encode(&p, &secret, reply);
	return true;
}

static bool say(struct madp_prover *c, mams_time now, uint8_t *pdu)
{
	struct madp_proof p;

	if (!madp_prover_next(c, now, &p))
		return false;
	p.session = 77;
	p.cid = 3;
	madp_proof_encode(&p, &secret, pdu);
	return true;
}

static bool hear(struct madp_prover *c, const uint8_t *pdu, mams_time now)
{
	struct madp_proof p;

	CU_ASSERT_EQUAL_FATAL(madp_proof_decode(pdu, MADP_PROOF_SIZE, &p), 0);
	CU_ASSERT_TRUE(madp_proof_verify(pdu, &secret));
	CU_ASSERT_EQUAL(p.session, 77);
	CU_ASSERT_EQUAL(p.cid, 3);
	return madp_prover_input(c, &p, now);
}

static void the_exchange(void)
{
	const struct madp_proof_bond here = {{1}, 0};
	struct madp_prover c;
	uint8_t pdu[MADP_PROOF_SIZE];
	uint8_t reply[MADP_PROOF_SIZE];
	bool accepted = false;

	madp_prover_start(&c, nonce, at(0));
	CU_ASSERT_TRUE(say(&c, at(0), pdu));
	CU_ASSERT_FALSE(say(&c, at(1), pdu)); /* not at once again */
	CU_ASSERT_TRUE(answer(pdu, &here, at(10), reply, &accepted));
	CU_ASSERT_FALSE(hear(&c, reply, at(20)));
	CU_ASSERT_TRUE(say(&c, at(20), pdu));
	CU_ASSERT_TRUE(answer(pdu, &here, at(30), reply, &accepted));
	CU_ASSERT_TRUE(accepted);
	CU_ASSERT_TRUE(hear(&c, reply, at(40)));
	CU_ASSERT_FALSE(madp_prover_is_busy(&c));
	CU_ASSERT_FALSE(say(&c, at(5000), pdu));
	CU_ASSERT_TRUE(mams_time_is_never(madp_prover_deadline(&c)));
}

static void lost_messages_are_sent_again(void)
{
	struct madp_prover c;
	uint8_t pdu[MADP_PROOF_SIZE];
	int n = 0;

	madp_prover_start(&c, nonce, at(0));
	for (int64_t ms = 0; ms < 10000; ms += 10)
		n += say(&c, at(ms), pdu);
	/* 0, 100, 300, 700, 1500, then every 2 s */
	CU_ASSERT_EQUAL(n, 9);
}

/** Make a PROOF for `bond` at t. */
static void make_proof(const struct madp_proof_bond *bond, mams_time t, uint8_t *pdu)
{
	struct madp_prover c;
	uint8_t reply[MADP_PROOF_SIZE];
	bool accepted = false;

	madp_prover_start(&c, nonce, t);
	CU_ASSERT_TRUE_FATAL(say(&c, t, pdu));
	CU_ASSERT_TRUE_FATAL(answer(pdu, bond, t, reply, &accepted));
	CU_ASSERT_FALSE(hear(&c, reply, t));
	CU_ASSERT_TRUE_FATAL(say(&c, t, pdu));
}

static void a_recorded_proof_moves_nothing(void)
{
	const struct madp_proof_bond here = {{1}, 0};
	const struct madp_proof_bond there = {{2}, 0};
	const struct madp_proof_bond later = {{1}, 1};
	uint8_t pdu[MADP_PROOF_SIZE];
	uint8_t reply[MADP_PROOF_SIZE];
	bool accepted = false;

	make_proof(&here, at(0), pdu);
	CU_ASSERT_FALSE(answer(pdu, &there, at(1), reply, &accepted)); /* another address */
	CU_ASSERT_FALSE(answer(pdu, &later, at(1), reply, &accepted)); /* a second time */
	CU_ASSERT_FALSE(answer(pdu, &here, at(21000), reply, &accepted));
	CU_ASSERT_FALSE(accepted);
	CU_ASSERT_TRUE(answer(pdu, &here, at(9000), reply, &accepted));
}

static void every_bit_counts(void)
{
	const struct madp_proof_bond here = {{1}, 0};
	uint8_t pdu[MADP_PROOF_SIZE];
	uint8_t reply[MADP_PROOF_SIZE];
	bool accepted = false;

	make_proof(&here, at(0), pdu);
	for (size_t i = 0; i < 8 * sizeof(pdu); i++) {
		pdu[i / 8] ^= (uint8_t)(1 << i % 8);
		CU_ASSERT_FALSE(answer(pdu, &here, at(1), reply, &accepted));
		pdu[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	CU_ASSERT_FALSE(accepted);
}

static void the_client_is_not_misled(void)
{
	struct madp_prover c;
	struct madp_proof p;
	uint8_t pdu[MADP_PROOF_SIZE];

	madp_prover_start(&c, nonce, at(0));
	CU_ASSERT_TRUE(say(&c, at(0), pdu));
	p = (struct madp_proof){.step = MADP_PROOF_ACCEPT}; /* of another exchange */
	CU_ASSERT_FALSE(madp_prover_input(&c, &p, at(1)));
	memcpy(p.client, nonce, sizeof(nonce));
	p.server[0] = 9; /* for a nonce that we never had */
	CU_ASSERT_FALSE(madp_prover_input(&c, &p, at(1)));
	p.step = MADP_PROOF_PROOF;
	CU_ASSERT_FALSE(madp_prover_input(&c, &p, at(1)));
	CU_ASSERT_TRUE(madp_prover_is_busy(&c));
}

static void lengths(void)
{
	struct madp_proof p = {.step = MADP_PROOF_HELLO};
	uint8_t pdu[MADP_PROOF_SIZE + 1] = {0};

	madp_proof_encode(&p, &secret, pdu);
	for (size_t n = 0; n < MADP_PROOF_SIZE; n++)
		CU_ASSERT_EQUAL(madp_proof_decode(pdu, n, &p), -MAMS_ETRUNC);
	CU_ASSERT_EQUAL(madp_proof_decode(pdu, MADP_PROOF_SIZE, &p), 0);
	CU_ASSERT_EQUAL(madp_proof_decode(pdu, MADP_PROOF_SIZE + 1, &p), -MAMS_EPROTO);
}

static void frames(void)
{
	/* by hand: 192.0.0.2 to 192.0.0.1, TTL 1, port 7500 = 0x1d4c, payload 00 05 00 01 */
	static const uint8_t want[] = {0x45, 0, 0, 32, 0, 0, 0x40, 0, 1, 17, 0xf9, 0xc9, 192, 0, 0,
		2, 192, 0, 0, 1, 0x1d, 0x4c, 0x1d, 0x4c, 0, 12, 0x45, 0x34, 0, 5, 0, 1};
	uint8_t p[40] = {0};

	memcpy(p + MADP_FRAME_HDR, "\0\5\0\1", 4);
	CU_ASSERT_EQUAL(
		madp_frame_put(p, madp_frame_client, madp_frame_network, 7500, 4), sizeof(want));
	CU_ASSERT_EQUAL(memcmp(p, want, sizeof(want)), 0);
	CU_ASSERT_EQUAL(
		madp_frame_get(p, sizeof(want), madp_frame_client, madp_frame_network, 7500), 4);
	CU_ASSERT_EQUAL(
		madp_frame_get(p, sizeof(want), madp_frame_network, madp_frame_client, 7500), 0);
	CU_ASSERT_EQUAL(
		madp_frame_get(p, sizeof(want), madp_frame_client, madp_frame_network, 7501), 0);
	for (size_t n = 0; n <= sizeof(p); n++)
		if (n != sizeof(want))
			CU_ASSERT_EQUAL(
				madp_frame_get(p, n, madp_frame_client, madp_frame_network, 7500),
				0);
	p[sizeof(want) - 1] ^= 1; /* checksum */
	CU_ASSERT_EQUAL(
		madp_frame_get(p, sizeof(want), madp_frame_client, madp_frame_network, 7500), 0);
}

int main(void)
{
	static const struct mams_case cases[] = {
		{"the exchange", the_exchange},
		{"lost messages are sent again", lost_messages_are_sent_again},
		{"a recorded proof moves nothing", a_recorded_proof_moves_nothing},
		{"every bit counts", every_bit_counts},
		{"the client is not misled", the_client_is_not_misled},
		{"lengths", lengths},
		{"frames", frames},
	};

	return mams_suite_run("proof", cases, MAMS_ARRAY_LEN(cases));
}
