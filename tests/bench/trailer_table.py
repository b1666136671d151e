#!/usr/bin/env python3
"""Medians of tests/bench/run trailer, and mams-trailer against the better of the other tunnels."""
import argparse
import json
import statistics

import results

METRICS = (  # name, text, more is better; None: told, not compared
    ("tcp", "TCP, client to network, Gbit/s", True),
    ("tcp-down", "TCP, network to client, Gbit/s", True),
    ("cpu-tcp", "CPU s/GiB of both ends of the tunnel", False),
    ("machine-tcp", "CPU s/GiB of the machine", False),
    ("cpu-tcp-down", "CPU s/GiB of both ends, network to client", False),
    ("pps-64", "packets/s of 64 octets, window of 512", True),
    ("pps-512", "packets/s of 512 octets", True),
    ("pps-1400", "packets/s of 1400 octets", True),
    ("lost-64", "lost of 64 octets", None),
    ("lost-512", "lost of 512 octets", None),
    ("lost-1400", "lost of 1400 octets", None),
    ("p50", "round trip, median, us", False),
    ("p99", "round trip, 99 %, us", False),
    ("added-p50", "added to the link's, median, us", False),
    ("added-p99", "added to the link's, 99 %, us", False),
)
CONTENDERS = (("raw", "veth"), ("raw-no-offload", "veth, no offload"), ("mams", "mams-trailer"),
              ("openvpn", "OpenVPN, plain"), ("wireguard-go", "wireguard-go"))


def ratio(row, more):
    """Ours to the better of the two."""
    others = [row[c] for c in ("openvpn", "wireguard-go") if c in row]
    if "mams" not in row or not others:
        return None
    best, own = (max(others), row["mams"]) if more else (row["mams"], min(others))
    return own / best if best else None


def medians(values, metric):
    if not metric.startswith("added-"):
        return {c: statistics.median(v) for c, v in values[metric].items()}
    row = medians(values, metric[len("added-"):])
    raw = row.pop("raw", None)
    return {} if raw is None else {c: v - raw for c, v in row.items()}


def text(value):
    return "" if value is None else f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("results")
    parser.add_argument("--json")
    args = parser.parse_args()
    values = results.read(args.results)
    present = [(c, name) for c, name in CONTENDERS if any(c in v for v in values.values())]
    print("| | " + " | ".join(n for _, n in present) + " | ratio |")
    print("|---" * (len(present) + 2) + "|")
    for metric, words, more in METRICS:
        row = medians(values, metric)
        if not row:
            continue
        r = ratio(row, more) if more is not None else None
        print(f"| {words} | " + " | ".join(text(row.get(c)) for c, _ in present) +
              f" | {text(r)} |")
    if args.json:
        with open(args.json, "w", encoding="ascii") as out:
            json.dump(values, out, indent=1)


main()
