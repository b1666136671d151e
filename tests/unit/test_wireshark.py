#!/usr/bin/python3
"""tools/wireshark/gma.lua shows every vector of tests/vectors/gma with the fields it was made of and
without complaint, over UDP (IPv4 and IPv6) and as IP protocol 114, and complains about damaged ones.
usage: test_wireshark.py DISSECTOR VECTORS"""

import glob
import os
import struct
import subprocess
import sys
import tempfile

TUNNEL = 6000
CONTROL = 9999
NUMBERS = {  # key of a vector: field of the dissector
    "fsl": "gma.fsl",
    "flow_id": "gma.flow_id",
    "frag_offset": "gma.fc.offset",
    "frag_more": "gma.fc.more",
    "delivery_sn": "gma.delivery_sn",
    "flow_sn": "gma.flow_sn",
    "timestamp": "gma.timestamp",
    "ttl": "gma.ttl",
    "next_header": "gma.next_header",
}
FIELDS = sorted(NUMBERS.values()) + [
    "gma.form", "gma.flags", "gma.connection_id.anchor", "gma.connection_id.delivery",
    "gma.checksum.good", "gma.fragment", "gma.sdus", "udp.srcport", "data.data", "mxcontrol.kind",
    "mxcontrol.type", "mxcontrol.cid", "mxcontrol.sn", "mxcontrol.flag.ack",
    "mxcontrol.flag.active", "mxcontrol.flag.lsb_first", "mxcontrol.rcid", "mxcontrol.padding",
    "mxcontrol.report.link", "mxcontrol.report.link.owd", "mxcontrol.report.flow.expect",
    "mxcontrol.proof.step", "mxcontrol.proof.session",
    "_ws.expert.message", "_ws.malformed", "_ws.lua.error"]
FORMS = {"trailer": "trailer", "header_ip": "header, IP", "header": "header, non-IP"}
# Of the packets around and inside, and true: TTL 1 is RFC 9188's, the IPv6 SDU has no UDP checksum.
NOT_OURS = ('"Time To Live" only 1', "Illegal checksum value (0)")
failures = 0


def check(condition, *what):
    global failures
    if not condition:
        failures += 1
        print("FAILED:", *what)


def read_vector(path):
    values, key = {}, None
    for line in open(path, encoding="ascii"):
        line = line.split("#")[0].rstrip()
        if not line:
            continue
        if line[0] == " ":
            values[key] += line
        else:
            key, values[key] = line.split(" ", 1)
    return values


def ones_sum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def udp(payload, sport, dport):
    return struct.pack("!4H", sport, dport, 8 + len(payload), 0) + payload


def over4(payload, sport, dport):
    body = udp(payload, sport, dport)
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 1, 0, 64, 17, 0)
    head += bytes([198, 51, 100, 1, 203, 0, 113, 1])
    return head[:10] + struct.pack("!H", ones_sum(head)) + head[12:] + body


def over6(payload, sport, dport):
    ends = bytes.fromhex("20010db8" + "00" * 11 + "0a" + "20010db8" + "00" * 11 + "0b")
    body = udp(payload, sport, dport)
    pseudo = ends + struct.pack("!LL", len(body), 17)
    body = body[:6] + struct.pack("!H", ones_sum(pseudo + body) or 0xFFFF) + body[8:]
    return struct.pack("!LHBB", 0x60000000, len(body), 17, 64) + ends + body


def tshark(dissector, packets, preferences):
    """Rows of {field: value} for raw IP packets."""
    with tempfile.NamedTemporaryFile(suffix=".pcap") as f:
        f.write(struct.pack("=LHHlLLL", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101))
        for i, packet in enumerate(packets):
            f.write(struct.pack("=LLLL", i, 0, len(packet), len(packet)) + packet)
        f.flush()
        command = ["tshark", "-n", "-r", f.name, "-X", "lua_script:" + dissector,
                   "-o", "gma.udp_ports:%d" % TUNNEL, "-o", "mxcontrol.udp_ports:%d" % CONTROL,
                   "-o", "mxcontrol.network_ports:%d" % CONTROL, "-T", "fields",
                   "-E", "separator=|", "-E", "occurrence=a",
                   "--disable-protocol", "dns"]  # the SDUs say port 53 and "mams"
        for preference in preferences:
            command += ["-o", preference]
        for field in FIELDS:
            command += ["-e", field]
        with tempfile.TemporaryDirectory() as home:
            run = subprocess.run(command, capture_output=True, text=True, timeout=60,
                                 env=dict(os.environ, HOME=home), check=False)
    noise = [l for l in run.stderr.splitlines() if "Running as user" not in l and l]
    check(run.returncode == 0 and not noise, "tshark:", run.returncode, run.stderr)
    rows = [dict(zip(FIELDS, line.split("|"))) for line in run.stdout.splitlines()]
    check(len(rows) == len(packets), "rows:", len(rows), "of", len(packets))
    return rows


