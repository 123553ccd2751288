#!/bin/bash
# torture.sh - the tests of what survives, for as long as it takes: deaths at random moments and at every named place,
# and the power going. TORTURE_ROUNDS: deaths of each case, default 1,000. TORTURE_SEED: of the moments, default a new
# one, which is said.
set -euo pipefail
cd "$(dirname "$0")/.."

rounds=${TORTURE_ROUNDS:-1000}
seed=${TORTURE_SEED:-$((RANDOM * 32768 + RANDOM))}
export WAT_TORTURE_ROUNDS=$rounds WAT_TORTURE_SEED=$seed
export WAT_POWER_IMAGES=$((rounds * 5)) WAT_POWER_SEED=$seed
export WAT_CRASH_VISITS=9 WAT_CASE_LIMIT_S=$((rounds * 20 + 600))
failed=0

# build DIRECTORY TARGETS CMAKE_ARGUMENTS...
build() {
	local dir=$1 targets=$2
	shift 2
	local generator=()
	mkdir -p "$dir"
	[[ -e $dir/CMakeCache.txt ]] || generator=(-G Ninja)
	# shellcheck disable=SC2086
	if ! { cmake -S . -B "$dir" "${generator[@]}" "$@" && cmake --build "$dir" --target $targets; } >"$dir/build.log" 2>&1; then
		tail -n 60 "$dir/build.log" >&2
		exit 1
	fi
}

run() {
	echo "=== $*"
	env "$@" || failed=$((failed + 1))
}

echo "seed $seed, $rounds rounds"
build build "scenario-torture power-power_loss" -DCMAKE_BUILD_TYPE=Release -DWAT_SANITIZE=
build build/asan "scenario-crash_points" -DCMAKE_BUILD_TYPE=Debug -DWAT_SANITIZE=address
run build/bin/scenario-torture
run WAT_TEST_DOOR=tcp build/bin/scenario-torture
run build/bin/power-power_loss
run build/asan/bin/scenario-crash_points
echo "$failed failed"
((failed == 0))
