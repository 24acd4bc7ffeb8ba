#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# .ci/skips sees every skip of a run of ctest and takes only those that are expected: proved on a run whose
# tests skip in each way.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/CTestTestfile.cmake" <<'TESTS'
add_test(good "sh" "-c" "echo all is well, nothing was skipped: good")
add_test(silent "sh" "-c" "exit 77")
add_test(told "sh" "-c" "echo skipped: there is no tool; exit 77")
add_test(part "sh" "-c" "echo '  skipped: a scenario, there is no disk'; echo 3 passed")
add_test(unit "sh" "-c" "echo '[  SKIPPED ] some_case'; echo '[  SKIPPED ] 1 test(s), listed below:'")
set_tests_properties(silent told PROPERTIES SKIP_RETURN_CODE 77)
TESTS
ctest --test-dir "$work" >"$work/output"

skips() { # EXPECTED LINES...
    printf '%s\n' "$@" | .ci/skips "$work/output" "$work/Testing/Temporary/LastTest.log"
}
failed() {
    echo "FAILED: $*"
    exit 1
}

all=('# a comment' '' 'silent: no reason' 'told: there is no *' 'part: a scenario, there is no disk' 'unit: some_case')
[ -z "$(skips "${all[@]}")" ] || failed "all are expected: $(skips "${all[@]}")"
for i in 2 3 4 5; do
    some=("${all[@]}")
    unset "some[$i]"
    said=$(skips "${some[@]}") && failed "'${all[$i]}' was not expected"
    grep -qF "UNEXPECTED SKIP: ${all[$i]%%:*}: " <<<"$said" || failed "$said"
done
skips "${all[@]}" 'good: *' | grep -qx 'note: expected to be skipped, but ran: good: \*' || failed "no note"
said=$(skips </dev/null) && failed "nothing was expected"
[ "$(grep -c UNEXPECTED <<<"$said")" -eq 4 ] || failed "$said"
echo "7 passed"
