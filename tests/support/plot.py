#!/usr/bin/env python3
"""Draws what each link carried over time, and its share, as SVG.

plot.py OUT.svg TITLE WATCH MARKS GROUP:LINK=COLUMN,LINK=COLUMN...

WATCH has lines of ms and counters of octets; columns count from 1.  MARKS has lines of ms and words:
what happened then.  The drawing goes from its first line to its last.  Each GROUP, such as a direction,
gets two panels: Mbit/s of its links, and their shares of its sum."""
import html
import sys

STEP = 200  # ms
LITTLE = 0.1  # Mbit/s of a sum that has no shares to speak of
LEFT, WIDTH, RATE, SHARE, GAP = 62, 680, 130, 80, 14
WIDE = 6.6  # a letter
STYLE = """svg{color-scheme:light dark}
.bg{fill:#fff}.t{fill:#1c1c1c}.q{fill:#5a5a5a}.g{stroke:#dcdcdc}.f{stroke:#8a8a8a;fill:none}
.m{stroke:#1c1c1c;stroke-dasharray:3 3}.h{paint-order:stroke;stroke:#fff;stroke-width:4}
.l0{stroke:#1f6fc4}.a0{fill:#1f6fc4}.l1{stroke:#d1580a}.a1{fill:#d1580a}
@media(prefers-color-scheme:dark){.bg{fill:#14171a}.t{fill:#ececec}.q{fill:#a8a8a8}.g{stroke:#343a40}
.f{stroke:#7a8288}.m{stroke:#ececec}.h{stroke:#14171a}.l0{stroke:#5aa5f2}.a0{fill:#5aa5f2}.l1{stroke:#f39a52}.a1{fill:#f39a52}}"""


def numbers(path):
    with open(path, encoding="ascii") as lines:
        rows = [[int(x) for x in line.split()] for line in lines if line.endswith("\n")]
    return [row for row in rows if len(row) == len(rows[0])]


def marks(path):
    with open(path, encoding="utf-8") as lines:
        return [(int(ms), " ".join(words)) for ms, *words in map(str.split, lines)]


def at(rows, ms, column):
    """The counter at a moment, between two rows in proportion."""
    before = rows[0]
    for row in rows:
        if row[0] >= ms:
            part = (ms - before[0]) / (row[0] - before[0]) if row[0] > before[0] else 0
            return before[column] + part * (row[column] - before[column])
        before = row
    return before[column]


def rates(rows, begin, end, column):
    """Mbit/s of each step"""
    octets = [at(rows, ms, column) for ms in range(begin, end + 1, STEP)]
    return [max(0, b - a) * 8 / STEP / 1000 for a, b in zip(octets, octets[1:])]


def round_up(value):
    """The next number that divides well."""
    for unit in (1, 2, 4, 5, 8, 10, 20, 40, 50, 80, 100, 200, 400, 500, 800):
        if unit >= value:
            return unit
    return value


