#!/usr/bin/env python3
"""Outages of the lab's emulated wifi, for tests of mams-trailer.

trailer_outage.py DIR TREATMENT KIND...   one after the other; a line each: kind, ms after which the
                                          client and the N-MADP called the link down, and ms that
                                          this process stood still meanwhile for want of a processor
  taken    no carrier, and the client's control plane takes the link away; after 1 s all is back
  flap     the same, and 1 s later the next: whether the link is in use again or not
  silent   the link swallows everything and nobody is told, until both ends know and 1 s is over

DIR has the sockets and the secret of the lab, TREATMENT is that of trailer_ctl.py for both links, such
as active-standby:1,2:lossless, both ways."""
import socket
import sys
import time

from trailer_ctl import call, session

TICK = 0.01
PATIENCE = 10


class Outages:
    def __init__(self, lab, treatment):
        self.lab = lab
        self.both = treatment
        self.alone = treatment.replace(":1,2", ":2")

    def emu(self, text):
        s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        s.connect(f"{self.lab}/emu.sock")
        s.send(text.encode())
        if (answer := s.recv(4096)) != b"ok\n":
            sys.exit(answer.decode())

    def take(self, away):
        treatment = self.alone if away else self.both
        links = "lte" if away else "wifi,lte"
        answer = call(f"{self.lab}/c.ctl", session("client", [
            f"secret={self.lab}/key", "port=7446", "anchor4=10.60.0.2", "anchor6=fd60::2",
            f"ul={treatment}", f"dl={treatment}", f"links={links}"]))
        if answer["type"] != "tr_ready":
            sys.exit(str(answer))

    def is_up(self, side):
        links = call(f"{self.lab}/{side}.ctl", {"type": "status_req"})["sessions"][0]["links"]
        return any(x["connection_id"] == 1 and x["up"] for x in links)

    def wait(self, up):
        """ms until each end has the link up or down, and ms that we stood still."""
        begin = last = time.monotonic()
        found, stood = {}, 0.0
        while len(found) < 2:
            for side in "cn":
                if side not in found and self.is_up(side) == up:
                    found[side] = round((time.monotonic() - begin) * 1000)
            time.sleep(TICK)
            now = time.monotonic()
            stood += max(0.0, now - last - 2 * TICK)
            last = now
            if now - begin > PATIENCE:
                sys.exit(f"wifi is not {'up' if up else 'down'} at both ends: {found}")
        return found["c"], found["n"], round(stood * 1000)

    def outage(self, kind):
        begin = time.monotonic()
        silent = kind == "silent"
        self.emu("set wifi dead=1" if silent else "down wifi")
        if not silent:
            self.take(True)
        found = self.wait(False) if kind != "flap" else ("-", "-", "-")
        time.sleep(max(0, begin + 1 - time.monotonic()))
        self.emu("set wifi dead=0" if silent else "up wifi")
        if not silent:
            self.take(False)
        if kind == "flap":
            time.sleep(max(0, begin + 2 - time.monotonic()))
        else:
            self.wait(True)
            time.sleep(0.3)
        print(kind, *found, flush=True)


def main():
    lab, treatment, *kinds = sys.argv[1:]
    outages = Outages(lab, treatment)
    for kind in kinds:
        outages.outage(kind)


main()
