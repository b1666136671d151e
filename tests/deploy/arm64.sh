#!/usr/bin/env bash
# Packages for arm64: cross-built in a container.
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
	apt-get build-dep -y -q --no-install-recommends -aarm64 -Pcross,nocheck /control
D
docker build -q --network host -t mams-arm64 "$work/context" >/dev/null

say "packages are built"
docker run --rm -i --network none -v "$work/src:/src" mams-arm64 bash -e <<'S' >"$work/log" 2>&1 || { grep -A6 -E 'CMake Error|error:|E:' "$work/log" | head -n 60 && exit 1; }
cd /src/mams
export DEB_BUILD_OPTIONS="nocheck parallel=$(nproc)"
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

docker_down
claims_table
