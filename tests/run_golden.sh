#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The models of `kmeans train` against an independent implementation. Once
# (first_build.sh). Argument: the build folder.
set -euo pipefail

build=${1:?usage: run_golden.sh BUILD_FOLDER}
. "$(dirname "$0")/first_build.sh"
only_first_build "$build"
. "$(dirname "$0")/python.sh"
exec "$python" -B "$(dirname "$0")/golden.py" "$build"
