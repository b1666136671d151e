#!/bin/bash
# The lints themselves: each finds a planted violation, and accepts a tree without one.
# usage: self_test.sh NAME
# Planted texts are formats of printf, and may show shell code that is not to be expanded here.
# shellcheck disable=SC2016,SC2059
set -eu
here=$(cd "$(dirname "$0")" && pwd)
name=$1
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
checks=0

put() {
	mkdir -p "$tree/$(dirname "$1")"
	printf "$2" >"$tree/$1"
}

lint() {
	"$here/check_$name.sh" "$tree" 2>&1
}

# found PATTERN FILE TEXT: with FILE planted, the lint fails and says PATTERN; without, it passes
found() {
	local out
	checks=$((checks + 1))
	put "$2" "$3"
	if out=$(lint); then
		printf 'lint %s accepts %s\n' "$name" "$2"
		exit 1
	fi
	if ! grep -Eq -- "$1" <<<"$out"; then
		printf 'lint %s does not say "%s" of %s:\n%s\n' "$name" "$1" "$2" "$out"
		exit 1
	fi
	rm "$tree/$2"
	clean
}

clean() {
	local out
	if ! out=$(lint); then
		printf 'lint %s refuses a clean tree:\n%s\n' "$name" "$out"
		exit 1
	fi
}

layers() {
	put proxy/CMakeLists.txt 'mams_library(px_core\n  SOURCES\n    pure.c\n)\n'
	put proxy/pure.c '#include "lib/base/err.h"\n#include "proxy/pure.h"\n#include <stdint.h>\n'
	put proxy/main.c '#include "lib/io/loop.h"\n#include "proxy/pure.h"\n#include <unistd.h>\n'
	put ncm-service/session.c '#include "lib/mx/mx.h"\n#include <uthash.h>\n'
	clean
	found 'base may not include "lib/codec/field.h"' lib/base/a.c '#include "lib/codec/field.h"\n'
	found 'codec may not include "lib/mx/mx.h"' lib/codec/a.c '#include "lib/mx/mx.h"\n'
	found 'mx may not include "lib/io/loop.h"' lib/mx/a.c '#include "lib/io/loop.h"\n'
	found 'mx may not include <jansson.h>' lib/mx/a.c '#include <jansson.h>\n'
	found 'mx may not include <time.h>' lib/mx/a.h '#include <time.h>\n'
	found 'ctl may not include "lib/mx/mx.h"' lib/ctl/a.c '#include "lib/mx/mx.h"\n'
	found 'io may not include "lib/mx/mx.h"' lib/io/a.c '#include "lib/mx/mx.h"\n'
	found 'core may not include "lib/io/' ncm-service/policy.c '#include "lib/io/loop.h"\n'
	found 'core may not include "lib/codec/' ccm-agent/plan.h '#include "lib/codec/field.h"\n'
	found 'core may not include "proxy/pump.h"' proxy/flow.c '#include "proxy/pump.h"\n'
	found 'core may not include <sys/epoll.h>' proxy/pure.h '#include <sys/epoll.h>\n'
	found 'core reads the clock' ccm-agent/links.c 'int f(void)\n{\n\tmams_clock_now();\n}\n'
	found 'adapter may not include "ccm-agent/plan.h"' proxy/a.c '#include "ccm-agent/plan.h"\n'
	found 'adapter may not include "proxy/config.h"' tools/mamsctl/a.c '#include "proxy/config.h"\n'
	found 'adapter may not include <curl/curl.h>' ccm-agent/a.c '#include <curl/curl.h>\n'
	found 'adapter may not include <hiredis/hiredis.h>' ncm-service/a.c '#include <hiredis/hiredis.h>\n'
	found 'plugin may not include "lib/io/nl.h"' plugins/a.c '#include "lib/io/nl.h"\n'
	found 'core may not include <ell/ell.h>' plugins/pm_policy.c '#include <ell/ell.h>\n'
	found 'in no layer' extra/a.c 'int a;\n'
}

# lines N: a function body of N lines
lines() {
	for _ in $(seq "$1"); do
		printf '\\ta();\\n'
	done
}

length() {
	put a.c "void f(void)\n{\n$(lines 59)}\n"
	put big_tables.c "$(lines 700)"
	clean
	found 'long_one\(\) has 60 lines' b.c "static int *long_one(int x)\n{\n$(lines 60)}\n"
	found 'b.h: 600 lines' b.h "$(lines 600)"
}

format() {
	cp "$here/../../.clang-format" "$tree"
	put a.c 'int a(void)\n{\n\treturn 0;\n}\n'
	clean
	found 'b.c: [0-9]+ places' b.c 'int a( void ) {\n  return 0; }\n'
}

