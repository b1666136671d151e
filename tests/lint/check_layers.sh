#!/bin/bash
# Includes against the floor plan (docs/architecture.md): arrows only downwards, and pure code sees no
# clock, no descriptor, no library of the shell.
# Cores of the programs are the sources of the libraries NAME_core in the CMakeLists.txt files, with
# their headers, and in any case the files of always_core.
. "$(dirname "$0")/common.sh"

always_core='
ncm-service/session ncm-service/registry ncm-service/policy ncm-service/quality
ncm-service/steerer_private
ccm-agent/session ccm-agent/links ccm-agent/plan
proxy/convert proxy/flow proxy/paths proxy/dest
trailer-madp/concat trailer-madp/fragment trailer-madp/gma
trailer-madp/ip trailer-madp/pkt trailer-madp/reason trailer-madp/reassembly
trailer-madp/links
trailer-madp/offload
plugins/pm_policy plugins/pm_tables'

# What pure code may take from the system: the language's library without clock and files, address
# structs, and macro-only containers.
pure_system=' ctype.h errno.h float.h inttypes.h limits.h math.h stdalign.h stdarg.h stdatomic.h stdbool.h stddef.h stdint.h stdio.h stdlib.h string.h strings.h sys/queue.h uthash.h utlist.h '

declare -A is_core
for f in $always_core; do
	is_core[$f]=1
done
while read -r list; do
	while read -r stem; do
		is_core[$(dirname "$list")/$stem]=1
	done < <(awk '/^mams_library\([a-z]+_core/ { on = 1 }
		on && match($0, /[a-z0-9_\/]+\.c/) { print substr($0, RSTART, RLENGTH - 2) }
		on && /\)/ { on = 0 }' "$list")
done < <(lint_tree | grep 'CMakeLists.txt$' || true)

# class_of FILE: sets class and, for programs, own
class_of() {
	own=${1%%/*}/
	case $1 in
	lib/base/log.c | lib/base/clock.c) class=base_shell ;;
	lib/base/err.c) class=base_shell ;; # closes descriptors (MAMS_AUTO_FD)
	lib/base/*) class=base ;;
	lib/codec/*) class=codec ;;
	lib/mx/*) class=mx ;;
	lib/ctl/*) class=ctl ;;
	lib/steer/*) class=steer ;;
	lib/io/*) class=io ;;
	tests/*) class=tests ;;
	plugins/*) class=plugin ;;
	ncm-service/* | ccm-agent/* | proxy/* | tools/* | trailer-madp/*) class=adapter ;;
	*) class=unknown ;;
	esac
	if [ "${is_core[${1%.[ch]}]-}" ]; then
		class=core
	fi
}

# Own headers that a class may name.
may_include() {
	case $class:$1 in
	*:lib/base/*) return 0 ;;
	tests:*/* | *:mams_version.h) return 0 ;;
	codec:lib/codec/* | mx:lib/codec/* | mx:lib/mx/*) return 0 ;;
	ctl:lib/codec/* | ctl:lib/ctl/*) return 0 ;;
	steer:lib/codec/* | steer:lib/steer/*) return 0 ;;
	io:lib/codec/* | io:lib/ctl/* | io:lib/io/*) return 0 ;;
	core:lib/mx/* | core:lib/ctl/*) [ "$own" != plugins/ ] || [[ $1 != lib/mx/* ]] && return 0 ;;
	core:lib/steer/* | core:lib/codec/field_rows.h) [ "$own" = ncm-service/ ] && return 0 ;;
	core:"$own"*) [ "${is_core[${1%.h}]-}" ] && return 0 ;;
	adapter:lib/* | adapter:"$own"*) return 0 ;;
	adapter:ncm-service/replay.h) [ "$own" = tools/ ] && return 0 ;; # a core, run again
	adapter:*/config.h) [[ $f = tools/mxdoc/* ]] && return 0 ;; # tables, written down
	plugin:lib/codec/* | plugin:lib/ctl/* | plugin:plugins/*) return 0 ;;
	esac
	return 1
}

# System headers that a class may name.
may_include_system() {
	case $1 in
	jansson.h | confuse.h) [ "$class" = codec ] && return 0 || return 1 ;;
	microhttpd.h | curl/* | uv.h | hiredis/*) [ "$class" = io ] || [ "$class" = tests ] && return 0 || return 1 ;;
	ell/* | mptcpd/*) [ "$class" = plugin ] && return 0 || return 1 ;;
	esac
	case $class in
	base | codec | mx | ctl | steer | core) ;;
	*) return 0 ;;
	esac
	case $pure_system in
	*" $1 "*) return 0 ;;
	esac
	case $class:$1:$2 in
	base:netinet/in.h:lib/base/addr.h | base:sys/socket.h:lib/base/addr.h) return 0 ;;
	base:arpa/inet.h:lib/base/addr.c) return 0 ;;
	codec:unistd.h:lib/codec/conf*.c | codec:sys/stat.h:lib/codec/conf*.c) return 0 ;;
	esac
	return 1
}

check_file() {
	local f=$1 line
	class_of "$f"
	[ "$class" != unknown ] || violation "$f: in no layer of the floor plan"
	while IFS= read -r line; do
		if [[ $line =~ ^[0-9]+:\#\ *include\ *\"(.*)\" ]]; then
			may_include "${BASH_REMATCH[1]}" ||
				violation "$f:${line%%:*}: $class may not include \"${BASH_REMATCH[1]}\""
		elif [[ $line =~ ^[0-9]+:\#\ *include\ *\<(.*)\> ]]; then
			may_include_system "${BASH_REMATCH[1]}" "$f" ||
				violation "$f:${line%%:*}: $class may not include <${BASH_REMATCH[1]}>"
		elif [ "$class" = core ]; then
			violation "$f:${line%%:*}: a core reads the clock; it gets now as an argument"
		fi
	done < <(grep -nE '^# *include|mams_clock_(now|wall) *\(' "$f" || true)
}

n=0
while IFS= read -r f; do
	check_file "$f"
	n=$((n + 1))
done < <(lint_c)
lint_end "$n"
