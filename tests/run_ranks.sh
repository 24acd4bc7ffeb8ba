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
. "$(dirname "$0")/python.sh"
exec "$python" -B "$(dirname "$0")/run_ranks.py" "$build" "${@:2}"
