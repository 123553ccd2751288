#!/bin/bash
# calls.sh UNIT - the numbers of the system calls that the unit's SystemCallFilter= allows. $CC knows
# the numbers, systemd-analyze the groups.
set -euo pipefail
unit=$1

# Names of a group, groups in it as well.
expand() {
	local name
	if [[ $1 != @* ]]; then
		echo "$1"
		return
	fi
	while read -r name; do
		[[ -n $name && $name != \#* ]] || continue
		[[ $name == "$1" ]] || expand "$name"
	done < <(systemd-analyze syscall-filter "$1" | sed 's/^ *//')
}

declare -A allowed=()
while IFS= read -r line; do
	take=1
	[[ $line != '~'* ]] || take=0
	for word in ${line#'~'}; do
		while read -r name; do
			if ((take)); then allowed[$name]=1; else unset "allowed[$name]"; fi
		done < <(expand "$word")
	done
done < <(sed -n 's/^SystemCallFilter=//p' "$unit")
((${#allowed[@]} > 0))

echo '#include <sys/syscall.h>' | "$CC" -E -dM - | sed -nE 's/^#define __NR_([a-z0-9_]+) ([0-9]+)$/\1 \2/p' |
	while read -r name number; do
		[[ ! -v "allowed[$name]" ]] || echo "$number"
	done
