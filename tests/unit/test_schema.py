#!/usr/bin/env python3
"""Messages against the corrected schemas of RFC 8743 C.3.

usage: test_schema.py GENERATOR SCHEMA EXAMPLES

GENERATOR prints random messages as we encode them, one per line ("GENERATOR print N"). The examples
of C.4 hold the schemas themselves to account, but for two that C.3 contradicts. Messages damaged on
purpose show that the schemas refuse something."""
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
    generator, schema, examples = sys.argv[1:4]
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
    print("\n".join(failed[:10]))
    print(f"{sum(counts.values())} messages of {len(counts)} types, {seen} examples of C.4, "
          f"{len(failed)} failed")
    return 1 if failed else 0


sys.exit(main())
