#!/usr/bin/env bash
# The status page of an NCM with 1,000 sessions: one real client, and 999 likenesses of it in the store
# that the NCM starts with.
# shellcheck disable=SC2034 # read by lab.sh
LAB=nt-crowd
# shellcheck source=tests/netns/common.sh
. "$(dirname "$0")/common.sh"
# shellcheck source=tests/netns/page_lab.sh
. "$(dirname "$0")/page_lab.sh"

lab_net && lab_certs && lab_conf && page_conf
echo 'keep_alive = 1h' >>"$LAB_DIR/ncm.conf"
for d in px-pm cl-pm px cl ncm ccm; do lab_start_one $d; done
lab_wait 15 lab_ready
lab_end ncm
python3 - "$LAB_DIR/ncm.db" <<'X'
import base64, os, sqlite3, sys
db = sqlite3.connect(sys.argv[1])
tables = {t: [c[1] for c in db.execute(f"PRAGMA table_info({t})")] for t in ("session", "link", "anchor")}
rows = {t: db.execute(f"SELECT * FROM {t}").fetchall() for t in tables}
for n in range(999):
    for t, columns in tables.items():
        for row in rows[t]:
            row = dict(zip(columns, row))
            row["identity"] = f"likeness{n:03d}.example.net"
            if t == "session":
                row["session_id"] += n + 1
                row["client_key"] = base64.b64encode(os.urandom(len(base64.b64decode(row["client_key"])))).decode()
            db.execute(f"INSERT INTO {t} VALUES({','.join('?' * len(columns))})", list(row.values()))
db.commit()
X
lab_start_one ncm
has_all() { [ "$(lab_mamsctl -s "$LAB_DIR/ncm.ctl" --json sessions | jq '.sessions | length')" = 1000 ]; }
claim "sessions" "$(yes_no lab_wait 15 has_all)" = yes
page_look crowd
claim "rows drawn" "$(saw rows)" = 25
claim "of" "$(saw where)" = 1_to_25_of_1000
claim "first paint" "$(saw paint_ms)" '<=' 1000 ms
claim "script of an update, at most" "$(saw script_ms)" '<=' 50 ms
claim "the next page" "$(saw next_ms)" '<=' 1000 ms
claim "errors in the console" "$(saw wrong_console)" = nothing
claim "axe-core: serious or critical" "$(saw wrong_axe)" = nothing

lab_end ccm
lab_end ncm
no_reports
claims_table