def check_quiet(name, row):
    said = row["_ws.expert.message"]
    for words in NOT_OURS:
        said = said.replace(words, "")
    check(said.strip(", ") == "" and row["_ws.malformed"] == "" and row["_ws.lua.error"] == "",
          name, "complaint:", said, row["_ws.malformed"], row["_ws.lua.error"])


def check_gma(name, v, row, direct):
    form = v["form"]
    flags = int(v["flags"], 16)
    check_quiet(name, row)
    if form == "bare":
        check(row["gma.flags"] == "" and "1000" in row["udp.srcport"], name, "bare:", row)
        return
    check(row["gma.form"] == FORMS[form], name, "form", row["gma.form"])
    check(int(row["gma.flags"], 16) == flags, name, "flags", row["gma.flags"])
    for key, field in NUMBERS.items():
        want = v.get(key)
        if key == "frag_more" and want is not None:
            want = {"1": "1", "0": "0"}[want]
        check(row[field] == (want or ""), name, field, row[field], "wanted", want)
    if "connection_id" in v:
        both = (row["gma.connection_id.anchor"], row["gma.connection_id.delivery"])
        cid = int(v["connection_id"])
        check(both == (str(cid >> 4), str(cid & 15)), name, "connection", both)
    check(row["gma.checksum.good"] == ("1" if flags & 0x8000 else ""), name, "checksum")
    if v["first_len"] == "0":
        sdu = bytes.fromhex(v["sdu"])
        portion = sdu if form == "header" else sdu[20:]
        check(row["gma.fragment"].replace(":", "") == portion.hex(), name, "fragment",
              row["gma.fragment"])
        return
    sdus = {"trailer_largest": 2, "header_three": 3}.get(name, 1)
    ports = [p for p in row["udp.srcport"].split(",") if p != "40000"]
    check(row["gma.sdus"] == str(sdus), name, "SDUs", row["gma.sdus"])
    check(ports == ["1000", "1001", "1000"][:sdus], name, "packets inside:", ports, direct)


def check_control(name, v, row):
    kind = {"req": "Probe-REQ", "ack": "Probe-ACK", "keep_alive": ""}[v["type"]]
    check_quiet(name, row)
    check(row["mxcontrol.kind"] == kind, name, "kind", row["mxcontrol.kind"])
    check(row["mxcontrol.cid"] == v["cid"] and row["mxcontrol.sn"] == v["sn"], name, "cid, sn")
    has_flag = v["type"] == "req" or (v["type"] == "ack" and "decode_only" not in v)
    for key, field in (("want_ack", "ack"), ("active", "active"), ("lsb_first", "lsb_first")):
        want = v.get(key, "0") if has_flag else ""
        check(row["mxcontrol.flag." + field] == want, name, field,
              row["mxcontrol.flag." + field], "wanted", want)
    check(row["mxcontrol.rcid"] == v.get("rcid", ""), name, "rcid", row["mxcontrol.rcid"])
    check(row["mxcontrol.padding"].replace(":", "") == v.get("padding", "").replace(" ", ""), name,
          "padding", row["mxcontrol.padding"])


def preferences_of(v):
    return ("gma.header_form:" + ("TRUE" if v["form"] == "header_ip" else "FALSE"),
            "gma.optimization:" + ("TRUE" if "optimization" in v else "FALSE"),
            "gma.fc_lsb_first:" + ("TRUE" if "fc_lsb_first" in v else "FALSE"))


def good(dissector, vectors):
    groups = {}
    for name, v in vectors.items():
        groups.setdefault(preferences_of(v), []).append((name, v))
    for preferences, members in groups.items():
        packets, checks = [], []
        for name, v in members:
            pdu = bytes.fromhex(v["pdu"])
            if v["form"] == "control":
                ports = (CONTROL, 40000) if v["type"] == "req" else (40000, CONTROL)
                packets += [over4(pdu, *ports), over6(pdu, *ports)]
                checks += [(check_control, name, v)] * 2
                continue
            packets += [over4(pdu, 40000, TUNNEL), over6(pdu, TUNNEL, 40000)]
            checks += [(lambda n, w, r: check_gma(n, w, dict(r, **{
                "udp.srcport": ",".join(r["udp.srcport"].split(",")[1:])}), False), name, v)] * 2
            if v["form"] in ("trailer", "header_ip") and "optimization" not in v:
                packets.append(pdu)
                checks.append((lambda n, w, r: check_gma(n, w, r, True), name, v))
        for (function, name, v), row in zip(checks, tshark(dissector, packets, preferences)):
            function(name, v, row)


