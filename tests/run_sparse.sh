#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `kmeans train` on sparse records against the same rows written out. Argument: the build folder.
set -euo pipefail

build=${1:?usage: run_sparse.sh BUILD_FOLDER}
for python in /usr/bin/python3 python3 ''; do
    if [ -n "$python" ] && "$python" -c 'import numpy' 2>/dev/null; then break; fi
done
if [ -z "$python" ]; then
    echo "skipped: there is no python3 with numpy"
    exit 77
fi
exec "$python" -B "$(dirname "$0")/run_sparse.py" "$build"
