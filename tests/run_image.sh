#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the image and looks at it: what is in it, how its programs are linked, one-host jobs in
# containers as the platform starts them. Argument: the build folder; then names of parts [all].
set -euo pipefail

build=$(cd "${1:?usage: run_image.sh BUILD_FOLDER [PART...]}" && pwd)
shift
. "$(dirname "$0")/docker_help.sh"
. "$(dirname "$0")/python.sh"
docker_begin "$build"
docker_image "$build" again

"$python" -B "$root/tests/run_image.py" "$build" "$image" "$@"
