#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `kmeans train` on sparse records against the same rows written out. Argument: the build folder.
set -euo pipefail

build=${1:?usage: run_sparse.sh BUILD_FOLDER}
. "$(dirname "$0")/python.sh"
exec "$python" -B "$(dirname "$0")/run_sparse.py" "$build"
