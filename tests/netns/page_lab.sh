# shellcheck shell=bash
# Sourced by page.sh and page_crowd.sh: a headless Chromium, by puppeteer, and axe-core; npm gets both.
PAGE_NPM=$BUILD/page-npm
PAGE_CHROMIUM=$(command -v chromium || :)
for p in chromium node npm; do
	command -v $p >/dev/null || { echo "skipped: $p is not there" && exit 77; }
done
mkdir -p "$PAGE_NPM"
if ! [ -d "$PAGE_NPM/node_modules/axe-core" ]; then
	timeout 120 npm install --silent --no-audit --no-fund --prefix "$PAGE_NPM" puppeteer-core@24.43.1 \
		axe-core@4.14.1 || { echo "skipped: npm has no puppeteer-core" && exit 77; }
fi
export PAGE_NPM PAGE_CHROMIUM PAGE_PASSWORD PAGE_UP PAGE_DOWN

# page_conf: who may look and who may steer, of Digest
page_conf() {
	local user
	PAGE_PASSWORD=$(cat "$LAB_DIR/password")
	for user in boss guest; do
		"$LAB_TOP/tools/mams-ca" -d "$LAB_DIR/ca" -p "$LAB_DIR/password" digest-add $user >/dev/null
	done
	cat >>"$LAB_DIR/ncm.conf" <<-X
		admin_listen = "10.1.1.1:8446"
		viewers = { "guest" }
		operators = { "boss" }
	X
}

# page_look PART [NAMESPACE URL]: what the browser saw, in $LAB_DIR/page; pictures in the build folder
page_look() {
	mkdir -p "$BUILD/page"
	ip netns exec "${2:-$PX}" timeout 60 node "$NETNS_TOP/tests/netns/page.mjs" "${3:-https://10.1.1.1:8446}" \
		"$BUILD/page" "$1" >>"$LAB_DIR/page" 2>"$LAB_DIR/browser.log" || cat "$LAB_DIR/browser.log"
}
saw() { awk -v n="$1" '$1 == n { $1 = ""; print substr($0, 2) }' "$LAB_DIR/page"; }
