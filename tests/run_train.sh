#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `kmeans train` as users and the platform call it: formats, log, model. Argument: the build folder.
set -euo pipefail

build=${1:?usage: run_train.sh BUILD_FOLDER}
for python in /usr/bin/python3 python3 ''; do
    if [ -n "$python" ] && "$python" -c 'import numpy' 2>/dev/null; then break; fi
done
if [ -z "$python" ]; then
    echo "skipped: there is no python3 with numpy"
    exit 77
fi
exec "$python" -B "$(dirname "$0")/run_train.py" "$build"