class Drawing:
    def __init__(self, begin, end):
        self.begin, self.end, self.out = begin, end, []

    def x(self, ms):
        return LEFT + WIDTH * (ms - self.begin) / (self.end - self.begin)

    def text(self, x, y, words, cls="t", more=""):
        self.out.append(f'<text x="{x:.1f}" y="{y:.1f}" class="{cls}" {more}>{html.escape(words)}</text>')

    def line(self, x1, y1, x2, y2, cls):
        self.out.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{cls}"/>')

    def frame(self, top, height, most, unit):
        for value in (0, most / 2, most):
            y = top + height - height * value / most
            self.line(LEFT, y, LEFT + WIDTH, y, "g")
            self.text(LEFT - 6, y + 4, f"{value:g}", "q", 'text-anchor="end"')
        self.text(14, top + height / 2, unit, "q", f'text-anchor="middle" '
                  f'transform="rotate(-90 14 {top + height / 2:.1f})"')

    def seconds(self, y):
        step = 1000 if self.end - self.begin <= 15000 else 5000
        for ms in range(0, self.end - self.begin + 1, step):
            self.line(self.x(self.begin + ms), y, self.x(self.begin + ms), y + 4, "f")
            self.text(self.x(self.begin + ms), y + 17, str(ms // 1000), "q", 'text-anchor="middle"')
        self.text(LEFT + WIDTH, y + 32, "seconds", "q", 'text-anchor="end"')

    def rates(self, top, lines):
        most = round_up(max(max(line) for line in lines))
        self.frame(top, RATE, most, "Mbit/s")
        for n, line in enumerate(lines):
            points = []
            for i, value in enumerate(line):
                y = top + RATE - RATE * value / most
                points += [f"{self.x(self.begin + (i + k) * STEP):.1f},{y:.1f}" for k in (0, 1)]
            # where both are equal, both are seen
            self.out.append(f'<polyline points="{" ".join(points)}" fill="none" class="l{n % 2}" '
                            f'stroke-width="{1.5 if n % 2 else 3.5}"/>')

    def shares(self, top, lines):
        """Areas that stand one on the other; what is drawn later covers what is drawn before."""
        self.frame(top, SHARE, 100, "share, %")
        columns = list(zip(*lines))
        for n in reversed(range(len(lines))):
            path = []
            for i, values in enumerate(columns):
                if sum(values) < LITTLE:
                    continue
                left, right = (self.x(self.begin + (i + k) * STEP) for k in (0, 1))
                y = top + SHARE - SHARE * sum(values[:n + 1]) / sum(values)
                if path and path[-1][1] == left:
                    path[-1:] = [(path[-1][0], right, path[-1][2] + f"V{y:.1f}H{right:.1f}")]
                else:
                    path.append((left, right, f"M{left:.1f},{top + SHARE}V{y:.1f}H{right:.1f}"))
            areas = "".join(f"{text}V{top + SHARE}Z" for _, _, text in path)
            self.out.append(f'<path d="{areas}" class="a{n % 2}"/>')

    def marked(self, top, bottom, happened):
        """Words above, in as many rows as keep them apart.  @return height"""
        ends, lines, labels = [], [], []
        for ms, words in happened:
            x, wide = self.x(ms), len(words) * WIDE + 8
            x_words = min(x, LEFT + WIDTH - wide)
            row = next((r for r, end in enumerate(ends) if end <= x_words), len(ends))
            ends[row:row + 1] = [x_words + wide]
            lines.append((x, top - 8 - 16 * row))
            labels.append((x_words + 3, top - 10 - 16 * row, words))
        for x, y in lines:
            self.line(x, y, x, bottom, "m")
        for x, y, words in labels:
            self.text(x, y, words, "t h")
        return len(ends)


def rows_of(drawing, happened):
    return Drawing(drawing.begin, drawing.end).marked(0, 0, happened)


def draw(title, watch, happened, groups):
    drawing = Drawing(happened[0][0], happened[-1][0])
    told = [(ms, words) for ms, words in happened if words]
    top = first = 62 + 16 * rows_of(drawing, told)
    names = []
    for name, links in groups:
        lines = [rates(watch, drawing.begin, drawing.end, column - 1) for _, column in links]
        if len(groups) > 1:
            names.append((LEFT + 4, top + 14, name, "t h", 'font-weight="bold"'))
        drawing.rates(top, lines)
        drawing.shares(top + RATE + GAP, lines)
        top += RATE + SHARE + 3 * GAP
    for name in names:
        drawing.text(*name)
    bottom = top - 2 * GAP
    drawing.marked(first, bottom, told)
    drawing.seconds(bottom)
    width, height = LEFT + WIDTH + 20, bottom + 40
    head = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height:.0f}" width="{width}" '
            f'height="{height:.0f}" font-family="sans-serif" font-size="12">',
            f"<style>{STYLE}</style>", '<rect width="100%" height="100%" class="bg"/>',
            f'<text x="{LEFT}" y="22" class="t" font-size="15">{html.escape(title)}</text>']
    x = LEFT
    for n, (link, _) in enumerate(groups[0][1]):
        head.append(f'<rect x="{x:.0f}" y="33" width="22" height="9" class="a{n % 2}"/>'
                    f'<text x="{x + 28:.0f}" y="42" class="t">{html.escape(link)}</text>')
        x += 52 + WIDE * len(link)
    return "\n".join(head + drawing.out + ["</svg>", ""])


def main():
    out, title, watch, words, *groups = sys.argv[1:]
    groups = [(name, [(link, int(column)) for link, column in (x.split("=") for x in links.split(","))])
              for name, links in (g.split(":") for g in groups)]
    with open(out, "w", encoding="utf-8") as f:
        f.write(draw(title, numbers(watch), marks(words), groups))


main()
