#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs the packages that are missing to build kmeans on Debian 12, 13 or Ubuntu 24.04.
#
#   scripts/install.sh [build|test|ci]
#
# build: compiler and libraries; test: also what the tests want; ci: also clang and its tools, shellcheck,
# and what builds and runs the image.
# KM_MPI=OFF in the environment leaves Open MPI out, for a build with -DKM_MPI=OFF.
# Says what it installs; when nothing is missing it is silent and touches nothing.
set -euo pipefail

level=${1:-build}
cmake_needed=3.25

missing=()

# need_command COMMAND PACKAGE
need_command() {
    command -v "$1" >/dev/null || missing+=("$2")
}

# need_package PACKAGE (a library: it has no command)
need_package() {
    local arch status
    arch=$(dpkg --print-architecture)
    # One of the two is unknown to dpkg, which then exits with 1 but still prints the other.
    status=$(dpkg-query -W -f '${db:Status-Status}\n' "$1:$arch" "$1:all" 2>/dev/null) || true
    grep -qx installed <<<"$status" || missing+=("$1")
}

die() {
    echo "scripts/install.sh: $*" >&2
    exit 1
}

case $level in
build | test | ci) ;;
*) die "unknown level \"$level\"; expected build, test or ci" ;;
esac

need_command gcc gcc
need_command cmake cmake
need_command make make
need_command pkg-config pkg-config
need_command protoc-c protobuf-c-compiler
libraries=(libc6-dev zlib1g-dev libopenblas-pthread-dev libprotobuf-c-dev libjansson-dev)
if [ "${KM_MPI:-ON}" != OFF ]; then
    need_command mpirun openmpi-bin
    libraries+=(libopenmpi-dev)
fi
if [ "$level" != build ]; then
    need_command python3 python3
    libraries+=(libcmocka-dev python3-numpy iproute2)
fi
if [ "$level" = ci ]; then
    need_command clang clang
    need_command clang-format clang-format
    need_command clang-tidy clang-tidy
    need_command shellcheck shellcheck
    need_command valgrind valgrind
    need_command qemu-x86_64 qemu-user # for tests/run_levels.sh
    need_command dockerd docker.io
    need_command debootstrap debootstrap
fi
if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    die "this system has no apt; install by hand what matches the Debian packages" \
        "gcc make cmake (>= $cmake_needed) pkg-config protobuf-c-compiler ${libraries[*]}"
fi
for library in "${libraries[@]}"; do
    need_package "$library"
done

if [ ${#missing[@]} -gt 0 ]; then
    sudo=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null ||
            die "packages are missing and neither root nor sudo is at hand; have somebody run:" \
                "apt-get install ${missing[*]}"
        sudo=(sudo)
    fi
    echo "Installing missing packages: ${missing[*]}"
    apt=("${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y)
    "${apt[@]}" update
    "${apt[@]}" install --no-install-recommends "${missing[@]}"
fi

have=$(cmake --version | sed -n '1s/[^0-9]*\([0-9.]*\).*/\1/p')
if [ "$(printf '%s\n' "$cmake_needed" "$have" | sort -V | head -n 1)" != "$cmake_needed" ]; then
    die "found cmake $have, expected $cmake_needed or newer (Debian 12 and Ubuntu 24.04 have it)"
fi
