#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The bytes of a model depend on the data, the hyperparameters and the number of hosts alone: see
# tests/run_bytes.py. Arguments: the build folder, and what the script takes beside it.
set -euo pipefail
: "${1:?usage: run_bytes.sh BUILD_FOLDER [--write]}"
exec python3 -B "$(dirname "$0")/run_bytes.py" "$@"
