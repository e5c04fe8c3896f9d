#!/bin/sh
# SPDX-License-Identifier: MIT
#
# programs.sh - quire replay of what programs did: whole recordings, a second count, damage

. tests/count.sh

quire=${QUIRE:-build/quire}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
dir=examples/programs

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

# damage TEXT: $tmp/in is refused with that one line, and nothing is printed as a result
damage() {
	run 3 -
	same "one line of complaint" "quire: stdin:$1" "$(cat "$tmp/err")"
	same "no result" "" "$(cat "$tmp/out")"
}

: >"$tmp/in"

# Every call of the recordings ends as Linux's did, and nothing is left when the programs are gone.
for trace in "$dir"/*.strace.gz; do
	run 0 --json "$trace"
	same "$trace: calls that ended as recorded" "$(number made)" "$(number agreed)"
	expect "$trace: calls were made" test "$(number made)" -gt 0
	same "$trace: mapped at the end" 0 "$(number mapped_kb)"
	same "$trace: calls counted again" \
		"$(zcat "$trace" | sed 's/^[0-9]* [0-9.]* //' | grep -c '^mmap(')" "$(number mmap)"
done

# The same on a machine that has not these addresses.
run 0 --json --machine i386-pae --ram 2G "$dir/perl.strace.gz"
same "perl on PAE" "$(number made)" "$(number agreed)"
expect "elsewhere than recorded" test "$(number moved)" -gt 0

# Accesses fault as often as a second count says, on every kind of machine.
if command -v python3 >/dev/null; then
	for machine in i386 i386-pae x86-64 x86-64-la57; do
		for trace in "$dir"/*.raw-sample.gz; do
			run 0 --json --machine $machine --ram 2G "$trace"
			expect "a second count of $trace on $machine" \
				python3 tests/cli/touch_count.py "$trace" "$tmp/out"
		done
	done
	run 0 --json --machine i386 --ram 2G "$dir/ls.pages.gz"
	expect "a second count of ls.pages" python3 tests/cli/touch_count.py "$dir/ls.pages.gz" \
		"$tmp/out"
else
	skip "no python3 to count a second time"
fi

# Memory that is too small: what was refused is said, and the machine stays sound.
run 0 --json --machine i386 --ram 450K "$dir/ls.pages.gz"
expect "accesses without memory" test "$(number refused_touches)" -gt 0
same "still sound" "true" "$(sed -n 's/^  "sound": \(.*\),/\1/p' "$tmp/out")"

# From a pipe; the kind is told by the lines.
zcat "$dir/ls.raw-sample.gz" | "$quire" replay --json - >"$tmp/out" 2>"$tmp/err"
same "lines of a pipe" 120001 "$(number lines)"

# A picture.
run 0 --svg "$dir/gcc.strace.gz"
expect "a plot" grep -q '<path class="s0"' "$tmp/out"
long=$tmp/$(printf '%0100d' 0)-$(printf 'a\001\303\266\377\360\237\230\200').gz
cp "$dir/perl.strace.gz" "$long"
run 0 --svg "$long"
expect "the end of a long name, as text" grep -q '^<text class="n".*>…0*-a?ö?😀\.gz</text>$' "$tmp/out"
run 2 --svg examples/traces/page-tcc-sqlite.ftrace.gz

# Damage.
printf '==1== Lackey\n L 1000,4\nhello\n' >"$tmp/in"
damage "3: neither an access nor a message of valgrind"
printf ' L 1000,4\n S 1000,\n' >"$tmp/in"
damage "2: a size expected"
printf '7 brk(NULL) = 0x1000\n7 munmap(0x1000, 4096) = \n' >"$tmp/in"
damage "2: number expected"
run 0 --lenient --json -
same "one line skipped" 1 "$(number skipped)"
printf '7 mprotect(0x1000, 4096, PROT_FOO) = 0\n' >"$tmp/in"
damage "1: a flag that is not known"
printf '7 brk(NULL) = 0x10007 brk(NULL) = 0x1000\n' >"$tmp/in"
damage "1: something follows that does not belong here"

# Nothing to be made again.
printf 'malloc(5) = 0x4A76040\nfree(0x4A76040)\n' >"$tmp/in"
run 0 -
same "no such call" "quire: stdin: no call in it that changes an address space" "$(cat "$tmp/err")"
: >"$tmp/in"
run 0 -
same "no recording" "quire: stdin: no recording in it" "$(cat "$tmp/err")"

# Ranges beyond the last address.
cat >"$tmp/in" <<-'END'
 L fffffffffffff000,8
 S ffffffffffffffff,1
END
run 0 --json -
same "no address for them" 2 "$(number refused_touches)"
cat >"$tmp/in" <<-'END'
7 mmap(NULL, 18446744073709551615, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000000000
7 mprotect(0xfffffffffffff000, 8192, PROT_READ) = 0
7 mremap(0x1000, 4096, 18446744073709551615, MREMAP_MAYMOVE) = 0x2000
7 brk(0xffffffffffffffff) = 0xffffffffffffffff
END
run 0 --json -
same "calls that can't be" 4 "$(number refused)"

# What is moved takes the place of what was there, wherever the machine has the two.
cat >"$tmp/in" <<-'END'
7 mmap(NULL, 4096, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000000000
7 mmap(NULL, 4096, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000010000
7 mremap(0x7f0000000000, 4096, 4096, MREMAP_MAYMOVE|MREMAP_FIXED, 0x7f0000010000) = 0x7f0000010000
END
for machine in x86-64 i386; do
	run 0 --json --machine $machine --ram 64M -
	same "one page is left on $machine" 4 "$(number mapped_kb)"
done

# What nobody recorded the beginning of, and calls that failed.
cat >"$tmp/in" <<-'END'
7 <... brk resumed>) = 0x1000
7 mmap(NULL, 4096, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = -1 ENOMEM (Cannot allocate memory)
7 mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7f0000000000
7 fork() = 8
8 munmap(0x7f0000000000, 4096) = 0
7 madvise(0x7f0000000000, 8192, MADV_DONTNEED) = 0
8 +++ exited with 0 +++
END
run 0 --json -
same "a torn call" 1 "$(number torn)"
same "a recorded failure" 1 "$(number recorded_failures)"
same "calls made again" 4 "$(number made)"
same "as recorded" 4 "$(number agreed)"
same "two processes" 2 "$(number processes)"
same "the parent has both pages" 8 "$(number mapped_kb)"

finish
