# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Sourced by the tests in Python: $python is one that has numpy; without one the test is skipped.
for python in /usr/bin/python3 python3 ''; do
    if [ -n "$python" ] && "$python" -c 'import numpy' 2>/dev/null; then break; fi
done
if [ -z "$python" ]; then
    echo "skipped: there is no python3 with numpy"
    exit 77
fi
