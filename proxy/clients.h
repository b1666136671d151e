/** @file clients.h
 *  Who may use the network-role proxy: Convert cookie -> client identity.  Layer: adapter of
 *  mams-proxy (uses libcrypto).  Source: RFC 8803 section 6.2.7; requirements.md A.1-35 (the cookie
 *  is the client_key).  A cookie is looked up by its SHA-256, and the digests are compared in
 * constant time, so timing tells nothing about a key. */
#pragma once

#include "lib/base/err.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PX_DIGEST 32u
#define PX_WORKERS_MAX 64u

/** Written by one worker only, read by the control thread. */
struct px_client_counts {
	_Atomic uint64_t flows_open;
	_Atomic uint64_t flows_total;
	_Atomic uint64_t octets_up;
	_Atomic uint64_t octets_down;
};

/** One identity; lives as long as a table or a flow refers to it. */
struct px_client {
	_Atomic uint32_t refs;
	_Atomic uint32_t pending; /**< requests without an answer yet, all workers */
	uint8_t digest[PX_DIGEST];
	char *name;
	bool has_session_id; /**< these two are the control thread's */
	uint64_t session_id;
	uint32_t n_counts;
	struct px_client_counts counts[]; /**< [worker] */
};

/** @param key  cookie octets, secret; not kept
 *  @return NULL on ENOMEM or when the key is empty or longer than PX_CONVERT_COOKIE_MAX */
struct px_client *px_client_new(
	const char *name, const void *key, size_t key_len, uint32_t workers);
struct px_client *px_client_ref(struct px_client *c);
void px_client_unref(struct px_client *c); /**< accepts NULL */

/** Immutable table; open addressing. */
struct px_clients;

/** @param list  clients[n]; a reference of each is taken; later entries win over equal keys */
struct px_clients *px_clients_new(struct px_client *const *list, size_t n);
void px_clients_free(struct px_clients *t); /**< accepts NULL */
/** @return the client, borrowed from the table, or NULL */
struct px_client *px_clients_find(const struct px_clients *t, const void *key, size_t key_len);
