#!/usr/bin/env python3
"""What an application sees of TCP, case by case: run directly and through the proxies, and compared.

usage: behaviour.py server HOST
       behaviour.py client HOST MARK            every case but idle
       behaviour.py idle HOST MARK SECONDS      that one

The server prints nothing and serves until it is ended; what it saw of a connection can be asked for
on its last port.  The client prints "CASE RESULT" lines.  MARK is set on its sockets; 0 for none."""
import errno
import hashlib
import socket
import struct
import sys
import threading
import time

BASE = 9000
SEEN = {}
LOCK = threading.Lock()
RESET = struct.pack("ii", 1, 0)
BLOCK = bytes(range(256)) * 256  # 64 KiB


def see(case, what):
    with LOCK:
        SEEN.setdefault(case, []).append(what)


def drain(s):
    """Reads to the end: (octets, how it ended, digest)."""
    digest, n = hashlib.sha256(), 0
    try:
        while True:
            data = s.recv(65536)
            if not data:
                return n, "end", digest.hexdigest()[:12]
            digest.update(data)
            n += len(data)
    except ConnectionResetError:
        return n, "reset", ""
    except socket.timeout:
        return n, "timeout", ""
    except OSError as e:
        return n, errno.errorcode.get(e.errno, "?"), ""


# ---- server: one function per case ----

def s_client_finishes_first(s):
    s.sendall(repr(drain(s)).encode())


def s_server_finishes_first(s):
    s.sendall(BLOCK * 16)
    s.shutdown(socket.SHUT_WR)
    see("server_finishes_first", drain(s))


def s_server_resets(s):
    s.recv(1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


def s_client_resets(s):
    n, end, _ = drain(s)
    see("client_resets", end)


def s_single_octets(s):
    while True:
        data = s.recv(1)
        if not data:
            return
        s.sendall(bytes([data[0] ^ 0x55]))


def s_never_answers(s):
    time.sleep(60)


def s_closes_at_once(s):
    pass


def s_many(s):
    n, end, digest = drain(s)
    s.sendall(f"{n} {end} {digest}".encode())


def s_idle(s):
    while True:
        data = s.recv(100)
        if not data:
            return
        s.sendall(data.upper())


def s_talks_first(s):
    s.sendall(b"220 hello\r\n")
    see("talks_first", s.recv(100))


def s_slow_reader(s):
    total = 0
    while True:
        data = s.recv(16384)
        if not data:
            break
        total += len(data)
        time.sleep(0.002)
    s.sendall(str(total).encode())


def s_report(s):
    case = s.recv(100).decode()
    for _ in range(50):
        with LOCK:
            got = SEEN.pop(case, None)
        if got:
            break
        time.sleep(0.1)
    s.sendall(repr(got).encode())


CASES = ["client_finishes_first", "server_finishes_first", "server_resets", "client_resets",
         "single_octets", "never_answers", "closes_at_once", "many", "idle", "talks_first",
         "slow_reader", "report"]


def handle(name, s):
    with s:
        try:
            globals()["s_" + name](s)
        except OSError as e:
            see(name, type(e).__name__)


def serve(host, name, port):
    with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET,
                              backlog=512) as listener:
        while True:
            s, _ = listener.accept()
            threading.Thread(target=handle, args=(name, s), daemon=True).start()


def server(host):
    for i, name in enumerate(CASES):
        threading.Thread(target=serve, args=(host, name, BASE + i), daemon=True).start()
    threading.Event().wait()


# ---- client ----

