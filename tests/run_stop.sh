#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A job that is asked to stop, wherever it is. Arguments: the build folder, and names of parts of
# run_stop.py if not all are wanted.
set -euo pipefail

build=${1:?usage: run_stop.sh BUILD_FOLDER}
for python in /usr/bin/python3 python3 ''; do
    if [ -n "$python" ] && "$python" -c 'import numpy' 2>/dev/null; then break; fi
done
if [ -z "$python" ]; then
    echo "skipped: there is no python3 with numpy"
    exit 77
fi
exec "$python" -B "$(dirname "$0")/run_stop.py" "$build" "${@:2}"
