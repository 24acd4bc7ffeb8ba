#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A crash, wherever it is: what is told of it, and what is left. Arguments: the build folder, and names of parts of
# run_crash.py if not all are wanted.
set -euo pipefail

build=${1:?usage: run_crash.sh BUILD_FOLDER}
. "$(dirname "$0")/python.sh"
exec "$python" -B "$(dirname "$0")/run_crash.py" "$build" "${@:2}"
