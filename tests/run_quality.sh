#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Data on which k-means goes wrong: see tests/run_quality.py. Once
# (first_build.sh). Argument: the build folder.
set -euo pipefail

build=${1:?usage: run_quality.sh BUILD_FOLDER}
. "$(dirname "$0")/first_build.sh"
only_first_build "$build"
. "$(dirname "$0")/python.sh"
exec "$python" -B "$(dirname "$0")/run_quality.py" "$build"