shell() {
	put a.sh '#!/bin/sh\necho "$1"\n'
	put data 'echo $1\n'
	clean
	found 'b:2:.*SC2086' b '#!/usr/bin/env bash\necho $1\n'
	found 'c.sh:2:.*SC2086' deploy/c.sh '#!/bin/sh\necho $1\n'
}

man() {
	put docs/man/mams-a.8 '.Dd July 1, 2024\n.Dt MAMS-A 8\n.Os\n.Sh NAME\n.Nm mams-a\n.Nd a\n'
	put a/CMakeLists.txt 'mams_daemon(mams-a\n  SOURCES a.c)\n'
	clean
	found 'mams-b has no page' b/CMakeLists.txt 'mams_daemon(mams-b\n'
	found 'mams-c has no page' c/CMakeLists.txt 'install(PROGRAMS mams-c DESTINATION x)\n'
	found 'docs/man/d.8:.*(WARNING|ERROR)' docs/man/d.8 '.Dt D 8\n.Sh NAME\nplain\n'
}

words() {
	put a.c 'void f(void)\n{\n\tsnprintf(b, n, "x");\n\tstrtok_r(a, b, &c);\n}\n'
	put lib/codec/json.c 'json_t *j = json_loads(text, 0, NULL);\n'
	put lib/mx/mx_tables.c 'const char *k = "{\\"key\\":1}";\n'
	clean
	for f in strcpy strcat sprintf atoi alloca system; do
		found 'b.c:1: forbidden function' b.c "x = $f(a);\n"
	done
	found 'b.sh:1: unfinished' b.sh '# TODO: more\n'
	found 'b.md:1: unfinished' b.md 'FIXME\n'
	found 'b.md:2: a conflict' b.md 'a\n<<<<<<< HEAD\nb\n'
	found 'b.txt:2: a path of one machine' b.txt 'a\nsee /work/main\n'
	found 'b.c:1: jansson outside' b.c 'json_t *j;\n'
	found 'b.c:1: a JSON key' b.c 'const char *k = "{\\"key\\": 1}";\n'
}

# page ROW: the last requirement's row; all others are elsewhere
page() {
	local words='words only'
	put docs/conformance.md "| R001..R246 | b | user plane: c |\n| $1 |\n| A.1-1..A.1-37 | b | - | $words |\n$(
	)| A.2-1..A.2-32 | b | - | $words |\n| A.3-1..A.3-12 | b | - | $words |\n${2-| A.4-1..A.4-9 | b | - | $words |}\n"
}

conformance() {
	local good='R247 | b | `unit.a` it works' row out
	put tests/unit/CMakeLists.txt 'mams_unit(a LIBS x)\n'
	put tests/unit/test_a.c '\t{"it works", it_works},\n'
	put tests/mutation/list 'R247 unit.a it works | a.c | s/a/b/\n'
	page "$good"
	clean
	for row in 'R246 | b | `unit.a` it works:R247 is missing' 'R247 | b | `unit.b` it works:no such test' \
		'R247 | b | `unit.a` it runs:has no case' 'R247 | b | it works:no test and case' \
		'R240..R247 | b | not yet:R240 twice' 'R247 | b | not yet:unit.a is no test of R247'; do
		checks=$((checks + 1))
		page "${row%%:*}"
		if out=$(lint) || ! grep -q "${row#*:}" <<<"$out"; then
			printf 'lint conformance does not say "%s":\n%s\n' "${row#*:}" "$out"
			exit 1
		fi
	done
	for row in '| A.4-2..A.4-9 | b | - | words only |:A.4-1 is missing' \
		'| A.4-1..A.4-9 | b | `no.c` | words only |:no such file: no.c' \
		'| A.4-1..A.4-9 | b | - | `unit.a` it runs |:has no case' \
		'| A.4-1..A.4-9 | b | - | nothing |:no test and case'; do
		checks=$((checks + 1))
		page "$good" "${row%%:*}"
		if out=$(lint) || ! grep -q "${row#*:}" <<<"$out"; then
			printf 'lint conformance does not say "%s":\n%s\n' "${row#*:}" "$out"
			exit 1
		fi
	done
	rm "$tree/docs/conformance.md"
	! lint >/dev/null || exit 1
}

