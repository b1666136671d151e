#!/usr/bin/env python3
"""docs/coverage.md on standard output: every field of every message, and what is known of it.

usage: coverage.py ROOT EXAMPLES RANDOM SIMULATION...

Fields and directions come from docs/messages.md, which comes from the field tables; requirements from
the file beside this one. The rest is measured: EXAMPLES (test_vectors) and RANDOM (test_mx_random)
print messages, SIMULATIONS write what their cores say into the file named by
MAMS_TRACE."""
import glob
import json
import os
import re
import subprocess
import sys
import tempfile

ROOT = sys.argv[1]
HEAD = """# Coverage

Generated (target `coverage`) from the field tables and from what tests really do; do not edit. Held
against a new run by lint.coverage. [messages.md](messages.md) tells what each field means,
[conformance.md](conformance.md) what each requirement asks.

Every message has `version`, `message_type` and `sequence_num` (R033, R034). Of the others:

- *sent by*: whose core puts it on the wire in `sim.procedures` or `sim.estimation`. A dash: read, checked and written, but neither side of this product says it yet.
- *used by*: the receiver whose code names the member. A dash: taken and ignored.
- *example*: in an example of RFC 8743 C.4 (`unit.vectors`, `unit.mx_schema`).
- *random*: in the random messages of `unit.mx_random`, `unit.mx_random_all` and `unit.mx_schema`.
"""


def messages():
    """(name, senders, fields) in the order of the document."""
    name, senders, fields = None, "", []
    with open(f"{ROOT}/docs/messages.md", encoding="utf-8") as f:
        for line in f:
            title = re.match(r"## (\w+)", line)
            row = re.match(r"\| `([^`]+)` \|", line)
            if title:
                if name:
                    yield name, senders, fields
                name, fields = title[1], []
            elif name and line.startswith("Section"):
                senders = re.search(r"From (CCM or NCM|CCM|NCM)\.", line)[1].split(" or ")
            elif name and row:
                fields.append(row[1])
    yield name, senders, fields


def paths(node, prefix=""):
    """The paths of all members, as messages.md writes them."""
    for key, value in node.items():
        yield prefix + key
        items = value if isinstance(value, list) else [value]
        for item in items:
            if isinstance(item, dict):
                yield from paths(item, prefix + key + ("[]." if isinstance(value, list) else "."))


def seen_in(lines):
    out = set()
    for line in lines:
        message = json.loads(line)
        out |= {(message["message_type"], p) for p in paths(message)}
    return out


def output(*command, **env):
    return subprocess.run(command, check=True, capture_output=True, text=True,
                          env={**os.environ, **env}).stdout.splitlines()


def traced(programs):
    """{sender: fields} of the simulations."""
    out = {"CCM": set(), "NCM": set()}
    with tempfile.TemporaryDirectory() as d:
        for program in programs:
            output(program, MAMS_TRACE=f"{d}/trace")
        said = {"CCM": set(), "NCM": set()}
        with open(f"{d}/trace", encoding="utf-8") as f:
            for line in f:
                sender, text = line.split(" ", 1)
                said[sender].add(text)
        for sender, lines in said.items():
            out[sender] = seen_in(lines)
    return out


def requirements():
    out = []
    with open(os.path.join(os.path.dirname(__file__), "requirements"), encoding="utf-8") as f:
        for line in f:
            if line.strip() and not line.startswith("#"):
                message, prefix, numbers = line.split(None, 2)
                out.append((message, prefix, numbers.split()))
    return out


def numbers_of(table, message, field):
    fits = [(len(p) if p != "*" else 0, n) for m, p, n in table if m == message and
            (p == "*" or field == p or field.startswith((p + ".", p + "[")))]
    if not fits:
        sys.exit(f"tools/mxdoc/requirements has nothing for {message} {field}")
    return ", ".join(max(fits)[1])


def code_of(folder):
    text = []
    for path in sorted(glob.glob(f"{ROOT}/{folder}/*.c")):
        with open(path, encoding="utf-8") as f:
            text.append(f.read())
    return "\n".join(text)


def named(code, field):
    member = field.split(".")[-1].rstrip("[]").lower()
    return re.search(rf"(->|\.){re.escape(member)}\b", code)


def main():
    examples = seen_in(line.split(" ", 1)[1] for line in output(sys.argv[2], "print"))
    random = seen_in(output(sys.argv[3], "print", "200"))
    sent = traced(sys.argv[4:])
    code = {"NCM": code_of("ncm-service"), "CCM": code_of("ccm-agent")}
    table = requirements()
    print(HEAD)
    for name, senders, fields in messages():
        print(f"\n## {name}\n\nFrom {' or '.join(senders)}.\n")
        if not fields:
            by = [s for s in senders if (name, "message_type") in sent[s]]
            print(f"No fields of its own; sent by {', '.join(by) or '-'}.")
            continue
        print("| field | requirements | sent by | used by | example | random |\n"
              "|---|---|---|---|---|---|")
        for field in fields:
            by = [s for s in senders if (name, field) in sent[s]]
            receivers = [{"CCM": "NCM", "NCM": "CCM"}[s] for s in senders]
            use = [r for r in receivers if named(code[r], field)]
            print(f"| `{field}` | {numbers_of(table, name, field)} | {', '.join(by) or '-'} | "
                  f"{', '.join(use) or '-'} | {'yes' if (name, field) in examples else '-'} | "
                  f"{'yes' if (name, field) in random else '-'} |")


main()
