#!/usr/bin/env python3
"""Is a captured control connection TLS and nothing else?

usage: tls_records.py CAPTURE PORT

Puts each direction of each TCP connection on PORT together again and reads it as TLS records (RFC
8446 5.1).  Prints "connections N octets N strange N plain N versions V...": strange are the octets
that belong to no record, plain are connections in which words of the protocol are readable, versions
are those that servers chose."""
import collections
import subprocess
import sys

WORDS = (b"mx_", b"POST", b"GET /", b"HTTP/1", b"Digest", b"message_type", b"unique_session_id")
TYPES = {20, 21, 22, 23}  # change_cipher_spec, alert, handshake, application_data
RECORD_MAX = 16384 + 256


def fields(capture, what, *names):
    """Rows of the packets that a tshark filter picks."""
    args = ["tshark", "-r", capture, "-Y", what, "-T", "fields", "-E", "occurrence=f"]
    for name in names:
        args += ["-e", name]
    out = subprocess.run(args, check=True, capture_output=True, text=True).stdout
    return [line.split("\t") for line in out.splitlines()]


def directions(capture, port):
    """(stream, sending port) -> octets in order, without those sent twice."""
    parts = collections.defaultdict(dict)
    for stream, sender, seq, payload in fields(
            capture, f"tcp.port == {port} && tcp.len > 0",
            "tcp.stream", "tcp.srcport", "tcp.seq", "tcp.payload"):
        parts[stream, sender].setdefault(int(seq), bytes.fromhex(payload))
    whole = {}
    for key, segments in parts.items():
        data = bytearray()
        start = min(segments)
        for seq in sorted(segments):
            at = seq - start
            if at > len(data):
                raise SystemExit(f"the capture of stream {key[0]} has a gap")
            data[at:at + len(segments[seq])] = segments[seq]
        whole[key] = bytes(data)
    return whole


def strange(data):
    """Octets from the first that begins no TLS record."""
    at = 0
    while at < len(data):
        head = data[at:at + 5]
        length = int.from_bytes(head[3:5], "big")
        if len(head) < 5 or head[0] not in TYPES or head[1] != 3 or head[2] > 4 or \
                length > RECORD_MAX:
            return len(data) - at
        at += 5 + length  # the last record may still have been under way
    return 0


def main():
    capture, port = sys.argv[1], sys.argv[2]
    whole = directions(capture, port)
    hello = fields(capture, f"tcp.port == {port} && tls.handshake.type == 2",
                   "tls.handshake.extensions.supported_version", "tls.handshake.version")
    versions = sorted({new or old for new, old in hello})
    print("connections", len({stream for stream, _ in whole}),
          "octets", sum(map(len, whole.values())),
          "strange", sum(map(strange, whole.values())),
          "plain", len({key[0] for key, data in whole.items() if any(w in data for w in WORDS)}),
          "versions", *versions)


main()
