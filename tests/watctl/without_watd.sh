#!/bin/bash
# What watctl says and how it ends when the command line is wrong or no watd is there. row 108
set -euo pipefail
watctl=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export WAT_KEYRING=$dir/keyring WAT_KNOWN_DAEMONS=$dir/known
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
for command in status plugins describe ls show users events spawn start wait provision deprovision call stop kill rm \
	admin reload log-level new completion help; do
	printed "  $command"
done
printed '  ls, list'
cp "$dir/out" "$dir/help"
for way in help -h '-j --help' 'help --help -h'; do
	# shellcheck disable=SC2086
	ends 0 '' $way
	[[ $way == *' '*' '* ]] || cmp -s "$dir/help" "$dir/out" || {
		echo "watctl $way is not watctl --help"
		n_wrong=$((n_wrong + 1))
	}
done
ends 0 '' --version
printed 'watctl '

ends 64 'usage: watctl'
ends 64 'did you mean status?' stats
ends 64 'there is no command "nonsense"' nonsense
ends 64 'usage: watctl describe SERVICE|./FILE.so (watctl help describe)' describe
ends 64 'ls takes no argument "c1"' ls c1
ends 64 'ls has no option --tier' ls --tier thread
ends 64 'ls has no option -f' ls -f
ends 64 'there is no option --teir; did you mean --tier?' spawn counter c1 --teir thread
ends 64 'there is no option -x' ls -x
ends 64 '--tier needs a value: thread|process' spawn counter c1 --tier
ends 64 '--socket needs a value: PATH' ls -s
ends 64 '--json takes no value' ls --json=yes
ends 64 'there is no command "hlep"; did you mean help?' hlep
ends 64 'there is no command "nothing"' help nothing
ends 64 '--timeout "x": expected a time such as 500ms' ls --timeout x
ends 64 '--host and --socket were both given' -s a -H /b ls
ends 64 'a node is managed on its own machine' -H wat://localhost:1 ls
ends 64 'expected HOST:PORT' -H wat://localhost stop c1
ends 78 'the key of localhost:1 is not known here' -H wat://localhost:1 stop c1
ends 69 'UNAVAILABLE' -H wat+insecure://127.0.0.1:1 call c1 Get
ends 64 'example.org: an address is wat://KEY@HOST:PORT' -H example.org ls
ends 64 '--durability is none, crash or sync, not "always"' spawn counter c1 --durability always
ends 64 '--tier is thread or process, not "remote"' spawn counter c1 --tier remote
ends 64 'see watctl --help' --nonsense
ends 64 '--expires "never": expected how long from now' provision c1 u --expires never
ends 64 'there is completion for bash, not for "zsh"' completion zsh

socket=$dir/watd.sock
for command in status plugins 'describe counter' ls 'show c1' 'users c1' 'spawn counter c1' 'start c1' events 'events -f' \
	'wait c1' 'kill c1' 'rm c1' 'log-level' 'log-level info' 'admin c1' \
	'admin --only c1' reload 'reload --dry-run'; do
	# shellcheck disable=SC2086
	ends 69 "watctl: UNAVAILABLE: no watd answers at $dir/admin.sock" -s "$socket" $command
done
for command in 'provision c1 u' 'deprovision c1 u' 'call c1 Get' 'stop c1'; do
	# shellcheck disable=SC2086
	ends 69 "watctl: UNAVAILABLE: no watd answers at $socket" -s "$socket" $command
done
for address in "$socket" "unix:$socket"; do
	ends 69 "no watd answers at $socket" -H "$address" stop c1
	ends 69 "no watd answers at $dir/admin.sock" ls "--host=$address"
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
