#!/usr/bin/env python3
"""Every command of README, CONTRIBUTING, SECURITY, docs and the manuals, held against tests/docs/commands,
which tells of each how it is proven.

usage: walk.py check [ROOT]          a command without an entry, an entry without a command: status 1
       walk.py list [ROOT]           what there is
       walk.py run SCENE HOSTS       executes those of that scene; HOSTS: see tests/netns/docs.sh

A command is a line of an indented block or of a literal display, or has "$ " before it where its output
follows; and what stands in backquotes, or in .Ql and .Ic, and is a program of ours, or one that our texts
use, with at least one argument.  Fenced blocks are drawings."""

import glob
import json
import os
import re
import subprocess
import sys
import time

PROGRAMS = ("api cmake ctest curl deploy/demo deploy/lab/install deploy/compose/secrets docker-compose ip mams-ca "
            "mams-ccm mams-ncm mams-proxy mams-trailer mamsctl nft pkill sudo sysctl systemctl tests/bench/run "
            "tests/run tshark up").split()
SCENES = ("desk desk", "proxy network", "proxy client", "both network")  # of tests/netns/docs.sh
KINDS = ("run", "help", "test", "conf", "define")
NOTES = ("says", "before", "after", "meanwhile", "with", "in", "proof")
PATIENCE = 30


class Command:
    def __init__(self, document, line, text, output="", marker=""):
        self.document, self.line, self.text, self.output, self.marker = document, line, text, output, marker
        # as it stands in the table: one line, without a comment, of a here-document the first line only
        first = text.replace("\\\n", " ")
        if "<<" in first:
            first = first.split("\n")[0]
        self.key = re.sub(r"\s+# .*$", "", re.sub(r"\s+", " ", first)).strip()


class Entry:
    def __init__(self, kind, argument, document, line, key):
        self.kind, self.argument, self.document, self.line, self.key = kind, argument, document, line, key
        self.notes = []

    def all(self, what):
        return [text for name, text in self.notes if name == what]


# ---- what the documents have ----

def split(lines, first):
    """lines of a block: (number, command, output) of each command in it"""
    out, i = [], 0
    transcript = any(l.startswith("$ ") for l in lines)
    while i < len(lines):
        if not lines[i].strip() or (transcript and not lines[i].startswith("$ ")):
            i += 1
            continue
        at, text = i, lines[i][2:] if transcript else lines[i]
        i += 1
        here = re.search(r"<<-?'?(\w+)", text)
        while i < len(lines) and not here and (text.endswith("\\") or text.count("'") % 2):
            text += "\n" + lines[i]
            i += 1
            here = re.search(r"<<-?'?(\w+)", text)
        while here and i < len(lines):
            text += "\n" + lines[i]
            i += 1
            if lines[i - 1] == here.group(1):
                break
        said = []
        while transcript and i < len(lines) and not lines[i].startswith("$ "):
            said.append(lines[i])
            i += 1
        out.append((first + at, text, "\n".join(said).strip()))
    return out


def is_command(text):
    words = text.split()
    return len(words) > 1 and words[0] in PROGRAMS


def markdown(name, lines):
    fence = marker = None
    prose, block, start = [], [], 0
    for n, line in enumerate(lines + [""], 1):
        if line.startswith("```"):
            fence = not fence
        elif not fence and line.startswith("    ") and (block or not lines[n - 2].strip()):
            start = start if block else n
            block.append(line[4:])
            continue
        elif not fence and not (block and not line and n < len(lines) and lines[n].startswith("    ")):
            for at, text, said in split(block, start):
                yield Command(name, at, text, said, marker or "")
            if block or line.strip():
                found = re.match(r"<!-- (.*) -->$", line)
                marker = found.group(1) if found else None
            block = []
            prose.append((n, line))
        elif block:
            block.append("")
    text, at = "", []
    for n, line in prose:
        at += [n] * (len(line) + 1)
        text += line + "\n"
    for found in re.finditer(r"`([^`]+)`", text):
        span = " ".join(found.group(1).split())
        if is_command(span):
            yield Command(name, at[found.start()], span)


def unescape(line):
    for old, new in (("\\e", "\\"), ("\\-", "-"), ("\\(aq", "'"), ("\\&", "")):
        line = line.replace(old, new)
    return line


def manual(name, lines):
    block, start = None, 0
    for n, line in enumerate(lines, 1):
        if line.startswith(".Bd -literal"):
            block, start = [], n + 1
        elif line.startswith(".Ed") and block is not None:
            if is_command(block[0]) or block[0].startswith("install "):
                for at, text, said in split(block, start):
                    yield Command(name, at, text, said)
            else:
                yield Command(name, start, "\n".join(block))
            block = None
        elif block is not None:
            block.append(unescape(line))
        elif line.startswith(".Dl "):
            yield Command(name, n, unescape(line[4:]))
        else:
            found = re.match(r"\.(?:Ql|Ic) (.*?)(?: [.,;:)]+)*$", line)
            if found and is_command(found.group(1)):
                yield Command(name, n, unescape(found.group(1)))


