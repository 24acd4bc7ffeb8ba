#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Whole training runs at random (sweep.py); ctest runs it in sanitizer builds. Arguments: the build folder,
# and options for sweep.py.
set -euo pipefail

build=${1:?usage: sweep.sh BUILD_FOLDER [OPTION...]}
shift
. "$(dirname "$0")/python.sh"
exec "$python" -B "$(dirname "$0")/sweep.py" "$build/kmeans" "$@"
