#!/usr/bin/env python3
"""Traffic for tests of mams-trailer.

trailer_traffic.py sink ADDRESS PORT QUIET          until none came for QUIET seconds; prints
                                                    received, lost, twice, out of order
trailer_traffic.py stream ADDRESS PORT RATE SECONDS numbered datagrams of 1000 octets, until SIGTERM
                                                    at the latest; prints how many
trailer_traffic.py raw SOURCE SPORT TARGET DPORT HEX  one UDP datagram, from any address and port
trailer_traffic.py ask TARGET DPORT HEX             one datagram; prints what comes back, or nothing"""
import signal
import socket
import struct
import sys
import time


def sink(address, port, quiet):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, 33, 1 << 24)  # SO_RCVBUFFORCE: a burst is not lost here
    s.bind((address, port))
    seen, twice, disorder, top = set(), 0, 0, -1
    s.settimeout(30)
    while True:
        try:
            n, = struct.unpack("!I", s.recv(2048)[:4])
        except TimeoutError:
            break
        s.settimeout(quiet)
        twice += n in seen
        disorder += n < top
        seen.add(n)
        top = max(top, n)
    print(len(seen), top + 1 - len(seen), twice, disorder)


def stream(address, port, rate, seconds):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.connect((address, port))
    ended = []
    signal.signal(signal.SIGTERM, lambda *_: ended.append(True))
    begin = time.monotonic()
    n = 0
    while n < rate * seconds and not ended:
        wait = begin + n / rate - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        s.send(struct.pack("!I", n) + bytes(996))
        n += 1
    print(n)


def raw(source, sport, target, dport, data):
    s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    udp = struct.pack("!HHHH", sport, dport, 8 + len(data), 0) + data
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0,
                     socket.inet_aton(source), socket.inet_aton(target))
    s.sendto(ip + udp, (target, 0))


def ask(target, dport, data):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(0.3)
    s.sendto(data, (target, dport))
    try:
        print(s.recv(2048).hex())
    except TimeoutError:
        pass


def main():
    verb, *a = sys.argv[1:]
    if verb == "sink":
        sink(a[0], int(a[1]), float(a[2]))
    elif verb == "stream":
        stream(a[0], int(a[1]), int(a[2]), int(a[3]))
    elif verb == "raw":
        raw(a[0], int(a[1]), a[2], int(a[3]), bytes.fromhex(a[4]))
    else:
        ask(a[0], int(a[1]), bytes.fromhex(a[2]))


main()
