#!/usr/bin/env python3
"""Every MX message of a capture against the corrected schemas of RFC 8743 C.3.

usage: messages.py CAPTURE KEYLOG SCHEMA HTTPS_PORT WSS_PORT UDP_PORT [WORD...]

TLS is opened with the keys that the daemons' libraries have logged (SSLKEYLOGFILE). Prints a line
"TRANSPORT MESSAGES MISSING INVALID" for each transport: how many, which types that both sides do say
were not among them ("-": none), and how many are invalid; those go to standard error. With WORDs,
member names or values, MISSING has those of them that no message has, instead."""
import json
import subprocess
import sys

import jsonschema


def validators(path):
    with open(path, encoding="utf-8") as f:
        doc = json.load(f)
    return {
        name: jsonschema.Draft4Validator(
            {**schema, "$schema": doc["$schema"], "definitions": doc["definitions"]})
        for name, schema in doc["messages"].items()
    }


def values(node, name):
    """All values of a key, at any depth; twice the same key may stand in one object as a list."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == name:
                yield from value if value and isinstance(value[0], list) else [value]
            yield from values(value, name)
    elif isinstance(node, list):
        for value in node:
            yield from values(value, name)


def unmasked(data, keys):
    if data[:1] == b"{":
        return data
    key = bytes.fromhex(keys[0][0]) if keys else b"\0\0\0\0"
    return bytes(c ^ key[i % 4] for i, c in enumerate(data))


def packets(capture, keylog, ports, shown, fields):
    command = ["tshark", "-r", capture, "-o", f"tls.keylog_file:{keylog}",
               "-o", "tcp.reassemble_out_of_order:TRUE", "-Y", shown,
               "-T", "jsonraw", "--no-duplicate-keys", "-J", fields]
    for port in ports:
        command += ["-d", f"tcp.port=={port},tls"]
    said = subprocess.run(command, check=True, capture_output=True)
    return json.loads(said.stdout or b"[]")


def messages(capture, keylog, https, wss, udp):
    ports = (https, wss)
    for p in packets(capture, keylog, ports, f"http.file_data and tcp.port=={https}", "http json"):
        for value in values(p, "http.file_data_raw"):
            yield "https", bytes.fromhex(value[0])
    for p in packets(capture, keylog, ports, "websocket.opcode==1", "websocket"):
        keys = list(values(p, "websocket.masking_key_raw"))
        for value in values(p, "websocket.payload_raw"):
            yield "wss", unmasked(bytes.fromhex(value[0]), keys)
    for p in packets(capture, keylog, ports, f"udp.port=={udp} and not icmp", "udp data"):
        for value in values(p, "udp.payload_raw"):
            yield "udp", bytes.fromhex(value[0])


def main():
    capture, keylog, schema, https, wss, udp = sys.argv[1:7]
    checks = validators(schema)
    words = set(sys.argv[7:])
    counts = {name: [0, set(), 0] for name in ("https", "wss", "udp")}
    for transport, data in messages(capture, keylog, https, wss, udp):
        row = counts[transport]
        if not data.startswith(b"{"):
            continue  # words of an HTTP error
        row[0] += 1
        try:
            message = json.loads(data)
            name = message["message_type"]
            row[1].update(w for w in words if f'"{w}"'.encode() in data)
            if not words:
                row[1].add(name)
            error = next(checks[name].iter_errors(message), None)
        except (ValueError, KeyError) as e:
            name, error = "?", e
        if error:
            row[2] += 1
            print(f"{transport} {name}: {str(error)[:400]}", file=sys.stderr)
    for transport, (n, types, bad) in counts.items():
        missing = ",".join(sorted((words or set(checks)) - types)) or "-"
        print(transport, n, missing, bad)
    return 0


if __name__ == "__main__":
    sys.exit(main())
