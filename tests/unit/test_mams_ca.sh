#!/bin/bash
# tools/mams-ca by its results: what it makes verifies for its use and no other, secrets are 0600,
# wrong usage changes nothing.  Prints what CTest can count; exit 1 on a failure.
# shellcheck disable=SC2317  # functions are called through check and refuse
set -u
ca=$1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 1
failed=0
n=0

check() { # WORDS COMMAND...
	local words=$1
	shift
	n=$((n + 1))
	if "$@" >out 2>err; then
		echo "ok $n - $words"
	else
		echo "not ok $n - $words"
		sed 's/^/    /' out err
		failed=1
	fi
}

refuse() { # WORDS STATUS COMMAND...
	local words=$1 status=$2 rc
	shift 2
	n=$((n + 1))
	"$@" >out 2>err </dev/null
	rc=$?
	if [ "$rc" = "$status" ] && [ -s err ]; then
		echo "ok $n - $words"
	else
		echo "not ok $n - $words: status $rc"
		failed=1
	fi
}

mode() { [ "$(stat -c %a "$1")" = "$2" ]; }
ha1() { [ "$(cut -d: -f3 d/digest.users | head -n1)" = "$(printf %s "$1" | sha256sum | cut -d' ' -f1)" ]; }
lines() { [ "$(wc -l <"$1")" = "$2" ]; }
same() { cmp -s "$1" "$2"; }
differ() { ! cmp -s "$1" "$2"; }

refuse 'client without an authority' 1 "$ca" -d d client bob
check 'init' "$ca" -d d init 'Test CA'
cp d/ca.key before
refuse 'a second init' 1 "$ca" -d d init
check 'the first authority is untouched' same before d/ca.key
check 'server' "$ca" -d d server ncm -s 127.0.0.1 -s ::1 -s ncm.example.org
check 'client' "$ca" -d d client bob
for f in ca ncm bob; do
	check "$f.key is 0600" mode d/$f.key 600
	check "$f.crt is readable" mode d/$f.crt 644
done
check 'the client certificate is for clients' openssl verify -CAfile d/ca.crt -purpose sslclient d/bob.crt
refuse 'and not for servers' 2 openssl verify -CAfile d/ca.crt -purpose sslserver d/bob.crt
check 'the server certificate is for servers' openssl verify -CAfile d/ca.crt -purpose sslserver d/ncm.crt
refuse 'and not for clients' 2 openssl verify -CAfile d/ca.crt -purpose sslclient d/ncm.crt
check 'its IPv4 address' openssl verify -CAfile d/ca.crt -verify_ip 127.0.0.1 d/ncm.crt
check 'its IPv6 address' openssl verify -CAfile d/ca.crt -verify_ip ::1 d/ncm.crt
check 'its name' openssl verify -CAfile d/ca.crt -verify_hostname ncm.example.org d/ncm.crt
refuse 'no other name' 2 openssl verify -CAfile d/ca.crt -verify_hostname example.org d/ncm.crt
refuse 'a client that exists' 1 "$ca" -d d client bob
check 'unless forced' "$ca" -d d -f client bob
refuse 'the name of the authority' 2 "$ca" -d d client ca
for bad in '../x' 'a/b' '' '-x' 'a b' 'a=b'; do
	refuse "the name '$bad'" 2 "$ca" -d d client "$bad"
done
check 'a client to be revoked' "$ca" -d d client mallory
cp d/mallory.crt mallory.crt
check 'revoke' "$ca" -d d revoke mallory
refuse 'openssl knows it as revoked' 2 openssl verify -crl_check -CAfile d/ca.crt -CRLfile d/ca.crl mallory.crt
check 'and nobody else' openssl verify -crl_check -CAfile d/ca.crt -CRLfile d/ca.crl d/bob.crt
check 'the name is free again' "$ca" -d d client mallory
check 'revoked, too' "$ca" -d d revoke mallory
check 'both are listed' bash -c "[ \$(openssl crl -in d/ca.crl -noout -text | grep -c 'Serial Number:') = 2 ]"
refuse 'revoke of nobody' 1 "$ca" -d d revoke nobody
refuse 'revoke of the authority' 2 "$ca" -d d revoke ca
refuse 'a server without an address' 2 "$ca" -d d server other
refuse 'an address that is none' 2 "$ca" -d d server other -s 'DNS:x,IP:1.1.1.1'
refuse 'an openssl failure' 1 "$ca" -d d server other -s 1.2.3.999
check 'leaves nothing behind' test ! -e d/other.crt
refuse 'an unknown command' 2 "$ca" -d d destroy
refuse 'days that are none' 2 "$ca" -d d -D 0 client eve

