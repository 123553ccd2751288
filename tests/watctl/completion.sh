#!/bin/bash
# What bash offers for each place of a command line: commands, options and their values, instances,
# Users, services, methods, fields; and nothing, quickly and without a word, where there is no watd.
# $BUILD names the build. row 108
set -euo pipefail
work=$(mktemp -d)
watd_pid=
finish() {
	local code=$?
	trap - EXIT
	[[ -z $watd_pid ]] || { kill "$watd_pid" && wait "$watd_pid"; } || code=1
	((code == 0)) || [[ ! -e $work/log ]] || cat "$work/log" >&2
	rm -rf "$work"
	exit "$code"
}
trap finish EXIT
export PATH=$BUILD/bin:$PATH WAT_SOCKET=$work/watd.sock WAT_KEYRING=$work/keyring
unset WAT_TOKEN_FILE
n_wrong=0

# shellcheck disable=SC1090
source <(watctl completion bash)

# The words of a line as bash has them: blanks divide, and = and : are words of their own.
split() {
	local rest=$1
	COMP_WORDS=()
	while [[ -n $rest ]]; do
		case $rest in
		' '*) rest=${rest# } ;;
		[=:]*)
			COMP_WORDS+=("${rest%%[^=:]*}")
			rest=${rest#"${COMP_WORDS[-1]}"}
			;;
		*)
			COMP_WORDS+=("${rest%%[ =:]*}")
			rest=${rest#"${COMP_WORDS[-1]}"}
			;;
		esac
	done
	[[ $1 != *' ' ]] || COMP_WORDS+=('')
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
}

# offers LINE WORD...: exactly these for the end of the line.
offers() {
	local got wanted
	split "$1"
	shift
	_watctl
	got=$(printf '%s\n' "${COMPREPLY[@]}" | LC_ALL=C sort)
	wanted=$(printf '%s\n' "$@" | LC_ALL=C sort)
	if [[ $got != "$wanted" ]]; then
		printf '%s\n  expected: %s\n  got: %s\n' "${COMP_WORDS[*]}" "${wanted//$'\n'/ }" "${got//$'\n'/ }"
		n_wrong=$((n_wrong + 1))
	fi
}

# Without watd: what the tables know.
offers 'watctl pro' provision
offers 'watctl de' deprovision describe
offers 'watctl -j sp' spawn
offers "watctl -s $work/x.sock sp" spawn
offers 'watctl help wa' wait watch
offers 'watctl log-level ' error warning info debug
offers 'watctl completion ' bash
offers 'watctl wait c1 --f' --for
offers 'watctl spawn counter c1 --tier ' thread process
offers 'watctl spawn counter c1 --tier=' thread process
offers 'watctl spawn counter c1 --tier=th' thread
offers 'watctl wait c1 --for=st' stopped
offers 'watctl spawn counter c1 --durability ' none crash sync
offers 'watctl rm --' --socket --host --json --timeout --help --version --force
offers 'watctl nonsense' ''
offers 'watctl show ' ''
offers 'watctl call c1 ' ''
offers 'watctl ls x' ''
touch "$work/some.token" "$work/some.so"
offers "watctl call c1 Get --token $work/some.t" "$work/some.token"
offers "watctl call c1 Get --token=$work/some.t" "$work/some.token"
offers "watctl describe $work/some.s" "$work/some.so"
[[ $(watctl __complete show '' 2>&1) == "" ]] || { echo "it speaks without watd" && n_wrong=$((n_wrong + 1)); }

# With one: names.
mkfifo "$work/fifo"
mkdir "$work/plugins"
cp "$BUILD/plugins/counter.so" "$BUILD/tests/plugins/guest.so" "$work/plugins"
watd --state-dir "$work/state" --runtime-dir "$work" --plugin-dir "$work/plugins" 2>"$work/fifo" &
watd_pid=$!
exec 7<"$work/fifo"
while IFS= read -r line <&7; do
	printf '%s\n' "$line" >>"$work/log"
	[[ $line != *": ready "* ]] || break
done
cat <&7 >>"$work/log" &
exec 7<&-
watctl spawn counter c1 >"$work/out"
watctl spawn counter c2 >"$work/out"
watctl spawn counter other >"$work/out"
watctl provision c1 alice >"$work/out"
watctl provision c1 bob >"$work/out"
offers 'watctl show ' c1 c2 other
offers 'watctl show c' c1 c2
offers 'watctl stop -j o' other
offers 'watctl events c1 --follow x' ''
offers 'watctl spawn counter' counter counter.Counter
offers 'watctl spawn guest.D' guest.Desk
offers 'watctl describe counter.' counter.Counter
offers 'watctl call c1 ' Get Increment Reset
offers 'watctl call c1 I' Increment
offers 'watctl call c1 Increment ' n=
offers 'watctl call c1 Increment n=3 ' n=
offers 'watctl call c1 Increment n=' ''
offers 'watctl call c1 Get --as ' alice bob
offers 'watctl call c1 Get --as=a' alice
offers 'watctl deprovision c1 b' bob
offers "watctl --socket=$work/watd.sock show c1" c1

watctl spawn guest.Desk d1 >"$work/out"
offers 'watctl call d1 Resh' Reshape
offers 'watctl call d1 H' ''
offers 'watctl call d1 Reshape ' shapes= then=
offers 'watctl call d1 Reshape then=CRASH' CRASH CRASH_ONCE
offers 'watctl call d1 Reshape then=' WELL REFUSE PANIC CRASH HANG BARE CRASH_ONCE
watctl rm -f d1 >"$work/out"

# Who may not ask about the node still has the keyring, and what its tokens tell.
mv "$work/admin.sock" "$work/hidden.sock"
offers 'watctl show ' c1 c2 other
offers 'watctl call c1 --as alice I' Increment
mv "$work/hidden.sock" "$work/admin.sock"

echo "completion: $n_wrong wrong"
((n_wrong == 0))
