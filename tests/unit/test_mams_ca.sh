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
check 'the name is free again' "$ca" -d d client mallory -f
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
check 'no work directory is left' bash -c '! ls -d d/.new.* 2>/dev/null'
echo "1..$n"
exit $failed
