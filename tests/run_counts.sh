#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Instructions for each row of a pass, counted by valgrind, are those of tests/counts.txt within 2 %. Unlike
# times, counts are the same on a busy machine; they depend on the compiler, so there is a list for
# each. After a change of the kernels that is meant, for each compiler:
#
#   tests/run_counts.sh build --write
#
# Counted are the steps of the training loop on one thread, without the making of rows. Level avx512 is
# not: valgrind does not know it; its loops are those of avx2 (algo/kern/body.h). Skips (77) without
# valgrind or AVX2, for other builds than Release, and where counts.txt has nothing of this compiler.
set -euo pipefail
build=$(cd "${1:?usage: run_counts.sh BUILD_FOLDER [--write]}" && pwd)
write=${2:-}
list=$(cd "$(dirname "$0")" && pwd)/counts.txt
tolerance=2

# rows features values centers: forms A, B (with and without left-over centers), C, large K, sparse.
shapes=('2000 784 0 10' '1600 784 0 100' '1600 784 0 96' '8000 2 0 10' '8000 8 0 100' '4000 54 0 100' '1000 64 0 250'
    '4000 10000 65 100')

skip() {
    echo "skipped: $*"
    exit 77
}

[ "$(uname -m)" = x86_64 ] || skip "counts are kept for x86-64"
command -v valgrind >/dev/null || skip "there is no valgrind"
grep -qw avx2 /proc/cpuinfo || skip "this CPU has no AVX2"
compiler=$("$build/tests/count_pass") # e.g. GNU-12-Release
[[ $compiler == *-Release ]] || skip "only a release build is counted, this is $compiler"
if [ -z "$write" ] && ! grep "^$compiler " "$list" >/dev/null; then
    skip "counts.txt has nothing of $compiler; tests/run_counts.sh $1 --write adds it"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# count LEVEL ROWS FEATURES VALUES CENTERS: a line of counts.txt
count() {
    local level=$1 rows=$2 log
    shift
    # The specification is slow: an eighth of the rows, but never fewer than centers.
    if [ "$level" = generic ]; then rows=$((rows / 8 > $4 ? rows / 8 : $4)); fi
    log=$work/$level-${*// /-}.log
    KM_ISA=$level valgrind --tool=callgrind --callgrind-out-file=/dev/null --collect-atstart=no \
        --toggle-collect=km_assign_add --toggle-collect=km_centers_move --toggle-collect=km_sums_clear \
        --toggle-collect=km_sparse_centers_label --toggle-collect=km_sparse_centers_take \
        "$build/tests/count_pass" "$rows" "$2" "$3" "$4" >"$log" 2>&1 || { cat "$log" >&2; return 1; }
    awk -v "head=$compiler $level ${rows}x$2/$3x$4" -v "rows=$rows" \
        '/Collected *:/ { printf "%s %.1f\n", head, $NF / rows; found = $NF > 0 }
         END { exit !found }' "$log"
}
export -f count
export build work compiler

for level in avx2 generic; do
    printf "count $level %s\n" "${shapes[@]}"
done | xargs -P "$(nproc)" -I {} bash -euc '{}' >"$work/counts"
sort -o "$work/counts" "$work/counts"

if [ "$write" = --write ]; then
    {
        grep '^#' "$list" || true
        { grep -v -e '^#' -e "^$compiler " "$list" || true; cat "$work/counts"; } | LC_ALL=C sort
    } >"$work/list"
    cp "$work/list" "$list"
    echo "$(wc -l <"$work/counts") counts of $compiler are in $list"
    exit
fi
grep "^$compiler " "$list" | awk -v "tolerance=$tolerance" -v "again=tests/run_counts.sh BUILD --write" '
    FNR == NR { before[$1 " " $2 " " $3] = $4; next }
    {
        key = $1 " " $2 " " $3; seen[key] = 1
        change = key in before ? 100 * ($4 / before[key] - 1) : 100
        printf "%-36s %12.1f instructions a row, was %12.1f: %+.1f %%\n", key, $4, before[key], change
        if (change > tolerance || change < -tolerance) bad++
    }
    END {
        for (key in before) if (!(key in seen)) { print "not counted: " key; bad++ }
        if (bad) print "FAILED: " bad " counts changed by more than " tolerance " %; where that is meant: " again
        exit bad > 0
    }' - "$work/counts"
