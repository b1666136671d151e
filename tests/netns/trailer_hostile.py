#!/usr/bin/env python3
"""A C-MADP with a right secret and no manners, for tests of mams-trailer.

trailer_hostile.py SECRET SESSION CONNECTION SOURCE TARGET PORT SECONDS

Proves itself as connection CONNECTION of SESSION from SOURCE to TARGET:PORT (RFC 9188 in UDP; octets
of the proof: trailer-madp/proof.h), then sends fragments without end for SECONDS: such as never become
whole, contradict each other, come twice, in any order, with everything or nothing inside. SECRET is a
file with the session's secret in base64. Prints how many fragments it has sent, and how many datagrams
came back for them that were no control."""
import base64
import hashlib
import hmac
import random
import socket
import struct
import sys
import time

CONTROL = 7500
HELLO, CHALLENGE, PROOF, ACCEPT = 1, 2, 3, 4


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def control(pdu):
    """An MX Control PDU as it stands in the tunnel: IPv4 and UDP between the two fixed addresses."""
    udp = struct.pack("!HHHH", CONTROL, CONTROL, 8 + len(pdu), 0) + pdu
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0x4000, 1, 17, 0,
                       bytes([192, 0, 0, 2]), bytes([192, 0, 0, 1]))
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + udp


def proof(key, session, cid, step, client, server):
    data = struct.pack("!BBBBQ", 241, cid, step, 0, session) + client + server + b"evil"
    return control(data + hmac.new(key, b"mams proof" + data, hashlib.sha256).digest()[:16])


def prove(s, key, session, cid):
    client, server, step = random.randbytes(16), bytes(16), HELLO
    for _ in range(20):
        s.send(proof(key, session, cid, step, client, server))
        try:
            while True:
                got = s.recv(2048)[28:]
                if len(got) != 64 or got[0] != 241 or got[12:28] != client:
                    continue
                if got[2] == ACCEPT:
                    return
                if got[2] == CHALLENGE:
                    server, step = got[28:44], PROOF
                    break
        except TimeoutError:
            continue
    sys.exit("not accepted")


def fragment(sn, flow, offset, more, data):
    """Form HEADER: flags FC, Flow SN, Flow ID; then Flow SN, FC, Flow ID."""
    return (struct.pack("!H", 0x1a00) + sn.to_bytes(3, "big") +
            bytes([offset << 1 | more, flow]) + data)


def hostile(r, n):
    kind, big = r.randrange(6), bytes([0x60]) * r.randrange(1, 1400)
    if kind == 0:  # grows, and never ends
        return fragment(n // 128, 0, n % 128, 1, big)
    if kind == 1:  # first ones without end
        return fragment(n, r.randrange(8), 0, 1, big)
    if kind == 2:  # last ones, whose others never come
        return fragment(n, 0, r.randrange(1, 128), 0, big)
    if kind == 3:  # contradict themselves
        return fragment(r.randrange(4), 0, r.randrange(4), r.randrange(2), big)
    if kind == 4:  # in the smallest pieces
        return fragment(n // 8, 1, n % 8, 1, b"\x60")
    return fragment(r.randrange(1 << 24), r.randrange(8), r.randrange(128), r.randrange(2),
                    r.randbytes(r.randrange(40)))


def main():
    secret, session, cid, source, target, port, seconds = sys.argv[1:]
    with open(secret, encoding="ascii") as f:
        key = base64.b64decode(f.read())
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((source, 0))
    s.connect((target, int(port)))
    s.settimeout(0.5)
    prove(s, key, int(session), int(cid))
    s.setblocking(False)
    r, n, back = random.Random(9188), 0, 0
    batch = [hostile(r, k) for k in range(20000)]
    end = time.monotonic() + float(seconds)
    print("proven", flush=True)
    while time.monotonic() < end:
        for _ in range(64):
            try:
                s.send(batch[n % len(batch)])
                n += 1
            except BlockingIOError:
                time.sleep(0.001)
        try:
            while got := s.recv(2048):
                back += got[:1] != b"\x45" or got[9:10] != b"\x11"
        except BlockingIOError:
            pass
    print(n, back)


main()
