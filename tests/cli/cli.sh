#!/bin/sh
# SPDX-License-Identifier: MIT
#
# cli.sh - the quire command: exit statuses, streams, colours, help, the shell

cd "$(dirname "$0")/../.." || exit 1
. tests/count.sh

quire=${QUIRE:-build/quire}
lesson=examples/lessons/buddy-16-free.quire
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

# status N COMMAND...: ends with that status; its output is in $tmp/out and $tmp/err
status() {
	wanted=$1
	shift
	"$@" >"$tmp/out" 2>"$tmp/err" </dev/null
	got=$?
	if [ "$got" -eq "$wanted" ]; then
		pass
	else
		fail "status $got, not $wanted: $*"
		tail -n 3 "$tmp/err"
	fi
}
out_has() { if grep -q -e "$1" "$tmp/out"; then pass; else fail "standard output has no '$1'"; fi; }
err_has() { if grep -q -e "$1" "$tmp/err"; then pass; else fail "standard error has no '$1'"; fi; }
out_empty() { if [ -s "$tmp/out" ]; then fail "standard output is not empty: $*"; else pass; fi; }
err_empty() { if [ -s "$tmp/err" ]; then fail "standard error is not empty: $*"; else pass; fi; }
err_one_line() {
	if [ "$(wc -l <"$tmp/err")" -eq 1 ]; then pass; else fail "not one line of error: $*"; fi
}
is_json() {
	if python3 -c 'import json, sys; json.load(sys.stdin)' <"$tmp/out" 2>/dev/null; then
		pass
	else
		fail "no JSON: $*"
	fi
}
# lines TEXT: a file of these lines
lines() { printf '%b' "$1" >"$tmp/script"; }

# Results and talk.
status 0 $quire run $lesson
out_has 'every rule holds'
err_has 'Frame 11 comes back'
status 0 $quire proc buddyinfo
out_has '^Node 0, zone  *DMA32'
err_empty proc
status 0 $quire proc /proc/buddyinfo --machine=i386 --ram=1G
out_has 'HighMem'
status 0 $quire --version
out_has '^quire [0-9]'

# 1: an expectation fails.
lines 'machine 16 frames\nA = pages 0\nexpect pfn A 3\n'
status 1 $quire run "$tmp/script"
err_has "script:3: A: expected 3, is 0"
status 1 $quire check "$tmp/script"
lines 'machine 16 frames\npages 5\n'
status 1 $quire run "$tmp/script"
err_has 'script:2: .*below watermark'
status 1 $quire run $lesson "$tmp/script" $lesson
out_has 'every rule holds'

# 2: usage, one line with the right word.
status 2 $quire
err_one_line "no command"
status 2 $quire rnu
err_has "did you mean 'run'"
err_one_line rnu
out_empty rnu
status 2 $quire proc buddyinof
err_has "did you mean 'buddyinfo'"
err_one_line buddyinof
status 2 $quire proc buddyinfo --rma 4M
err_has "did you mean '--ram'"
err_one_line rma
for wrong in 'run' 'run --dir x y' 'proc' 'proc a b' 'proc meminfo --dir x' 'proc meminfo --ram' \
	'proc meminfo --ram=' 'proc meminfo --json=1' 'proc meminfo -x' 'proc meminfo --ram 64Q' \
	'proc meminfo --ram 0' 'proc meminfo --machine i286' 'proc meminfo --cpus 0' \
	'proc meminfo --cpus 99' 'proc meminfo --split 5G' 'proc meminfo --ram 1G --map x' \
	'proc meminfo --ram 9T' 'proc meminfo --ram 4K' 'proc meminfo --ram 64M --reserve 0-64M' \
	'proc meminfo --split 2G/2G' 'proc meminfo --machine x86-64 --split 1G/3G' \
	'proc meminfo --machine i386 --ram 64G' 'proc meminfo --reserve 5' 'proc nothing' 'draw' \
	'draw fere' 'draw free --json' 'check a b' 'check a --script b' 'help a b' 'help nothing' \
	'help script nothing' 'completion' 'completion fish' 'shell x' 'replay' 'replay a b'; do
	status 2 $quire $wrong
	err_one_line "$wrong"
	out_empty "$wrong"
done
lines 'machine 16 frames\npgaes 0\n'
status 2 $quire run "$tmp/script"
err_has "script:2: unknown command 'pgaes': did you mean 'pages'"

