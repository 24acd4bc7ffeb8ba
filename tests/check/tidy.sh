#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# clang-tidy 14 has nothing to say about the product (.clang-tidy: which checks, and why not others). Then
# proves itself on a planted mistake. Skips (77) without clang-tidy 14. Argument: the build folder.
set -euo pipefail
build=$(realpath "${1:?usage: tidy.sh BUILD_FOLDER}")
cd "$(dirname "$0")/../.."

tool=
for name in clang-tidy-14 clang-tidy; do
    if "$name" --version 2>/dev/null | grep 'version 14\.' >/dev/null; then
        tool=$name
        break
    fi
done
[ -n "$tool" ] || { echo "skipped: there is no clang-tidy 14"; exit 77; }

# One process a file: version 14 tells false things about later files of a longer run.
mapfile -t files < <(find algo base cli dist io serve train -name '*.c' 2>/dev/null | sort)
[ ${#files[@]} -ge 20 ] || { echo "found only ${#files[@]} source files: wrong folder?"; exit 1; }
log=$(mktemp)
planted=$(mktemp --suffix .c)
trap 'rm -f "$log" "$planted"' EXIT
if ! printf '%s\n' "${files[@]}" | xargs -P "$(nproc)" -n 1 "$tool" -p "$build" --quiet >"$log" 2>&1; then
    grep -vE 'warnings? generated|^Suppressed|^Use ' "$log"
    exit 1
fi
printf 'int km_f(int b);\nint km_f(int a) { if (a == 1 || a == 1) return a; return 0; }\n' >"$planted"
if "$tool" --quiet --config-file=.clang-tidy "$planted" -- >/dev/null 2>&1; then
    echo "a planted mistake passes: the check is blind"
    exit 1
fi
echo "${#files[@]} files pass"
