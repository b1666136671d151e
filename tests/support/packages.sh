# shellcheck shell=bash
# Debian packages of the tree, and of a commit before, for tests.  Sourced.

PACKAGES_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

packages_git() { git -C "$PACKAGES_TOP" -c safe.directory="$PACKAGES_TOP" "$@"; }

# packages_source DIR [COMMIT]: the tree as it stands there, or that commit's.
packages_source() {
	rm -rf "$1"
	mkdir -p "$1"
	if [ -n "${2:-}" ]; then
		packages_git archive "$2" | tar -x -C "$1"
	elif packages_git rev-parse -q --verify HEAD >/dev/null 2>&1; then
		(cd "$PACKAGES_TOP" && packages_git ls-files | while IFS= read -r f; do
			[ ! -e "$f" ] || printf '%s\n' "$f"
		done | tar -c -T -) | tar -x -C "$1"
	else
		tar -c -C "$PACKAGES_TOP" --exclude ./build . | tar -x -C "$1"
	fi
}

# packages_version DIR SUFFIX: marks the source's version, as 0.1+now.
packages_version() {
	sed -i "1s/(\([^)+~]*\)[^)]*)/(\1+$2)/" "$1/debian/changelog"
}

# The commit whose packages came before these; nothing where history does not tell or had none.
packages_before() {
	packages_git rev-parse -q --verify 'HEAD^:debian/control' >/dev/null 2>&1 || return 0
	packages_git rev-parse 'HEAD^'
}

# packages_build SOURCE OUT [DPKG-BUILDPACKAGE ARGUMENT...]: OUT/*.deb, OUT/*.changes, OUT/log.
packages_build() {
	local source=$1 out=$2
	shift 2
	mkdir -p "$out"
	rm -f "$(dirname "$source")"/*.deb "$(dirname "$source")"/*.changes "$(dirname "$source")"/*.buildinfo
	if ! (cd "$source" && DEB_BUILD_OPTIONS="nocheck parallel=$(nproc)" \
		dpkg-buildpackage -b -us -uc "$@") >"$out/log" 2>&1; then
		tail -n 40 "$out/log" >&2
		return 1
	fi
	mv "$(dirname "$source")"/*.deb "$(dirname "$source")"/*.changes "$(dirname "$source")"/*.buildinfo \
		"$out/"
}
