#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Collects in FOLDER exactly the files that run: kmeans, its shared objects, Open MPI's launcher with its
# messages, and what tells people and scanners which Debian packages these are. Nothing else: no shell.
#
#   scripts/image_files.sh KMEANS LIBOPENBLAS FOLDER
#
# Runs in the build stage of the Dockerfile. SOURCE_DATE_EPOCH: the time that all files get.
set -euo pipefail

kmeans=$(realpath "${1:?usage: scripts/image_files.sh KMEANS LIBOPENBLAS FOLDER}")
blas=$(realpath "${2:?}")
out=${3:?}
source=$(cd "$(dirname "$0")/.." && pwd)
lib=/usr/lib/$(gcc -print-multiarch)
declare -A taken packages

# take PATH: the file, and the links that lead to it.
take() {
    local path target package
    path=$(realpath "$(dirname "$1")")/$(basename "$1")
    [ -z "${taken[$path]:-}" ] || return 0
    taken[$path]=1
    mkdir -p "$out$(dirname "$path")"
    cp -dp "$path" "$out$path"
    if [ -L "$path" ]; then
        target=$(readlink "$path")
        case $target in /*) ;; *) target=$(dirname "$path")/$target ;; esac
        take "$target"
    fi
    # A link without a package is the choice among alternatives: its target has one.
    package=$(dpkg-query -S "$path" 2>/dev/null | sed 's/: .*//') || [ -L "$path" ]
    [ -z "$package" ] || packages[${package%%:*}]=1
}

# take_objects PROGRAM: the shared objects that it loads.
take_objects() {
    local object
    while read -r object; do
        [ "$object" = "$blas" ] || take "$object"
    done < <(LD_LIBRARY_PATH=$(dirname "$blas") ldd "$1" | grep -oE '/[^ ]+ \(0x' | sed 's/ (0x//')
}

[ ! -e "$out" ] || { echo "$out exists already" >&2; exit 1; }
umask 022
mkdir -p "$out"/{usr/bin,usr/share,etc,opt/ml,var/lib/dpkg/status.d} "$out$lib"
mkdir -m 1777 "$out/tmp"
mkdir -m 700 "$out/root"
ln -s usr/lib "$out/lib"
ln -s usr/lib64 "$out/lib64"

strip -s -o "$out/usr/bin/kmeans" "$kmeans"
cp "$blas" "$out$lib/libopenblas.so.0"
packages[libopenblas-pthread-dev]=1
take_objects "$kmeans"
take "$lib/libgcc_s.so.1" # the C library loads it when a thread is cancelled

# Open MPI: the launcher, and what it says when something is wrong.
for program in mpirun.openmpi prterun prte prted; do
    take "/usr/bin/$program"
    take_objects "/usr/bin/$program"
done
ln -s mpirun.openmpi "$out/usr/bin/mpirun"
for plugin in "$lib"/pmix2/lib/pmix/*.so; do
    take "$plugin"
    take_objects "$plugin"
done
for text in /usr/share/openmpi/help-*.txt /usr/share/prte/help-*.txt "$lib"/pmix2/share/pmix/help-*.txt \
    "$lib"/pmix2/share/pmix-mca-params.conf /etc/openmpi/*.conf; do
    case $text in *wrapper* | *oshmem* | *-info.txt) ;; *) take "$text" ;; esac
done

take /etc/os-release
printf 'root:x:0:0:root:/root:/bin/bash\n' >"$out/etc/passwd"
printf 'root:x:0:\n' >"$out/etc/group"
printf 'hosts: files dns\npasswd: files\ngroup: files\n' >"$out/etc/nsswitch.conf"

# What each file's package is (scanners read status.d), and under which licence.
for package in "${!packages[@]}"; do
    dpkg-query -s "$package" >"$out/var/lib/dpkg/status.d/$package"
    mkdir -p "$out/usr/share/doc/$package"
    cp -L "/usr/share/doc/$package/copyright" "$out/usr/share/doc/$package/copyright"
done
mkdir -p "$out/usr/share/doc/kmeans"
cp "$source/LICENSE" "$out/usr/share/doc/kmeans/copyright"
# A builder's cache looks at contents, not at times: the same files of another time are another layer.
echo "SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-0}" >"$out/usr/share/doc/kmeans/time"

chmod -R u=rwX,go=rX "$out/etc" "$out/usr" "$out/var" "$out/opt"
find "$out" -exec touch -h -d "@${SOURCE_DATE_EPOCH:-0}" {} +
