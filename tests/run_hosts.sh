#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Several hosts as network namespaces: the launch, and every fault it must survive or report.
#
#   tests/run_hosts.sh BUILD_FOLDER [SCENARIO...]   (--list says which there are; --help)
set -euo pipefail

: "${1:?usage: run_hosts.sh BUILD_FOLDER [SCENARIO...]}"
if [ "$(id -u)" -ne 0 ]; then
    echo "skipped: network namespaces need root"
    exit 77
fi
for command in mpirun ip unshare; do
    if ! command -v "$command" >/dev/null; then
        echo "skipped: there is no $command"
        exit 77
    fi
done
. "$(dirname "$0")/python.sh"
exec "$python" -B "$(dirname "$0")/run_hosts.py" "$@"
