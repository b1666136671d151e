# shellcheck shell=bash
# Claims: what was measured, what it must be, and whether it is.  Sourced.
CLAIMS=()
CLAIMS_FAILED=0

# claim TEXT MEASURED OPERATOR LIMIT [UNIT]: numbers, or strings with = and !=.
claim() {
	local text=$1 measured=$2 op=$3 limit=$4 unit=${5:-} verdict=holds
	case $op in
	'=') [ "$measured" = "$limit" ] || verdict=FAILS ;;
	'!=') [ "$measured" != "$limit" ] || verdict=FAILS ;;
	'>=' | '<=' | '>' | '<')
		awk -v m="${measured:-x}" -v l="$limit" "BEGIN { exit !(m ~ /^-?[0-9.]+\$/ && m + 0 $op l + 0) }" ||
			verdict=FAILS
		;;
	*) verdict=FAILS ;;
	esac
	[ "$verdict" = holds ] || CLAIMS_FAILED=$((CLAIMS_FAILED + 1))
	CLAIMS+=("$verdict|$text|$measured${unit:+ $unit}|$op $limit${unit:+ $unit}")
	[ -z "${CLAIMS_LIVE:-}" ] || printf '%-5s  %s: %s (%s %s)\n' "$verdict" "$text" \
		"$measured${unit:+ $unit}" "$op" "$limit${unit:+ $unit}"
}

# claims_table: print all; fails when one does.
claims_table() {
	local row
	printf '\n%-58s %16s  %-16s\n' claim measured required
	printf '%s\n' "--------------------------------------------------------------------------------------------------"
	for row in "${CLAIMS[@]}"; do
		IFS='|' read -r verdict text measured required <<<"$row"
		printf '%-58s %16s  %-16s %s\n' "$text" "$measured" "$required" "$verdict"
	done
	printf '%d claims, %d fail\n' "${#CLAIMS[@]}" "$CLAIMS_FAILED"
	[ "$CLAIMS_FAILED" = 0 ] && [ "${#CLAIMS[@]}" -gt 0 ]
}
