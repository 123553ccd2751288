#!/bin/bash
# run.sh WAT-BENCH [ARGUMENT]... - the benchmark in a directory of its own, which goes with it.
# $BENCH_SECONDS is how long each figure is measured (default 3), $BENCH_ROUNDS in how many rounds.
set -euo pipefail

program=$1
shift
TMPDIR=$(mktemp -d "${TMPDIR:-/tmp}/wat-bench-XXXXXX")
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT

[[ -z ${BENCH_SECONDS:-} ]] || set -- --seconds "$BENCH_SECONDS" "$@"
[[ -z ${BENCH_ROUNDS:-} ]] || set -- --rounds "$BENCH_ROUNDS" "$@"
"$program" "$@"
