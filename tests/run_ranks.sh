#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Several processes that train together under a plain mpirun. Arguments: the build folder, and names of
# parts of run_ranks.py if not all are wanted.
set -euo pipefail

build=${1:?usage: run_ranks.sh BUILD_FOLDER}
if ! command -v mpirun >/dev/null; then
    echo "skipped: there is no mpirun"
    exit 77
fi
for python in /usr/bin/python3 python3 ''; do
    if [ -n "$python" ] && "$python" -c 'import numpy' 2>/dev/null; then break; fi
done
if [ -z "$python" ]; then
    echo "skipped: there is no python3 with numpy"
    exit 77
fi
exec "$python" -B "$(dirname "$0")/run_ranks.py" "$build" "${@:2}"
