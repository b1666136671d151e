/** @file ctlmsg.h
 *  Messages of lib/ctl over the ctl socket: encode, send as one packet, wipe, free.
 *  Layer: io.  Every function takes msg over and frees it, whatever the outcome; the octets that it
 *  was encoded to are wiped, since they may hold secrets. */
#pragma once

#include "lib/ctl/ctl_msg.h"
#include "lib/io/ctlsock.h"

/** @param msg  NULL is -ENOMEM: what ctl_msg_new() returned can be passed on unseen
 *  @param err  where and why, when it could not be encoded; otherwise left as it is
 *  @return 0, or what ctl_encode() and mams_ctl_send() return */
MAMS_MUST int mams_ctl_say(struct mams_ctl_conn *c, struct ctl_msg *msg, struct mams_error *err);
/** To somebody who asked: as mams_ctl_say(); a failure is logged, there is nobody else to tell. */
void mams_ctl_answer(struct mams_ctl_conn *c, struct ctl_msg *msg);
/** Answer request id with result code (0, or a positive errno or MAMS_E value) and words. */
void mams_ctl_answer_result(struct mams_ctl_conn *c, uint32_t id, int code, const char *text);
/** An event to every connected peer. */
void mams_ctl_tell_all(struct mams_ctl_server *s, struct ctl_msg *msg);
/** News to those who want them.  @return as mams_ctl_news() */
bool mams_ctl_tell_news(struct mams_ctl_server *s, struct ctl_msg *msg);
/** Blocking, for a daemon that is about to start or to end: say it to whoever listens at path and
 *  wait at most timeout_ms until it was answered, with whatever result.
 *  @return as mams_ctl_call(), ctl_encode() */
MAMS_MUST int mams_ctl_say_once(const char *path, struct ctl_msg *msg, int timeout_ms);
