#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Each header compiles alone, so it includes what it needs. Not the pieces of kernels (algo/kern/,
# io/numbers_body.h): the file of a level includes them behind its macros. Then proves itself on a
# planted header. Argument: the build folder.
set -euo pipefail
build=$(realpath "${1:?usage: headers.sh BUILD_FOLDER}")
cd "$(dirname "$0")/../.."

# alone HEADER [FOLDER]: what the compiler says.
alone() {
    printf '#include "%s"\n' "$1" | gcc -std=c17 -D_GNU_SOURCE -I"${2:-.}" -I. -I"$build/generated" \
        -Wall -Wextra -Werror -fsyntax-only -x c - 2>&1
}

mapfile -t headers < <(find algo base cli dist io serve tests train -name '*.h' 2>/dev/null |
    grep -vE '^(algo/kern/|io/numbers_body\.h$)' | sort)
headers+=(algo/kern/kernels.h)
[ ${#headers[@]} -ge 20 ] || { echo "found only ${#headers[@]} headers: wrong folder?"; exit 1; }
bad=0
for header in "${headers[@]}"; do
    alone "$header" || { echo "$header does not compile alone"; bad=1; }
done
[ $bad -eq 0 ] || exit 1

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
echo 'size_t km_planted(void);' >"$copy/planted.h"
if alone planted.h "$copy" >/dev/null; then
    echo "planted a header without its include, and nobody noticed"
    exit 1
fi
echo "${#headers[@]} headers compile alone"
