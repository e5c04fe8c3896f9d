#!/bin/sh
# SPDX-License-Identifier: MIT
#
# replay.sh - quire replay: whole recordings, a second count of them, damage and exit codes

. tests/count.sh

quire=${QUIRE:-build/quire}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

tcc=examples/traces/page-tcc-sqlite.ftrace.gz
map=examples/machines/i386-1.5g-highmem.e820

# number KEY: of the JSON printed last
number() {
	sed -n "s/^  \"$1\": \"*\([0-9a-f]*\)\"*,*$/\1/p" "$tmp/out"
}

# same WHAT EXPECTED GOT
same() {
	if [ "$2" = "$3" ]; then
		pass
	else
		fail "$1: '$3' is not '$2'"
	fi
}

# run STATUS ARGUMENTS...: standard input is $tmp/in
run() {
	expected=$1
	shift
	"$quire" replay "$@" >"$tmp/out" 2>"$tmp/err" <"$tmp/in"
	same "replay $*: exit status" "$expected" $?
}

# The counts that the way in which the text came must not change.
counts() {
	grep -v -e '"trace"' -e '"ns_per_op"' "$tmp/out"
}

# damage TEXT: $tmp/in is refused with that one line, and nothing is printed as a result
damage() {
	run 3 -
	same "one line of complaint" "quire: stdin:$1" "$(cat "$tmp/err")"
	same "no result" "" "$(cat "$tmp/out")"
}

: >"$tmp/in"

# Events that are not in order, and one at 0: the time from the least to the greatest.
for times in '1.000000 1.100000 0.500000 600000000' '0.000000 0.300000 0.200000 300000000'; do
	set -- $times
	cat >"$tmp/in" <<-END
	  a-1 [000] ..... $1: mm_page_alloc: page=0x1 pfn=0x1 order=0 migratetype=0 gfp_flags=GFP_KERNEL
	  a-1 [000] ..... $2: mm_page_alloc: page=0x2 pfn=0x2 order=0 migratetype=0 gfp_flags=GFP_KERNEL
	  a-1 [000] ..... $3: mm_page_free: page=0x1 pfn=0x1 order=0
	END
	run 0 --json -
	same "the time of $times" "$4" "$(number recorded_ns)"
	run 0 -
	same "the same in text" "${4%??????}" "$(sed -n 's/.* \([0-9]\).\([0-9]*\) s of recording.*/\1\2/p' "$tmp/out" | sed 's/^0//')"
done
: >"$tmp/in"

