#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The time of a pass on several hosts: a model, checked against two ranks on a network that tc shapes, and
# what it says of 4 to 100 hosts. Builds, and installs what is missing; as root, some minutes, two idle cores:
#
#   bench/scale.sh [--quick] [--kmeans FILE]
set -euo pipefail
repo=$(cd "$(dirname "$0")/.." && pwd)
cd "$repo"
scripts/install.sh test >&2
if [[ " $* " != *" --kmeans"* ]]; then
    cmake --preset release >&2
    cmake --build --preset release --target kmeans -j "$(nproc)" >&2
fi
exec /usr/bin/python3 -B bench/scale.py "$@"
