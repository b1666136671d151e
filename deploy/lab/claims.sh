# shellcheck shell=bash
# Claims: what was measured, what it must be, and whether it is.  Sourced.
CLAIMS=()
CLAIMS_FAILED=0

# Ticks that the host of this virtual machine took from it, and all, since its start.
claims_ticks() { awk '{ for (i = 2; i <= 9; i++) n += $i; print $9, n; exit }' /proc/stat; }
CLAIMS_TICKS=$(claims_ticks)

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
	[ "$CLAIMS_FAILED" = 0 ] || claims_steal
	[ "$CLAIMS_FAILED" = 0 ] && [ "${#CLAIMS[@]}" -gt 0 ]
}

# A claim of time or rate may fail for what is not ours.
claims_steal() {
	awk -v was="$CLAIMS_TICKS" -v is="$(claims_ticks)" 'BEGIN {
		split(was, a); split(is, b); part = b[2] > a[2] ? (b[1] - a[1]) * 100 / (b[2] - a[2]) : 0
		if (part >= 2)
			printf "The host took %d %% of this machine'"'"'s time away meanwhile (steal), more at times:\n" \
				"figures of time and rate are worse for it.\n", part }'
}
