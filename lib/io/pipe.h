/** @file pipe.h
 *  An open connection that somebody else has made (TCP, TLS) and that carries octets.  Layer: io.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/** recv and send move what they can.
 *  @return octets (recv: 0 at the end), -EAGAIN, another negative: broken */
struct mams_pipe {
	ssize_t (*recv)(void *io, void *out, size_t size);
	ssize_t (*send)(void *io, const void *data, size_t len);
	void (*close)(void *io); /**< once; io is not used afterwards */
	void *io;
	int fd; /**< watched; the pipe's own */
};