commands() {
	put tests/docs/commands '[run desk desk] README.md\nmamsctl status\n\tsays x\nip rule\n[test netns.a] docs/a.md\nsudo tests/a b\n'
	put README.md 'Here:\n\n    mamsctl status    # all of it\n\nor `ip rule`.\n'
	put docs/a.md '# A\n\n    $ sudo tests/a b\n    output\n'
	put tests/netns/CMakeLists.txt 'foreach(name a b)\n'
	put tests/netns/a.sh 'tests/a b\n'
	clean
	found 'docs/b.md:3: no test runs: mamsctl sessions' docs/b.md 'B\n\n    mamsctl sessions\n'
	found 'docs/b.md:2: no test runs: mams-ca init' docs/b.md 'B\n`mams-ca init`\n'
	found 'docs/man/b.8:1: no test runs: mamsctl why' docs/man/b.8 '.Dl mamsctl why\n'
	found 'docs/man/b.8:2: no test runs: nft -f' docs/man/b.8 '.Bd -literal\nnft -f - \\\\e\n  x\n.Ed\n'
	found 'docs/man/b.8:1: no test runs: mams-ca list' docs/man/b.8 '.Ql mams-ca list .\n'
	put docs/a.md '# A\n'
	if lint | grep -q 'not in docs/a.md: sudo tests/a b'; then checks=$((checks + 1)); else exit 1; fi
	put docs/a.md '    sudo tests/a b\n'
	put tests/netns/a.sh 'nothing\n'
	if lint | grep -q 'a.sh does not do: sudo tests/a b'; then checks=$((checks + 1)); else exit 1; fi
	put tests/netns/CMakeLists.txt 'foreach(name b)\n'
	if lint | grep -q 'no test netns.a'; then checks=$((checks + 1)); else exit 1; fi
}

# The generator stands in for itself: any program that prints.
messages() {
	put docs/messages.md 'one\n'
	put docs/ctl-messages.md 'one\n'
	put docs/configuration.md 'one\n'
	put print '#!/bin/sh\necho one\n'
	chmod +x "$tree/print"
	"$here/check_messages.sh" "$tree/print" "$tree"
	put docs/messages.md 'two\n'
	if "$here/check_messages.sh" "$tree/print" "$tree"; then
		echo "lint messages accepts an old file"
		exit 1
	fi
	checks=1
}

# spoilt PATTERN FILE TEXT: with TEXT in FILE instead of its own, the lint fails and says PATTERN
spoilt() {
	local out
	checks=$((checks + 1))
	cp "$tree/$2" "$tree.good"
	put "$2" "$3"
	if out=$(lint) || ! grep -q -- "$1" <<<"$out"; then
		printf 'lint %s does not say "%s" of %s:\n%s\n' "$name" "$1" "$2" "$out"
		exit 1
	fi
	mv "$tree.good" "$tree/$2"
}

configuration() {
	local page='## m.conf\n\nManual: [m.conf(5)](man/m.conf.5). Examples: [a](../deploy/examples/a.conf).\n\n'
	put docs/configuration.md "$page| \`one\` | text | \`x\` | no | m |\n| \`part\` | sections | | no | m |\n
### Section part\n\n| \`two\` | list of text | | no | m |\n"
	put docs/man/m.conf.5 '.Ss Keys\n.It Ic one = Ar text\nDefault:\n.Ql x .\n.Ss Section part\n.It Ic two = Ar list\n.Sh FILES\n.It Ic no\n'
	put deploy/examples/a.conf '# Words, such as = or { these }.\n# one = x   # three = 3\n# part p { two = { "four = 4" } }\n'
	clean
	spoilt 'm.conf.5 has no one' docs/man/m.conf.5 '.Ss Section part\n.It Ic two = Ar list\n'
	spoilt 'm.conf.5 has two, which is no key' docs/man/m.conf.5 '.Ss Keys\n.It Ic one , two = Ar text\n.Ss Section part\n.It Ic two = Ar list\n'
	spoilt 'm.conf.5 has the default one=y' docs/man/m.conf.5 '.Ss Keys\n.It Ic one = Ar text\nDefault:\n.Ql y .\n.Ss Section part\n.It Ic two = Ar list\n'
	spoilt 'a.conf has no part.two' deploy/examples/a.conf 'one = x\npart p {\n}\n'
	spoilt 'a.conf has three, which is no key' deploy/examples/a.conf 'one = x\npart p {\n\ttwo = y\n}\n# three = 3\n'
	spoilt 'a.conf has part.three' deploy/examples/a.conf 'one = x\npart p { two = { a, b } three = 3 }\n'
	spoilt 'no meaning: . `one`' docs/configuration.md "$page| \`one\` | text | | no | |\n"
	spoilt 'names no manual' docs/configuration.md 'nothing\n'
	clean
}

coverage() {
	put docs/coverage.md 'one\n'
	"$here/check_coverage.sh" "$tree" echo one
	if "$here/check_coverage.sh" "$tree" echo two; then
		echo "lint coverage accepts an old file"
		exit 1
	fi
	checks=1
}

"$name"
echo "$checks violations planted and found"
