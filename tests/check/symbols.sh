#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every global symbol of our libraries begins with km_; generated protobuf code is exempt, and so are
# the symbols that sanitizers add and those with which clang 14 chooses between the versions of a static
# function for several CPUs. Argument: the build folder.
set -euo pipefail

build=${1:?usage: check_symbols.sh BUILD_FOLDER}
count=0

# foreign LIBRARY: its global symbols without the prefix.
foreign() {
    nm -g --defined-only "$1" 2>/dev/null | awk 'NF == 3 {print $3}' | sort -u |
        grep -vE '^(km_|__odr_asan|__asan_|__ubsan_)|\.resolver$' || true
}

for library in "$build"/libkm_*.a; do
    case $library in
    */libkm_record_pb.a) continue ;;
    esac
    found=$(foreign "$library")
    if [ -n "$found" ]; then
        echo "$library has global symbols without km_:"
        echo "$found"
        exit 1
    fi
    count=$((count + 1))
done
[ "$count" -ge 4 ] || { echo "found only $count libraries in $build"; exit 1; }

# The generated library has other names, so the check must see them there.
[ -n "$(foreign "$build/libkm_record_pb.a")" ] || { echo "the check sees no symbols at all"; exit 1; }
echo "$count libraries, every global symbol has its prefix"
