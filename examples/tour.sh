#!/bin/bash
# tour.sh - watd at work, with the real tools: the whole way of a service's state from a thread to
# a process and back into a caller's hands. Everything is in build/run/, which is wiped at the
# start. With a terminal it keeps serving until ^C, without one it ends after the tour.
# $WAT_BUILD names another build directory, $WAT_TOUR another place than build/run/.
set -euo pipefail
cd "$(dirname "$0")/.."

absolute() {
	[[ $1 == /* ]] && echo "$1" || echo "$PWD/$1"
}

build=${WAT_BUILD:-build}
run_dir=${WAT_TOUR:-$build/run}
rm -rf "$run_dir"
mkdir -p "$run_dir"

# The path of a unix socket may have 107 bytes.
runtime_dir=$(absolute "$run_dir")/sockets
longest=$runtime_dir/admin.sock
short_dir=
if ((${#longest} > 107)); then
	short_dir=$(mktemp -d "${XDG_RUNTIME_DIR:-/tmp}/watd-XXXXXX")
	runtime_dir=$short_dir
fi

PATH=$(absolute "$build")/bin:$PATH
WAT_SOCKET=$runtime_dir/watd.sock
WAT_KEYRING=$(absolute "$run_dir")/keyring
export PATH WAT_SOCKET WAT_KEYRING
unset WAT_TOKEN_FILE

watd_pid=
finish() {
	local code=$?
	trap - EXIT INT TERM HUP
	if [[ -n $watd_pid ]] && kill -TERM "$watd_pid" 2>/dev/null; then
		wait "$watd_pid" || {
			echo "tour: watd did not end well; its log:" >&2
			tail -n 20 "$run_dir/watd.log" >&2
			((code != 0)) || code=1
		}
	fi
	[[ -z $short_dir ]] || rm -rf "$short_dir"
	exit "$code"
}
trap finish EXIT
trap 'exit 1' TERM HUP INT

fail() {
	printf 'tour: %s\n' "$*" >&2
	[[ ! -s $run_dir/watd.log ]] || tail -n 20 "$run_dir/watd.log" >&2
	exit 1
}

# The command as one would type it.
say() {
	local word line='$'
	for word in "$@"; do
		if [[ $word =~ ^[A-Za-z0-9_@%+=:,./-]+$ ]]; then
			line+=" $word"
		else
			line+=" '$word'"
		fi
	done
	printf '\n%s\n' "$line"
}

# run COMMAND...: must succeed; its output is in $out.
run() {
	say "$@"
	out=$("$@") || fail "\"$*\" failed with $?"
	[[ -z $out ]] || printf '%s\n' "$out"
}

# refused CODE STATUS COMMAND...: must fail, with that exit status and that name.
refused() {
	local code=$1 status=$2 r=0
	shift 2
	say "$@"
	out=$("$@" 2>&1) || r=$?
	printf '%s\n(exit %d)\n' "$out" "$r"
	((r == code)) || fail "\"$*\" ended with $r, not $code"
	[[ $out == *"$status"* ]] || fail "\"$*\" did not say $status"
}

expect() {
	[[ $out == "$1" ]] || fail "expected $1, got $out"
}

title() {
	printf '\n\n# %s\n' "$*"
}

start_watd() {
	local command=(watd --state-dir "$run_dir/state" --runtime-dir "$runtime_dir" --plugin-dir "$(absolute "$build")/plugins")
	say "${command[@]}"
	# Whatever this machine has in /etc.
	CONFIGURATION_DIRECTORY=$run_dir/conf "${command[@]}" >"$run_dir/watd.log" 2>&1 </dev/null &
	watd_pid=$!
	local i
	for ((i = 0; i < 200; i++)); do
		if watctl status >/dev/null 2>&1; then
			return
		fi
		kill -0 "$watd_pid" 2>/dev/null || fail "watd did not start"
		sleep 0.05
	done
	fail "watd did not answer"
}

title "watd, on a fresh state directory"
start_watd
run watctl status
run watctl plugins
run watctl describe counter

title "A counter in a thread, begun with 0; two Users"
run watctl spawn counter c1 --tier thread --state '{"value": 0}'
run watctl provision c1 alice
run watctl provision c1 bob --out "$run_dir/bob.token"
run watctl call c1 Increment '{"n": 5}' --as alice
expect '{"value":"5"}'
run watctl call c1 Increment '{"n": 20}' --token "$run_dir/bob.token"
expect '{"value":"25"}'
run "$build/examples/counter-client" "$run_dir/bob.token" 30
run watctl call c1 Get --as alice
expect '{"value":"55"}'
run watctl users c1

title "The Admin manages, a User calls: neither is the other"
run watctl deprovision c1 bob
refused 77 ACCESS_DENIED watctl call c1 Get --token "$run_dir/bob.token"
run watctl call c1 Get --as alice
expect '{"value":"55"}'
refused 77 ACCESS_DENIED watctl call c1 Get --token "$(echo "$WAT_KEYRING"/*/c1/admin.token)"

title "Stop gives the state back"
run watctl stop c1
expect '{"value":"55"}'
printf '%s\n' "$out" >"$run_dir/final.json"
refused 1 STOPPED watctl call c1 Get --as alice

title "The same service in a process of its own, with that state"
run watctl spawn counter c1 --tier process --state "@$run_dir/final.json"
refused 77 STALE watctl call c1 Get --as alice
run watctl provision c1 carol
run watctl call c1 Get --as carol
expect '{"value":"55"}'
run watctl show c1
run watctl ls

if [[ -t 0 && -t 1 ]]; then
	printf '\n\n# watd keeps serving; ^C ends it. In another terminal:\n'
	printf 'export PATH=%q:$PATH WAT_SOCKET=%q WAT_KEYRING=%q\n' "$(absolute "$build")/bin" "$WAT_SOCKET" "$WAT_KEYRING"
	trap 'exit 0' INT TERM HUP
	wait "$watd_pid" || fail "watd ended"
	watd_pid=
else
	title "That was the tour"
fi
