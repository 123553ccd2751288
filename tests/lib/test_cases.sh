#!/bin/bash
# test_cases.sh MISBEHAVE - a case that leaks, crashes or hangs fails, and is told why.
set -euo pipefail
misbehave=$1 failed=0

# expect CASE PATTERN: the case fails, and its output matches.
expect() {
	local output
	if output=$(WAT_CASE_LIMIT_S=${3:-100} "$misbehave" "$1" 2>&1); then
		echo "case $1 passed; it must fail"
		failed=1
	elif ! grep -qE "$2" <<<"$output"; then
		printf 'case %s does not say "%s":\n%s\n' "$1" "$2" "$output"
		failed=1
	fi
}

"$misbehave" good
expect fails '0x1 != 0x2|1 != 2|not equal'
expect leaks_descriptor 'leaked descriptor [0-9]+: /dev/null'
# The child may not have come as far as exec.
expect leaks_child 'leaked child [0-9]+: [a-z-]+ '
expect leaks_file 'wat-case-.*/forgotten'
expect crashes 'killed by signal 6|Test failed|SIGABRT|Aborted'
expect hangs 'did not end in 1 s' 1
expect no_such_case '0 cases'
exit $failed
