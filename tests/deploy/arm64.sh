#!/usr/bin/env bash
# Packages for arm64: cross-built in a container, and the unit tests of what was built, by qemu's emulation of
# a process.
set -euo pipefail
CLAIMS_LIVE=1
top=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=deploy/lab/claims.sh
. "$top/deploy/lab/claims.sh"
# shellcheck source=tests/support/docker.sh
. "$top/tests/support/docker.sh"
# shellcheck source=tests/support/packages.sh
. "$top/tests/support/packages.sh"
: "$CLAIMS_LIVE"
work=$(mktemp -d /var/tmp/mams-arm64.XXXXXX)

end() {
	local status=$?
	trap - EXIT
	docker_down
	rm -rf "$work"
	exit "$status"
}
trap end EXIT
trap 'exit 130' INT TERM

say() { printf '\n== %s (%s s)\n' "$*" "$SECONDS"; }

"$top/deploy/lab/install" arm64 >/dev/null
docker_up "$work/docker"
say "a container with arm64's libraries"
packages_source "$work/src/mams"
mkdir "$work/context"
cp -r "$work/src/mams/debian" "$work/context/"
cat >"$work/context/Dockerfile" <<D
FROM $DOCKER_BASE
ENV DEBIAN_FRONTEND=noninteractive
COPY debian /control/debian
RUN dpkg --add-architecture arm64 && apt-get update -q && \\
	apt-get install -y -q --no-install-recommends crossbuild-essential-arm64 file && \\
	apt-get build-dep -y -q --no-install-recommends -aarm64 -Pcross,nocheck /control && \\
	apt-get install -y -q --no-install-recommends libcunit1-dev:arm64 openssl python3-jsonschema jq \\
		redis-server qrencode zbar-tools tshark
D
docker build -q --network host -t mams-arm64 "$work/context" >/dev/null

say "packages are built"
docker run --rm -i --network none -v "$work/src:/src" mams-arm64 bash -e <<'S' >"$work/log" 2>&1 || { grep -A6 -E 'CMake Error|error:|E:' "$work/log" | head -n 60 && exit 1; }
cd /src/mams
export DEB_BUILD_OPTIONS="nocheck parallel=$(nproc)" MAMS_TESTS=ON
dpkg-buildpackage -aarm64 -Pcross,nocheck -b -us -uc
S
claim "packages for arm64" "$(find "$work/src" -name '*_arm64.deb' ! -name '*dbgsym*' | wc -l)" = 6
mkdir "$work/x"
for p in "$work"/src/mams-*_arm64.deb; do
	case $p in *dbgsym*) continue ;; esac
	dpkg-deb -x "$p" "$work/x"
done
find "$work/x" -type f \( -name '*.so' -o -path '*bin/*' \) -exec file -b {} + | grep '^ELF' >"$work/elf"
claim "programs and plugin" "$(wc -l <"$work/elf")" = 6
claim "of them not of arm64" "$(grep -vc 'ARM aarch64' "$work/elf" || :)" = 0

say "unit tests are run"
# Each program becomes a script that has qemu run it, so that tests which start others find these as well.
# Of the tests that are set apart, one or two cases may fail; it is said why.
unit() { # CTEST ARGUMENT...
	docker run --rm -i --network none --sysctl net.ipv6.conf.lo.disable_ipv6=0 -v "$work/src:/src" \
		-v "$(command -v qemu-aarch64-static):/usr/bin/qemu-aarch64-static:ro" mams-arm64 \
		bash -e -s -- "$@" <<'S' | tee "$work/tests" || :
cd /src/mams/obj-aarch64-linux-gnu
find . -type f -perm -u+x ! -name '*.so*' ! -name '*.arm64' -print |
	while IFS= read -r f; do
		file -b "$f" | grep -q '^ELF.*ARM aarch64' || continue
		mv "$f" "$f.arm64"
		printf '#!/bin/sh\nexec qemu-aarch64-static "$0.arm64" "$@"\n' >"$f"
		chmod 755 "$f"
	done
ctest -L unit "$@"
S
}
none=(
	"metrics: rules for Prometheus, and no program of ours"
	"mx_random_all: as mx_random with more messages; by emulation they take longer than the test may"
)
apart=(
	"mamsctl: traces within 0.5 s, which emulation may take longer for"
	"httpd_local: whose a TCP connection is, by sock_diag, which qemu does not pass on"
	"vici: charon itself, started in namespaces of its own"
	"wsd: a TLS handshake within 0.4 s, which emulation may take longer for"
)
names() { # ELEMENT...: as a regular expression
	printf '%s\n' "${@%%:*}" | paste -sd '|' | sed 's/.*/^unit\\.(&)$/'
}
unit -N
all=$(grep -c 'Test *#' "$work/tests" || :)
echo "not run, $(printf '%s; ' "${none[@]}")"
unit -E "$(names "${none[@]}" "${apart[@]}")" -j"$(nproc)" --output-on-failure
claim "unit tests" "$all" '>=' 80
claim "passed" "$(grep -cE 'Test +#[0-9]+: .* Passed ' "$work/tests" || :)" = \
	$((all - ${#none[@]} - ${#apart[@]}))
for t in "${apart[@]}"; do
	unit -R "$(names "$t")" -V >/dev/null
	claim "cases that fail of $t" "$(awk '/ tests +[0-9]| checks, [0-9]+ failed/ { print $(NF - 1) }' \
		"$work/tests")" '<=' 2
done

docker_down
claims_table
