#!/usr/bin/env python3
"""Table and heat map of tests/bench/run grid.

Each cell is a pair of links; the figure of a contender is its download over the best single link's.
Exit status 1: the toolkit is below --least of the best link in a cell, below --sum of both where
both are healthy, or a call over it is later than the best link's and --late ms."""
import argparse
import html
import json
import sys

import results

CONTENDERS = (("proxy", "mams-proxy"), ("trailer", "mams-trailer"), ("mptcp", "kernel MPTCP"))


def key(cell):
    rates, delays, loss, bloat = cell.split("-")
    return rates, delays, int(loss), int(bloat)


def healthy(cell):
    rates, delays, loss, bloat = key(cell)
    first, second = delays.split(":")
    return first == second and loss == 0 and bloat == 0


class Grid:
    def __init__(self, path):
        self.values = results.read(path)
        self.cells = sorted({m.split("@")[1] for m in self.values},
                            key=lambda c: (key(c)[0], key(c)[3], int(key(c)[1].split(":")[1]), key(c)[2]))

    def get(self, metric, cell, who):
        found = self.values[f"{metric}@{cell}"].get(who)
        return sum(found) / len(found) if found else None

    def ratio(self, cell, who):
        """Download, to the best single link's; None: not measured."""
        own = self.get("down", cell, who)
        best = max(self.get("down", cell, f"link{n}") or 0 for n in (1, 2))
        return own / best if own is not None and best else None

    def share(self, cell, who):
        """Download, to the sum of both links'."""
        return self.get("down", cell, who) / sum(self.get("down", cell, f"link{n}") for n in (1, 2))

    def late(self, cell, who):
        """99 % of a call's packets, ms after those of the best single link."""
        own = self.get("call-p99_ms", cell, who)
        tail = "" if who == "trailer" else "-tcp"
        best = min(self.get("call-p99_ms", cell, f"link{n}{tail}") or 99999 for n in (1, 2))
        return own - best if own is not None else None


def text(value, form):
    return "" if value is None else format(value, form)


def table(grid):
    print("| rates, Mbit/s | one-way delays, ms | loss, % | queue, ms | link 1 | link 2 | " +
          " | ".join(f"{name} | of best | call, ms later" for _, name in CONTENDERS) + " |")
    print("|---" * (6 + 3 * len(CONTENDERS)) + "|")
    for cell in grid.cells:
        rates, delays, loss, bloat = key(cell)
        row = [rates, delays, str(loss), str(bloat) if bloat else ""]
        row += [text(grid.get("down", cell, f"link{n}"), ".1f") for n in (1, 2)]
        for who, _ in CONTENDERS:
            row += [text(grid.get("down", cell, who), ".1f"), text(grid.ratio(cell, who), ".2f"),
                    text(grid.late(cell, who), ".0f")]
        print("| " + " | ".join(row) + " |")


def colour(ratio):
    """Red below the best link, white at it, blue at twice as much."""
    if ratio is None:
        return "#dddddd"
    if ratio < 1:
        part = max(0, min(1, (1 - ratio) * 2))
        return "#%02x%02x%02x" % tuple(round(255 + (x - 255) * part) for x in (200, 40, 30))
    part = min(1, ratio - 1)
    return "#%02x%02x%02x" % tuple(round(255 + (x - 255) * part) for x in (30, 90, 200))


def svg(grid, path):
    side, gap = 46, 26
    blocks = sorted({(key(c)[0], key(c)[3]) for c in grid.cells})
    delays = sorted({key(c)[1] for c in grid.cells}, key=lambda d: int(d.split(":")[1]))
    losses = sorted({key(c)[2] for c in grid.cells})
    block_w, block_h = side * len(losses) + gap, side * len(delays) + 50
    width, height = 120 + block_w * len(blocks), 70 + (block_h + 20) * len(CONTENDERS)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
           f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">',
           '<rect width="100%" height="100%" fill="white"/>',
           '<text x="10" y="22" font-size="15">Download over two links, to the best link alone</text>',
           '<text x="10" y="40">columns: loss of the worse link; rows: one-way delays; '
           'red: worse than without, blue: better</text>']
    for c, (who, name) in enumerate(CONTENDERS):
        top = 70 + c * (block_h + 20)
        out.append(f'<text x="10" y="{top - 6}" font-weight="bold">{html.escape(name)}</text>')
        for b, (rates, bloat) in enumerate(blocks):
            left = 110 + b * block_w
            title = f"{rates} Mbit/s" + (f", queue {bloat} ms" if bloat else "")
            out.append(f'<text x="{left}" y="{top + 12}">{title}</text>')
            for x, loss in enumerate(losses):
                out.append(f'<text x="{left + x * side + side / 2}" y="{top + 28}" '
                           f'text-anchor="middle" fill="#555">{loss} %</text>')
            for y, delay in enumerate(delays):
                at = top + 34 + y * side
                if b == 0:
                    out.append(f'<text x="100" y="{at + side / 2 + 4}" text-anchor="end">{delay} ms</text>')
                for x, loss in enumerate(losses):
                    r = grid.ratio(f"{rates}-{delay}-{loss}-{bloat}", who)
                    out.append(f'<rect x="{left + x * side}" y="{at}" width="{side - 2}" '
                               f'height="{side - 2}" fill="{colour(r)}" stroke="#bbb"/>')
                    out.append(f'<text x="{left + x * side + side / 2 - 1}" y="{at + side / 2 + 4}" '
                               f'text-anchor="middle">{text(r, ".2f")}</text>')
    with open(path, "w", encoding="utf-8") as f:
        f.write("\n".join(out + ["</svg>", ""]))


def judge(grid, args):
    wrong = []
    for cell in grid.cells:
        for who in ("proxy", "trailer"):
            ratio, late = grid.ratio(cell, who), grid.late(cell, who)
            if ratio is not None and ratio < args.least:
                wrong.append(f"{cell}: {who} has {ratio:.2f} of the best link")
            if ratio is not None and healthy(cell) and grid.share(cell, who) < args.sum:
                wrong.append(f"{cell}: {who} has {grid.share(cell, who):.2f} of both links")
            if late is not None and late > args.late:
                wrong.append(f"{cell}: a call over {who} is {late:.0f} ms later")
    return wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("results")
    parser.add_argument("--svg")
    parser.add_argument("--json")
    parser.add_argument("--least", type=float, default=0.98)
    parser.add_argument("--sum", type=float, default=0.9)
    parser.add_argument("--late", type=float, default=10)
    args = parser.parse_args()
    grid = Grid(args.results)
    table(grid)
    if args.svg:
        svg(grid, args.svg)
    if args.json:
        with open(args.json, "w", encoding="ascii") as out:
            json.dump(grid.values, out, indent=1)
    wrong = judge(grid, args)
    print("\n" + "\n".join(wrong + [f"{len(grid.cells)} pairs of links, {len(wrong)} fail"]))
    sys.exit(1 if wrong or not grid.cells else 0)


main()
