#!/usr/bin/env python3
"""Clients that do everything wrong, against a running NCM.

usage: hostile.py DIR ADDRESS SOURCE SECONDS

DIR holds ca.crt, the identities' .crt and .key, and the password of the Digest user phone; the NCM
listens at ADDRESS, https on 8443, wss on 8444. Connections come from SOURCE. Goes through all cases
again and again for SECONDS, with a thousand half-open connections; prints "WHAT|GOT|WANTED" for each
case, once if it was always the same."""

import contextlib
import hashlib
import json
import os
import socket
import ssl
import struct
import sys
import time

BASE, ADDRESS, SOURCE, SECONDS = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
HTTPS, WSS = 8443, 8444


def context(identity):
    tls = ssl.create_default_context(cafile=f"{BASE}/ca.crt")
    if identity:
        tls.load_cert_chain(f"{BASE}/{identity}.crt", f"{BASE}/{identity}.key")
    return tls


def dial(port, identity=None, tls=True):
    raw = socket.create_connection((ADDRESS, port), 10, (SOURCE, 0))
    raw.settimeout(10)
    return context(identity).wrap_socket(raw, server_hostname=ADDRESS) if tls else raw


def receive(c, n):
    data = b""
    while len(data) < n:
        more = c.recv(n - len(data))
        if not more:
            raise ConnectionResetError
        data += more
    return data


