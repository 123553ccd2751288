#!/bin/bash
# confined.sh SCENARIO... - watd and its hosts do all they do in these tests under the filter of
# watd.service, where a call that is not allowed kills. $CC, $UNIT, $BUILD, $CONFINED name the
# compiler, the unit, the build and the program that sets the filter.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

CONFINED_CALLS=$work/calls
export CONFINED_CALLS
"$(dirname "$0")/calls.sh" "$UNIT" >"$CONFINED_CALLS"

# What hosts restrict themselves with must not be refused by what the unit restricts.
echo '#include <sys/syscall.h>' | "$CC" -E -dM - >"$work/numbers"
for call in landlock_create_ruleset landlock_add_rule landlock_restrict_self seccomp prctl prlimit64 memfd_create \
	pidfd_open pidfd_send_signal close_range fdatasync fallocate flock mlock; do
	number=$(sed -nE "s/^#define __NR_$call ([0-9]+)$/\1/p" "$work/numbers")
	grep -qx "$number" "$CONFINED_CALLS" || {
		echo "FAILED: the unit refuses $call" >&2
		exit 1
	}
done

# The filter is one: the network is not to be had under it, and a new user is.
r=0
# shellcheck disable=SC2016
CONFINED_WATD=$BASH "$CONFINED" -c 'exit $((EUID == 0))' || r=$?
if ((r == 125)) && [[ $EUID -eq 0 ]]; then
	echo "SKIPPED: root can't be another user here" >&2
	exit 77
fi
((r == 0)) || {
	echo "FAILED: a shell does not run under the filter, or as root: $r" >&2
	exit 1
}
CONFINED_WATD=$BASH "$CONFINED" -c ': >/dev/tcp/127.0.0.1/9' 2>/dev/null || r=$?
((r == 128 + 31)) || {
	echo "FAILED: a socket of the network was not the end of a process: $r" >&2
	exit 1
}

export CONFINED_WATD=$BUILD/bin/watd WAT_TEST_WATD=$CONFINED
for scenario in "$@"; do
	"$BUILD/bin/scenario-$scenario"
done
