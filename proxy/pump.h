/** @file pump.h
 *  Moves octets of one direction until nothing more can be moved or the budget is used up.  Layer:
 *  adapter of mams-proxy.  recv() into the worker's scratch buffer, send() at once: one hot buffer
 *  serves all flows; only what the far leg refuses is kept with the flow. */
#pragma once

#include "proxy/conn.h"

enum px_pump {
	PX_PUMP_WAIT, /**< until one of the legs is ready again */
	PX_PUMP_MORE, /**< budget used up: come back after the other flows */
	PX_PUMP_END,  /**< end of stream, reported to the flow */
	PX_PUMP_FAIL, /**< a leg failed, reported to the flow */
};

enum px_pump px_pump(struct px_worker *w, struct px_conn *c, int dir);
