#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Holds the include graph of docs/architecture.md: who may include whom, and which file may use which
# outside library. Then proves itself: planted violations must be caught.
set -euo pipefail
cd "$(dirname "$0")/../.."

folders='algo|base|bench|cli|dist|examples|io|serve|tests|train'

# The folders that each may include.
declare -A allowed=(
    [base]="base" [algo]="base algo" [io]="base io" [dist]="base dist" [dist/launch]="base dist/launch"
    [train]="base algo io dist dist/launch train" [serve]="base algo io serve" [examples]="base algo io"
    [cli]="base algo io dist dist/launch train serve cli"
)
allowed[tests]="${allowed[cli]} tests bench"
allowed[bench]=${allowed[tests]}

# find_layer FILE: sets layer to its folder of those above; algo/kern is a part of algo.
find_layer() {
    case $1 in
    dist/launch/*) layer=dist/launch ;;
    *) layer=${1%%/*} ;;
    esac
}

# find_holder HEADER: sets holder to a pattern of the files that may include it (tests and benchmarks may use any).
find_holder() {
    case $1 in
    mpi.h) holder='^dist/comm_mpi\.c$' ;;
    cblas.h | f77blas.h | openblas_config.h | lapacke.h | omp.h) holder='^algo/' ;;
    jansson.h) holder='^(train|serve)/' ;;
    pthread.h | threads.h) holder='^(base/|io/feed\.c$|dist/launch/(lookup|seat)\.c$|serve/)' ;;
    zlib.h) holder='^(io|examples)/' ;;
    protobuf-c/*) holder='^io/' ;;
    microhttpd.h) holder='^serve/' ;;
    cmocka.h) holder='^tests/' ;;
    *) holder=. ;;
    esac
}

# check_tree ROOT: prints every violation.
check_tree() (
    cd "$1"
    find ./*/ -name '*.[ch]' | sed 's|^\./||' | grep -E "^($folders)/" | sort |
        { xargs grep -HoE '^[[:space:]]*#[[:space:]]*include[[:space:]]*["<][^">]+' || true; } |
        sed -E 's/^([^:]+):.*include[[:space:]]*(["<])(.*)$/\1 \2 \3/' |
        while read -r file quote header; do
            find_layer "$file"
            folder=$layer
            if [ "$quote" = '"' ]; then
                find_layer "$header"
                case " ${allowed[$folder]} " in
                *" $layer "*) ;;
                *) echo "$file includes \"$header\"; $folder may include: ${allowed[$folder]}" ;;
                esac
            elif [ "$folder" != tests ] && [ "$folder" != bench ]; then
                find_holder "$header"
                [[ $file =~ $holder ]] || echo "$file includes <$header>; only $holder may"
            fi
        done
)

files=$(find algo base cli dist io train -name '*.[ch]' | wc -l)
[ "$files" -ge 20 ] || { echo "found only $files source files: wrong folder?"; exit 1; }
violations=$(check_tree .)
if [ -n "$violations" ]; then
    echo "$violations"
    exit 1
fi

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
names=()
while read -r file line; do
    file=${file%.*}${#names[@]}.${file##*.}
    mkdir -p "$copy/$(dirname "$file")"
    printf '%s\n' "$line" >"$copy/$file"
    names+=("$file")
done <<'PLANTED'
base/planted.c #include "io/file.h"
algo/planted.c #include "io/file.h"
algo/kern/planted.c #include "dist/comm.h"
io/planted.h #  include "algo/assign.h"
dist/planted.c #include "io/file.h"
dist/planted.c #include "dist/launch/link.h"
dist/launch/planted.c #include "dist/comm.h"
train/planted.c #include "cli/nearest.h"
io/planted.c #include "file.h"
cli/planted.c #include "tests/test.h"
dist/planted.c #include <mpi.h>
train/planted.c #include <cblas.h>
io/planted.c #include <jansson.h>
algo/planted.c #include <pthread.h>
train/planted.c #include <protobuf-c/protobuf-c.h>
PLANTED
caught=$(check_tree "$copy")
for file in "${names[@]}"; do
    grep -q "^$file includes " <<<"$caught" || { cat "$copy/$file"; echo "planted in $file, and nobody noticed"; exit 1; }
done
echo "$files files keep the layers; ${#names[@]} planted violations were caught"
