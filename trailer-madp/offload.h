/** @file offload.h
 *  What a packet of the TUN device leaves to be done, in our own words (the shell translates
 *  struct virtio_net_hdr).  Layer: core (pure). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum madp_offload_kind {
	MADP_OFFLOAD_NONE, /**< one packet */
	MADP_OFFLOAD_TCP,  /**< one TCP header, payload of several segments */
	MADP_OFFLOAD_UDP,  /**< one UDP header, payload of several datagrams */
};

struct madp_offload {
	enum madp_offload_kind kind;
	bool partial;         /**< the checksum field holds the pseudo-header's sum only */
	uint16_t csum_start;  /**< octet where TCP or UDP begins */
	uint16_t csum_offset; /**< of the checksum in that header */
	uint16_t hdr_len;     /**< octets of all headers; 0 when kind is NONE */
	uint16_t gso_size;    /**< payload octets of every segment but the last */
};
