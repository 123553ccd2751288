#!/bin/bash
# stranger.sh - somebody who has only what is installed writes a plugin and programs, by CMake and by
# plain cc, runs watd from that prefix, and everything works; also when the prefix has moved.
# $BUILD, $CMAKE and $CC name the build, cmake and the compiler.
set -euo pipefail
# shellcheck source=tests/install/lib.sh
. "$(dirname "$0")/lib.sh"

prefix=$work/prefix
lib=$prefix/$(sed -n 's/^CMAKE_INSTALL_LIBDIR:[A-Z]*=//p' "$BUILD/CMakeCache.txt")
quietly "$CMAKE" --install "$BUILD" --prefix "$prefix"
doc=$(sed -n 's/^CMAKE_INSTALL_DOCDIR:[A-Z]*=//p' "$BUILD/CMakeCache.txt")
cp -r "$prefix/${doc:-share/doc/watd}/examples" "$work/cmake"
cp -r "$work/cmake" "$work/plain"

# By CMake.
configure() {
	"$CMAKE" -S "$1" -B "$1/build" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_FLAGS="-Wall -Wextra -Werror"
}
quietly configure "$work/cmake"
quietly "$CMAKE" --build "$work/cmake/build"
quietly "$CMAKE" --install "$work/cmake/build"
quietly ctest --test-dir "$work/cmake/build" --no-tests=error
[[ -e $lib/watd/plugins/lease.so ]] || fail "the plugin is not where watd looks for it"

# By pkg-config.
export PKG_CONFIG_PATH=$lib/pkgconfig
for example in plugin client; do
	quietly make -C "$work/plain/$example" CC="$CC" CFLAGS="-Wall -Wextra -Werror"
done

quietly make -C "$work/plain/plugin" CC="$CC" lease-test
LD_LIBRARY_PATH=$lib quietly "$work/plain/plugin/lease-test"

# A handler that is missing does not link, either way. row 2
for way in cmake plain; do
	sed -i 's/lease_on_show/lease_on_shown/' "$work/$way/plugin/lease.c"
done
refused lease_on_show "$CMAKE" --build "$work/cmake/build" --target lease
refused lease_on_show make -C "$work/plain/plugin" CC="$CC" lease.so -B
cp "$prefix/${doc:-share/doc/watd}/examples/plugin/lease.c" "$work/plain/plugin"
quietly make -C "$work/plain/plugin" CC="$CC" lease.so -B

# keep USER: a keeper under that user's token; its lines come through $work/USER.in and .out.
keep() {
	mkfifo "$work/$1.in" "$work/$1.out"
	"$work/cmake/build/poll/lease-keeper" "$work/$1.token" build 1000 \
		<"$work/$1.in" >"$work/$1.out" 2>"$work/$1.err" 8>&- 9<&- &
}

# heard WHO TEXT DESCRIPTOR: the next line there.
heard() {
	local line
	IFS= read -t 60 -r line <&"$3" || fail "$1 says nothing: $(cat "$work/$1.err")"
	[[ $line == "$2" ]] || fail "$1 said \"$line\", not \"$2\""
}

# What the programs do, with the watd of the prefix and its plugins.
use() {
	local client=$1 user instance alice bob
	quietly "$prefix/bin/watctl" spawn counter c1
	quietly "$prefix/bin/watctl" provision c1 carol --out "$work/carol.token"
	expect "added 1 1000 times; the value is 1000" "$client" "$work/carol.token" 1000
	expect "added 1 500 times; the value is 1500" /usr/bin/python3 -B "$work/cmake/python/counter.py" "$work/carol.token" 500

	quietly "$prefix/bin/watctl" spawn lease l1
	for user in alice bob; do
		quietly "$prefix/bin/watctl" provision l1 $user --out "$work/$user.token"
	done
	keep alice
	alice=$!
	exec 8>"$work/alice.in" 9<"$work/alice.out"
	echo "first" >&8
	heard alice "1 first" 9
	refused "is not yours" "$prefix/bin/watctl" call l1 Release '{"name":"build"}' --as bob
	# The second gets the lease when the first is done, and not before.
	keep bob
	bob=$!
	exec 5>"$work/bob.in" 6<"$work/bob.out"
	echo "second" >&5
	echo "still first" >&8
	heard alice "1 still first" 9
	exec 8>&-
	wait $alice || fail "alice: $(cat "$work/alice.err")"
	heard bob "2 second" 6
	"$prefix/bin/watctl" call l1 Show '{"name":"build"}' --as alice >"$work/shown"
	grep -q '"holder":"bob","fence":"2"' "$work/shown" || fail "Show: $(cat "$work/shown")"
	# Deprovisioned, bob holds nothing any more.
	quietly "$prefix/bin/watctl" deprovision l1 bob
	refused NOT_FOUND "$prefix/bin/watctl" call l1 Show '{"name":"build"}' --as alice
	exec 5>&-
	if wait $bob; then fail "bob ended well without a capability"; fi
	exec 6<&- 9<&-
	rm "$work"/{alice,bob}.{in,out}
	for instance in c1 l1; do
		quietly "$prefix/bin/watctl" stop $instance
	done
}

start_watd
"$prefix/bin/watctl" plugins >"$work/plugins"
for service in counter.Counter lease.Lease; do
	grep -qF " $service " "$work/plugins" || fail "no $service: $(cat "$work/plugins")"
done
use "$work/cmake/build/client/counter-client"
stop_watd

# Moved, with the plugin and the client of the plain way.
mv "$prefix" "$work/moved"
lib=$work/moved${lib#"$prefix"}
prefix=$work/moved
cp "$work/plain/plugin/lease.so" "$lib/watd/plugins/lease.so"
rm -rf "$work/state" "$WAT_KEYRING"
start_watd
LD_LIBRARY_PATH=$lib use "$work/plain/client/counter-client"
stop_watd
quietly configure "$work/plain"
