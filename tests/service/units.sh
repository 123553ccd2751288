#!/bin/bash
# units.sh - the installed units are correct, name the sockets as watd expects them, and expose no
# more than they did (row 110). $BUILD and $CMAKE name the build and cmake.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

fail() {
	echo "FAILED: $*" >&2
	failed=1
}

"$CMAKE" --install "$BUILD" --prefix "$work/usr" >"$work/install.log"
units=$work/usr/lib/systemd/system

systemd-analyze verify --man=no --recursive-errors=no "$units"/watd.service "$units"/watd.socket "$units"/watd-admin.socket "$units"/watd-tcp.socket \
	>"$work/verify" 2>&1 || fail "verify"
[[ ! -s $work/verify ]] || fail "verify: $(cat "$work/verify")"

# At most 0.5; in tenths, of which 100 is the worst.
exposed() {
	systemd-analyze security --no-pager --offline=true --threshold=5 "$1" >"$work/security" 2>&1
}
exposed "$units/watd.service" || fail "exposure: $(tail -n 1 "$work/security")"
for weaker in PrivateNetwork SystemCallFilter User RestrictNamespaces; do
	mkdir -p "$work/$weaker"
	sed "/^$weaker=/d" "$units/watd.service" >"$work/$weaker/watd.service"
	! exposed "$work/$weaker/watd.service" || fail "nothing is noticed without $weaker="
done

setting() {
	sed -n "s/^$2=//p" "$units/$1"
}
# is UNIT KEY VALUE
is() {
	[[ $(setting "$1" "$2") == "$3" ]] || fail "$1: $2 is \"$(setting "$1" "$2")\", not \"$3\""
}
is watd.socket FileDescriptorName client
is watd.socket SocketMode 0660
is watd.socket SocketGroup watd
is watd.socket ListenStream /run/watd/watd.sock
is watd-admin.socket FileDescriptorName admin
is watd-tcp.socket FileDescriptorName tcp
is watd-tcp.socket ListenStream 7117
is watd-admin.socket SocketMode 0600
is watd-admin.socket SocketGroup ''
is watd-admin.socket ListenStream /run/watd/admin.sock
is watd.service Type notify
is watd.service KillMode mixed
is watd.service LoadCredential node.key:watd.node.key
grep -q '^ExecReload=.*/watd .*--check-config$' "$units/watd.service" || fail "a reload does not check the configuration"
# A host that outlived its watd is looked for there.
is watd.service ProtectProc ''
is watd.service ProcSubset ''
[[ $(setting watd.service RuntimeDirectory) != watd ]] || fail "watd could replace the sockets in /run/watd"

# The account and the directory that the units presuppose.
systemd-sysusers --dry-run --root="$work" "$work/usr/lib/sysusers.d/watd.conf" >"$work/sysusers" 2>&1 || fail "sysusers"
for wanted in "group 'watd'" "user 'watd'"; do
	grep -qiF "$wanted" "$work/sysusers" || fail "sysusers makes no $wanted: $(cat "$work/sysusers")"
done
mkdir -p "$work/etc"
echo 'root:x:0:0::/:/bin/sh' >"$work/etc/passwd"
echo 'root:x:0:' >"$work/etc/group"
systemd-tmpfiles --create --root="$work" "$work/usr/lib/tmpfiles.d/watd.conf" >"$work/tmpfiles" 2>&1 ||
	fail "tmpfiles: $(cat "$work/tmpfiles")"
[[ $(stat -c %a "$work/run/watd") == 755 ]] || fail "tmpfiles: mode of /run/watd"
exit $failed
