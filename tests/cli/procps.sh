#!/bin/sh
# SPDX-License-Identifier: MIT
#
# procps.sh - Linux's own tools read the reports: free, vmstat, slabtop, smem and pmap on a
# written-out tree
#
# procps has no option for another /proc: procps_shim.c shows it one. The files of the
# tree that are not about memory (stat, cpuinfo) are made up here and the same each time.

. tests/count.sh

quire=${QUIRE:-build/quire}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

for tool in free vmstat slabtop smem pmap; do
	command -v $tool >/dev/null || { skip "there is no $tool"; finish; }
done
if ! ${CC:-cc} -shared -fPIC -O1 -o "$tmp/shim.so" tests/cli/procps_shim.c -ldl; then
	fail "the shim builds"
	finish
fi

# The number behind a name in a report: field FILE NAME
field() {
	sed -n "s/^$2:* *\([0-9]*\).*/\1/p" "$tree/proc/$1"
}

# What a tool says on the tree, in a language of plain numbers
tool() {
	LC_ALL=C LD_PRELOAD=$tmp/shim.so PROCPS_ROOT=$tree "$@"
}

# same WHAT A B
same() {
	if [ -n "$2" ] && [ "$2" = "$3" ]; then
		pass
	else
		fail "$machine: $1: '$2' is not '$3'"
	fi
}

# The word at a place of the line that begins so: word BEGIN NUMBER
word() {
	awk -v begin="$1" -v n="$2" 'index($0, begin) == 1 { print $n }'
}

check_free() {
	tool free -k -l >"$tmp/free"
	same "free: total" "$(word Mem: 2 <"$tmp/free")" "$total"
	same "free: free" "$(word Mem: 4 <"$tmp/free")" "$free"
	same "free: shared" "$(word Mem: 5 <"$tmp/free")" 0
	same "free: buff/cache" "$(word Mem: 6 <"$tmp/free")" 0
	same "free: available" "$(word Mem: 7 <"$tmp/free")" "$available"
	same "free: swap" "$(word Swap: 2 <"$tmp/free")" 0
	# procps 4 calls used what is not available, procps 3 what is not free.
	used=$(word Mem: 3 <"$tmp/free")
	[ "$used" = $((total - available)) ] || same "free: used" "$used" $((total - free))
	if [ -n "$(field meminfo HighTotal)" ]; then
		same "free: high" "$(word High: 2 <"$tmp/free")" "$(field meminfo HighTotal)"
		same "free: high free" "$(word High: 4 <"$tmp/free")" "$(field meminfo HighFree)"
		same "free: low" "$(word Low: 2 <"$tmp/free")" "$(field meminfo LowTotal)"
		same "free: low free" "$(word Low: 4 <"$tmp/free")" "$(field meminfo LowFree)"
	fi
}

check_vmstat() {
	tool vmstat >"$tmp/vmstat"
	same "vmstat: free" "$(sed -n 3p "$tmp/vmstat" | awk '{ print $4 }')" "$free"
	same "vmstat: swpd" "$(sed -n 3p "$tmp/vmstat" | awk '{ print $3 }')" 0
	tool vmstat -s >"$tmp/vmstat-s"
	same "vmstat -s: total" "$(sed -n 's/^ *\([0-9]*\) K total memory/\1/p' "$tmp/vmstat-s")" "$total"
	same "vmstat -s: free" "$(sed -n 's/^ *\([0-9]*\) K free memory/\1/p' "$tmp/vmstat-s")" "$free"
	same "vmstat -s: active" "$(sed -n 's/^ *\([0-9]*\) K active memory/\1/p' "$tmp/vmstat-s")" 0
	same "vmstat -s: swap" "$(sed -n 's/^ *\([0-9]*\) K total swap/\1/p' "$tmp/vmstat-s")" 0
	same "vmstat -s: swapped in" \
		"$(sed -n 's/^ *\([0-9]*\) pages swapped in/\1/p' "$tmp/vmstat-s")" 0
}

check_smem() {
	LC_ALL=C smem -w --source "$tree" >"$tmp/smem" 2>&1
	same "smem: free" "$(word 'free memory' 3 <"$tmp/smem")" "$free"
	same "smem: kernel" "$(word 'kernel dynamic memory' 4 <"$tmp/smem")" $((total - free))
	same "smem: userspace" "$(word 'userspace memory' 3 <"$tmp/smem")" 0
}

# Each cache by slabtop and vmstat -m, as /proc/slabinfo has it
check_slabs() {
	tool slabtop -o >"$tmp/slabtop" 2>&1
	tool vmstat -m >"$tmp/vmstat-m" 2>&1
	for cache in kmalloc-32 kmalloc-1k inode; do
		row=$(sed -n "s/^$cache  *\([0-9]*\)  *\([0-9]*\)  *\([0-9]*\) .*/\1 \2 \3/p" "$tree/proc/slabinfo")
		same "slabtop: $cache" "$(awk -v n="$cache" '$8 == n { print $2, $1 }' <"$tmp/slabtop")" \
			"${row% *}"
		same "vmstat -m: $cache" "$(awk -v n="$cache" '$1 == n { print $2, $3, $4 }' <"$tmp/vmstat-m")" \
			"$row"
	done
}

