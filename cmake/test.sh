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

# The compiler of a build directory is chosen once; one made with another is made again.
forget_other_compiler() {
	local cache=$1/CMakeCache.txt made
	[[ -e $cache ]] || return 0
	made=$(sed -n 's/^CMAKE_C_COMPILER:[A-Z]*=//p' "$cache")
	[[ $(readlink -f "$made") == "$(readlink -f "$(command -v "$2")")" ]] || rm -rf "$cache" "$1/CMakeFiles"
}

# build NAME DIRECTORY COMPILER [CMAKE ARGUMENT]...: all, or what $targets lists.
targets=()
build() {
	local name=$1 dir=$2 compiler=$3 log=$2/build.log
	shift 3
	echo "=== $name: build ($((SECONDS - started)) s)"
	mkdir -p "$dir"
	forget_other_compiler "$dir" "$compiler"
	local generator=()
	[[ -e $dir/CMakeCache.txt ]] || generator=(-G Ninja)
	CC=$compiler cmake -S . -B "$dir" "${generator[@]}" "$@" >"$log" 2>&1 &&
		cmake --build "$dir" ${targets[0]:+--target "${targets[@]}"} >>"$log" 2>&1 && return
	# What failed, and not what else was under way.
	grep -qE 'FAILED:|error:|CMake Error' "$log" || tail -n 60 "$log" >&2
	grep -E -A12 'FAILED:|error:|CMake Error' "$log" | sed 80q >&2
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

# check NAME DIRECTORY [CTEST ARGUMENT]...: $jobs at a time. Most wait more than they compute.
jobs=4
check() {
	local name=$1 dir=$2 result
	shift 2
	result=$PWD/$dir/tests.xml
	echo "=== $name: test ($((SECONDS - started)) s)"
	rm -f "$result"
	"${plainly[@]}" ctest --test-dir "$dir" --output-on-failure -j"$jobs" --timeout 120 --no-tests=error \
		--output-junit "$result" "$@" </dev/null || broken+=("$name")
	if [[ -s $result ]]; then
		count "$result"
	else
		break_at "$name ran no tests"
	fi
}

if build gcc build gcc -DCMAKE_BUILD_TYPE=Release -DWAT_SANITIZE=; then
	check gcc build
fi
if build "gcc, address and undefined" build/asan gcc -DCMAKE_BUILD_TYPE=Debug -DWAT_SANITIZE=address; then
	# What the doors differ in is the gate, which those that stay go through. Disks, figures and the client in Python
	# are no other with a sanitizer.
	check "gcc, address and undefined" build/asan \
		-E '^scenario[.](users|lifecycle|order|hostile_idle)[.]|^scenario[.](restart|hostile_.*)[.]gate|power_loss|^bench|^protocol[.]losses'
fi
if build "clang, thread" build/tsan clang -DCMAKE_BUILD_TYPE=Debug -DWAT_SANITIZE=thread; then
	# The threads are those of hosts and clients: not what is about watd's own loop, nor the same by each door.
	check "clang, thread" build/tsan -R 'host|client|scenario' \
		-E 'watctl|config_|policy|hostile|groups|isolation|attached|blocked|lists|plugin_files|ends|watch$|(users|lifecycle|order|restart|self|waiting|containment|torture)[.](tcp|gate)'
fi
mapfile -t targets < <(basename -s .c tests/fuzz/fuzz_*.c)
if build "clang, address, fuzz" build/fuzz clang -DCMAKE_BUILD_TYPE=Debug -DWAT_SANITIZE=address; then
	# Each takes a processor for its whole time.
	jobs=$(nproc)
	check "clang, address, fuzz" build/fuzz -R '^fuzz[.]'
fi
targets=()
if build "Debian packages" build/deb gcc -DCMAKE_BUILD_TYPE=Release -DWAT_SANITIZE= -DWAT_DEBIAN=ON -DCMAKE_INSTALL_PREFIX=/usr; then
	check "Debian packages" build/deb
fi
build clang build/clang clang -DCMAKE_BUILD_TYPE=Release || true

echo "=== done ($((SECONDS - started)) s)"
((skipped == 0)) || echo "skipped: $skipped"
((${#broken[@]} == 0)) || printf 'failed: %s\n' "${broken[@]}"
((${#broken[@]} == 0 || failed > 0)) || failed=1
echo "$passed passed, $failed failed"
((failed == 0))
