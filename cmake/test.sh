#!/bin/bash
# test.sh - builds watd in each way that is tested and runs the tests of each. Goes on after a
# failure, so that one run shows all of them. The last line is "N passed, N failed".
set -euo pipefail
cd "$(dirname "$0")/.."

passed=0 failed=0 skipped=0
started=$SECONDS
broken=()

# Thread sanitizer needs the shadow's addresses free, which a kernel with much randomness may not leave.
plainly=()
if setarch "$(uname -m)" -R true 2>/dev/null; then
	plainly=(setarch "$(uname -m)" -R)
fi

break_at() {
	echo "=== $1" >&2
	broken+=("$1")
	failed=$((failed + 1))
}

# build NAME DIRECTORY COMPILER [CMAKE ARGUMENT]...: all, or what $targets lists.
targets=()
build() {
	local name=$1 dir=$2 compiler=$3
	shift 3
	echo "=== $name: build ($((SECONDS - started)) s)"
	local generator=()
	[[ -e $dir/CMakeCache.txt ]] || generator=(-G Ninja)
	cmake -S . -B "$dir" "${generator[@]}" -DCMAKE_C_COMPILER="$compiler" "$@" >"$dir.log" 2>&1 &&
		cmake --build "$dir" ${targets[0]:+--target "${targets[@]}"} >>"$dir.log" 2>&1 && return
	tail -n 60 "$dir.log" >&2
	break_at "$name does not build"
	return 1
}

# attribute FILE NAME: a number of the <testsuite> element, which stands before all others.
attribute() {
	local value
	value=$(sed '/<testcase/,$d' "$1" | tr '\n\t' '  ' | sed -n "s/.* $2=\"\([0-9]*\)\".*/\1/p")
	echo "${value:-0}"
}

# Adds up what ctest wrote.
count() {
	local all fail skip
	all=$(attribute "$1" tests)
	fail=$(attribute "$1" failures)
	skip=$(($(attribute "$1" skipped) + $(attribute "$1" disabled)))
	passed=$((passed + all - fail - skip))
	failed=$((failed + fail))
	skipped=$((skipped + skip))
}

# check NAME DIRECTORY [CTEST ARGUMENT]...
check() {
	local name=$1 dir=$2 result
	shift 2
	result=$PWD/$dir/tests.xml
	echo "=== $name: test ($((SECONDS - started)) s)"
	rm -f "$result"
	"${plainly[@]}" ctest --test-dir "$dir" --output-on-failure -j4 --timeout 120 --no-tests=error \
		--output-junit "$result" "$@" </dev/null || broken+=("$name")
	if [[ -s $result ]]; then
		count "$result"
	else
		break_at "$name ran no tests"
	fi
}

mkdir -p build
if build gcc build gcc -DCMAKE_BUILD_TYPE=Release; then
	check gcc build
fi
if build "gcc, address and undefined" build/asan gcc -DCMAKE_BUILD_TYPE=Debug -DWAT_SANITIZE=address; then
	check "gcc, address and undefined" build/asan
fi
if build "clang, thread" build/tsan clang -DCMAKE_BUILD_TYPE=Debug -DWAT_SANITIZE=thread; then
	check "clang, thread" build/tsan -R 'host|client|scenario'
fi
mapfile -t targets < <(basename -s .c tests/fuzz/fuzz_*.c)
if build "clang, address, fuzz" build/fuzz clang -DCMAKE_BUILD_TYPE=Debug -DWAT_SANITIZE=address; then
	check "clang, address, fuzz" build/fuzz -R fuzz
fi
targets=()
build clang build/clang clang -DCMAKE_BUILD_TYPE=Release || true

echo "=== done ($((SECONDS - started)) s)"
((skipped == 0)) || echo "skipped: $skipped"
((${#broken[@]} == 0)) || printf 'failed: %s\n' "${broken[@]}"
((${#broken[@]} == 0 || failed > 0)) || failed=1
echo "$passed passed, $failed failed"
((failed == 0))
