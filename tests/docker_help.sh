# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# For the scripts that test the image; they source this file. What they start here they end here.
#
#   docker_begin BUILD           a Docker daemon that answers (exit 77 where there can be none), a folder $work
#   docker_image BUILD [again]   the image $image, made from this tree; again: not loaded from a file

cache=${XDG_CACHE_HOME:-$HOME/.cache}/kmeans # the base image, where it cannot be pulled
base=debian:trixie-slim
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

. "$root/tests/first_build.sh"

skip() {
    echo "skipped: $*"
    exit 77
}

docker_end() {
    local code=$?
    trap - EXIT INT TERM
    type on_end >/dev/null 2>&1 && on_end
    if [ -n "${daemon:-}" ]; then
        kill "$daemon"
        wait "$daemon" || true
        unset DOCKER_HOST
        [ -n "$had_bridge" ] || ip link delete docker0 2>/dev/null || true
    fi
    rm -rf "$work"
    exit "$code"
}

docker_begin() {
    local build=$1 i
    only_first_build "$build"
    command -v docker >/dev/null || skip "there is no docker (scripts/install.sh ci installs it)"
    work=$(mktemp -d)
    trap docker_end EXIT
    trap 'exit 130' INT TERM
    docker info >/dev/null 2>&1 && return
    command -v dockerd >/dev/null || skip "no Docker daemon answers, and there is no dockerd"
    [ "$(id -u)" -eq 0 ] || skip "no Docker daemon answers, and only root can start one"
    had_bridge=$(ls -d /sys/class/net/docker0 2>/dev/null || true)
    export DOCKER_HOST=unix://$work/docker.sock
    dockerd --host "$DOCKER_HOST" --data-root "$work/data" --exec-root "$work/exec" \
        --pidfile "$work/dockerd.pid" >"$work/dockerd.log" 2>&1 &
    daemon=$!
    for ((i = 0; i < 300; i++)); do
        docker info >/dev/null 2>&1 && return
        kill -0 "$daemon" 2>/dev/null || break
        sleep 0.1
    done
    tail -n 3 "$work/dockerd.log"
    skip "a Docker daemon cannot run here"
}

# debian:trixie-slim: pulled, or as it was made the last 30 days, or made now.
docker_base() {
    local tar=$cache/trixie-slim.tar.gz tree=$work/base
    docker image inspect "$base" >/dev/null 2>&1 && return
    timeout 120 docker pull -q "$base" >/dev/null 2>&1 && return
    if [ -z "$(find "$tar" -mtime -30 2>/dev/null)" ]; then
        command -v debootstrap >/dev/null || skip "$base cannot be pulled, and there is no debootstrap"
        [ "$(id -u)" -eq 0 ] || skip "$base cannot be pulled, and only root can make it"
        debootstrap --variant=minbase trixie "$tree" >"$work/base.log" 2>&1 || {
            tail -n 3 "$work/base.log"
            skip "$base can neither be pulled nor made: the packages are out of reach"
        }
        docker_slim "$tree"
        mkdir -p "$cache"
        tar -C "$tree" --numeric-owner --exclude='./dev/*' -c . | gzip -1 >"$tar.$$"
        mv "$tar.$$" "$tar"
        rm -rf "$tree"
    fi
    docker import "$tar" "$base" >/dev/null
}

# What makes a slim image of a tree of debootstrap: no manuals and languages, and updates.
docker_slim() (
    cd "$1" || exit
    mirror=$(awk 'match($0, /https?:[^ ]+/) { print substr($0, RSTART, RLENGTH); exit }' \
        etc/apt/sources.list etc/apt/sources.list.d/* 2>/dev/null)
    mirror=${mirror%/}
    find usr/share/doc -type f ! -name copyright -delete
    find usr/share/doc -depth -type d -empty -delete
    rm -rf usr/share/{man,info,locale,groff,lintian} var/cache/apt/*.bin var/cache/apt/archives/*.deb \
        var/lib/apt/lists/* var/log/* etc/apt/sources.list
    printf 'path-exclude /usr/share/%s/*\n' man info locale groff lintian doc >etc/dpkg/dpkg.cfg.d/slim
    echo 'path-include /usr/share/doc/*/copyright' >>etc/dpkg/dpkg.cfg.d/slim
    for suite in debian:trixie debian:trixie-updates debian-security:trixie-security; do
        printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\n' \
            "${mirror%/debian}/${suite%%:*}" "${suite#*:}"
        printf 'Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n\n'
    done >etc/apt/sources.list.d/debian.sources
)

# $image: loaded if a test before this one left it for the same tree, else built.
docker_image() {
    local build=$1 sum saved
    image=kmeans-test:latest
    sum=$(cd "$root" && git ls-files -z -co --exclude-standard -- Dockerfile .dockerignore CMake* algo base cli \
        dist io train scripts examples/mnist 2>/dev/null | sort -z | xargs -0 cat | sha256sum | cut -c 1-16)
    saved=$build/image/$sum.tar.gz
    if [ -z "${daemon:-}" ] || [ -n "${2:-}" ] || [ ! -e "$saved" ]; then
        docker_base
        IMAGE=$image "$root/scripts/image.sh" "$build/image" >"$work/build.log" 2>&1 || {
            tail -n 30 "$work/build.log"
            echo "FAILED: the image cannot be built"
            exit 1
        }
        tail -n 3 "$work/build.log"
        rm -f "$build"/image/*.tar.gz
        docker save "$image" | gzip >"$saved"
    else
        docker load -q -i "$saved"
    fi
}
