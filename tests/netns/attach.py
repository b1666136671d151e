#!/usr/bin/env python3
"""A flow in two parts, rightly and wrongly: the Attach TLV (proxy/apart.h).

usage: attach.py CONVERTER PORT KEY_FILE OTHER_KEY_FILE

Prints "NAME RESULT" for each case, as convert.py does; "agreed" when the converter repeats Attach."""
import base64
import socket
import struct
import sys
import time

import convert
from convert import connect, cookie, message, read_all, tlv

OTHER = base64.b64decode(open(sys.argv[4], encoding="ascii").readline())
HALVES = b"GET /small HT", b"TP/1.0\r\n\r\n"


def dial(octets=b""):
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, convert.MPTCP)
    s.settimeout(5)
    s.connect(convert.CONVERTER)
    s.sendall(octets)
    return s


def answer(s):
    """One Convert message, not an octet more."""
    data = b""
    while len(data) < 4 or len(data) < 4 * data[1]:
        more = s.recv(1 if len(data) < 4 else 4 * data[1] - len(data))
        if not more:
            break
        data += more
    return data


def begin(first=HALVES[0]):
    """@return the first connection and the flow's number"""
    s = dial(message(connect("10.9.9.2", 80), cookie()) + first)
    data = answer(s)
    at = data.find(b"\xfe\x0c\x4d\x41")
    assert at > 0, "the flow has no name: " + data.hex()
    return s, struct.unpack("!Q", data[at + 4:at + 12])[0]


def attach(flow, turn=None):
    end = b"" if turn is None else struct.pack("!Q", turn)
    return tlv(192, b"\0\0" + struct.pack("!Q", flow) + end)


def said(s):
    data = answer(s)
    return "agreed" if data[4:5] == b"\xc0" else convert.describe(data, "closed")


def ask(*tlvs):
    with dial(message(*tlvs)) as s:
        return said(s)


def page(s):
    data, end = read_all(s, 1 << 20)
    return "ok " + data.split(b"\r\n\r\n", 1)[1].decode().strip() if data else end


def second(flow):
    s = dial(message(cookie(), attach(flow)))
    got = said(s)
    assert got == "agreed", got
    return s


def good(early=b"", late=HALVES[1]):
    """The first connection ends its direction: that must not matter."""
    first, flow = begin()
    up = second(flow)
    if early:
        first.sendall(early)
    up.sendall(message(attach(flow, len(HALVES[0] + early))) + late)
    return page(first)


def many():
    """Of some the second connection is another worker's."""
    results = {good() for _ in range(16)}
    return " ".join(sorted(results))


def in_pieces():
    first, flow = begin()
    up = second(flow)
    for octet in message(attach(flow, len(HALVES[0]))) + HALVES[1]:
        up.sendall(bytes([octet]))
    return page(first)


def turn_before_octets():
    """What it says overtakes what it speaks of."""
    first, flow = begin(b"GET ")
    up = second(flow)
    up.sendall(message(attach(flow, len(HALVES[0]))) + HALVES[1])
    time.sleep(0.2)
    first.sendall(HALVES[0][4:])
    return page(first)


def given_up():
    """Ended in order before its turn: the flow goes on, and may have another one."""
    first, flow = begin()
    second(flow).close()
    time.sleep(0.2)
    up = second(flow)
    up.sendall(message(attach(flow, len(HALVES[0]))) + HALVES[1])
    return page(first)


def given_up_at_the_end():
    """The uplink ends while the second connection has not said anything."""
    first, flow = begin(b"".join(HALVES))
    up = second(flow)
    first.shutdown(socket.SHUT_WR)
    time.sleep(0.2)
    up.close()
    return page(first)


def twice():
    first, flow = begin()
    with first, second(flow):
        return ask(cookie(), attach(flow))


def too_late():
    first, flow = begin(b"".join(HALVES))
    page(first)
    first.close()
    time.sleep(0.2)
    return ask(cookie(), attach(flow))


def wrong(*more, number=0, **key):
    first, flow = begin()
    with first:
        return ask(*([cookie(**key)] if key.get("key", 1) else []), attach(flow ^ number), *more)


def with_octets():
    first, flow = begin()
    with first, dial(message(cookie(), attach(flow)) + b"x") as s:
        return said(s)


def spoilt(text):
    """The flow is reset with it."""
    first, flow = begin()
    up = second(flow)
    up.sendall(text(flow))
    return page(first)


def reset():
    first, flow = begin()
    up = second(flow)
    up.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    up.close()
    return page(first)


def ends_short():
    """Octets of the first connection are missing when it ends."""
    first, flow = begin()
    up = second(flow)
    up.sendall(message(attach(flow, 1000)))
    first.shutdown(socket.SHUT_WR)
    return page(first)


def cases():
    yield "in-two-parts", good
    yield "more-on-the-first", lambda: good(early=HALVES[1][:5], late=HALVES[1][5:])
    yield "many", many
    yield "attach-in-pieces", in_pieces
    yield "turn-before-octets", turn_before_octets
    yield "given-up", given_up
    yield "given-up-at-the-end", given_up_at_the_end
    yield "twice", twice
    yield "too-late", too_late
    yield "unknown-flow", lambda: wrong(number=1 << 40)
    yield "unknown-worker", lambda: wrong(number=0xc0)
    yield "foreign-flow", lambda: wrong(key=OTHER)
    yield "no-cookie", lambda: wrong(key=b"")
    yield "attach-and-connect", lambda: wrong(connect("10.9.9.2", 80)).replace(" echo", "")[:7]
    yield "attach-with-octets", with_octets
    yield "attach-with-turn", lambda: ask(cookie(), attach(1 << 8, 5))
    yield "turn-too-early", lambda: spoilt(lambda f: message(attach(f, 3)))
    yield "turn-of-another", lambda: spoilt(lambda f: message(attach(f ^ 1 << 30, 13)))
    yield "no-turn", lambda: spoilt(lambda f: b"GET / HTTP/1.0\r\n\r\n......")
    yield "second-reset", reset
    yield "first-ends-short", ends_short
    yield "good-after-all-that", good


convert.say(cases())
