#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every error that a user can reach, by running into it. Argument: the build folder.
set -euo pipefail

build=${1:?usage: run_failures.sh BUILD_FOLDER}
. "$(dirname "$0")/python.sh"
exec "$python" -B "$(dirname "$0")/run_failures.py" "$build"