# Whole recordings, counted twice.
if command -v python3 >/dev/null; then
	for trace in examples/traces/*.gz examples/traces/*.txt; do
		run 0 --json "$trace"
		expect "a second count of $trace" python3 tests/cli/replay_count.py "$trace" "$tmp/out"
		expect "JSON of $trace" python3 -m json.tool "$tmp/out"
	done
	run 0 --json --machine i386 --ram 16M "$tcc"
	[ "$(number failed)" -gt 0 ] && pass || fail "16 MB are enough for $tcc"
	expect "a second count with refusals" python3 tests/cli/replay_count.py "$tcc" "$tmp/out"
else
	skip "there is no python3 for the second count"
fi

# Every kind of machine takes the same requests, and the same call gives the same state.
for machine in i386 i386-pae x86-64 x86-64-la57; do
	run 0 --json --machine $machine --ram 512M "$tcc"
	same "$machine: allocs" 5825 "$(number allocs)"
	same "$machine: peak_frames" 4772 "$(number peak_frames)"
	hash=$(number hash)
	run 0 --json --machine $machine --ram 512M "$tcc"
	same "$machine: the state of a second run" "$hash" "$(number hash)"
done
run 0 --json --machine i386 --map $map "$tcc"
same "on a real map: allocs" 5825 "$(number allocs)"

# The text: 80 columns as far as it is not Linux's, and on standard output alone.
run 0 --machine i386 --map $map "$tcc"
same "no talk" "" "$(cat "$tmp/err")"
same "lines beyond 80 columns" "" "$(sed '/^\/proc/,$d' "$tmp/out" | grep '.\{81\}')"
for part in "^Requests (mm_page_alloc)  *5825$" "of blocks held  *3197$" "at once  *4772$" \
	"HighMem *before" "^Node 0, zone  HighMem" "^Mem-Info" "every invariant holds"; do
	expect "the text has $part" grep -e "$part" "$tmp/out"
done

# One recording as gzip, as text, from a pipe, in two gzip members, with carriage returns.
run 0 --json "$tcc"
counts >"$tmp/counts"
gzip -dc "$tcc" >"$tmp/plain"
{ head -n 999 "$tmp/plain" | gzip; tail -n +1000 "$tmp/plain" | gzip; } >"$tmp/two.gz"
sed 's/$/\r/' "$tmp/plain" >"$tmp/crlf"
for form in plain two.gz crlf; do
	run 0 --json "$tmp/$form"
	same "$form" "$(cat "$tmp/counts")" "$(counts)"
done
cat "$tcc" | "$quire" replay --json - >"$tmp/out" 2>"$tmp/err"
same "gzip from a pipe" "$(cat "$tmp/counts")" "$(counts)"
cat "$tmp/plain" | "$quire" replay --json - >"$tmp/out" 2>"$tmp/err"
same "text from a pipe" "$(cat "$tmp/counts")" "$(counts)"

# As perf script and trace-cmd report would print it.
grep -v '^#' "$tmp/plain" >"$tmp/in"
run 0 --json -
counts >"$tmp/counts"
sed 's/-\([0-9]*\) *\[\([0-9]*\)\] [^ ]* *\([0-9.]*:\) /  \1 [\2] \3   kmem:/' "$tmp/in" >"$tmp/perf"
sed 's/\] [^ ]* /]  /; s/page=/       page=0x/' "$tmp/in" >"$tmp/trace-cmd"
for form in perf trace-cmd; do
	cmp -s "$tmp/in" "$tmp/$form" && fail "$form is no other form"
	run 0 --json "$tmp/$form"
	same "$form" "$(cat "$tmp/counts")" "$(counts)"
done

# Damage ends in one line; with --lenient it is counted.
head="sh-1 [000] ..... 1.000000:"
page="mm_page_alloc: page=ff pfn=0x10 order=0 migratetype=0 gfp_flags=GFP_KERNEL"
lenient() {
	run 0 --json --lenient -
	same "lenient: skipped" 1 "$(number skipped)"
	same "lenient: allocs" 2 "$(number allocs)"
	same "lenient: lines" 3 "$(number lines)"
	same "lenient: no complaint" "" "$(cat "$tmp/err")"
}
while IFS='|' read -r complaint line; do
	printf '%s\n' "$head $page" "$line" "$head $page" >"$tmp/in"
	damage "2: $complaint"
	lenient
done <<END
cut short: a field is missing|$head mm_page_free: page=ff pfn=0x1
cut short: no event|$head mm_page_fr
no line of a recording|sh-1 [00
pfn: no frame number|$head mm_page_free: page=ff pfn=0x123456789abcdef01 order=0
pfn: no frame number|$head mm_page_free: page=ff pfn=99999999999999999999 order=0
pfn: beyond any memory|$head mm_page_free: page=ff pfn=0xffffffffffffffe order=0
order: beyond 10|$head mm_page_free: page=ff pfn=0x800 order=11
order: beyond 10|$head mm_page_free: page=ff pfn=0x800 order=4294967296
gfp_flags: unknown flag|$head ${page}S
END
{ echo "$head $page"; printf 'sh-1 [000] \000\n'; echo "$head $page"; } >"$tmp/in"
damage "2: NUL bytes in the line"
lenient
{ echo "$head $page"; head -c 100000000 /dev/zero | tr '\0' x; echo; echo "$head $page"; } >"$tmp/in"
damage "2: line longer than 1 MB"
lenient
if (ulimit -v 150000; "$quire" replay "$tcc") >/dev/null 2>&1; then
	same "no memory is taken for it" "quire: stdin:2: line longer than 1 MB" \
		"$(ulimit -v 150000; "$quire" replay - <"$tmp/in" 2>&1)"
else
	skip "150 MB of addresses are not enough to start (a sanitizer's build)"
fi
gzip -1 <"$tmp/in" >"$tmp/long.gz"
mv "$tmp/long.gz" "$tmp/in"
damage "2: line longer than 1 MB"
lenient

# A gzip file cut anywhere, with a wrong byte, and with something behind it.
for bytes in 2 10 19 5000 100000; do
	head -c $bytes "$tcc" >"$tmp/in"
	run 3 -
	expect "cut after $bytes bytes" \
		grep -E '^quire: stdin:[0-9]+: the gzip data end in the middle$' "$tmp/err"
	same "one line" 1 "$(wc -l <"$tmp/err" | tr -d ' ')"
	run 0 --json --lenient -
	same "lenient: cut after $bytes bytes" 1 "$(number skipped)"
done
{ head -c 90000 "$tcc"; printf 'wrong'; tail -c +90006 "$tcc"; } >"$tmp/in"
run 3 -
expect "damaged gzip data" grep -E '^quire: stdin:[0-9]+: ' "$tmp/err"
{ cat "$tcc"; echo text; } >"$tmp/in"
run 3 -
expect "text behind gzip data" grep 'stdin:19238: other data after the end' "$tmp/err"

# What the recorder lost is told.
printf '%s\n' "CPU:0 [LOST 17 EVENTS]" "CPU:0 [LOST EVENTS]" >"$tmp/in"
run 0 --json -
same "lost_events" 17 "$(number lost_events)"
same "lost_marks" 2 "$(number lost_marks)"

# Exit statuses.
: >"$tmp/in"
run 0 --json -
same "an empty recording" 0 "$(number lines)"
run 3 /nonexistent
same "no such file" "quire: /nonexistent: No such file or directory" "$(cat "$tmp/err")"
run 3 /
run 2
run 2 "$tcc" "$tcc"
if [ -w /dev/full ]; then
	"$quire" replay "$tcc" >/dev/full 2>"$tmp/err"
	same "a full disk" 3 $?
fi
finish
