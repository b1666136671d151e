#!/bin/bash
# docs/conformance.md: every requirement and every difference of the sources stands there once, every
# file and test that it names is one, with the case it names; every mutation of tests/mutation names a requirement and one of its tests.
. "$(dirname "$0")/common.sh"

need python3 python3
while IFS= read -r line; do
	violation "$line"
done < <(
	python3 - <<'PY' || echo "not checked"
import glob
import os
import re

LAST = 247
DIFFERENCES = {"A.1": 37, "A.2": 32, "A.3": 12, "A.4": 9}
lists = "\n".join(open(p, encoding="utf-8").read() for p in
                  glob.glob("**/CMakeLists.txt", recursive=True) if not p.startswith("build/"))
SPECIAL = {"unit.mx_schema": "tests/unit/test_schema.py",
           "unit.mx_random_all": "tests/unit/test_mx_random.c"}


def sources(test):
    kind, _, name = test.partition(".")
    pattern = {"unit": "tests/unit/test_{}.*", "sim": "tests/sim/test_{}.c",
               "netns": "tests/netns/{}.*", "fuzz": "tests/fuzz/fuzz_{}.c"}.get(kind, "")
    return [SPECIAL[test]] if test in SPECIAL else glob.glob(pattern.format(name))


def registered(test):
    kind, _, name = test.partition(".")
    if kind == "fuzz":
        return os.path.isdir(f"tests/fuzz/corpus/{name}")
    name = re.escape(name)
    return re.search(rf"mams_(unit|fuzz)\({name}\b|NAME {kind}\.{name}\b|foreach\([^)]*\b{name}\b",
                     lists)


def has_case(path, case):
    text = open(path, encoding="utf-8").read()
    return f'{{"{case}",' in text if path.startswith(("tests/unit/", "tests/sim/")) and \
        path.endswith(".c") else case in text


def check_refs(row, refs):
    for ref in refs.split("; "):
        r = re.match(r"`([a-z]+\.[a-z_]+)` (.+)$", ref)
        if not r:
            print(f"{row}: no test and case: {ref}")
        elif not sources(r[1]) or not registered(r[1]):
            print(f"{row}: no such test: {r[1]}")
        elif not any(has_case(p, r[2]) for p in sources(r[1])):
            print(f"{row}: {r[1]} has no case \"{r[2]}\"")


def check_difference(row, files, refs):
    """Rows of the part on differences of the sources."""
    for path in re.findall(r"`([^`]+)`", files):
        if not os.path.exists(path):
            print(f"{row}: no such file: {path}")
    if refs != "words only":
        check_refs(row, refs)


seen, tests_of, security = {}, {}, False
for line in open("docs/conformance.md", encoding="utf-8"):
    security = security or line.startswith("## Security")
    other = re.match(r"\| (?!what|-)(.*) \| (`.*) \|$", line)
    if security and other:
        check_refs(other[1], other[2])
        continue
    d = re.match(r"\| (A\.\d)-(\d+)(?:\.\.A\.\d-(\d+))? \|.*\| (.*) \| (.*) \|$", line)
    if d:
        for n in range(int(d[2]), int(d[3] or d[2]) + 1):
            if (d[1], n) in seen:
                print(f"{d[1]}-{n} twice")
            seen[d[1], n] = True
        check_difference(f"{d[1]}-{d[2]}", d[4], d[5])
        continue
    m = re.match(r"\| R(\d+)(?:\.\.R(\d+))? \|.*\| (.*) \|$", line)
    if not m:
        continue
    first = int(m[1])
    for n in range(first, int(m[2] or first) + 1):
        if n in seen:
            print(f"R{n:03d} twice")
        seen[n] = True
        tests_of[f"R{n:03d}"] = re.findall(r"`([a-z]+\.[a-z_]+)`", m[3])
    if m[3].startswith("not yet") or re.match(r"(user plane|proxy|path manager|as R|the labs)", m[3]):
        continue
    check_refs(f"R{first:03d}", m[3])
for n in range(1, LAST + 1):
    if n not in seen:
        print(f"R{n:03d} is missing")
for part, last in DIFFERENCES.items():
    for n in range(1, last + 1):
        if (part, n) not in seen:
            print(f"{part}-{n} is missing")
if os.path.exists("tests/mutation/list"):
    for line in open("tests/mutation/list", encoding="utf-8"):
        if line.startswith("R") and line.split()[1] not in tests_of.get(line.split()[0], []):
            print(f"tests/mutation/list: {line.split()[1]} is no test of {line.split()[0]}")
PY
)
lint_end 1
