"""Give another secret to the one IPsec connection that a charon has: vici_secret.py SOCKET SECRET"""
import socket
import struct
import sys


def octets(n):
    got = b""
    while len(got) < n:
        got += s.recv(n - len(got)) or sys.exit("charon has gone")
    return got


def ask(name, body=b""):
    packet = bytes([0, len(name)]) + name + body
    s.sendall(struct.pack(">I", len(packet)) + packet)
    answer = octets(struct.unpack(">I", octets(4))[0])
    return answer[1:]


def value(key, v):
    return bytes([3, len(key)]) + key + struct.pack(">H", len(v)) + v


s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
# a list "keys" of one item, the secret's name
answer = ask(b"get-shared")
at = answer.index(b"\x05")
size = struct.unpack(">H", answer[at + 1:at + 3])[0]
name = answer[at + 3:at + 3 + size]
owners = b"\x04\x06owners"
n, session, anchor, connection = [p[1:] for p in name.split(b"-")[2:]]
for end in (b"client", b"network"):
    owner = b"c%s.a%s.s%s.n%s.%s.mams" % (connection, anchor, session, n, end)
    owners += b"\x05" + struct.pack(">H", len(owner)) + owner
owners += b"\x06"
ask(b"load-shared", value(b"id", name) + value(b"type", b"IKE")
    + value(b"data", sys.argv[2].encode()) + owners)
