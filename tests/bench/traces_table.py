#!/usr/bin/env python3
"""Table of tests/bench/run traces, and a drawing of each: what the toolkit's links carried.

Exit status 1: at a trace the toolkit loses more of the call, or has a later 99 %
(what is lost is as late as can be), than the best of the
others (--slack ms); has less than --least of the best other download; or, where a link degrades, its
fetches' 95 % is not --better than the best single link's."""
import argparse
import json
import os
import sys

import results

WHO = (("link1", "wifi alone"), ("link2", "lte alone"), ("mptcp", "kernel MPTCP"),
       ("backup", "kernel MPTCP, lte backup"), ("mams", "the toolkit"))
METRICS = (("down", "download, Mbit/s"), ("call-gone", "call: lost, or later than 400 ms, of 39,000"),
           ("call-p99_ms", "call: 99 % within, ms"), ("fetch-p95", "fetches: 95 % within, s"))
COLUMNS = ((2, "wifi down", "#1f77b4"), (4, "lte down", "#d62728"))


def table(values, traces):
    for trace in traces:
        print(f"\n{trace}\n\n| | " + " | ".join(n for _, n in WHO) + " |\n" + "|---" * (len(WHO) + 1) + "|")
        for metric, text in METRICS:
            row = values[f"{metric}@{trace}"]
            print(f"| {text} | " + " | ".join(f"{row[w][0]:.4g}" if w in row else "" for w, _ in WHO) + " |")


def judge(values, trace, args):
    wrong = []

    def of(metric):
        row = {w: v[0] for w, v in values[f"{metric}@{trace}"].items()}
        return row.pop("mams", None), row

    if set(values[f"down@{trace}"]) != {who for who, _ in WHO}:
        return []  # some contenders only

    own, others = of("down")
    if own < args.least * max(others.values()):
        wrong.append(f"{trace}: download {own:.1f}, another {max(others.values()):.1f} Mbit/s")
    for metric, slack in (("call-gone", 0), ("call-p99_ms", args.slack)):
        own, others = of(metric)
        if own > min(others.values()) + slack:
            wrong.append(f"{trace}: {metric} {own:g}, another {min(others.values()):g}")
    own, others = of("fetch-p95")
    single = min(others["link1"], others["link2"])
    if own > (1 - args.better) * single:
        wrong.append(f"{trace}: 95 % of fetches {own:.2f} s, the best link {single:.2f} s")
    return wrong


def rates(path, column):
    """(s, Mbit/s) in steps of half a second"""
    rows = [[int(x) for x in line.split()] for line in open(path, encoding="ascii") if line.count(" ") >= 5]
    out, last = [], rows[0]
    for row in rows:
        if row[0] - last[0] >= 500:
            out.append(((row[0] - rows[0][0]) / 1000,
                        (row[column - 1] - last[column - 1]) * 8 / (row[0] - last[0]) / 1000))
            last = row
    return out


def svg(watches, trace, path):
    width, height, pad = 760, 200, 40
    present = [(w, n) for w, n in WHO if os.path.exists(f"{watches}/{w}-{trace}.watch")]
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width + 60}" '
           f'height="{(height + pad) * len(present) + 30}" font-family="sans-serif" font-size="12">',
           '<rect width="100%" height="100%" fill="white"/>']
    series = {w: [rates(f"{watches}/{w}-{trace}.watch", c) for c, _, _ in COLUMNS] for w, _ in present}
    most = max((y for s in series.values() for line in s for _, y in line), default=1) * 1.1 or 1
    end = max((x for s in series.values() for line in s for x, _ in line), default=1)
    for i, (who, name) in enumerate(present):
        top = 30 + i * (height + pad)
        out.append(f'<text x="50" y="{top - 6}" font-weight="bold">{trace}: {name}</text>')
        out.append(f'<rect x="50" y="{top}" width="{width}" height="{height}" fill="none" stroke="#aaa"/>')
        for part in (0, 0.5, 1):
            y = top + height - height * part
            out.append(f'<text x="44" y="{y + 4}" text-anchor="end">{most * part:.0f}</text>')
        for (_, text, colour), line in zip(COLUMNS, series[who]):
            points = " ".join(f"{50 + width * x / end:.1f},{top + height - height * y / most:.1f}"
                              for x, y in line)
            out.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        for n, (_, text, colour) in enumerate(COLUMNS):
            out.append(f'<text x="{width - 120 + n * 90}" y="{top - 6}" fill="{colour}">{text}</text>')
    out.append(f'<text x="50" y="{(height + pad) * len(present) + 22}">Mbit/s over {end:.0f} s</text>')
    with open(path, "w", encoding="utf-8") as f:
        f.write("\n".join(out + ["</svg>", ""]))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("results")
    parser.add_argument("--watches")
    parser.add_argument("--svg")
    parser.add_argument("--json")
    parser.add_argument("--least", type=float, default=0.95)
    parser.add_argument("--better", type=float, default=0.2)
    parser.add_argument("--slack", type=float, default=0)
    args = parser.parse_args()
    values = results.read(args.results)
    traces = sorted({m.split("@")[1] for m in values})
    table(values, traces)
    if args.svg:
        for trace in traces:
            svg(args.watches, trace, f"{args.svg}/trace-{trace}.svg")
    if args.json:
        with open(args.json, "w", encoding="ascii") as out:
            json.dump(values, out, indent=1)
    wrong = [w for t in traces for w in judge(values, t, args)]
    print("\n" + "\n".join(wrong + [f"{len(traces)} traces, {len(wrong)} fail"]))
    sys.exit(1 if wrong or not traces else 0)


main()
