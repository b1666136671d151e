#!/bin/bash
# Rules, their alerts at their times, and the example of a configuration, by promtool; the dashboard is
# JSON with panels that ask for something.
set -eu
cd "$(dirname "$0")/../.."
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

promtool check rules --lint-fatal deploy/prometheus/mams.rules.yml
promtool test rules tests/unit/metrics_rules.yml
# the files that it names are an installation's
touch "$dir/mams-ca.crt" "$dir/prometheus.crt" "$dir/prometheus.key"
sed "s|/etc/prometheus|$dir|" deploy/prometheus/prometheus.yml >"$dir/prometheus.yml"
cp deploy/prometheus/mams.rules.yml "$dir/"
promtool check config "$dir/prometheus.yml"
jq -e '.uid == "mams" and ([.panels[].targets[].expr | select(test("mams_"))] | length) > 20' \
	deploy/grafana/mams.json >/dev/null
