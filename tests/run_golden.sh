#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The models of `kmeans train` against an independent implementation. Argument: the build folder.
set -euo pipefail

build=${1:?usage: run_golden.sh BUILD_FOLDER}
for python in /usr/bin/python3 python3 ''; do
    if [ -n "$python" ] && "$python" -c 'import numpy' 2>/dev/null; then break; fi
done
if [ -z "$python" ]; then
    echo "skipped: there is no python3 with numpy"
    exit 77
fi
exec "$python" -B "$(dirname "$0")/golden.py" "$build"
