# shellcheck shell=bash disable=SC2154
# lib.sh - what the tests of installed files share. Makes the directory $work, and at the end removes it
# and ends what the test started.
work=$(mktemp -d)
watd_pid=
finish() {
	local code=$? running
	trap - EXIT
	mapfile -t running < <(jobs -p)
	((${#running[@]} == 0)) || kill "${running[@]}" 2>/dev/null || true
	wait
	((code == 0)) || [[ ! -e $work/log ]] || cat "$work/log" >&2
	rm -rf "$work"
	exit "$code"
}
trap finish EXIT

fail() {
	echo "FAILED: $*" >&2
	exit 1
}

# quietly COMMAND...: its output only if it fails.
quietly() {
	"$@" >"$work/output" 2>&1 || {
		cat "$work/output" >&2
		fail "$*"
	}
}

# refused TEXT COMMAND...: must fail, and say TEXT.
refused() {
	local text=$1
	shift
	if "$@" >"$work/output" 2>&1; then fail "\"$*\" was not refused"; fi
	grep -qF -- "$text" "$work/output" || fail "\"$*\" did not say \"$text\": $(cat "$work/output")"
}

# expect TEXT COMMAND...
expect() {
	local text=$1 said
	shift
	said=$("$@") || fail "$*"
	[[ $said == "$text" ]] || fail "\"$*\" said \"$said\", not \"$text\""
}

# Returns when watd is ready: its log says so.
start_watd() {
	local line
	mkfifo "$work/fifo"
	"$prefix/bin/watd" --state-dir "$work/state" --runtime-dir "$work" 2>"$work/fifo" &
	watd_pid=$!
	exec 7<"$work/fifo"
	rm "$work/fifo"
	while IFS= read -r line <&7; do
		printf '%s\n' "$line" >>"$work/log"
		[[ $line != *": ready "* ]] || break
	done
	[[ ${line:-} == *": ready "* ]] || fail "watd did not get ready"
	cat <&7 >>"$work/log" &
	exec 7<&-
}

stop_watd() {
	kill "$watd_pid"
	wait "$watd_pid" || fail "watd did not end well"
	watd_pid=
}

unset WAT_TOKEN_FILE LD_LIBRARY_PATH
export WAT_SOCKET=$work/watd.sock WAT_KEYRING=$work/keyring
