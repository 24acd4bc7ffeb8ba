#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A job that is asked to stop, wherever it is. Arguments: the build folder, and names of parts of
# run_stop.py if not all are wanted.
set -euo pipefail

build=${1:?usage: run_stop.sh BUILD_FOLDER}
. "$(dirname "$0")/python.sh"
exec "$python" -B "$(dirname "$0")/run_stop.py" "$build" "${@:2}"