def commands(root):
    names = ["README.md", "CONTRIBUTING.md", "SECURITY.md"]
    names += sorted(os.path.relpath(p, root) for p in glob.glob(f"{root}/docs/*.md"))
    names += sorted(os.path.relpath(p, root) for p in glob.glob(f"{root}/docs/man/*.[1-8]"))
    for name in names:
        if os.path.exists(f"{root}/{name}"):
            lines = open(f"{root}/{name}", encoding="utf-8").read().split("\n")
            yield from (markdown if name.endswith(".md") else manual)(name, lines)


# ---- the table ----

def table(root):
    entries, wrong, head = [], [], None
    path = f"{root}/tests/docs/commands"
    for n, line in enumerate(open(path, encoding="utf-8").read().split("\n"), 1):
        found = re.match(r"\[(\w+)(?: ([^\]]+))?\] (\S+)$", line)
        if not line.strip() or line.startswith("#"):
            continue
        if found and found.group(1) in KINDS:
            head = found
        elif line.startswith("\t") and entries:
            what, _, text = line.strip().partition(" ")
            if what not in NOTES:
                wrong.append(f"tests/docs/commands:{n}: no such note: {what}")
            entries[-1].notes.append((what, text))
        elif head:
            entries.append(Entry(head.group(1), head.group(2), head.group(3), n, line.strip()))
        else:
            wrong.append(f"tests/docs/commands:{n}: not understood")
    return entries, wrong


def script_of(root, test):
    """the file that a test of CTest runs, and None when there is no such test"""
    group, _, name = test.partition(".")
    try:
        lists = open(f"{root}/tests/{group}/CMakeLists.txt", encoding="utf-8").read()
    except OSError:
        return None
    found = re.search(rf"NAME {re.escape(test)} COMMAND \$\{{CMAKE_SOURCE_DIR\}}/([^\s)]+)", lists)
    path = found.group(1) if found else f"tests/{group}/{name}.sh"
    return path if re.search(rf"\b{re.escape(name)}\b", lists) and os.path.exists(f"{root}/{path}") else None


def does_it(root, script, command):
    """does that test take the command from its document, or have it word by word?"""
    text = open(f"{root}/{script}", encoding="utf-8").read()
    for sourced in re.findall(r'^\. "\$(?:top|NETNS_TOP)/(\S+)"', text, re.M):
        text += open(f"{root}/{sourced}", encoding="utf-8").read()
    if command.marker and command.marker in text and command.document in text:
        return True
    plain = re.sub(r"[\"']|\$top/|\$NETNS_TOP/", "", re.sub(r"\s+", " ", text))
    words = re.sub(r"^sudo |^DEB_BUILD_OPTIONS=\S+ ", "", command.key)
    return script == words or words in plain


def match(root):
    """what is proven, and what is wrong"""
    entries, wrong = table(root)
    by = {(e.document, e.key): e for e in entries}
    if len(by) != len(entries):
        twice = [e for e in entries if by[(e.document, e.key)] is not e]
        wrong += [f"tests/docs/commands:{e.line}: twice: {e.key}" for e in twice]
    wrong += [f"tests/docs/commands:{e.line}: no such scene and host: {e.argument}" for e in entries
              if e.kind in ("run", "help", "conf") and e.argument not in SCENES]
    pairs, used = [], set()
    for c in commands(root):
        e = by.get((c.document, c.key))
        if not e:
            wrong.append(f"{c.document}:{c.line}: no test runs: {c.key}")
            continue
        if id(e) in used:
            continue
        used.add(id(e))
        pairs.append((e, c))
        if e.kind == "test":
            script = script_of(root, e.argument)
            if not script:
                wrong.append(f"tests/docs/commands:{e.line}: no test {e.argument}")
            elif not does_it(root, script, c):
                wrong.append(f"tests/docs/commands:{e.line}: {script} does not do: {c.key}")
    wrong += [f"tests/docs/commands:{e.line}: not in {e.document}: {e.key}" for e in entries if id(e) not in used]
    return sorted(pairs, key=lambda p: p[0].line), wrong


# ---- execution ----

# A host has the files of a real one where the documents say; what it runs ends with it.
HOST = r"""
set -e
mount --make-rprivate /
cd "$ROOT"
for d in usr dev sys var/lib/dpkg; do mkdir -p $d && mount --rbind /$d $d; done
mkdir -p ".$TREE" ".$BUILD" proc tmp root
mount --bind "$TREE" ".$TREE"
case $BUILD in "$TREE"/*) ;; *) mount --bind "$BUILD" ".$BUILD" ;; esac
mount -t proc proc proc
exec chroot . /usr/bin/env -i HOME=/root LANG=C.UTF-8 TREE="$TREE" BUILD="$BUILD" \
	PATH=/opt/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin bash -c "$SCRIPT"
"""


