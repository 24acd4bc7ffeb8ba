# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Sourced by tests that the builds of one tree need once, as the models of all builds are the same bytes
# (run_bytes): beside the release build with gcc. KM_EVERY_BUILD=1 runs them beside any.

# is_first_build BUILD_FOLDER
is_first_build() {
    grep -q '^CMAKE_BUILD_TYPE:[A-Z]*=Release$' "$1/CMakeCache.txt" &&
        grep -q '^CMAKE_C_COMPILER:[A-Z]*=.*/\(gcc\|cc\)$' "$1/CMakeCache.txt"
}

# only_first_build BUILD_FOLDER
only_first_build() {
    [ "${KM_EVERY_BUILD:-0}" != 1 ] || return 0
    is_first_build "$1" || { echo "skipped: once, beside the release build with gcc"; exit 77; }
}