def bad(dissector, vectors):
    """Damage that must be named."""
    def pdu(name):
        return bytearray.fromhex(vectors[name]["pdu"])

    cases = []
    for at, value, name, want in (
            (-1, 0x81, "trailer_smallest", "Unknown GMA version"),
            (-1, 0x90, "trailer_smallest", "Reserved flag is set"),
            (-1, 0x00, "trailer_smallest", "Field that this encapsulation excludes or lacks"),
            (-2, 0xFF, "trailer_largest", "Concatenation and fragmentation in one PDU"),
            (-3, 0xFF, "trailer_largest", "Wrong GMA checksum"),
            (-6, 0xFF, "trailer_largest", "First SDU Length outside the payload"),
            (3, 0xFF, "trailer_smallest", "IP length disagrees with the PDU"),
            (1, 0x80, "header_usual", "Field that this encapsulation excludes or lacks"),
            (0, 0x3F, "header_smallest_ipv6", "Fragment without Flow SN"),
            (14, 99, "header_usual", "SDU is no whole IP packet")):
        data = pdu(name)
        if want == "Fragment without Flow SN":
            data = bytearray.fromhex("080003") + data[2:]
        else:
            data[at] = value
        cases.append((over4(bytes(data), 40000, TUNNEL), want))
    cases.append((over4(bytes(pdu("trailer_usual"))[:20] + b"\x07\x80", 40000, TUNNEL),
                  "PDU shorter than its flags demand"))
    for data, want in (("0001", "Shorter than its fields"), ("0001000700", "Octets behind the message"),
                       ("0201000700", "Reserved type"), ("0102010288", "Reserved bits of the Probing Flag"),
                       ("01020102a0", "Shorter than its fields"), ("f0010001", "Shorter than its fields"),
                       ("f1010101", "Shorter than its fields")):
        cases.append((over4(bytes.fromhex(data), CONTROL, 40000), want))
    rows = tshark(dissector, [c[0] for c in cases], ())
    for (_, want), row in zip(cases, rows):
        check(want in row["_ws.expert.message"] and row["_ws.lua.error"] == "", "damage:", want,
              "shown:", row["_ws.expert.message"], row["_ws.lua.error"])


def own_types(dissector):
    """Reports and proofs: types of our own, octets as trailer-madp/report.h and proof.h say."""
    link = struct.pack("!BBLLLLHHHlH", 1, 0x40, 10, 14000, 5, 6, 7, 8, 9, -250, 3)
    report = struct.pack("!BBHLB", 240, 1, 77, 4711, 0x11) + link + bytes.fromhex("020a0b0c0006")
    proof = struct.pack("!BBBBQ", 241, 2, 3, 0, 0x1122334455667788) + bytes(48)
    rows = tshark(dissector, [over4(report, 40000, CONTROL), over4(proof, 40000, CONTROL)], ())
    check(rows[0]["mxcontrol.report.link"] == "1" and rows[0]["mxcontrol.report.link.owd"] == "-250"
          and rows[0]["mxcontrol.report.flow.expect"] == str(0x0A0B0C) and
          rows[0]["mxcontrol.sn"] == "77", "report:", rows[0])
    check(rows[1]["mxcontrol.proof.step"] == "3" and
          int(rows[1]["mxcontrol.proof.session"], 16) == 0x1122334455667788, "proof:", rows[1])
    for row in rows:
        check(row["_ws.expert.message"] == "" and row["_ws.lua.error"] == "", "own type:", row)


def main():
    dissector, directory = os.path.abspath(sys.argv[1]), sys.argv[2]
    vectors = {os.path.basename(p)[:-4]: read_vector(p)
               for p in sorted(glob.glob(os.path.join(directory, "*.txt")))}
    check(len(vectors) >= 21, "vectors:", len(vectors))
    good(dissector, vectors)
    bad(dissector, vectors)
    own_types(dissector)
    print("%d vectors, %d failures" % (len(vectors), failures))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
