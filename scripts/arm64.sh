#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds kmeans for arm64 with the cross compiler of Debian 12 or 13, and runs the tests under
# qemu-aarch64:
#
#   scripts/arm64.sh
#
# The arm64 libraries are downloaded with apt and unpacked into build-arm64/sysroot, not installed: the
# machine's own packages stay as they are. Installs the cross compiler and qemu-user where they are
# missing. Run again, it downloads nothing.
set -euo pipefail
repo=$(cd "$(dirname "$0")/.." && pwd)
build=$repo/build-arm64
sysroot=$build/sysroot
libraries=(libc6-dev libopenblas-pthread-dev zlib1g-dev libprotobuf-c-dev libjansson-dev libcmocka-dev
    libopenmpi-dev)
# What these depend on but no build needs: compilers and their runtimes, perl, the package manager.
not_needed='^(gcc-|cpp-|gfortran-|binutils|libbinutils|perl|libperl|dpkg|debconf|lib[atl]san|libubsan|libhwasan|libicu|javascript|libjs-|openssh)'

install_tools() {
    local sudo=()

    command -v aarch64-linux-gnu-gcc >/dev/null && command -v qemu-aarch64 >/dev/null && return
    [ "$(id -u)" -eq 0 ] || sudo=(sudo)
    echo "Installing missing packages: gcc-aarch64-linux-gnu qemu-user"
    "${sudo[@]}" apt-get -q update
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends \
        gcc-aarch64-linux-gnu qemu-user
}

# apt as on an arm64 machine on which nothing is installed, with lists and downloads of its own.
arm64_apt() {
    apt-get -q -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o APT::Install-Recommends=false \
        -o APT::Sandbox::User=root -o Dir::State::status="$apt/status" -o Dir::State::lists="$apt/lists" \
        -o Dir::Cache="$apt/cache" -o Debug::NoLocking=1 "$@"
}

make_sysroot() {
    local stamp="${libraries[*]}" apt=$build/apt names package

    if [ "$(cat "$sysroot/.made-of" 2>/dev/null)" = "$stamp" ]; then return; fi
    echo "Unpacking the arm64 libraries into $sysroot"
    rm -rf "$sysroot" "$apt"
    mkdir -p "$sysroot" "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/packages"
    : >"$apt/status"
    arm64_apt update >/dev/null
    names=$(arm64_apt --simulate install "${libraries[@]}" | sed -n 's/^Inst \([^ ]*\) .*/\1/p' |
        grep -vE "$not_needed")
    # shellcheck disable=SC2086 # one word a package
    (cd "$apt/packages" && arm64_apt download $names >/dev/null)
    for package in "$apt"/packages/*.deb; do
        dpkg-deb --fsys-tarfile "$package" | tar -x -C "$sysroot" --keep-directory-symlink
    done
    ln -sf openblas-pthread/libopenblas.so.0 "$sysroot/usr/lib/aarch64-linux-gnu/"
    rm -r "$apt"
    echo "$stamp" >"$sysroot/.made-of"
}

# The tests of kernels and steps try every level. Under emulation a test takes twenty times as long:
# those of code that knows no machine are left out, and so is test_comm, which starts mpirun. run_bytes has
# shown that shrink, refinement and sparse rows give the bytes of any other CPU.
run_tests() {
    ctest --test-dir "$build" --output-on-failure -j "$(nproc)" \
        -R '^test_(kernels|assign|centers|lloyd|seed|shrink|sparse|base|pool|record|csv|model)$'
}

# The whole program on the same rows, natively too if there is a build: the objectives must agree.
run_program() {
    local level arm own

    for i in $(seq 1 3000); do
        echo "$((i % 5 * 100)).5,$((i * 7 % 13)),$((i * i % 11)).25"
    done >"$build/rows.csv"
    [ ! -x "$repo/build/kmeans" ] || own=$(objective "$repo/build/kmeans")
    for level in generic blas; do
        arm=$(KM_ISA=$level objective qemu-aarch64 -L "$sysroot" "$build/kmeans")
        echo "arm64, level $level: train data_msd $arm${own:+, here $own}"
        awk -v a="$arm" -v b="${own:-$arm}" 'BEGIN { exit !(a > 0 && a <= 1.0001 * b && b <= 1.0001 * a) }' ||
            { echo "FAILED: the objectives differ"; exit 1; }
    done
    # models are the same byte for byte as on any other CPU
    python3 -B "$repo/tests/run_bytes.py" "$build" --few --run "qemu-aarch64 -L $sysroot"
}

objective() { # COMMAND...
    "$@" train --k 5 --mini_batch_size 500 --output "$build/model.tar.gz" "$build/rows.csv" |
        sed -n 's/.*train data_msd <loss>=\([0-9.e+-]*\).*/\1/p'
}

unset OPENBLAS_CORETYPE # names a CPU of another make
mkdir -p "$build"
install_tools
make_sysroot
cd "$repo"
cmake --preset arm64 >/dev/null
cmake --build --preset arm64 -j "$(nproc)"
run_program
run_tests
