#!/bin/bash
# deb.sh - the Debian packages hold what their names promise, lintian has nothing to say, their
# scripts make and take back what they should, and what is in them works together.
# $BUILD, $CMAKE and $CC name the build, cmake and the compiler.
set -euo pipefail
# shellcheck source=tests/install/lib.sh
. "$(dirname "$0")/lib.sh"

quietly cpack --config "$BUILD/CPackConfig.cmake" -B "$work/cpack" -D CPACK_OUTPUT_FILE_PREFIX="$work/packages"
cd "$work/packages"
names=(libwat-dev libwat-test1 libwat1 watd)
for name in "${names[@]}"; do
	compgen -G "${name}_*.deb" >/dev/null || fail "no package $name"
	dpkg-deb -c "$name"_*.deb | awk '{print $1, $2, $6}' >"$work/$name.list"
	dpkg-deb -f "$name"_*.deb >"$work/$name.control"
	# Everybody's to read, root's alone to write.
	! grep -vE '^[-dl]rw.r.[-x]r.[-x] root/root |^lrwxrwxrwx root/root ' "$work/$name.list" || fail "owner or mode in $name"
	dpkg-deb -x "$name"_*.deb "$work/root"
	dpkg-deb -e "$name"_*.deb "$work/$name.scripts"
