#!/usr/bin/env python3
"""One TCP connection that sends both ways at once, as fast as it can.

both_ways.py serve ADDRESS PORT: each connection that is accepted
both_ways.py call ADDRESS PORT SECONDS [CONNECTIONS [OCTETS]]

The caller ends its direction after SECONDS, or once it has sent OCTETS; the server half a second after
that, and sends no more OCTETS either.  Each prints, per connection, a line: SHA-256 and octets of what
it has sent, the same of what it has received, and how it ended.  Contents are random, but for the
caller's first eight octets, which tell OCTETS."""
import hashlib
import os
import select
import socket
import struct
import sys
import threading
import time

NONE = (1 << 64) - 1


def run(sock, seconds, cap, show):
    """cap None: the server"""
    sent, got = hashlib.sha256(), hashlib.sha256()
    n_sent = n_got = 0
    serves = cap is None
    chunk = memoryview(b"" if serves else struct.pack("!Q", cap))
    end = float("inf") if serves else time.monotonic() + seconds
    writing = reading = True
    how = "in order"
    try:
        if serves:
            cap = struct.unpack("!Q", sock.recv(8, socket.MSG_PEEK | socket.MSG_WAITALL))[0]
        sock.setblocking(False)
        while writing or reading:
            full = n_sent >= cap
            wait = min(20, max(0, end - time.monotonic())) if full and writing else 20
            r, w, _ = select.select([sock] if reading else [], [sock] if writing and not full
                                    else [], [], wait)
            if not r and not w and wait == 20:
                how = "stalled"
                break
            if r:
                data = sock.recv(1 << 18)
                reading = len(data) > 0
                if serves and not reading:
                    end = time.monotonic() + seconds
                got.update(data)
                n_got += len(data)
            if w:
                if not chunk:
                    chunk = memoryview(os.urandom(1 << 16))
                n = sock.send(chunk)
                sent.update(chunk[:n])
                n_sent += n
                chunk = chunk[n:]
            if writing and (time.monotonic() > end or (n_sent >= cap and not serves)):
                sock.shutdown(socket.SHUT_WR)
                writing = False
    except OSError as e:
        how = e.strerror
    show("%s %d %s %d %s" % (sent.hexdigest(), n_sent, got.hexdigest(), n_got, how))
    sock.close()


def main():
    address, port = sys.argv[2], int(sys.argv[3])
    lock = threading.Lock()

    def show(line):
        with lock:
            print(line, flush=True)

    def start(sock, seconds, cap):
        t = threading.Thread(target=run, args=(sock, seconds, cap, show), daemon=True)
        t.start()
        return t

    if sys.argv[1] == "call":
        seconds, n, cap = (list(map(float, sys.argv[4:])) + [1, NONE][len(sys.argv) - 5:])[:3]
        for t in [start(socket.create_connection((address, port)), seconds, int(min(cap, NONE)))
                  for _ in range(int(n))]:
            t.join()
        return
    listener = socket.create_server((address, port))
    while True:
        start(listener.accept()[0], 0.5, None)


main()
