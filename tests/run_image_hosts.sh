#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The image on several hosts: containers on a Docker network, laid out as the platform and as the local
# modes of the SDKs do. Argument: the build folder; then names of cases [all].
set -euo pipefail

build=$(cd "${1:?usage: run_image_hosts.sh BUILD_FOLDER [CASE...]}" && pwd)
shift
. "$(dirname "$0")/docker_help.sh"
. "$(dirname "$0")/python.sh"
docker_begin "$build"
docker_image "$build"

"$python" -B "$root/tests/run_image_hosts.py" "$build" "$image" "$@"
