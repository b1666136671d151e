#!/usr/bin/env python3
"""Speaks RFC 8803 to a converter, rightly and wrongly.

usage: convert.py CONVERTER PORT KEY_FILE

Prints "NAME RESULT" for each case: "error C V..." for an Error TLV with code and value, or "error C
echo" when the value is the message sent; "ok OCTETS" for a relayed connection, "info TYPES" for an
answer with these TLVs, "reset", "closed"."""
import base64
import ipaddress
import socket
import struct
import sys

MPTCP = 262
CONVERTER = (sys.argv[1], int(sys.argv[2]))
KEY = base64.b64decode(open(sys.argv[3], encoding="ascii").readline())


def tlv(kind, body):
    """Type, Length in words of four octets, and the value padded."""
    data = bytes([kind, 0]) + body
    data += bytes(-len(data) % 4)
    return data[:1] + bytes([len(data) // 4]) + data[2:]


def message(*tlvs, version=1, magic=0x2263, words=None):
    body = b"".join(tlvs)
    total = words if words is not None else 1 + len(body) // 4
    return struct.pack("!BBH", version, total, magic) + body


def connect(host, port, options=b""):
    address = ipaddress.ip_address(host)
    if address.version == 4:
        address = ipaddress.ip_address(b"\0" * 10 + b"\xff\xff" + address.packed)
    return tlv(10, struct.pack("!H", port) + address.packed + options)


def cookie(key=KEY):
    return tlv(22, b"\0\0" + key)


def read_all(s, limit):
    data = b""
    try:
        while len(data) < limit:
            more = s.recv(65536)
            if not more:
                return data, "closed"
            data += more
            if len(data) >= 4 and len(data) >= 4 * data[1] and limit == 4:
                break
    except ConnectionResetError:
        return data, "reset"
    except socket.timeout:
        return data, "silence"
    return data, ""


def describe(data, end, sent=b""):
    if len(data) < 4:
        return end or "short"
    if data[0] != 1 or struct.unpack("!H", data[2:4])[0] != 0x2263:
        return "strange " + data[:8].hex()
    kinds, at = [], 4
    while at < 4 * data[1]:
        if data[at] == 30:
            value = data[at + 3:at + 4 * data[at + 1]]
            if sent and data[at + 4:4 * data[1]] == sent:
                return f"error {data[at + 2]} echo"
            return f"error {data[at + 2]} " + " ".join(str(b) for b in value).strip()
        kinds.append(data[at])
        at += 4 * data[at + 1]
    return "info " + " ".join(map(str, kinds))


def ask(octets, timeout=15, converter=CONVERTER):
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, MPTCP) as s:
        s.settimeout(timeout)
        s.connect(converter)
        s.sendall(octets)
        return describe(*read_all(s, 4), octets)


def given_cookie():
    """A client known by its address is given a cookie, and served with it."""
    converter = ("10.1.2.1", CONVERTER[1])
    said = ask(message(connect("10.9.9.2", 80)), converter=converter).split()
    if said[:3] != ["error", "3", "0"]:
        return " ".join(said)
    mine = bytes(map(int, said[3:]))
    return ask(message(connect("10.9.9.2", 80), cookie(mine)) + b"GET /small HTTP/1.0\r\n\r\n",
               converter=converter)


def fetch(host, protocol=MPTCP, pieces=1):
    """GET /small through the converter; the message may come in pieces."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, protocol) as s:
        s.settimeout(15)
        s.connect(CONVERTER)
        text = message(connect(host, 80), cookie())
        text += b"GET /small HTTP/1.0\r\n\r\n"
        step = -(-len(text) // pieces)
        for i in range(0, len(text), step):
            s.sendall(text[i:i + step])
        data, _ = read_all(s, 1 << 20)
        if len(data) < 4 or len(data) <= 4 * data[1]:
            return describe(data, "closed")
        page = data[4 * data[1]:]
        return "ok " + page.split(b"\r\n\r\n", 1)[1].decode().strip()


def cases():
    good = connect("10.9.9.2", 80)
    yield "good-IPv4", lambda: fetch("10.9.9.2")
    yield "good-IPv6", lambda: fetch("fd09::2")
    yield "good-in-pieces", lambda: fetch("10.9.9.2", pieces=40)
    yield "good-plain-TCP", lambda: fetch("10.9.9.2", protocol=socket.IPPROTO_TCP)
    yield "unsupported-version", lambda: ask(message(good, cookie(), version=2))
    yield "two-connects", lambda: ask(message(good, good, cookie()))
    yield "tlv-too-long", lambda: ask(message(bytes([10, 200]) + bytes(18), cookie()))
    yield "tlv-of-length-0", lambda: ask(message(bytes([10, 0, 0, 0]), cookie()))
    yield "unknown-tlv", lambda: ask(message(tlv(99, b"\0\0"), cookie()))
    yield "no-cookie", lambda: ask(message(good))
    yield "cookie-given", given_cookie
    yield "wrong-cookie", lambda: ask(message(good, cookie(bytes(len(KEY)))))
    yield "option-AO", lambda: ask(message(connect("10.9.9.2", 80, bytes([29, 2])), cookie()))
    yield "zero-length", lambda: ask(message(good, cookie(), words=0))
    yield "foreign-protocol", lambda: ask(b"GET / HTTP/1.1\r\n\r\n")
    yield "half-a-message", lambda: ask(message(good, cookie())[:10])
    yield "info", lambda: ask(message(tlv(1, b"\0\0"), cookie()))
    yield "to-loopback", lambda: ask(message(connect("127.0.0.1", 80), cookie()))
    yield "to-loopback-IPv6", lambda: ask(message(connect("::1", 80), cookie()))
    yield "to-link-local", lambda: ask(message(connect("169.254.1.1", 80), cookie()))
    yield "to-the-proxy", lambda: ask(message(connect("10.1.1.1", 7443), cookie()))
    yield "to-an-access-network", lambda: ask(message(connect("10.1.2.2", 80), cookie()))
    yield "to-a-closed-port", lambda: ask(message(connect("10.9.9.2", 81), cookie()))
    yield "to-nobody", lambda: ask(message(connect("10.9.9.99", 80), cookie()))
    yield "to-an-unreachable-net", lambda: ask(message(connect("10.77.0.1", 80), cookie()))
    yield "to-a-silent-port", lambda: ask(message(connect("10.9.9.2", 82), cookie()))
    yield "refused-by-icmp", lambda: ask(message(connect("10.9.9.2", 83), cookie()))
    yield "refused-by-icmp-IPv6", lambda: ask(message(connect("fd09::2", 83), cookie()))
    yield "good-after-all", lambda: fetch("10.9.9.2")


def say(all_cases):
    for name, case in all_cases:
        try:
            print(name, case(), flush=True)
        except OSError as e:
            print(name, "failed", e, flush=True)


if __name__ == "__main__":
    say(cases())
