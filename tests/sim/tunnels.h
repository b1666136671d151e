/** @file tunnels.h
 *  A scene with an anchor by GMA beside one by MPTCP.  Layer: tests. */
#pragma once

#include "lib/ctl/ctl_msg.h"
#include "tests/sim/scene.h"

/* bits of links, indices of anchors */
#define WIFI 1u
#define LTE 2u
#define PROXY 0
#define TUNNEL 1

void tunnels_begin(struct scene *s);
const struct ccm_tunnel *tunnels_client(const struct scene *s);
/** Steer the tunnel.  @return the result; -1: none yet, -2: refused at once */
int tunnels_steer(struct scene *s, struct ncm_order o);
/** "MODE:LINK,LINK" of a treatment, ! for lossless; valid until the next but one. */
const char *tunnels_said(const struct ctl_tr_treat *t);
/** What both trailers are told for the direction that each of them sends, of all that has no class
 *  of its own. */
void tunnels_treatments(struct scene *s, const char *ul, const char *dl);