# 3: files.
status 3 $quire run "$tmp/nothing"
err_one_line "no script"
status 3 $quire run "$tmp"
status 3 $quire proc meminfo --map "$tmp/nothing"
err_has nothing
printf 'BIOS-e820: [mem 0x0-0x\n' >"$tmp/map"
status 3 $quire proc meminfo --map "$tmp/map"
err_has 'map:1:'
# A map is read as a recording is: gzip or not, and with the system's words for what is wrong.
map=examples/machines/i386-1.5g-highmem.e820
gzip -c $map >"$tmp/map.gz"
$quire proc zoneinfo --map $map >"$tmp/plain"
status 0 $quire proc zoneinfo --map "$tmp/map.gz"
expect "--map of gzip" cmp "$tmp/out" "$tmp/plain"
printf 'map %s\ncat zoneinfo\n' "$tmp/map.gz" | gzip >"$tmp/script"
status 0 $quire run "$tmp/script"
expect "map of gzip" cmp "$tmp/out" "$tmp/plain"
head -c 60 "$tmp/map.gz" >"$tmp/cut"
status 3 $quire proc zoneinfo --map "$tmp/cut"
err_has 'cut: the gzip data end in the middle'
status 3 $quire proc zoneinfo --map "$tmp"
err_has "$tmp: Is a directory"
status 3 $quire run "$tmp"
err_has "$tmp: Is a directory"
status 3 $quire proc zoneinfo --map "$tmp/nothing"
err_has 'nothing: No such file'
status 3 $quire proc --dir /proc/nothing/there
if [ -e /dev/full ]; then
	$quire proc zoneinfo >/dev/full 2>"$tmp/err"
	if [ $? -eq 3 ]; then pass; else fail "a full disk is status 3"; fi
	err_has 'No space left'
else
	skip "no /dev/full"
fi
# A reader that goes away is nothing to talk about.
(
	trap '' PIPE
	$quire proc zoneinfo 2>"$tmp/err"
	echo $? >"$tmp/status"
) | :
if [ "$(cat "$tmp/status")" -eq 0 ] || [ "$(cat "$tmp/status")" -eq 3 ]; then pass; else fail "EPIPE"; fi
err_empty EPIPE

# Reports as JSON, and a tree of all of them.
for name in $($quire help proc | sed -n '/^Reports/,$s/^  \([^ ]*\) .*/\1/p'); do
	status 0 $quire proc "$name" --machine i386 --ram 1G
	status 0 $quire proc "$name" --machine i386 --ram 1G --json
	is_json "$name"
done
status 0 $quire check --json
is_json check
status 0 $quire proc --dir "$tmp/tree"
out_empty "--dir"
$quire proc buddyinfo >"$tmp/buddyinfo"
expect "the tree's buddyinfo" cmp "$tmp/tree/proc/buddyinfo" "$tmp/buddyinfo"

# Machine options do what their commands do.
map=examples/machines/i386-1.5g-highmem.e820
printf 'machine i386\nmap %s\ncat zoneinfo\n' $map >"$tmp/script"
$quire run "$tmp/script" >"$tmp/a"
$quire proc zoneinfo --machine i386 --map $map >"$tmp/b"
expect "--map is map" cmp "$tmp/a" "$tmp/b"
printf 'machine x86-64 cpus 2 movable 16M ram 64M\nreserve 8M-9M\nA = pages 3\n' >"$tmp/script"
status 0 $quire proc meminfo --script "$tmp/script"
# A machine of many ranges: settled once, not at each line (which took minutes).
{
	echo 'machine x86-64 frames outside'
	seq 20000 | awk '{ print "ram " $1 * 8 "K-" $1 * 8 + 4 "K" }'
	echo 'check'
} >"$tmp/many"
status 0 timeout 30 $quire run "$tmp/many"
status 0 $quire proc zoneinfo --cpus 2 --movable 16M --ram 64M --reserve 8M-9M
out_has 'cpu: 1'
status 0 $quire draw free --script $lesson
status 0 $quire draw frames --svg --ram 64M
out_has '<svg'
printf 'cat buddyinfo\n' >"$tmp/script"
status 0 $quire run "$tmp/script" --ram 64M --json
is_json "run --json"
# All that goes to standard output is JSON then, a line each.
printf 'machine i386 ram 64M\nA = pages 1\nB = fill 9\ndraw free\ndraw zones svg\ndraw frames\nshow\nhelp\nhelp cat\nhash\ncheck\nexplain 0\nsay talk\n' >"$tmp/script"
status 0 $quire run --json "$tmp/script"
if python3 -c 'import json, sys
for line in sys.stdin: json.loads(line)' <"$tmp/out"; then pass; else fail "a line is no JSON"; fi
expect "lines of JSON" test "$(wc -l <"$tmp/out")" -eq 9

# No colour but on a terminal, and never with NO_COLOR.
esc=$(printf '\033')
status 0 $quire draw frames
if grep -q "$esc" "$tmp/out"; then fail "colour in a pipe"; else pass; fi
if command -v script >/dev/null; then
	on_terminal() { TERM=xterm script -qec "$1" /dev/null </dev/null >"$tmp/out" 2>&1; }
	on_terminal "$quire draw frames"
	out_has "$esc"
	on_terminal "NO_COLOR=1 $quire draw frames"
	if grep -q "$esc" "$tmp/out"; then fail "colour with NO_COLOR"; else pass; fi
	on_terminal "NO_COLOR=1 $quire proc nothing"
	if grep -q "$esc\[1" "$tmp/out"; then fail "colour with NO_COLOR"; else pass; fi
