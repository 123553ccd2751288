#!/bin/bash
# layout.sh - every file is installed where GNUInstallDirs says, for the prefix that it is installed
# to and not the one that the build was configured with; nothing of the build tree is named in it.
# $BUILD, $SOURCE and $CMAKE name the build, the tree and cmake.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

fail() {
	echo "FAILED: $*" >&2
	failed=1
}

# A directory that was configured in another way still has the same names below it.
dir() {
	local value
	value=$(sed -n "s/^CMAKE_INSTALL_$1:[A-Z]*=//p" "$BUILD/CMakeCache.txt")
	echo "${value:-$2}"
}
bin=$(dir BINDIR bin) lib=$(dir LIBDIR lib) libexec=$(dir LIBEXECDIR libexec) include=$(dir INCLUDEDIR include)
data=$(dir DATADIR share) man=$(dir MANDIR share/man)

expected=(
	"$bin/watd" "$bin/watctl" "$bin/protoc-gen-wat" "$libexec/watd-host" "$libexec/watd-gate" "$lib/watd/plugins/counter.so"
	"$lib/libwat.so.1" "$lib/libwat.so" "$lib/pkgconfig/wat.pc" "$lib/pkgconfig/wat-plugin.pc"
	"$lib/cmake/Wat/WatConfig.cmake" "$lib/cmake/Wat/WatPlugin.cmake" "$lib/cmake/Wat/WatProto.cmake"
	"$include/wat/wat.h" "$include/wat/plugin.h" "$include/wat/options.proto" "$include/wat/types.proto"
	"$data/wat/interfaces/counter.proto"
	lib/systemd/system/watd.service lib/systemd/system/watd.socket lib/systemd/system/watd-admin.socket
	lib/systemd/system/watd-tcp.socket
	lib/sysusers.d/watd.conf lib/tmpfiles.d/watd.conf
	"$data/bash-completion/completions/watctl"
)
doc=$(sed -n 's/^CMAKE_INSTALL_DOCDIR:[A-Z]*=//p' "$BUILD/CMakeCache.txt")
for file in README.md SECURITY.md CHANGELOG.md docs/first-steps.md docs/debugging.md docs/stability.md; do
	expected+=("${doc:-share/doc/watd}/$file")
done
# Debian's packages have the manual compressed.
gz=
! grep -qx 'WAT_DEBIAN:BOOL=ON' "$BUILD/CMakeCache.txt" || gz=.gz
for page in watd.8 watctl.1 watd.conf.5 wat-plugin.7 wat-protocol.7 libwat.3 protoc-gen-wat.1 \
	protoc-gen-wat-c.1 watd-host.8 watd-gate.8; do
	expected+=("$man/man${page##*.}/$page$gz")
done

install_to() {
	DESTDIR=$1 "$CMAKE" --install "$BUILD" --prefix "$2" >"$work/install.log" || {
		cat "$work/install.log" >&2
		exit 1
	}
}

# check STAGE PREFIX SYSCONFDIR: each file is there, and where a text names a path it names the prefix.
check() {
	local root=$1$2 file
	for file in "${expected[@]}"; do
		[[ -e $root/$file ]] || fail "$2: no $file"
	done
	grep -rlIF -e "$BUILD" -e "$SOURCE" "$1" >"$work/named" || true
	[[ ! -s $work/named ]] || fail "$2: the build or the source directory is named in $(cat "$work/named")"
	grep -qx "prefix=$2" "$root/$lib/pkgconfig/wat.pc" || fail "$2: prefix of wat.pc"
	grep -qx "ExecStart=$2/$bin/watd --config $3/watd/watd.conf" "$root/lib/systemd/system/watd.service" ||
		fail "$2: ExecStart"
	[[ -e $1$3/watd/watd.conf ]] || fail "$2: no watd.conf in $3"
	grep -qx "plugindir=$2/$lib/watd/plugins" "$root/$lib/pkgconfig/wat-plugin.pc" || fail "$2: plugindir of wat-plugin.pc"
}

install_to "$work/usr" /usr
check "$work/usr" /usr /etc
install_to "" "$work/scratch"
check "" "$work/scratch" "$work/scratch/etc"

# The completion that bash loads for watctl is the one that watctl prints, and it is one.
completion=$work/scratch/$data/bash-completion/completions/watctl
"$BUILD/bin/watctl" completion bash | cmp - "$completion" || fail "the completion is another one"
(
	# shellcheck disable=SC1090
	. "$completion"
	complete -p watctl >"$work/registered"
) || fail "the completion can't be loaded"
grep -qx 'complete -F _watctl watctl' "$work/registered" || fail "registered: $(cat "$work/registered")"

# Only watctl needs libwat, and has a way to it of its own unless it is built for /usr.
runpaths() {
	local file path
	for file in "$1"/{$bin/*,$libexec/*,$lib/*.so.*,$lib/watd/plugins/*}; do
		path=$(readelf -d "$file" | sed -n 's/.*\(RPATH\|RUNPATH\).*\[\(.*\)\]/\2/p')
		[[ -z $path ]] || echo "${file##*/} $path"
	done
}
wanted="watctl \$ORIGIN/$(realpath -m --relative-to="/x/$bin" "/x/$lib")"
[[ $(sed -n 's/^CMAKE_INSTALL_PREFIX:[A-Z]*=//p' "$BUILD/CMakeCache.txt") != /usr ]] || wanted=
[[ $(runpaths "$work/scratch") == "$wanted" ]] || fail "run paths: $(runpaths "$work/scratch"), expected: $wanted"

# The name that programs ask for, and the version of what they take from it.
soname=$(readelf -d "$work/scratch/$lib/libwat.so" | sed -n 's/.*(SONAME).*\[\(.*\)\]/\1/p')
[[ $soname == libwat.so.1 ]] || fail "SONAME is $soname"
nm -D --defined-only --with-symbol-versions "$work/scratch/$lib/libwat.so" >"$work/symbols"
! grep ' T ' "$work/symbols" | grep -v '@@WAT_1$' || fail "symbols without a version"
grep -q ' T wat_connect@@WAT_1$' "$work/symbols" || fail "wat_connect has no version"
exit $failed
