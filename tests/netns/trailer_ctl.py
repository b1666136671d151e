#!/usr/bin/env python3
"""A control plane for tests of mams-trailer: one request over its ctl socket.

trailer_ctl.py SOCKET status [CLIENT]        the answer as JSON
trailer_ctl.py SOCKET del CLIENT
trailer_ctl.py SOCKET set ROLE OPTION...     prints the port and the interface
trailer_ctl.py SOCKET crowd COUNT OPTION... so many sessions of the network role; prints how many took
trailer_ctl.py SOCKET raw JSON               any request; the answer as JSON

Options of set, NAME=VALUE: client, id, secret (a file), anchor4, anchor6, mtu, encapsulation, port
(of the N-MADP), family (4 or 6), fragmentation, concatenation (yes or no), dtls and nat (names of links), local-wifi, mtu-wifi, mtu-lte, ul and dl:
MODE:LINK,LINK[:FLAG...] with links by connection id and the flags lossless, pass-late, weights=A/B; class: FLOW:RULE=VALUE/...:MODE:LINK,... (both
directions), may stand often; links: names of the lab's links (wifi is 1, lte is 2)."""
import json
import socket
import sys


def call(path, request):
    peer = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    peer.settimeout(5)
    peer.connect(path)
    peer.send(json.dumps({"ctl": 1, "id": 7, **request}).encode())
    while True:
        answer = json.loads(peer.recv(1 << 18))
        if answer["id"] == 7 or answer["type"] == "result":
            return answer


def treat(text):
    mode, links, *flags = text.split(":")
    out = {"mode": mode, "links": [int(x) for x in links.split(",")],
           "lossless": "lossless" in flags, "pass_late": "pass-late" in flags}
    for f in flags:
        if f.startswith("weights="):
            out["weights"] = [int(x) for x in f[8:].split("/")]
    return out


def link(role, name, o):
    cid = {"wifi": 1, "lte": 2}[name]
    out = {"connection_id": cid, "name": name, "mtu": int(o.get(f"mtu-{name}", 1500)),
           "rate_kbps": 0, "bound_kbps": 0, "remote_port": 0}
    if name in o.get("dtls", "").split(","):
        out["dtls"] = True
    if name in o.get("nat", "").split(","):
        out["client_nat"] = True
    net = "10.1.%d." if o.get("family", "4") == "4" else "fd01:%d::"
    if role == "network":
        out.update(remote=net % cid + "2")
    else:
        out.update(local=o.get(f"local-{name}", net % cid + "2"), remote=net % cid + "1", device=name,
                   remote_port=int(o["port"]))
    return out


def extra_class(text):
    flow, rules, mode, links = text.split(":", 3)
    rule = {}
    for r in rules.split("/"):
        name, value = r.split("=", 1)
        rule[name] = int(value)
    t = treat(mode + ":" + links)
    return {"flow_id": int(flow), "rules": [rule], "ul": t, "dl": t}


def session(role, words):
    classes = [extra_class(w[6:]) for w in words if w.startswith("class=")]
    o = dict(w.split("=", 1) for w in words if not w.startswith("class="))
    with open(o["secret"], encoding="ascii") as f:
        secret = f.read().strip()
    out = {"type": "tr_session_set", "client": o.get("client", "laptop"),
           "session_id": int(o.get("id", 4711)), "secret": secret,
           "anchor_connection_id": 0, "mtu": int(o.get("mtu", 1400)), "control_port": 7500,
           "encapsulation": o.get("encapsulation", "trailer"), "header_optimization": False,
           "links": [link(role, n, o) for n in o.get("links", "wifi,lte").split(",")],
           "classes": [{"flow_id": 0, "ul": treat(o["ul"]), "dl": treat(o["dl"])}] + classes}
    for a in ("anchor4", "anchor6"):
        if o.get(a):
            out[a] = o[a]
    for a in ("fragmentation", "concatenation"):
        if a in o:
            out[a] = o[a] == "yes"
    return out


def main():
    path, verb, *rest = sys.argv[1:]
    if verb == "status":
        print(json.dumps(call(path, {"type": "status_req", **({"client": rest[0]} if rest else {})})))
    elif verb == "crowd":
        took = 0
        for i in range(int(rest[0])):
            words = rest[1:] + [f"client=crowd{i}", f"id={90000 + i}",
                                f"anchor4=10.60.{1 + i // 200}.{i % 200 + 1}"]
            took += call(path, session("network", words))["type"] == "tr_ready"
        print(took)
    elif verb == "raw":
        print(json.dumps(call(path, json.loads(rest[0]))))
    else:
        request = (session(rest[0], rest[1:]) if verb == "set" else
                   {"type": "tr_session_del", "client": rest[0]})
        answer = call(path, request)
        if answer["type"] == "tr_ready":
            print(answer["port"], answer["interface"])
        else:
            print(answer["code"], answer.get("text", ""))
            sys.exit(1 if answer["code"] else 0)


if __name__ == "__main__":
    main()
