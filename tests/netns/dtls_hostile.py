#!/usr/bin/env python3
"""Who is not in an association, for tests of mams-trailer: run in the client's namespace.

dtls_hostile.py strangers|own|replay COUNT DEVICE CLIENT TARGET PORT

strangers: COUNT first flights of DTLS (RFC 6347 4.2.1: a ClientHello without a cookie), each from
another address of 10.77.0.0/16. own: as many from the client's own address and port, as seen on DEVICE,
each with another random. replay: COUNT records of the client's, as seen on DEVICE, sent once more.
Prints how many were sent, and the UDP length of the shortest."""
import os
import socket
import struct
import sys
import time

IP_HEADER, UDP_HEADER, ETHERNET = 20, 8, 14
HANDSHAKE, DATA = 22, 23


def hello():
    body = b"\xfe\xfd" + os.urandom(32) + b"\0\0" + b"\0\2\0\xaa" + b"\1\0"
    message = b"\1" + len(body).to_bytes(3, "big") + bytes(2) + bytes(3) + len(body).to_bytes(3, "big") + body
    return bytes([HANDSHAKE]) + b"\xfe\xff" + bytes(8) + struct.pack("!H", len(message)) + message


def packet(source, source_port, target, port, data):
    """Raw: the kernel fills in the checksum of the IP header; UDP needs none."""
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 0, 0, 0, 64, 17, 0, socket.inet_aton(source),
                       socket.inet_aton(target))
    return head + struct.pack("!HHHH", source_port, port, UDP_HEADER + len(data), 0) + data


def seen(device, client, port, count):
    """Frames of the client with records of data."""
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    s.bind((device, 0))
    s.settimeout(20)
    frames = []
    while len(frames) < count:
        f = s.recv(65536)
        ip = f[ETHERNET:]
        if (f[12:14] == b"\x08\x00" and ip[9] == 17 and ip[12:16] == socket.inet_aton(client) and
                ip[22:24] == struct.pack("!H", port) and ip[IP_HEADER + UDP_HEADER] == DATA and
                len(f) <= 1514):
            frames.append(f[:40] + b"\0\0" + f[42:])  # its checksum was left to the device
    return s, frames


def pace(n):
    if n % 16 == 0:
        time.sleep(0.003)


def main():
    what, count, device, client, target, port = sys.argv[1:]
    count, port = int(count), int(port)
    if what == "replay":
        s, frames = seen(device, client, port, count)
        for n, f in enumerate(frames):
            s.send(f)
            pace(n)
        print(len(frames), min(len(f) - ETHERNET - IP_HEADER for f in frames))
        return
    source_port = 0
    if what == "own":
        source_port = struct.unpack("!H", seen(device, client, port, 1)[1][0][34:36])[0]
    s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    for n in range(count):
        if what == "own":
            source = client
        else:
            source, source_port = f"10.77.{n // 250}.{n % 250 + 1}", 1024 + n
        s.sendto(packet(source, source_port, target, port, hello()), (target, 0))
        pace(n)
    print(count, UDP_HEADER + len(hello()))


main()
