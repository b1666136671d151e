#!/usr/bin/env python3
"""Table and heat maps of tests/bench/run grid.

Each cell is a pair of links; the figure of a contender is its download over the best single link's,
and how much later its call is than the best single link's.
Runs add up in --json FILE, where each has a letter.  A figure is the median of the runs that are of
the same make as the newest one that measured it, and has their letters; older makes' do not count.
Exit status 1: the toolkit is below --least of the best link in a cell, below --sum of both where
both are healthy, or a call over it is later than the best link's and --late ms."""
import argparse
import html
import json
import os
import statistics
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


def letter(number):
    return chr(ord("a") + number) if number < 26 else f"r{number}"


class Grid:
    def __init__(self, runs):
        self.runs = runs
        self.cells = sorted({m.split("@")[1] for r in runs for m in r["values"]},
                            key=lambda c: (key(c)[0], key(c)[3], int(key(c)[1].split(":")[1]), key(c)[2]))

    def found(self, metric, cell, who):
        """(number of the run, its values) of the runs that count"""
        have = [(n, r["values"].get(f"{metric}@{cell}", {}).get(who)) for n, r in enumerate(self.runs)]
        have = [(n, v) for n, v in have if v]
        return [(n, v) for n, v in have if self.runs[n]["of"] == self.runs[have[-1][0]]["of"]]

    def get(self, metric, cell, who):
        values = [x for _, v in self.found(metric, cell, who) for x in v]
        return statistics.median(values) if values else None

    def letters(self, metric, cell, *contenders):
        """Whose runs' figures a cell shows"""
        return "".join(letter(n) for n in sorted({n for w in contenders
                                                  for n, _ in self.found(metric, cell, w)}))

    def ratio(self, cell, who):
        """Download, to the best single link's; None: not all of it was measured."""
        own, *links = (self.get("down", cell, w) for w in (who, "link1", "link2"))
        return None if None in (own, *links) or not max(links) else own / max(links)

    def share(self, cell, who):
        """Download, to the sum of both links'."""
        return self.get("down", cell, who) / sum(self.get("down", cell, f"link{n}") for n in (1, 2))

    def late(self, cell, who):
        """99 % of a call's packets, ms after those of the best single link."""
        own, *links = (self.get("call-p99_ms", cell, w) for w in (who, *links_of(who)))
        return None if None in (own, *links) else own - min(links)


def links_of(who):
    """The links alone that a call over it is compared with: by TCP where it takes TCP alone"""
    return ("link1", "link2") if who == "trailer" else ("link1-tcp", "link2-tcp")


def text(value, form):
    return "" if value is None else format(value, form)


def table(grid):
    print("| rates, Mbit/s | one-way delays, ms | loss, % | queue, ms | link 1 | link 2 | " +
          " | ".join(f"{name} | of best | call, ms later" for _, name in CONTENDERS) + " | runs |")
    print("|---" * (7 + 3 * len(CONTENDERS)) + "|")
    for cell in grid.cells:
        rates, delays, loss, bloat = key(cell)
        row = [rates, delays, str(loss), str(bloat) if bloat else ""]
        row += [text(grid.get("down", cell, f"link{n}"), ".1f") for n in (1, 2)]
        for who, _ in CONTENDERS:
            row += [text(grid.get("down", cell, who), ".1f"), text(grid.ratio(cell, who), ".2f"),
                    text(grid.late(cell, who), ".0f")]
        everybody = ["link1", "link2"] + [w for w, _ in CONTENDERS]
        row.append(grid.letters("down", cell, *everybody) + " " + grid.letters("call-p99_ms", cell,
                   *everybody, *links_of("proxy")))
        print("| " + " | ".join(row) + " |")
    print("\nRuns (of the downloads, of the calls):")
    for n, run in enumerate(grid.runs):
        print(f"  {letter(n)}  {run['run']}: {run['of']}")


def colour(part):
    """-1 red, 0 white, 1 blue; None: not measured"""
    if part is None:
        return "#dddddd"
    part = max(-1, min(1, part))
    return "#%02x%02x%02x" % tuple(round(255 + (x - 255) * abs(part))
                                   for x in ((200, 40, 30) if part < 0 else (30, 90, 200)))


def down_look(grid, cell, who):
    """Red below the best link, white at it, blue at twice as much"""
    r = grid.ratio(cell, who)
    shade = None if r is None else (r - 1) * (2 if r < 1 else 1)
    return shade, text(r, ".2f"), grid.letters("down", cell, who, "link1", "link2")


def call_look(grid, cell, who):
    """Red at 50 ms later than the best link, blue at 50 ms before"""
    late = grid.late(cell, who)
    return (None if late is None else -late / 50, "never" if (late or 0) > 9999 else text(late, "+.0f"),
            grid.letters("call-p99_ms", cell, who, *links_of(who)))


