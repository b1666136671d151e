#!/usr/bin/env python3
"""Medians of tests/bench/run adaptation, each with its ratio to the plain UDP tunnel (1 or more: as
good or better).  Exit status 1: DTLS is not --least times OpenVPN, TCP, in one of the directions."""
import argparse
import json
import statistics
import sys

import results

METRICS = (  # name, text, more is better
    ("tcp", "TCP, client to network, Gbit/s", True),
    ("tcp-down", "TCP, network to client, Gbit/s", True),
    ("cpu-tcp", "CPU s/GiB of both ends, client to network", False),
    ("cpu-tcp-down", "CPU s/GiB of both ends, network to client", False),
    ("machine-tcp", "CPU s/GiB of the machine", False),
    ("pps-1400", "packets/s of 1400 octets, none lost", True),
    ("lost-1400", "lost of them", None),
)
CONTENDERS = (("mams", "trailer, UDP"), ("dtls", "trailer, DTLS"), ("proxy", "proxy, none"),
              ("proxy-ipsec", "proxy, IPsec tunnel"), ("openvpn-aes", "OpenVPN, AES-128-GCM"))


def cell(row, who, more):
    if who not in row:
        return ""
    value = f"{row[who]:,.0f}" if row[who] >= 100 else f"{row[who]:.3g}"
    if more is None or who == "mams" or not row.get("mams") or not row[who]:
        return value
    return f"{value} ({row[who] / row['mams'] if more else row['mams'] / row[who]:.3g})"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("results")
    parser.add_argument("--least", type=float)
    parser.add_argument("--json")
    args = parser.parse_args()
    values = results.read(args.results)
    rows = {m: {c: statistics.median(v) for c, v in r.items()} for m, r in values.items()}
    present = [(c, name) for c, name in CONTENDERS if any(c in r for r in rows.values())]
    print("| | " + " | ".join(n for _, n in present) + " |")
    print("|---" * (len(present) + 1) + "|")
    for metric, words, more in METRICS:
        if metric in rows:
            print(f"| {words} | " + " | ".join(cell(rows[metric], c, more) for c, _ in present) + " |")
    one = {m: r["association"] for m, r in rows.items() if "association" in r}
    if one:
        print(f"\na DTLS association: {one['handshake']:.2f} ms of CPU at both ends together, "
              f"{one['handshake-network']:.2f} of it at the N-MADP; "
              f"{one['kib-d'] - one['kib-i']:.1f} KiB there beside the session's {one['kib-i']:.1f}")
    good = True
    for metric, words, _ in METRICS[:2]:
        row = rows.get(metric, {})
        if "dtls" in row and "openvpn-aes" in row:
            ratio = row["dtls"] / row["openvpn-aes"]
            good = good and ratio >= (args.least or 0)
            print(f"DTLS to OpenVPN, {words.rsplit(',', 1)[0]}: {ratio:.2f}")
    if args.json:
        with open(args.json, "w", encoding="ascii") as out:
            json.dump(values, out, indent=1)
    return 0 if good else 1


sys.exit(main())
