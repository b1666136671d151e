#!/usr/bin/env python3
"""Traffic for tests of mams-trailer.

trailer_traffic.py sink ADDRESS PORT QUIET          until none came for QUIET seconds; prints
                                                    received, lost, twice, out of order, and the
                                                    one-way delay that half and 99 % keep,
                                                    in ms
trailer_traffic.py stream ADDRESS PORT RATE SECONDS [SIZE]
                                                    numbered datagrams of 1000 octets, until SIGTERM
                                                    at the latest; prints how many
trailer_traffic.py echo ADDRESS PORT QUIET          sends back what comes, with its DSCP, until nothing
                                                    comes
trailer_traffic.py talk ADDRESS PORT RATE SECONDS [DSCP]
                                                    numbered datagrams of 1000 octets to an echo, never
                                                    more than 64 under way, so that a busy host is slow
                                                    and loses none, until SIGTERM at the latest; prints
                                                    sent, lost, twice, out of order
trailer_traffic.py flows ADDRESS PORT N RATE SECONDS  N flows at once to an echo, each of numbered
                                                    datagrams of 200 octets; prints sent, lost, twice
trailer_traffic.py sweep ADDRESS PORT STEP          datagrams of 1 to 9000 octets to it, one by one, up
                                                    to three times each; prints the first three sizes
                                                    that fail
trailer_traffic.py pings ADDRESS MTU                echo requests of all sizes up to MTU, IP header included,
                                                    which nobody may fragment; prints how many sizes, and
                                                    the first three that are not answered in four goes
trailer_traffic.py pauses                           until SIGTERM; a line for each sleep of 10 ms that was
                                                    as much too long or more: its end, in ms of the
                                                    day, and how late it was, in ms
trailer_traffic.py raw SOURCE SPORT TARGET DPORT HEX  one UDP datagram, from any address and port
trailer_traffic.py ask TARGET DPORT HEX             one datagram; prints what comes back, or nothing"""
import random
import selectors
import signal
import socket
import struct
import sys
import time

SO_TIMESTAMPNS = 35


