#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs a fuzz target (or `all`, one after the other) for so many seconds, with clang's libFuzzer and
# the sanitizers: tests/fuzz/run.sh TARGET SECONDS [BUILD_FOLDER]. Begins with the corpus that is
# checked in, and with what earlier runs found worth keeping, in the build folder. A finding stays
# there, too, and ends the run: make a named file of it in tests/fuzz/corpus/TARGET.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
target=${1:?usage: run.sh TARGET SECONDS [BUILD_FOLDER]}
seconds=${2:?usage: run.sh TARGET SECONDS [BUILD_FOLDER]}
build=${3:-$here/../../build-fuzz}

targets=$target
[ "$target" != all ] || targets=$(cd "$here" && for f in fuzz_*.c; do f=${f#fuzz_}; echo "${f%.c}"; done)
command -v clang >/dev/null || { echo "skipped: there is no clang"; exit 77; }
CC=clang cmake -S "$here/../.." -B "$build" -DKM_FUZZ=ON -DKM_SANITIZE=ON \
    -DCMAKE_BUILD_TYPE=RelWithDebInfo >/dev/null
for t in $targets; do
    [ -f "$here/fuzz_$t.c" ] || { echo "no target $t"; exit 1; }
    cmake --build "$build" -j "$(nproc)" --target "fuzz_$t" >/dev/null
    mkdir -p "$build/corpus/$t"
    echo "== $t"
    "$build/tests/fuzz/fuzz_$t" -max_total_time="$seconds" -max_len=1500 -timeout=20 -rss_limit_mb=4096 \
        -artifact_prefix="$build/corpus/finding-$t-" -print_final_stats=1 \
        "$build/corpus/$t" "$here/corpus/$t" >"$build/corpus/$t.log" 2>&1 ||
        { tail -60 "$build/corpus/$t.log"; exit 1; }
    grep -E 'Done [0-9]+ runs|average_exec|new_units' "$build/corpus/$t.log"
done
