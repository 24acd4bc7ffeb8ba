#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The models of `kmeans train` against an independent implementation. Argument: the build folder.
set -euo pipefail

build=${1:?usage: run_golden.sh BUILD_FOLDER}
. "$(dirname "$0")/python.sh"
exec "$python" -B "$(dirname "$0")/golden.py" "$build"