def sink(address, port, quiet):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, 33, 1 << 24)  # SO_RCVBUFFORCE: a burst is not lost here
    s.bind((address, port))
    s.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)  # when it came, not when we were awake
    seen, twice, disorder, top, delays = set(), 0, 0, -1, []
    s.settimeout(30)
    while True:
        try:
            data, stamp, _, _ = s.recvmsg(2048, 64)
        except TimeoutError:
            break
        n, sent = struct.unpack("!IQ", data[:12])
        seconds, ns = struct.unpack("qq", stamp[0][2][:16])
        delays.append(seconds * 1000000000 + ns - sent)
        s.settimeout(quiet)
        twice += n in seen
        disorder += n < top
        seen.add(n)
        top = max(top, n)
    delays.sort()
    print(len(seen), top + 1 - len(seen), twice, disorder,
          *(delays[len(delays) * part // 100] / 1e6 for part in (50, 99) if delays))


def stream(address, port, rate, seconds, size):
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
        elif wait < -0.02:  # a busy host is slow, not bursty
            begin -= wait + 0.02
        s.send(struct.pack("!IQ", n, time.time_ns()) + bytes(size - 12))
        n += 1
    print(n)


def echo(address, port, quiet):
    s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    if s.family == socket.AF_INET:
        s.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
    s.bind((address, port))
    s.settimeout(quiet)
    tos = 0
    while True:
        try:
            data, more, _, peer = s.recvmsg(65536, 64)
        except TimeoutError:
            break
        for _, _, value in more:
            if value[0] & 0xfc != tos:
                tos = value[0] & 0xfc
                s.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, tos)
        s.sendto(data, peer)


def sweep(address, port, step):
    s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    s.connect((address, port))
    s.settimeout(2)
    sizes = sorted({*range(1, 9001, step), *range(1190, 1510, min(step, 3))})
    body = random.Random(9188).randbytes(9000)
    failed, again = [], []
    for size in sizes:
        data = struct.pack("!I", size)[:size] + body[4:size]
        for attempt in range(3):  # a host that stands still for a moment loses some, but none thrice
            s.send(data)
            try:
                while (got := s.recv(65536)) != data:
                    if len(got) == size:
                        raise TimeoutError
                break
            except TimeoutError:
                again.append(size)
        else:
            failed.append(size)
            if len(failed) == 3:
                break
    if again:
        print("sizes that were sent again:", again, file=sys.stderr)
    print("of", len(sizes), "sizes fail", failed or "none")


def pings(address, mtu):
    v6 = ":" in address
    family, header, protocol, request, reply = (
        (socket.AF_INET6, 40, 58, 128, 129) if v6 else (socket.AF_INET, 20, 1, 8, 0))
    s = socket.socket(family, socket.SOCK_RAW, protocol)
    s.setsockopt(41 if v6 else 0, 23 if v6 else 10, 2)  # MTU_DISCOVER: do
    s.connect((address, 0))
    left = set(range(header + 8, mtu + 1))
    print(len(left), end=" ")
    for _ in range(4):
        waiting, todo = set(), sorted(left, reverse=True)
        s.settimeout(1)
        while todo or waiting:
            while todo and len(waiting) < 32:
                size = todo.pop()
                data = struct.pack("!BBHHH", request, 0, 0, 9188, size) + bytes(size - header - 8)
                if not v6:
                    total = sum(struct.unpack("!4H", data[:8]))
                    total = (total & 0xffff) + (total >> 16)
                    data = data[:2] + struct.pack("!H", 0xffff - total) + data[4:]
                try:
                    s.send(data)
                    waiting.add(size)
                except OSError:
                    pass
            if not waiting:
                break
            try:
                got = s.recv(65536)
            except TimeoutError:
                break
            got = got if v6 else got[20:]
            kind, _, _, ident, size = struct.unpack("!BBHHH", got[:8])
            if kind == reply and ident == 9188 and len(got) == size - header:
                waiting.discard(size)
                left.discard(size)
        if not left:
            break
    print(sorted(left)[:3] or "none")


def talk(address, port, rate, seconds, dscp):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, dscp << 2)
    s.connect((address, port))
    ended = []
    signal.signal(signal.SIGTERM, lambda *_: ended.append(True))
    away, sent, lost, twice, disorder, top = {}, 0, 0, 0, 0, -1
    end = time.monotonic() + seconds
    due = time.monotonic()
    while time.monotonic() < end or away:
        now = time.monotonic()
        if ended:
            end = min(end, now)
        for n in [n for n, t in away.items() if now - t > 5]:
            del away[n]
            lost += 1
        if now >= due and now < end and len(away) < 64:
            try:
                s.send(struct.pack("!I", sent) + bytes(996))
                away[sent] = now
            except ConnectionRefusedError:  # of an earlier one
                continue
            except OSError:  # no route
                lost += 1
            sent += 1
            due = max(due + 1 / rate, now - 0.1)
        s.settimeout(0.2 if now >= end or len(away) >= 64 else max(0.001, due - now))
        try:
            n, = struct.unpack("!I", s.recv(2048)[:4])
        except (TimeoutError, ConnectionRefusedError):
            continue
        twice += away.pop(n, None) is None
        disorder += n < top
        top = max(top, n)
    print(sent, lost, twice, disorder)


def flows(address, port, n, rate, seconds):
    pick = selectors.DefaultSelector()
    sent, lost, twice, waiting = 0, 0, 0, {}
    socks = []
    for _ in range(n):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.connect((address, port))
        s.setblocking(False)
        pick.register(s, selectors.EVENT_READ, len(socks))
        socks.append(s)
    begin = due = time.monotonic()
    while (now := time.monotonic()) < begin + seconds or waiting:
        if now >= due and now < begin + seconds:
            # by turns, so that each has its rate
            socks[sent % n].send(struct.pack("!II", sent % n, sent // n) + bytes(192))
            waiting[sent % n, sent // n] = now
            sent += 1
            due = max(due + 1 / (n * rate), now - 0.02)
        for key, _ in pick.select(max(0, min(due - now, 0.1)) if now < begin + seconds else 0.1):
            try:
                got = struct.unpack("!II", key.fileobj.recv(2048)[:8])
            except OSError:
                continue
            twice += got[0] != key.data or waiting.pop(got, None) is None
        # those of longest ago stand first
        while waiting and now - next(iter(waiting.values())) > 5:
            del waiting[next(iter(waiting))]
            lost += 1
    print(sent, lost, twice)


def pauses():
    while True:
        begin = time.monotonic()
        time.sleep(0.01)
        late = (time.monotonic() - begin) * 1000 - 10
        if late >= 10:
            print(int(time.time() * 1000 % 86400000), round(late), flush=True)


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
        stream(a[0], int(a[1]), int(a[2]), int(a[3]), int(a[4]) if len(a) > 4 else 1000)
    elif verb == "echo":
        echo(a[0], int(a[1]), float(a[2]))
    elif verb == "talk":
        talk(a[0], int(a[1]), int(a[2]), int(a[3]), int(a[4]) if len(a) > 4 else 0)
    elif verb == "flows":
        flows(a[0], int(a[1]), int(a[2]), int(a[3]), int(a[4]))
    elif verb == "pings":
        pings(a[0], int(a[1]))
    elif verb == "sweep":
        sweep(a[0], int(a[1]), int(a[2]))
    elif verb == "pauses":
        pauses()
    elif verb == "raw":
        raw(a[0], int(a[1]), a[2], int(a[3]), bytes.fromhex(a[4]))
    else:
        ask(a[0], int(a[1]), bytes.fromhex(a[2]))


main()
