#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing, builds the release preset, runs every test. Arguments go to ctest:
#
#   tests/run.sh                   all tests
#   tests/run.sh quick             units and lint, within a minute; or whole, hosts, image, lint
#   tests/run.sh -R test_model -V  one of them, with its output
set -euo pipefail
cd "$(dirname "$0")/.."

jobs=$(nproc)
case ${1:-} in
quick | whole | hosts | image | lint) set -- -L "$@" ;;
esac
scripts/install.sh test
cmake --preset release >/dev/null
cmake --build --preset release -j "$jobs"
ctest --test-dir build --output-on-failure -j "$jobs" "$@"
