#!/usr/bin/env python3
"""Messages against the corrected schemas of RFC 8743 C.3.

usage: test_schema.py GENERATOR SCHEMA EXAMPLES REWRITER

GENERATOR prints random messages as we encode them, one per line ("GENERATOR print N"). The examples
of C.4 hold the schemas themselves to account, but for three that C.3 contradicts. Messages damaged on
purpose show that the schemas refuse something. REWRITER prints what we write for each example after
reading it: an equal document, and a valid one where the example itself is not."""
import copy
import glob
import json
import os
import subprocess
import sys

import jsonschema

PER_TYPE = 300
# C.4.8: a port as string, an anchor without convergence_config; C.4.10: other keys and names;
# C.4.12: connection_id for anchor_conn_id
CONTRADICTED = {"mx_up_setup_conf_req", "mx_traffic_steering_req", "mx_app_madp_assoc_req"}


def normal(name, message):
    """The example in the words of C.3, where C.4 uses others."""
    out = copy.deepcopy(message)
    if name == "mx_up_setup_conf_req":
        second = out["anchor_connections"][1]
        members = ("udp_port", "num_delivery_connections", "delivery_connections")
        second["convergence_config"] = [{key: second.pop(key) for key in members}]
        tunnel = second["convergence_config"][0]["delivery_connections"][1]["adaptation_method_param"]
        tunnel["tunnel_end_port"] = int(tunnel["tunnel_end_port"])
    elif name == "mx_traffic_steering_req":
        out["downlink_delivery"] = [d["connection_id"] for d in out["downlink_delivery"]]
        for u in out["uplink_delivery"]:
            u["connection_list"] = [c["connection_id"] for c in u.pop("conn_list")]
        for f in out["feature_active"]:
            f["feature_name"] = {"dl_aggregation": "downlink_aggregation",
                                 "ul_aggregation": "uplink_aggregation"}[f["feature_name"]]
    elif name == "mx_app_madp_assoc_req":
        for a in out["app_madp_assoc_list"]:
            a["anchor_conn_id"] = a.pop("connection_id")
    return out


def exactly(value):
    """Comparable, with 1, 1.0 and true apart, and without order of members."""
    return json.dumps(value, sort_keys=True)


def rewritten(rewriter, examples, checks):
    """What is wrong with what we write for the examples."""
    said = subprocess.run([rewriter, "print"], check=True, capture_output=True, text=True)
    lines = dict(line.split(" ", 1) for line in said.stdout.splitlines())
    paths = {os.path.basename(p)[:-5]: p for p in glob.glob(os.path.join(examples, "*.json"))}
    if set(paths) != set(lines) or len(lines) != len(checks):
        yield f"examples that are read: {sorted(lines)}"
    for name, line in lines.items():
        with open(paths[name], encoding="utf-8") as f:
            message = json.load(f)
        ours = json.loads(line)
        kind = message["message_type"]
        if exactly(ours) != exactly(normal(kind, message)):
            yield f"{name} is written as {line}"
        if first_error(checks[kind], ours):
            yield f"{name} is written as invalid: {first_error(checks[kind], ours)}"


def validators(path):
    with open(path, encoding="utf-8") as f:
        doc = json.load(f)
    out = {}
    for name, schema in doc["messages"].items():
        whole = {**schema, "$schema": doc["$schema"], "definitions": doc["definitions"]}
        jsonschema.Draft4Validator.check_schema(whole)
        out[name] = jsonschema.Draft4Validator(whole)
    return out


def first_error(validator, message):
    error = next(validator.iter_errors(message), None)
    return error and f"{'.'.join(map(str, error.absolute_path))}: {error.message[:200]}"


def damaged(message):
    """The message without one required member each, and with one member too many."""
    for key in ("version", "message_type", "sequence_num"):
        worse = copy.deepcopy(message)
        del worse[key]
        yield worse
    yield {**message, "extra": 1}
    yield {**message, "sequence_num": 0}


def main():
    generator, schema, examples, rewriter = sys.argv[1:5]
    checks = validators(schema)
    counts = {}
    failed = []
    said = subprocess.run([generator, "print", str(PER_TYPE)], check=True, capture_output=True)
    for line in said.stdout.decode().splitlines():
        message = json.loads(line)
        name = message["message_type"]
        counts[name] = counts.get(name, 0) + 1
        error = first_error(checks[name], message) if name in checks else "no schema"
        if error:
            failed.append(f"we emit {name}: {error}\n{line[:2000]}")
        elif counts[name] == 1:
            failed += [f"the schema accepts a damaged {name}: {worse}" for worse in damaged(message)
                       if not first_error(checks[name], worse)]
    failed += [f"{name}: {counts.get(name, 0)} messages, not {PER_TYPE}" for name in checks
               if counts.get(name, 0) != PER_TYPE]
    seen = 0
    for path in sorted(glob.glob(os.path.join(examples, "*.json"))):
        with open(path, encoding="utf-8") as f:
            message = json.load(f)
        name = message["message_type"]
        if name in checks and name not in CONTRADICTED:
            seen += 1
            error = first_error(checks[name], message)
            if error:
                failed.append(f"{path}: {error}")
    if seen != len(checks) - len(CONTRADICTED):
        failed.append(f"{seen} examples")
    failed += rewritten(rewriter, examples, checks)
    print("\n".join(failed[:10]))
    print(f"{sum(counts.values())} messages of {len(counts)} types, {seen} examples of C.4, "
          f"{len(failed)} failed")
    return 1 if failed else 0


sys.exit(main())
