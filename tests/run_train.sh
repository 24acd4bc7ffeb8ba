#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# `kmeans train` as users and the platform call it: formats, log, model. Argument: the build folder.
set -euo pipefail

build=${1:?usage: run_train.sh BUILD_FOLDER}
. "$(dirname "$0")/python.sh"
exec "$python" -B "$(dirname "$0")/run_train.py" "$build"
