#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# On emulated CPUs of older make the right kernel level is chosen, and nothing faults. Skips (77) without
# qemu-x86_64, elsewhere than on x86-64, and for a sanitizer build (its shadow memory needs a real CPU).
set -euo pipefail
build=${1:?usage: run_levels.sh BUILD_FOLDER}
skip() {
    echo "skipped: $*"
    exit 77
}
[ "$(uname -m)" = x86_64 ] || skip "only x86-64 is emulated"
command -v qemu-x86_64 >/dev/null || skip "there is no qemu-x86_64"
# grep reads to the end: with -q it may leave nm writing to nobody, and pipefail then hides that it found the name.
if nm "$build/kmeans" 2>/dev/null | grep __asan_init >/dev/null; then
    skip "the shadow memory of a sanitizer needs a real CPU"
fi
unset OPENBLAS_CORETYPE # would make OpenBLAS use instructions that the emulated CPU lacks

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for i in $(seq 1 200); do
    echo "$((i % 4 * 100)).5,$((i % 7)),$((i * i % 11))"
done >"$folder/rows.csv"

passed=0
check() { # CPU LEVEL
    local log=$folder/$1.log
    qemu-x86_64 -cpu "$1" "$build/kmeans" train --k 4 --output "$folder/m.tar.gz" "$folder/rows.csv" \
        >"$log" 2>"$folder/err" || { cat "$log" "$folder/err"; echo "FAILED on $1"; exit 1; }
    grep -q ": kernels $2," "$log" || { head -1 "$log"; echo "FAILED: $1 must choose $2"; exit 1; }
    # Not test_kernels: qemu 7.2 reads 16 bytes for the 8-byte operand of a scalar multiply-add, and its
    # unreadable pages notice.
    for test in test_lloyd test_seed; do
        qemu-x86_64 -cpu "$1" "$build/tests/$test" >"$log" 2>&1 ||
            { grep -v warning "$log" | tail -5; echo "FAILED: $test on $1"; exit 1; }
    done
    passed=$((passed + 4))
}
check Nehalem blas
check Haswell avx2
if KM_ISA=avx512 qemu-x86_64 -cpu Haswell "$build/kmeans" train --k 4 --output "$folder/m.tar.gz" \
    "$folder/rows.csv" >"$folder/log" 2>/dev/null; then
    echo "FAILED: a level that the CPU lacks must be an error"
    exit 1
fi
grep -q "KM_ISA names 'avx512'; the kernels that this CPU can run are: avx2, blas, generic" "$folder/log"
echo "$((passed + 1)) passed"