def read_head(c):
    """The answer's head; its body is read too, so that the connection can be used again."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = c.recv(4096)
        if not more:
            return data
        data += more
    head, body = data.split(b"\r\n\r\n", 1)
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            with contextlib.suppress(OSError):  # reset behind the answer
                receive(c, int(line.split(b":")[1]) - len(body))
    return head


def status(data):
    return data.split(b" ")[1].decode() if data.startswith(b"HTTP/1.1 ") else "closed"


def post(body, identity=None, headers="", length=None, c=None):
    """The status of the answer; "closed" when the connection just ends."""
    try:
        c = c or dial(HTTPS, identity)
        n = len(body) if length is None else length
        with contextlib.suppress(OSError):  # who is answered in the middle of it reads, too
            c.sendall(f"POST /mams/v1/message HTTP/1.1\r\nHost: x\r\n{headers}"
                      f"Content-Length: {n}\r\n\r\n".encode() + body)
        return status(read_head(c))
    except OSError:
        return "closed"


def message(kind, session=None, number=None, **more):
    out = {"version": "1.0", "message_type": kind,
           "sequence_num": number or int.from_bytes(os.urandom(3), "big") + 1, **more}
    if session:
        out["unique_session_id"] = {"ncm_id": 1, "session_id": session}
    return json.dumps(out).encode()


def read_body(c):
    data = b""
    while True:
        more = c.recv(65536)
        if not more:
            return data.split(b"\r\n\r\n", 1)[1]
        data += more


def exchange(body, identity):
    c = dial(HTTPS, identity)
    c.sendall(b"POST /mams/v1/message HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n"
              b"Connection: close\r\n\r\n" % len(body) + body)
    return read_body(c)


def poll(identity):
    c = dial(HTTPS, identity)
    c.sendall(b"GET /mams/v1/poll HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    return read_body(c)


# ---- WebSocket ----

def upgrade(identity, key="dGhlIHNhbXBsZSBub25jZQ==", version=13):
    c = dial(WSS, identity)
    c.sendall(f"GET /mams/v1/ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
              f"Sec-WebSocket-Version: {version}\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode())
    return c, status(read_head(c))


def frame(first, data, mask=b"\1\2\3\4"):
    n = len(data)
    head = bytes([first])
    bit = 0x80 if mask else 0
    if n < 126:
        head += bytes([bit | n])
    elif n < 65536:
        head += struct.pack(">BH", bit | 126, n)
    else:
        head += struct.pack(">BQ", bit | 127, n)
    return head + ((mask + bytes(b ^ mask[i % 4] for i, b in enumerate(data))) if mask else data)


def closed_by(*frames):
    """The close code that the frames are answered with; whatever comes before it is skipped."""
    c, got = upgrade("laptop")
    if got != "101":
        return f"status {got}"
    try:
        for f in frames:
            c.sendall(f)
        while True:
            first, n = receive(c, 2)
            if n == 126:
                n = struct.unpack(">H", receive(c, 2))[0]
            data = receive(c, n)
            if first & 0x0f == 8:
                return str(struct.unpack(">H", data[:2])[0]) if n >= 2 else "no code"
    except OSError:
        return "closed"


def websocket_cases():
    yield "wss: unmasked frame", closed_by(frame(0x81, b"{}", None)), "1002"
    yield "wss: continuation of nothing", closed_by(frame(0x80, b"{}")), "1002"
    yield "wss: a message within a message", closed_by(frame(0x01, b"{"), frame(0x81, b"}")), "1002"
    yield "wss: reserved bit", closed_by(frame(0xC1, b"{}")), "1002"
    yield "wss: binary", closed_by(frame(0x82, b"{}")), "1003"
    yield "wss: not JSON (E1)", closed_by(frame(0x81, b"{")), "1007"
    yield "wss: not UTF-8", closed_by(frame(0x81, b"\xff\xfe")), "1007"
    yield "wss: oversized", closed_by(frame(0x81, b"x" * 70000)), "1009"
    yield "wss: deep JSON", closed_by(frame(0x81, b"[" * 200 + b"]" * 200)), "1007"
    yield "wss: fragments without end", closed_by(
        *([frame(0x01, b"x" * 60000)] + [frame(0x00, b"x" * 60000)])), "1009"
    yield "wss: no key", upgrade("laptop", "short")[1], "400"
    yield "wss: version 8", upgrade("laptop", version=8)[1], "426"
    for identity in ("expired", "foreign", "gone"):
        yield f"wss: certificate {identity}", refused(WSS, identity), "403"


def refused(port, identity):
    try:
        if port == WSS:
            return upgrade(identity)[1]
        return post(message("mx_discover"), identity)
    except (OSError, ssl.SSLError):
        return "closed"


# ---- HTTPS ----

def digest_replayed():
    """The answer to one challenge, sent twice with the same count."""
    with open(f"{BASE}/password", encoding="utf-8") as f:
        password = f.readline().strip()
    c = dial(HTTPS)
    c.sendall(b"GET /mams/v1/poll HTTP/1.1\r\nHost: x\r\n\r\n")
    head = read_head(c).decode()
    nonce = head.split('nonce="')[1].split('"')[0]
    digest = lambda text: hashlib.sha256(text.encode()).hexdigest()
    ha1 = digest(f"phone:mams:{password}")
    response = digest(f"{ha1}:{nonce}:00000001:c:auth:{digest('POST:/mams/v1/message')}")
    header = (f'Authorization: Digest username="phone", realm="mams", nonce="{nonce}", '
              f'uri="/mams/v1/message", qop=auth, nc=00000001, cnonce="c", algorithm=SHA-256, '
              f'response="{response}"\r\n')
    first = post(b"{", headers=header)
    return f"{first} {post(b'{', headers=header)}"


def https_cases(session):
    mine = message("mx_keep_alive_req", session, keep_alive_reason="Timeout")
    yield "oversized", post(b"x" * 70000, "laptop"), "413"
    yield "oversized by its own word", post(b"", "laptop", length=10 ** 12), "413"
    yield "deep JSON", post(b"[" * 5000 + b"]" * 5000, "laptop"), "400"
    yield "truncated JSON", post(mine[:-5], "laptop"), "400"
    yield "no JSON", post(os.urandom(300), "laptop"), "400"
    yield "unknown session", post(message("mx_keep_alive_req", 7, keep_alive_reason="Timeout"),
                                  "laptop"), "404"
    yield "another's session", post(mine, "other"), "403"
    yield "NCM's message from a client", post(message(
        "mx_ssid_indication", session, ssid_list=[{"ssid_type": "ssid", "ssid": "x"}]),
                                                 "laptop"), "409"
    yield "no credentials", post(mine), "401"
    for identity in ("expired", "foreign", "gone"):
        yield f"certificate {identity}", refused(HTTPS, identity), "403"
    yield "Digest replayed", digest_replayed(), "400 401"
    once = message("mx_keep_alive_req", session, 4711, keep_alive_reason="Timeout")
    yield "sequence number replayed", str(
        exchange(once, "laptop") == exchange(once, "laptop")), "True"


def flood():
    """More messages than one client may send; the connection stays usable."""
    c = dial(HTTPS, "other")
    return " ".join(sorted({post(b"{", c=c) for _ in range(300)}))


def ended(crowd, deadline):
    """How many of the connections the NCM has ended."""
    n = 0
    for c in crowd:
        try:
            c.settimeout(max(0.01, deadline - time.monotonic()))
            n += c.recv(1) == b""
        except ConnectionError:
            n += 1
        except OSError:
            pass
    return n


def half_open(n):
    """TCP, and not one octet, or the beginning of a TLS hello; every other one is for wss."""
    out = [dial(WSS if i % 2 else HTTPS, tls=False) for i in range(n)]
    for c in out[::4] + out[1::4]:
        c.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
    return out


def slow_bodies(n):
    """A request each that never ends."""
    out = [dial(HTTPS, "laptop") for _ in range(n)]
    for c in out:
        c.sendall(b"POST /mams/v1/message HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
    return out


def trickle(crowd):
    for c in crowd:
        try:
            c.send(b" ")
        except OSError:
            pass


def main():
    start = time.monotonic()
    opened, slow = half_open(1000), slow_bodies(20)
    print(f"half-open connections|{len(opened)}|1000", flush=True)
    first = json.loads(exchange(message("mx_discover"), "laptop"))
    print(f"the attacker's own discovery|{first['message_type']}|mx_system_info", flush=True)
    seen = set()
    rounds = 0
    while time.monotonic() < start + float(SECONDS):
        exchange(message("mx_discover"), "laptop")
        number = json.loads(poll("laptop"))["unique_session_id"]["session_id"]
        for cases in (https_cases(number), websocket_cases()):
            for what, got, wanted in cases:
                if (what, got) not in seen:
                    print(f"{what}|{got}|{wanted}", flush=True)
                seen.add((what, got))
                trickle(slow)
        rounds += 1
    print(f"flood of one client|{flood()}|400 429", flush=True)
    for what, crowd in (("half-open", opened), ("slow bodies", slow)):
        n = ended(crowd, start + 30)
        print(f"{what}: ended by the NCM|{n}|{len(crowd)}", flush=True)
    print(f"rounds|{rounds}|{rounds or 'at least one'}", flush=True)


main()
