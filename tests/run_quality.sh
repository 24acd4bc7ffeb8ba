#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Data on which k-means goes wrong: see tests/run_quality.py. Argument: the build folder.
set -euo pipefail

build=${1:?usage: run_quality.sh BUILD_FOLDER}
. "$(dirname "$0")/python.sh"
exec "$python" -B "$(dirname "$0")/run_quality.py" "$build"
