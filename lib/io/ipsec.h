/** @file ipsec.h
 *  The IPsec associations of one daemon, kept by charon (strongSwan) over VICI.  Layer: io.
 *  Source: seed 6.4, 7; RFC 7296 (IKEv2), RFC 4301, RFC 3948.
 *
 *  An association protects all IP between two addresses, by IKEv2 with a pre-shared key and AES-GCM
 *  of today; nothing older is proposed or accepted.  Transport mode where charon drives the
 * kernel's ESP; tunnel mode in UDP where it does ESP itself (kernel-libipsec), or where there may
 * be a NAT: IKE finds it and goes to port 4500, and the responder takes whoever has the identity
 * and its secret, from any address; inside, the client has the address that it reports.  Of two
 * sessions that report the same one the first to be up has it.  DECISIONs: both
 * ends derive the identities from the numbers of the session (mams_ipsec_ids()); the key is the
 * text of the setup message's shared_secret, octet by octet; no MOBIKE, as an association belongs
 * to one link and must not move to another: a new address is a new association.
 *
 *  Everything that a daemon loads carries its name; what an earlier run has left is removed when
 *  charon is reached.  While charon is away wants are kept, and loaded when it is back. */
#pragma once

#include "lib/base/addr.h"
#include "lib/io/assoc.h"
#include "lib/io/loop.h"

#define MAMS_IPSEC_NAME_MAX 96u
#define MAMS_IPSEC_SECRET_MAX 96u

/** Which association of which session. */
struct mams_ipsec_key {
	uint64_t ncm_id, session_id;
	uint8_t anchor_id;
	uint8_t connection_id;
};

struct mams_ipsec_want {
	struct mams_ipsec_key key;
	struct mams_addr local, remote;     /**< port 0 */
	char secret[MAMS_IPSEC_SECRET_MAX]; /**< text with NUL; secret */
	bool initiate;                      /**< the client does */
	bool nat;                           /**< there may be one between the two */
};

/** Identities of client and network, text with NUL. */
void mams_ipsec_ids(const struct mams_ipsec_key *k, char client[MAMS_IPSEC_NAME_MAX],
	char network[MAMS_IPSEC_NAME_MAX]);

/** Octets of the longest IP packet that passes whole inside, in tunnel mode in UDP (RFC 3948, RFC
 *  4303, AES-GCM of RFC 4106), which takes more than transport mode; not above what charon's own
 * TUN device takes, 1400.
 *  @param mtu  of the link, octets
 *  @return 0: none does */
uint32_t mams_ipsec_inner(uint32_t mtu, uint8_t family);

struct mams_ipsec_status {
	enum mams_assoc_state state;
	const char *why; /**< static words; NULL: nothing is wrong */
	bool again;      /**< told before, and it was not up since (changed() only) */
};

struct mams_ipsec;

struct mams_ipsec_ops {
	/** The state is another one, or there is another reason.  Not called from mams_ipsec_set().
	 */
	void (*changed)(
		void *user, const struct mams_ipsec_key *k, const struct mams_ipsec_status *st);
	/** charon is there, or gone; changed() tells of each association besides. */
	void (*charon)(void *user, bool up);
};

/** @param socket  of VICI
 *  @param owner   marks what is ours in charon: letters, at most 16 */
MAMS_MUST int mams_ipsec_new(struct mams_loop *l, const char *socket, const char *owner,
	const struct mams_ipsec_ops *ops, void *user, struct mams_ipsec **out);
/** charon keeps what it has: mams_ipsec_clear().  Secrets are wiped.  Accepts NULL. */
void mams_ipsec_free(struct mams_ipsec *x);
bool mams_ipsec_is_up(const struct mams_ipsec *x);

/** Want it, or want it otherwise.  With another secret alone what stands goes on, and the secret
 *  holds from the next authentication on; with other addresses it is negotiated anew.
 *  @return 0 or -ENOMEM */
MAMS_MUST int mams_ipsec_set(struct mams_ipsec *x, const struct mams_ipsec_want *w);
/** Its SAs, configuration and secret are removed from charon, too. */
void mams_ipsec_del(struct mams_ipsec *x, const struct mams_ipsec_key *k);
/** All that have not been set since mams_ipsec_begin() are removed. */
void mams_ipsec_begin(struct mams_ipsec *x);
void mams_ipsec_end(struct mams_ipsec *x);
/** Nothing comes through it: negotiate anew. */
void mams_ipsec_anew(struct mams_ipsec *x, const struct mams_ipsec_key *k);
/** @return false: no such one */
bool mams_ipsec_status(
	const struct mams_ipsec *x, const struct mams_ipsec_key *k, struct mams_ipsec_status *out);
/** One after the other; NULL: the first.  @return NULL: no more */
const struct mams_ipsec_want *mams_ipsec_next(
	const struct mams_ipsec *x, const struct mams_ipsec_want *w);

/** Without a loop, blocking for 2 s at most: remove all that carries the owner's mark. */
void mams_ipsec_clear(const char *socket, const char *owner);
