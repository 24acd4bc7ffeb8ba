#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Our shell scripts, as shellcheck sees them: it has nothing to say (.shellcheckrc: what is left out, and
# why). Then proves itself on a planted mistake. Skips (77) without shellcheck.
set -euo pipefail
cd "$(dirname "$0")/../.."
command -v shellcheck >/dev/null || { echo "skipped: there is no shellcheck"; exit 77; }

# Git knows which files are ours; an unpacked archive holds nothing else.
mapfile -t files < <({ git ls-files -co --exclude-standard 2>/dev/null || find . -type f | sed 's|^\./||'; } |
    grep -E '\.sh$|^\.ci/' | sort)
[ ${#files[@]} -ge 10 ] || { echo "found only ${#files[@]} scripts: wrong folder?"; exit 1; }
shellcheck -f gcc "${files[@]}"
# shellcheck disable=SC2016 # the $ is for shellcheck to see
if printf '#!/bin/bash\nrm -rf $1\n' | shellcheck - >/dev/null; then
    echo "a planted mistake passes: the check is blind"
    exit 1
fi
echo "${#files[@]} scripts pass"