check_machine() {
	machine="$*"
	tree=$tmp/tree
	rm -rf "$tree"
	expect "$machine: quire proc writes a tree" "$quire" proc --dir "$tree" "$@"
	[ -e "$tree/proc/meminfo" ] || return
	printf 'processor\t: 0\n\n' >"$tree/proc/cpuinfo"
	{
		echo "cpu  0 0 0 0 0 0 0 0 0 0"
		echo "cpu0 0 0 0 0 0 0 0 0 0 0"
		printf 'intr 0\nctxt 0\nbtime 0\nprocesses 0\nprocs_running 0\nprocs_blocked 0\n'
	} >"$tree/proc/stat"
	total=$(field meminfo MemTotal)
	free=$(field meminfo MemFree)
	available=$(field meminfo MemAvailable)
	same "meminfo agrees with vmstat" "$((4 * $(sed -n 's/^nr_free_pages //p' "$tree/proc/vmstat")))" \
		"$free"
	check_free
	check_vmstat
	check_smem
	[ -z "$slabs" ] || check_slabs
}

# Some frames in use, so that no two of the numbers are equal by chance.
cat >"$tmp/some.quire" <<'END'
A = bulk 1000 GFP_KERNEL
B = bulk 500 GFP_HIGHUSER_MOVABLE
C = pages 9 GFP_KERNEL
END

# What a process has that is not memory, the same each time: process PID
process() {
	printf 'program\0' >"$tree/proc/$1/cmdline"
	printf '%s (program) S 0 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 1 0 0 0' "$1" >"$tree/proc/$1/stat"
	echo ' 0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0' >>"$tree/proc/$1/stat"
}

# Sizes of each process by smem and pmap, as the script left them: check_processes OPTIONS
check_processes() {
	machine="$*"
	tree=$tmp/tree
	rm -rf "$tree"
	expect "$machine: quire proc writes a tree" "$quire" proc --dir "$tree" "$@"
	[ -e "$tree/proc/2/smaps" ] || return
	process 1
	process 2
	for pid in 1 2; do
		LC_ALL=C smem -H -c "pid uss pss rss" --source "$tree" 2>&1 |
			awk -v p=$pid '$1 == p { print $2, $3, $4 }' >"$tmp/smem"
		sums=$(awk '/^Rss:/ { r = $2 } /^Pss:/ { p = $2 } /^Private_/ { u += $2 }
			END { print u, p, r }' "$tree/proc/$pid/smaps_rollup")
		same "smem: $pid" "$(cat "$tmp/smem")" "$sums"
		tool pmap -X $pid >"$tmp/pmap"
		same "pmap: areas of $pid" "$(grep -c '^ *[0-9a-f]* [r-][w-][x-]' "$tmp/pmap")" \
			"$(wc -l <"$tree/proc/$pid/maps")"
		same "pmap: sizes of $pid" "$(tail -n 1 "$tmp/pmap" | awk '{ print $1, $2 }')" \
			"$(awk '/^VmSize/ { s = $2 } /^VmRSS/ { r = $2 } END { print s, r }' \
			"$tree/proc/$pid/status")"
	done
	same "the child copied one page" "$(sed -n 's/^Private_Dirty: *\([0-9]*\) kB/\1/p' \
		"$tree/proc/2/smaps_rollup")" 4
}

slabs=
check_machine --machine i386 --ram 1536M --script "$tmp/some.quire"
check_machine --machine x86-64 --ram 8G --script "$tmp/some.quire"
check_machine --map examples/machines/linux/recorded-1.txt
cat >"$tmp/heap.quire" <<'END'
A = objects kmalloc-32 1000
B = objects kmalloc-1k 100
cache inode 600
C = objects inode 333
kfree C[7]
END

slabs=yes
check_machine --machine i386 --ram 1536M --script "$tmp/heap.quire"
check_machine --machine x86-64 --ram 2G --script "$tmp/heap.quire"
cat >"$tmp/fork.quire" <<'END'
P = program text 40K data 8K bss 100K
A = mmap 256K
touch A 100K write
touch 0x8048000 8K read
C = fork P
on C: touch A+16K write
END

sed 's/touch 0x8048000/touch 0x400000/' "$tmp/fork.quire" >"$tmp/fork-64.quire"
check_processes --machine i386 --ram 256M --script "$tmp/fork.quire"
check_processes --machine x86-64 --ram 256M --script "$tmp/fork-64.quire"
finish
