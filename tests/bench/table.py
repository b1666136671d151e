#!/usr/bin/env python3
"""Medians of tests/bench/run, and mams-proxy against the better of the other two proxies."""
import argparse
import json
import statistics

import results

METRICS = (  # name, text, more is better; None: told, not compared
    ("single", "1 connection, Gbit/s", True),
    ("many", "64 connections, Gbit/s", True),
    ("second-single", "1 connection, percent over the second link", None),
    ("second-many", "64 connections, percent over the second link", None),
    ("cpu-single", "1 connection, CPU s/GiB of the proxy", False),
    ("cpu-many", "64 connections, CPU s/GiB of the proxy", False),
    ("machine-single", "1 connection, CPU s/GiB of the machine", False),
    ("machine-many", "64 connections, CPU s/GiB of the machine", False),
    ("connections", "new connections/s (64 at a time)", True),
    ("failed", "of these failed", None),
    ("memory", "MiB for 5,000 idle connections", False),
)
CONTENDERS = (("tcp", "TCP"), ("mptcp", "MPTCP"), ("mams", "mams-proxy"),
              ("haproxy", "haproxy"), ("nginx", "nginx"))


def ratio(row, more):
    """Ours to the better of the two; 1 or more: at least equal."""
    others = [row[c] for c in ("haproxy", "nginx") if c in row]
    if "mams" not in row or not others:
        return None
    best, own = (max(others), row["mams"]) if more else (row["mams"], min(others))
    return own / best if best else None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("results")
    parser.add_argument("--json")
    args = parser.parse_args()
    values = results.read(args.results)
    medians = {m: {w: statistics.median(v) for w, v in row.items()} for m, row in values.items()}
    ratios = {}
    print(f"{'':46}" + "".join(f"{title:>11}" for _, title in CONTENDERS) + f"{'ratio':>8}")
    for name, text, more in METRICS:
        row = medians.get(name, {})
        cells = "".join(f"{row[c]:>11g}" if c in row else f"{'-':>11}" for c, _ in CONTENDERS)
        r = ratio(row, more) if more is not None else None
        ratios[name] = r
        print(f"{text:46}{cells}" + (f"{r:8.2f}" if r is not None else ""))
    print("\nratio: mams-proxy to the better of haproxy and nginx; 1 or more is at least equal")
    if args.json:
        with open(args.json, "w", encoding="ascii") as out:
            json.dump({"measured": values, "medians": medians, "ratios": ratios}, out, indent=1)


if __name__ == "__main__":
    main()
