#!/usr/bin/env python3
"""A ctl socket that answers as told: ctl_server.py PATH ANSWERS.json LOG

ANSWERS is an object: type of the request -> the answer without "ctl" and "id", or a list of answers
that are sent one per request.  Messages in its member "then" follow it as they are, with id 0.  Every request is appended to LOG, one per line.  Type "event" in a
list entry keeps its own id 0.  Ends by itself when its standard input ends."""
import json
import os
import select
import socket
import sys


def answer_to(request, answers):
    canned = answers.get(request["type"])
    if isinstance(canned, list):
        canned = canned.pop(0)
    if canned is None:
        return None
    return json.dumps({"ctl": 1, "id": request["id"], **canned}).encode()


def serve(peer, answers, log):
    packet = peer.recv(1 << 18)
    if b'"hello"' in packet:  # which we do not know, as daemons of before it
        peer.send(b'{"ctl":1,"type":"result","id":0,"code":1,"text":"unknown type"}')
        packet = peer.recv(1 << 18)
    if not packet:
        return
    log.write(packet.decode() + "\n")
    log.flush()
    request = json.loads(packet)
    reply = answer_to(request, answers)
    if reply is not None:
        reply = json.loads(reply)
        then = reply.pop("then", [])
        peer.send(json.dumps(reply).encode())
        for event in then:
            peer.send(json.dumps({"ctl": 1, "id": 0, **event}).encode())
    peer.recv(1)


def main():
    path, answers_file, log_file = sys.argv[1:4]
    with open(answers_file, encoding="utf-8") as f:
        answers = json.load(f)
    server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    server.bind(path)
    os.chmod(path, 0o600)
    server.listen(8)
    with open(log_file, "a", encoding="utf-8") as log:
        while True:
            ready, _, _ = select.select([server, sys.stdin], [], [])
            if sys.stdin in ready and not sys.stdin.buffer.read(1):
                return
            if server in ready:
                peer, _ = server.accept()
                try:
                    serve(peer, answers, log)
                finally:
                    peer.close()


main()
