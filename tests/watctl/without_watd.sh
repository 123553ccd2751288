#!/bin/bash
# What watctl says and how it ends when the command line is wrong or no watd is there. row 108
set -euo pipefail
watctl=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export WAT_KEYRING=$dir/keyring
unset WAT_SOCKET WAT_TOKEN_FILE
n_wrong=0

# ends CODE TEXT ARGUMENT...: the exit status, and what stderr must contain.
ends() {
	local code=$1 text=$2 r=0 err
	shift 2
	err=$("$watctl" "$@" 2>&1 >"$dir/out" </dev/null) || r=$?
	if [[ $r -ne $code || $err != *"$text"* ]]; then
		printf 'watctl %s\n  expected %d and: %s\n  got %d and: %s\n' "$*" "$code" "$text" "$r" "$err"
		n_wrong=$((n_wrong + 1))
	fi
}

# printed TEXT: the last command's stdout contained it.
printed() {
	grep -qF -- "$1" "$dir/out" || {
		printf 'expected on stdout: %s\ngot: %s\n' "$1" "$(cat "$dir/out")"
		n_wrong=$((n_wrong + 1))
	}
}

ends 0 '' --help
for command in status plugins describe ls show users spawn start provision deprovision call stop; do
	printed "  $command"
done
ends 0 '' --version
printed 'watctl '

ends 64 'usage: watctl'
ends 64 'did you mean status?' stats
ends 64 'there is no command "nonsense"' nonsense
ends 64 'usage: watctl [-s SOCKET] [-j] describe SERVICE' describe
ends 64 'ls takes no argument "c1"' ls c1
ends 64 'an option was given that ls does not have' ls --tier thread
ends 64 '--tier is thread or process, not "remote"' spawn counter c1 --tier remote
ends 64 'see watctl --help' --nonsense

socket=$dir/watd.sock
for command in status plugins 'describe counter' ls 'show c1' 'users c1' 'spawn counter c1' 'start c1'; do
	# shellcheck disable=SC2086
	ends 69 "watctl: UNAVAILABLE: no watd answers at $dir/admin.sock" -s "$socket" $command
done
for command in 'provision c1 u' 'deprovision c1 u' 'call c1 Get' 'stop c1'; do
	# shellcheck disable=SC2086
	ends 69 "watctl: UNAVAILABLE: no watd answers at $socket" -s "$socket" $command
done
WAT_SOCKET=$socket ends 69 "name its socket with -s or \$WAT_SOCKET" ls

ends 69 'UNAVAILABLE' -j -s "$socket" ls
printed '{"error":{"status":"UNAVAILABLE","code":14,'

long=$dir/$(printf 'x%.0s' {1..120})/watd.sock
ends 78 'bytes and may have 107' -s "$long" ls

ends 1 'INVALID_ARGUMENT: "Bad Name"' -s "$socket" spawn counter 'Bad Name'
ends 1 'INVALID_ARGUMENT: "../x"' -s "$socket" call ../x Get
ends 1 'INVALID_ARGUMENT: "A"' -s "$socket" provision c1 A

# Nothing was left behind by all this.
if [[ -e $WAT_KEYRING ]]; then
	echo "a keyring was made without need"
	n_wrong=$((n_wrong + 1))
fi

echo "without_watd: $n_wrong wrong"
((n_wrong == 0))
