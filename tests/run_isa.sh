#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The tests of the algorithm pass at every kernel level that this CPU has, not only at the best (ctest
# runs them at that one). test_kernels and test_sparse go through the levels by themselves, run_train,
# run_golden and run_sparse do so for the whole program. Half a minute, once (first_build.sh): in other
# builds test_kernels and run_bytes go through the levels. Argument: the build folder.
set -euo pipefail
build=${1:?usage: run_isa.sh BUILD_FOLDER}
. "$(dirname "$0")/first_build.sh"
only_first_build "$build"

# The program itself lists them, best first.
read -ra levels < <(KM_ISA='?' "$build/kmeans" bench --quick 2>&1 | sed -n 's/.*can run are: //p' | tr -d ',')
if [ "${#levels[@]}" -lt 2 ]; then
    echo "FAILED: kmeans does not list its levels: ${levels[*]}"
    exit 1
fi
unset 'levels[0]' # the best
passed=0
for level in "${levels[@]}"; do
    for name in lloyd bounds refine seed shrink assign; do
        KM_ISA=$level "$build/tests/test_$name" >"${TMPDIR:-/tmp}/isa.$$" 2>&1 || {
            cat "${TMPDIR:-/tmp}/isa.$$"
            rm "${TMPDIR:-/tmp}/isa.$$"
            echo "FAILED: test_$name at level $level"
            exit 1
        }
        passed=$((passed + 1))
    done
done
rm -f "${TMPDIR:-/tmp}/isa.$$"
if KM_ISA=nonsense "$build/tests/test_lloyd" >/dev/null 2>&1; then
    echo "FAILED: the tests do not look at KM_ISA"
    exit 1
fi
echo "$passed passed, levels ${levels[*]}"
