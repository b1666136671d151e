#!/usr/bin/env python3
"""What flow classes send, and what links carry, within a time.

class_octets.py CLIENT.ctl NETWORK.ctl SECONDS LINK...

In the client's network namespace: prints, in kB, what the classes 0, 1, 2 send by UL (counted by the
client's mams-trailer), by DL (by the N-MADP's), then what each LINK sends, then what each receives."""
import json
import socket
import sys
import time


def classes(path):
    peer = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    peer.settimeout(5)
    peer.connect(path)
    peer.send(b'{"ctl": 1, "id": 7, "type": "status_req"}')
    while (answer := json.loads(peer.recv(1 << 18)))["id"] != 7:
        pass
    sent = {c["flow_id"]: c["tx_bytes"] for c in answer["sessions"][0]["classes"]}
    return [sent.get(flow, 0) for flow in range(3)]


def octets(links, direction):
    out = []
    for link in links:
        with open(f"/sys/class/net/{link}/statistics/{direction}_bytes", encoding="ascii") as f:
            out.append(int(f.read()))
    return out


def look(client, network, links):
    return classes(client) + octets(links, "tx") + classes(network) + octets(links, "rx")


client, network, seconds, *links = sys.argv[1:]
before = look(client, network, links)
time.sleep(float(seconds))
after = look(client, network, links)
n = len(links)
kb = [(b - a) // 1000 for a, b in zip(before, after)]
print(*kb[:3], *kb[3 + n:6 + n], *kb[3:3 + n], *kb[6 + n:])