printf 'correct horse\n' >pw
check 'digest-add from a file' "$ca" -d d -p pw digest-add alice
check 'its hash' ha1 'alice:mams:correct horse'
check 'the users file is 0600' mode d/digest.users 600
check 'digest-add from standard input' bash -c "printf 'correct:horse%%s' | '$ca' -d d digest-add al.ce"
check 'two users' lines d/digest.users 2
check 'a new password' bash -c "echo 'battery staple' | '$ca' -d d digest-add alice"
check 'still two users' lines d/digest.users 2
check 'digest-del' "$ca" -d d digest-del alice
check 'only the one named' grep -q '^al\.ce:' d/digest.users
refuse 'digest-del of nobody' 1 "$ca" -d d digest-del alice
printf 'short\n' >pw
refuse 'a short password' 1 "$ca" -d d -p pw digest-add eve
refuse 'no password at all' 1 "$ca" -d d digest-add eve
check 'list' bash -c "'$ca' -d d list | grep -q 'bob.crt.client.bob'"
check 'help' bash -c "'$ca' -h | grep -q 'EXIT STATUS'"

# first set-up, from nothing
net() { "$ca" -d s -e n "$@" -a wifi=192.0.2.9/24 -a lte=198.51.100.70/20 -a wifi=2001:db8::1 network; }
has() { grep -qF -- "$2" "$1"; }
refuse 'an access that is none' 2 "$ca" -d s -e n -a wimax=192.0.2.9 network
refuse 'a length that is none' 2 "$ca" -d s -e n -a wifi=192.0.2.9/33 network
check 'network' net
check 'its authority' openssl verify -CAfile s/ca.crt -purpose sslserver -verify_ip 198.51.100.70 n/ncm.crt
check 'its clients of wifi' has n/ncm.conf 'client_networks = { "192.0.2.0/24", "::/0" }'
check 'its clients of lte' has n/ncm.conf 'client_networks = { "198.51.96.0/20" }'
check 'its proxies' has n/proxy.conf '{ "192.0.2.9:7443", "198.51.100.70:7443", "[2001:db8::1]:7443" }'
check 'its key is 0600' mode n/ncm.key 600
check 'its list revokes nobody' openssl verify -crl_check -CAfile s/ca.crt -CRLfile s/ca.crl s/ncm.crt
echo '# mine' >>n/ncm.conf
cp n/ncm.crt first
check 'network again' net
check 'changes neither the file' has n/ncm.conf '# mine'
check 'nor the certificate' same first n/ncm.crt
check 'network -f' net -f
check 'makes a new one' differ first n/ncm.crt

refuse 'enrol of a wrong name' 2 "$ca" -d s enrol '../x'
check 'enrol' "$ca" -d s enrol laptop
check 'the bundle is 0600' mode s/laptop.mams 600
refuse 'apply without interfaces' 1 "$ca" -e c apply d/bob.crt
check 'apply' "$ca" -e c -a wifi=wlan0 -a lte=wwan0 apply s/laptop.mams
check 'its certificate' openssl verify -CAfile c/ca.crt -purpose sslclient c/client.crt
check 'its key' same s/laptop.key c/client.key
check 'which is 0600' mode c/client.key 600
check 'every address of the NCM' has c/ccm.conf \
	'{ "https://192.0.2.9:8443", "https://198.51.100.70:8443", "https://[2001:DB8:0:0:0:0:0:1]:8443" }'
check 'the interfaces' has c/ccm.conf 'interface = wwan0'
cp c/client.key first
check 'enrol -f' "$ca" -d s -f -n https://ncm.example.org:443 enrol laptop
check 'apply renews' "$ca" -e c apply s/laptop.mams
check 'the key' differ first c/client.key
check 'and leaves the file' has c/ccm.conf 192.0.2.9
check 'unless forced' "$ca" -e c -f -a wifi=wlan0 apply s/laptop.mams
check 'the URL given' has c/ccm.conf '{ "https://ncm.example.org:443" }'
echo 'ncm = "https://other"' >c/ccm.conf
check 'apply over a file of another' "$ca" -e c -a wifi=wlan0 apply s/laptop.mams
check 'keeps it aside' has c/ccm.conf.old other
sed '/^-----BEGIN PRIVATE/,/^-----END PRIVATE/d' s/laptop.mams | cat d/bob.key - >mixed
refuse 'a bundle with another key' 1 "$ca" -e c apply mixed
"$ca" -d s client eve >/dev/null
cat <(grep '^ncm' s/laptop.mams) d/bob.key d/bob.crt s/ca.crt >mixed
refuse 'a bundle of another authority' 1 "$ca" -e c apply mixed
sed 's|^ncm = .*|ncm = https://x" } key = { "y:1|' s/laptop.mams >mixed
refuse 'a bundle with a setting of its own' 1 "$ca" -e c apply mixed
check 'nothing was changed' same s/laptop.key c/client.key
check 'a QR code' "$ca" -d s -q qr.png enrol laptop
check 'which is 0600' mode qr.png 600
check 'reads as the bundle' bash -c 'zbarimg --raw -q qr.png 2>/dev/null | head -c -1 | cmp - s/laptop.mams'
for daemon in "${@:2}"; do
	case $daemon in
	*ncm) check 'ncm.conf is good' "$daemon" -t -c n/ncm.conf ;;
	*ccm) check 'ccm.conf is good' "$daemon" -t -c c/ccm.conf ;;
	*) check 'proxy.conf is good' "$daemon" -t -c n/proxy.conf ;;
	esac
done
check 'no work directory is left' bash -c '! ls -d [dsnc]/.new.* 2>/dev/null'
echo "1..$n"
exit $failed