class Client:
    def __init__(self, host, mark, idle=0):
        self.host, self.mark, self.idle = host, mark, idle

    def dial(self, case, timeout=20):
        s = socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET)
        if self.mark:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, self.mark)
        s.settimeout(timeout)
        s.connect((self.host, BASE + CASES.index(case) if isinstance(case, str) else case))
        return s

    def seen(self, case):
        with self.dial("report") as s:
            s.sendall(case.encode())
            return drain_text(s)

    def c_client_finishes_first(self):
        with self.dial("client_finishes_first") as s:
            s.sendall(BLOCK * 20)
            s.shutdown(socket.SHUT_WR)
            return drain_text(s)

    def c_server_finishes_first(self):
        with self.dial("server_finishes_first") as s:
            first = drain(s)
            time.sleep(0.5)
            s.sendall(BLOCK * 8)
        return first, self.seen("server_finishes_first")

    def c_server_resets(self):
        with self.dial("server_resets") as s:
            s.sendall(b"x")
            return drain(s)[1]

    def c_client_resets(self):
        s = self.dial("client_resets")
        s.sendall(BLOCK)
        time.sleep(0.3)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        s.close()
        return self.seen("client_resets")

    def c_single_octets(self):
        with self.dial("single_octets") as s:
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            good = 0
            for i in range(1000):
                s.sendall(bytes([i & 255]))
                good += s.recv(10) == bytes([(i & 255) ^ 0x55])
            for i in range(500):
                s.sendall(bytes([i & 255]))
            s.shutdown(socket.SHUT_WR)
            n, end, digest = drain(s)
            return good, n, end, digest

    def c_never_answers(self):
        with self.dial("never_answers", timeout=3) as s:
            s.sendall(b"anybody there?")
            waited = drain(s)[1]
            s.setblocking(False)
            total, last = 0, time.monotonic()
            while time.monotonic() - last < 1.5 and total < 256 << 20:
                try:
                    total += s.send(BLOCK)
                    last = time.monotonic()
                except BlockingIOError:
                    time.sleep(0.01)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        # what is left of it is given up after two seconds, and harms nobody
        time.sleep(2.5)
        others = sum("'end'" in self.c_client_finishes_first() for _ in range(8))
        return waited, "blocks" if total < 256 << 20 else "swallows", others

    def c_closes_at_once(self):
        with self.dial("closes_at_once") as s:
            return drain(s)[:2]

    def c_many(self):
        results = [None] * 200

        def one(i):
            try:
                with self.dial("many", 60) as s:
                    s.sendall(BLOCK[:1000 + i * 150] * 2)
                    s.shutdown(socket.SHUT_WR)
                    results[i] = drain_text(s)
            except OSError as e:
                results[i] = repr(e)
        threads = [threading.Thread(target=one, args=(i,)) for i in range(200)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        wrong = [r for i, r in enumerate(results) if r != "%d end %s" % (
            2 * (1000 + i * 150), hashlib.sha256(BLOCK[:1000 + i * 150] * 2).hexdigest()[:12])]
        return 200 - len(wrong), wrong[:1]

    def c_idle(self):
        with self.dial("idle") as s:
            s.sendall(b"before")
            first = s.recv(100)
            time.sleep(self.idle)
            s.sendall(b"after")
            return first, s.recv(100)

    def c_talks_first(self):
        with self.dial("talks_first") as s:
            hello = s.recv(100)
            s.sendall(b"EHLO")
        return hello, self.seen("talks_first")

    def c_slow_reader(self):
        with self.dial("slow_reader", 60) as s:
            s.sendall(BLOCK * 64)
            s.shutdown(socket.SHUT_WR)
            return drain_text(s)

    def c_closed_port(self):
        try:
            with self.dial(9999) as s:
                return "fails" if drain(s)[1] == "reset" else "goes on"
        except (ConnectionRefusedError, ConnectionResetError):
            return "fails"

    def run(self, case):
        try:
            result = getattr(self, "c_" + case)()
        except OSError as e:
            result = type(e).__name__
        print(case, result, flush=True)


def drain_text(s):
    data = b""
    try:
        while True:
            more = s.recv(65536)
            if not more:
                return data.decode()
            data += more
    except OSError as e:
        return type(e).__name__


def client(host, mark):
    c = Client(host, mark)
    for case in CASES:
        if case not in ("idle", "report"):
            c.run(case)
    c.run("closed_port")


if sys.argv[1] == "server":
    server(sys.argv[2])
elif sys.argv[1] == "idle":
    Client(sys.argv[2], int(sys.argv[3]), int(sys.argv[4])).run("idle")
else:
    client(sys.argv[2], int(sys.argv[3]))
