# SPDX-License-Identifier: MIT
#
# count.sh - the counts of a test in shell: source it, end with "finish"

passed=0 failed=0 skipped=0

pass() { passed=$((passed + 1)); }
fail() { failed=$((failed + 1)); echo "FAILED: $*"; }
skip() { skipped=$((skipped + 1)); echo "skipped: $*"; }

# expect WHAT COMMAND...: passes when the command succeeds; shows what it said otherwise
expect() {
	what=$1
	shift
	if said=$("$@" 2>&1); then
		pass
	else
		fail "$what"
		printf '%s\n' "$said" | tail -n 20
	fi
}

finish() {
	echo "$passed passed, $failed failed, $skipped skipped"
	[ "$failed" -eq 0 ]
	exit
}