else
	skip "no script(1): colours on a terminal not tried"
fi

# Help is there for every command, in 80 columns.
{
	$quire help
	for c in $($quire help | sed -n 's/^  \([a-z]*\) .*/\1/p'); do
		$quire help "$c"
		$quire "$c" --help
	done
	$quire help script
	for c in $($quire help script | sed -n '/commands:/,$s/^  \([a-z]*\) .*/\1/p'); do
		$quire help script "$c"
	done
} >"$tmp/help" 2>"$tmp/err"
err_empty "the helps"
if [ "$(wc -l <"$tmp/help")" -gt 200 ]; then pass; else fail "the helps are short"; fi
if awk 'length > 80 { print; wide = 1 } END { exit wide }' "$tmp/help"; then pass; else fail "help is wider than 80"; fi

# The language's description names every command and every expectation.
for c in $($quire help script | sed -n '/commands:/,$s/^  \([a-z]*\) .*/\1/p'); do
	if grep -q "[\`^]$c\|^$c\|= $c\|: $c" docs/SCRIPT.md; then pass; else fail "SCRIPT.md: $c"; fi
done
for form in $($quire help script expect | sed -n '3,$s/^  \([a-z_]*\) .*/\1/p'); do
	if grep -q "^| .expect $form " docs/SCRIPT.md; then pass; else fail "SCRIPT.md: $form"; fi
done

# The numbers of a zone that it names are those that there are.
sed -n 's/^| .expect stat [^|]*|\(.*\):\([^|]*\)|$/\2/p' docs/SCRIPT.md | tr -d '`' | tr ' ' '\n' | grep . >"$tmp/named"
sed -n 's/^\t\t{ "\([a-z_]*\)", s->.*/\1/p' lab/command_expect.c >"$tmp/there"
expect "SCRIPT.md has all numbers of expect stat, in their order" cmp "$tmp/named" "$tmp/there"
for number in $(cat "$tmp/named"); do
	lines "machine 16 frames\nexpect stat DMA $number = 77777\n"
	status 1 $quire run "$tmp/script"
done

# Completion is bash that runs.
if command -v bash >/dev/null; then
	complete() {
		bash -c "$($quire completion bash)"'
			COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _quire; echo "${COMPREPLY[*]}"' - "$@"
	}
	if [ "$(complete quire ru)" = run ]; then pass; else fail "completion of ru"; fi
	if [ "$(complete quire proc buddy)" = buddyinfo ]; then pass; else fail "of a report"; fi
	if [ "$(complete quire proc --ma)" = "--machine --map" ]; then pass; else fail "of an option"; fi
	if [ "$(complete quire run --machine i386-)" = i386-pae ]; then pass; else fail "of a value"; fi
else
	skip "no bash"
fi

# Walks: text, JSON, a table of a script's, wrong words.
status 0 $quire walk 0xffff888000100abc
out_has '^PGD\[ 273\] of 0x'
out_has '^physical 0x100abc$'
status 0 $quire walk --machine i386 0x73:0x08048000 write
out_has '^segment 0x0073  user code'
out_has '^fault #GP(0x0)$'
lines 'machine i386-pae ram 16M\ntable A\ntable A map 0x8048000-0x8049000 = 0x5000 ro\n'
status 0 $quire walk --script "$tmp/script" --json 0x8048123 write user in A
out_has '"fault":"#PF","error_code":7'
is_json walk
status 2 $quire walk --script "$tmp/script" 0x8048123 in B
err_has "unknown table 'B'"
status 2 $quire walk nowhere
status 2 $quire walk '0x1 in'
status 2 $quire walk

# The shell, from a pipe: it goes on after an error, and tells the worst at the end.
shell() { printf '%b' "$1" | $quire shell >"$tmp/out" 2>"$tmp/err"; }
shell 'machine 16 frames\nhash\n'
if [ $? -eq 0 ]; then pass; else fail "shell"; fi
out_has '^hash 0x'
shell 'machine 16 frames\nfoo\nexpect nr_free DMA = 3\ncheck\nquit\nnot reached\n'
if [ $? -eq 2 ]; then pass; else fail "the shell's status"; fi
out_has 'every rule holds'
err_has "stdin:2: unknown command 'foo'"
err_has 'stdin:3: free frames of DMA: expected 3, is 16'
if grep -q reached "$tmp/err"; then fail "quit does not end"; else pass; fi
shell 'help\nquit \nnot reached\n'
if [ $? -eq 0 ]; then pass; else fail "quit with a blank behind it"; fi
out_has '^  quit '
err_empty "quit with a blank"
lines 'machine 16 frames\nquit\n'
printf 'hash\n' | $quire shell --script "$tmp/script" >"$tmp/out" 2>"$tmp/err"
out_has '^hash 0x'
printf 'machine 16 frames\nexpect fail pages 9\ncheck' | $quire run - >"$tmp/out" 2>&1
if [ $? -eq 0 ]; then pass; else fail "run - reads standard input"; fi

finish
