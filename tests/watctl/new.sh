#!/bin/bash
# What watctl new writes: a plugin that builds outside of this tree, against an installed copy, and
# whose test passes; and what it refuses. $BUILD, $SOURCE and $CMAKE name the build, the tree and cmake.
# row 108
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
watctl=$BUILD/bin/watctl
cd "$work"

fail() {
	echo "FAILED: $*" >&2
	exit 1
}

# refused CODE TEXT ARGUMENT...
refused() {
	local code=$1 text=$2 r=0
	shift 2
	"$watctl" new "$@" >"$work/out" 2>"$work/err" || r=$?
	[[ $r == "$code" ]] || fail "new $* ended with $r: $(cat "$work/err")"
	grep -qF -- "$text" "$work/err" || fail "new $* said: $(cat "$work/err")"
}

# quietly COMMAND...: its output only if it fails.
quietly() {
	"$@" >"$work/out" 2>&1 || {
		cat "$work/out" >&2
		fail "$*"
	}
}

"$watctl" new lru_cache >"$work/out"
diff - "$work/out" <<-END
	lru_cache/lru_cache.proto
	lru_cache/lru_cache.c
	lru_cache/CMakeLists.txt
	lru_cache/test_lru_cache.c
END

# The files are the templates with the names in place, to the byte.
templates=$SOURCE/client/watctl/skeleton
for pair in service.proto:lru_cache.proto service.c:lru_cache.c CMakeLists.txt:CMakeLists.txt test.c:test_lru_cache.c; do
	sed 's/@NAME@/lru_cache/g; s/@UPPER@/LRU_CACHE/g; s/@SERVICE@/LruCache/g' "$templates/${pair%:*}.in" |
		cmp - "lru_cache/${pair#*:}" || fail "${pair#*:} is not as its template"
done

# Nothing is overwritten, and what can't be written whole is not begun.
refused 1 "ALREADY_EXISTS: lru_cache/lru_cache.proto is there already" lru_cache
mkdir half && echo mine >half/CMakeLists.txt
refused 1 "ALREADY_EXISTS: half/CMakeLists.txt" other half
[[ $(ls half) == CMakeLists.txt && $(cat half/CMakeLists.txt) == mine ]] || fail "half/ was touched"
refused 1 "FAILED_PRECONDITION: /nonexistent/dir can't be written: No such" other /nonexistent/dir
for name in Upper 1st two__bars bar_ my-name 2d_x a_2d wat test install ''; do
	refused 64 "can't be the name of a plugin" "$name"
done
refused 64 "it has more than 40 letters" "$(printf 'x%.0s' {1..41})"
refused 64 "an argument of new is missing"

# A file of one's own in the directory does not hinder.
mkdir mine && touch mine/notes
"$watctl" -j new greeter mine >"$work/out"
grep -qF '{"name":"greeter","directory":"mine","files":["mine/greeter.proto"' "$work/out" || fail "-j: $(cat "$work/out")"

# It builds and passes against what is installed, without warnings; the plugin describes itself.
quietly "$CMAKE" --install "$BUILD" --prefix "$work/prefix"
for dir in lru_cache mine; do
	quietly "$CMAKE" -S "$dir" -B "$dir/build" -DCMAKE_PREFIX_PATH="$work/prefix" \
		-DCMAKE_C_FLAGS="-Wall -Wextra -Werror -Wconversion -Wshadow"
	quietly "$CMAKE" --build "$dir/build"
	quietly ctest --test-dir "$dir/build" --no-tests=error
done
"$work/prefix/bin/watctl" describe ./lru_cache/build/plugins/lru_cache.so >"$work/out"
grep -qF 'lru_cache.LruCache' "$work/out" || fail "describe: $(cat "$work/out")"

# The test is one: a handler that does nothing fails it.
sed -i 's/out->total = state->total = sum/out->total = sum/' lru_cache/lru_cache.c
quietly "$CMAKE" --build lru_cache/build
if ctest --test-dir lru_cache/build >"$work/out" 2>&1; then fail "a broken handler passes the test"; fi