PARTS = (("Download over two links, to the best link alone: red worse, blue better", down_look),
         ("99 % of a call's packets, ms after those over the best link alone: red later", call_look))
SIDE, GAP = 46, 26


def block(grid, out, at, look, who, rates, bloat, delays, losses):
    """The cells of one pair of rates"""
    left, top = at
    out.append(f'<text x="{left}" y="{top + 12}">{rates} Mbit/s{f", queue {bloat} ms" if bloat else ""}</text>')
    for x, loss in enumerate(losses):
        middle = left + x * SIDE + SIDE / 2 - 1
        out.append(f'<text x="{middle}" y="{top + 28}" text-anchor="middle" fill="#555">{loss} %</text>')
        for y, delay in enumerate(delays):
            shade, figure, letters = look(grid, f"{rates}-{delay}-{loss}-{bloat}", who)
            low = top + 34 + y * SIDE
            dash = ' stroke-dasharray="3"' if shade is None else ""
            out.append(f'<rect x="{left + x * SIDE}" y="{low}" width="{SIDE - 2}" height="{SIDE - 2}" '
                       f'fill="{colour(shade)}" stroke="#bbb"{dash}/>')
            if shade is None:
                continue
            ink = "#fff" if abs(shade) > 0.6 else "#000"
            for dy, size, words in ((SIDE / 2 + 2, 12, figure), (SIDE - 7, 8, letters)):
                out.append(f'<text x="{middle}" y="{low + dy}" font-size="{size}" fill="{ink}" '
                           f'text-anchor="middle">{words}</text>')


def svg(grid, path):
    blocks = sorted({(key(c)[0], key(c)[3]) for c in grid.cells})
    delays = sorted({key(c)[1] for c in grid.cells}, key=lambda d: int(d.split(":")[1]))
    losses = sorted({key(c)[2] for c in grid.cells})
    wide, high = SIDE * len(losses) + GAP, SIDE * len(delays) + 70
    out, top = [], 30
    for title, look in PARTS:
        out.append(f'<text x="10" y="{top}" font-size="15">{title}</text>')
        out.append(f'<text x="10" y="{top + 18}">columns: loss of the worse link; rows: one-way delays; small '
                   'letters: the runs; dashed: not measured</text>')
        top += 46
        for who, name in CONTENDERS:
            out.append(f'<text x="10" y="{top}" font-weight="bold">{html.escape(name)}</text>')
            for y, delay in enumerate(delays):
                out.append(f'<text x="100" y="{top + 40 + y * SIDE + SIDE / 2 + 4}" text-anchor="end">'
                           f'{delay} ms</text>')
            for n, (rates, bloat) in enumerate(blocks):
                block(grid, out, (110 + n * wide, top + 6), look, who, rates, bloat, delays, losses)
            top += high
        top += 20
    for n, run in enumerate(grid.runs):
        out.append(f'<text x="10" y="{top + n * 14}" font-size="10">{letter(n)}: '
                   f'{html.escape(run["run"])}, {html.escape(run["of"])}</text>')
    width, height = max(120 + wide * len(blocks), 760), top + 14 * len(grid.runs)
    with open(path, "w", encoding="utf-8") as f:
        f.write(f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
                f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">\n'
                '<rect width="100%" height="100%" fill="white"/>\n' + "\n".join(out + ["</svg>", ""]))


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


def runs_of(args):
    """Those in --json, with this one, which is put there"""
    runs = []
    if args.json and os.path.exists(args.json):
        with open(args.json, encoding="ascii") as found:
            runs = json.load(found)
    if args.results:
        runs.append({"run": args.run, "of": args.of, "values": results.read(args.results)})
    if args.json and args.results:
        with open(args.json, "w", encoding="ascii") as out:
            json.dump(runs, out, indent=1)
    return runs


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("results", nargs="?", help="of one more run; without it: those in --json alone")
    parser.add_argument("--run", default="", help="when it was")
    parser.add_argument("--of", default="", help="what was measured, where and how")
    parser.add_argument("--svg")
    parser.add_argument("--json")
    parser.add_argument("--least", type=float, default=0.98)
    parser.add_argument("--sum", type=float, default=0.9)
    parser.add_argument("--late", type=float, default=10)
    args = parser.parse_args()
    grid = Grid(runs_of(args))
    table(grid)
    if args.svg:
        svg(grid, args.svg)
    wrong = judge(grid, args)
    print("\n" + "\n".join(wrong + [f"{len(grid.cells)} pairs of links, {len(wrong)} claims fail"]))
    sys.exit(1 if wrong or not grid.cells else 0)


main()