done
[[ $(find . -name '*.deb' | wc -l) -eq ${#names[@]} ]] || fail "other packages: $(echo *.deb)"

# has PACKAGE PATH...; a path may be a pattern.
has() {
	local package=$1 path
	shift
	for path in "$@"; do
		grep -qE " \./$path\$" "$work/$package.list" || fail "$package has no $path"
	done
}
# only PACKAGE PATTERN: but directories.
only() {
	! grep -v '^d' "$work/$1.list" | grep -vE " \./($2|usr/share/(doc|lintian)/.*)\$" || fail "$1 has more than it should"
}
lib='usr/lib/[a-z0-9_-]+'
has watd usr/bin/watd usr/bin/watctl usr/libexec/watd-host usr/libexec/watd-gate "$lib/watd/plugins/counter.so" etc/watd/watd.conf \
	usr/lib/systemd/system/watd.service usr/lib/systemd/system/watd.socket usr/lib/systemd/system/watd-admin.socket usr/lib/systemd/system/watd-tcp.socket \
	usr/lib/sysusers.d/watd.conf usr/lib/tmpfiles.d/watd.conf
only watd 'usr/bin/wat.*|usr/libexec/watd-(host|gate)|'"$lib"'/watd/plugins/.*\.so|etc/watd/.*|usr/lib/(systemd|sysusers\.d|tmpfiles\.d)/.*|usr/share/(man|bash-completion)/.*'
has libwat1 "$lib/libwat\.so\.1" "$lib/libwat\.so\.1\.[0-9.]+"
only libwat1 "$lib/libwat\.so\.1.*"
only libwat-test1 "$lib/libwat-test\.so\.1.*"
has libwat-dev usr/include/wat/wat.h usr/include/wat/plugin.h usr/include/wat/options.proto "$lib/libwat.so" \
	"$lib/pkgconfig/wat.pc" "$lib/pkgconfig/wat-plugin.pc" "$lib/cmake/Wat/WatConfig.cmake" usr/bin/protoc-gen-wat \
	usr/share/doc/libwat-dev/examples/plugin/lease.c usr/share/doc/libwat-dev/examples/python/counter.py \
	usr/share/doc/libwat-dev/examples/python/wat/noise.py
# The manual, compressed, each page where the program or the library is; completion for whoever has bash's.
has watd usr/share/man/man{8/watd.8,8/watd-host.8,8/watd-gate.8,1/watctl.1,5/watd.conf.5}.gz \
	usr/share/bash-completion/completions/watctl
has libwat-dev usr/share/man/man{7/wat-plugin.7,7/wat-protocol.7,3/libwat.3,1/protoc-gen-wat.1,1/protoc-gen-wat-c.1}.gz
for page in "$work"/root/usr/share/man/man*/*.gz; do
	gzip -t "$page" || fail "$page"
	[[ $(man --warnings -E UTF-8 -l -Tutf8 "$page" 2>&1 >/dev/null) == "" ]] || fail "$page has warnings"
done
for name in "${names[@]}"; do
	has "$name" "usr/share/doc/$name/copyright" "usr/share/doc/$name/changelog.gz"
done

# depends PACKAGE ON...
depends() {
	local package=$1 on
	shift
	for on in "$@"; do
		grep -qE "^Depends:.*[ ,]$on( |,|\$)" "$work/$package.control" || fail "$package does not depend on $on"
	done
}
depends watd libwat1 libsqlite3-0 libsystemd0 libc6
depends libwat1 libsodium23 libprotobuf-c1
depends libwat-dev libwat1 libwat-test1 libprotobuf-c-dev protobuf-compiler protobuf-c-compiler
[[ $(cat "$work/watd.scripts/conffiles") == /etc/watd/watd.conf ]] || fail "conffiles of watd"
[[ $(cat "$work/libwat1.scripts/triggers") == 'activate-noawait ldconfig' ]] || fail "triggers of libwat1"
[[ $(cat "$work/libwat1.scripts/shlibs") == 'libwat 1 libwat1 (>= '* ]] || fail "shlibs of libwat1"

# Errors and warnings, and overrides that nothing needs any more.
LINTIAN_PROFILE=debian quietly lintian --no-cfg --fail-on error,warning --display-level '>=info' ./*.deb
! grep -E 'mismatched-override|unused-override' "$work/output" || fail "an override is of no use"

# The scripts, on a root directory of their own: an account, units that are enabled; purged, neither
# units nor state.
root=$work/root
mkdir -p "$root/etc" "$root/var/lib/watd"
echo 'root:x:0:0::/:/bin/sh' >"$root/etc/passwd"
echo 'root:x:0:' >"$root/etc/group"
export DPKG_ROOT=$root DPKG_MAINTSCRIPT_PACKAGE=watd
quietly sh "$work/watd.scripts/postinst" configure ''
grep -q '^watd:' "$root/etc/passwd" || fail "postinst makes no account"
grep -q '^watd:' "$root/etc/group" || fail "postinst makes no group"
wanted=("$root"/etc/systemd/system/sockets.target.wants/watd{,-admin}.socket
	"$root/etc/systemd/system/multi-user.target.wants/watd.service")
for link in "${wanted[@]}"; do
	[[ -L $link ]] || fail "postinst does not enable $link"
done
quietly sh "$work/watd.scripts/prerm" remove
quietly sh "$work/watd.scripts/postrm" remove
[[ -e $root/var/lib/watd ]] || fail "the state went with the program"
quietly sh "$work/watd.scripts/postrm" purge
[[ ! -e $root/var/lib/watd ]] || fail "purge leaves the state"
for link in "${wanted[@]}"; do
	[[ ! -L $link ]] || fail "purge leaves $link"
done
unset DPKG_ROOT DPKG_MAINTSCRIPT_PACKAGE

# What was unpacked, together: the examples are built with it and use it.
prefix=$root/usr
library=$(dirname "$(find "$root" -name libwat.so.1)")
export LD_LIBRARY_PATH=$library
cp -r "$prefix/share/doc/libwat-dev/examples" "$work/examples"
quietly "$CMAKE" -S "$work/examples" -B "$work/built" -DCMAKE_PREFIX_PATH="$prefix"
quietly "$CMAKE" --build "$work/built"
quietly ctest --test-dir "$work/built" --no-tests=error
start_watd
quietly "$prefix/bin/watctl" spawn counter counter
quietly "$prefix/bin/watctl" provision counter me --out "$work/me.token"
expect "added 1 10 times; the value is 10" "$work/built/client/counter-client" "$work/me.token" 10
expect "added 1 5 times; the value is 15" /usr/bin/python3 -B "$work/examples/python/counter.py" "$work/me.token" 5
stop_watd