def shape(value):
    """of JSON: members, types, words; any number is like any other"""
    if isinstance(value, dict):
        return {k: shape(v) for k, v in value.items()}
    if isinstance(value, list):
        return [shape(v) for v in value]
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    return 0


def looks_like(want, got):
    """is the output that the document shows what came?"""
    try:
        return shape(json.loads(want)) == shape(json.loads(got))
    except ValueError:
        pass
    lines = [l.rstrip() for l in got.split("\n")]
    return all(any(re.fullmatch(re.sub(r"\d+", r"\\d+", re.escape(l)), g) for g in lines)
               for l in want.split("\n"))


class Scene:
    def __init__(self, hosts):
        self.hosts, self.defined = hosts, {}

    def execute(self, host, script):
        """status and output of a script as root of that host"""
        env = dict(os.environ, ROOT=f"{self.hosts}/{host}", SCRIPT=script)
        netns = open(f"{self.hosts}/{host}/netns", encoding="ascii").read().strip()
        run = subprocess.run(
            ["ip", "netns", "exec", netns, "unshare", "-mp", "--fork", "--kill-child", "bash", "-c", HOST],
            env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            timeout=PATIENCE, check=False)
        return run.returncode, run.stdout.decode(errors="replace"), run.stderr.decode(errors="replace")

    def script(self, e, c):
        text = c.text
        for change in e.all("with"):
            # as in sed: any character may stand between the two
            old, new = change[1:-1].split(change[0], 1)
            text = text.replace(old, new)
        lines = ["set -e", "cd " + (e.all("in") or ['"$TREE"'])[0], self.defined.get(e.document, "")]
        lines += e.all("before")
        lines += [f"{{ {m}; }} &" for m in e.all("meanwhile")]
        lines += [f"{{\n{text}\n}}"]
        return "\n".join(lines + [f"{{ {a}; }} >&2" for a in e.all("after")])

    def one(self, host, script, shown, patterns):
        """None, or what is wrong with it"""
        try:
            status, out, err = self.execute(host, script)
        except subprocess.TimeoutExpired:
            return f"no end after {PATIENCE} s"
        said = (out + err).rstrip()
        if status:
            return f"status {status}\n{said}"
        if shown and not looks_like(shown, out):
            return f"the document shows\n{shown}\nand it said\n{out}"
        for pattern in patterns:
            if not re.search(pattern, said):
                return f"does not say {pattern}, but\n{said}"
        return None

    def conf(self, e, c):
        """a display that is a file, with what reads it"""
        return f"cat >/tmp/display <<'DISPLAY'\n{c.text}\nDISPLAY\n" + "\n".join(e.all("proof"))

    def help(self, c):
        words = re.sub(r"^sudo ", "", c.key).split()
        lines = ['cd "$TREE"', f'said=$({" ".join(w for w in words if w[:2] != "--")} -h)', 'test -n "$said"']
        lines += [f"grep -qe '{w}' <<<\"$said\" || {{ echo 'its help has no {w}'; exit 1; }}"
                  for w in words if w[:2] == "--"]
        return "\n".join(lines)

    def judge(self, e, c):
        host = e.argument.split()[1]
        if e.kind == "run":
            return self.one(host, self.script(e, c), c.output, e.all("says"))
        return self.one(host, "set -e\n" + (self.help(c) if e.kind == "help" else self.conf(e, c)), "", e.all("says"))


def run(root, name, hosts):
    pairs, wrong = match(root)
    print("\n".join(wrong))
    scene, good, bad = Scene(hosts), 0, len(wrong)
    for e, c in pairs:
        if e.kind == "define":
            scene.defined[e.document] = c.text
        if e.kind in ("define", "test") or e.argument.split()[0] != name:
            continue
        began = time.monotonic()
        problem = scene.judge(e, c)
        if problem:
            bad += 1
            print(f"FAILED {c.document}:{c.line}: {c.key}\n    " + problem.replace("\n", "\n    "))
        else:
            good += 1
            print(f"ok {time.monotonic() - began:.1f} s {c.document}:{c.line}: {c.key}")
    print(f"{good} commands of {name}, {bad} wrong")
    return bad


def main():
    what = sys.argv[1] if len(sys.argv) > 1 else ""
    here = os.path.realpath(f"{os.path.dirname(__file__)}/../..")
    if what == "run":
        return 1 if run(here, *sys.argv[2:4]) else 0
    root = sys.argv[2] if len(sys.argv) > 2 else here
    if what == "list":
        for c in commands(root):
            print(f"{c.document}:{c.line}: {c.key}" + (f"   <!-- {c.marker} -->" if c.marker else ""))
        return 0
    if what != "check":
        print(__doc__, file=sys.stderr)
        return 2
    pairs, wrong = match(root)
    print("\n".join(wrong + [f"{len(wrong)} violations" if wrong else f"no violation in {len(pairs)} commands"]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
