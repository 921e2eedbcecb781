#!/usr/bin/env bash
# Builds deploy/Dockerfile as it stands and tries what comes out (tests/image), without a registry and without an engine:
# buildah builds, over a base that is made here of Debian's packages and carries the name that the Dockerfile asks for.
#
#   make image                  in a throwaway folder under TMPDIR, about 3 GB for some minutes
#   deploy/image.sh FOLDER      keeps the base there for the next time (FOLDER/base.tar)
#
# As root, for its namespaces. It reaches a Debian mirror and a package index, both as this machine does (PIP_INDEX_URL or
# pip's configuration; the machine's certificates). Everything runs in namespaces of its own, so nothing mounted or started
# here outlives it.
set -euo pipefail
SELF=$(readlink -f "$0")
cd "$(dirname "$SELF")/.."

MOST_SECONDS=2400
NAME=localhost/runhook
BASE=docker.io/library/$(sed -n 's/^ARG PYTHON_IMAGE=//p' deploy/Dockerfile)
CERTIFICATES=/etc/ssl/certs/ca-certificates.crt
PYTEST=.venv/bin/pytest

say() { printf '%4d s  %s\n' "$SECONDS" "$*"; }

fail() {
    echo "image: $*" >&2
    exit 1
}

outside() {
    [ "$(id -u)" = 0 ] || fail "this makes roots and enters them: run it as root"
    for tool in buildah:buildah mmdebstrap:mmdebstrap unshare:util-linux setpriv:util-linux; do
        command -v "${tool%:*}" >/dev/null ||
            fail "there is no ${tool%:*} here: apt-get install --no-install-recommends ${tool#*:}, or build it where there is" \
                "Docker: docker build --file deploy/Dockerfile ."
    done
    [ -x "$PYTEST" ] || fail "there is no $PYTEST: make setup"
    # Where the throwaway folder lies, everybody may pass through: the image's user reads below it.
    work=$(mktemp -d "${TMPDIR:-/tmp}/runhook-image-XXXXXX")
    chmod 0711 "$work"
    kept=${1:-$work}
    mkdir -p "$kept"
    trap clean EXIT
    trap 'exit 130' INT TERM
    timeout --kill-after=1 "$MOST_SECONDS" \
        unshare --mount --propagation private --pid --fork --kill-child --mount-proc "$SELF" --inside "$work" "$kept" &
    running=$!
    wait "$running" || fail "it does not hold, or took longer than $MOST_SECONDS s: see above"
    say "everything holds"
}

# What was mounted was mounted in there alone, and is gone with its processes before this removes anything.
clean() {
    if [ -n "${running:-}" ] && kill "$running" 2>/dev/null; then wait "$running" || true; fi
    rm -rf --one-file-system "$work" 2>/dev/null || { sleep 1 && rm -rf --one-file-system "$work"; }
}

# The base: what python:3.11-slim has, of Debian's packages. Its times are those of the packages, its caches are empty.
make_base() {
    mmdebstrap --quiet --variant=minbase --include=python3,python3-pip,python-is-python3,ca-certificates \
        --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
        bookworm "${1%.tar}.new.tar"
    mv "${1%.tar}.new.tar" "$1"
}

tag_base() {
    local made
    made=$(buildah from scratch)
    buildah add --quiet "$made" "$1" / >/dev/null
    buildah config --cmd python3 "$made"
    buildah commit --quiet --rm "$made" "$BASE" >/dev/null
}

# The unchanged Dockerfile, over the base of that name and no other.
build() {
    local index
    index=${PIP_INDEX_URL:-$(python3 -m pip config get global.index-url 2>/dev/null || true)}
    local options=(--pull-never --file "$1" --tag "$2")
    [ -z "$index" ] || options+=(--build-arg "PIP_INDEX_URL=$index")
    [ ! -f "$CERTIFICATES" ] || options+=(--volume "$CERTIFICATES:$CERTIFICATES:ro")
    buildah build --quiet "${options[@]}" "${@:4}" "$3" >/dev/null
}

# A folder with all that an image holds.
unpacked() { buildah mount "$(buildah from --pull-never "$1")"; }

megabytes() { du --summarize --block-size=1M "$1" | cut -f1; }

inside() {
    local work=$1 kept=$2 root with_dbt revision
    mkdir -p "$work/tmp"
    # The driver and the isolation that work wherever a root may mount: without a registry, without an engine, in a container.
    export BUILDAH_ISOLATION=chroot TMPDIR=$work/tmp
    buildah() { command buildah --storage-driver vfs --root "$work/storage" --runroot "$work/run" "$@"; }

    if [ -f "$kept/base.tar" ]; then
        say "the base is $kept/base.tar"
    else
        say "making the base of Debian's packages, a minute or so"
        make_base "$kept/base.tar"
    fi
    tag_base "$kept/base.tar"

    revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
    say "building deploy/Dockerfile over $BASE, a minute or two"
    build deploy/Dockerfile "$NAME" . --build-arg "REVISION=$revision"
    buildah inspect --type image "$NAME" >"$work/image.json"
    root=$(unpacked "$NAME")
    say "built: $(megabytes "$root") MB, of which $(megabytes "$root/opt/runhook") MB are ours"

    say "building examples/dbt/Dockerfile over it, a minute or two"
    build examples/dbt/Dockerfile "$NAME-dbt" examples/dbt --build-arg "RUNHOOK_IMAGE=$NAME"
    with_dbt=$(unpacked "$NAME-dbt")
    say "built: $(megabytes "$with_dbt") MB, of which $(megabytes "$with_dbt/opt/dbt") MB are dbt's"

    say "trying them (tests/image)"
    IMAGE_ROOT=$root IMAGE_WITH_DBT=$with_dbt IMAGE_INSPECTED=$work/image.json IMAGE_REVISION=$revision \
        "$PYTEST" -q -n 0 --timeout 300 -p no:cacheprovider tests/image ${ARGS:-}
}

if [ "${1:-}" = --inside ]; then inside "$2" "$3"; else outside "$@"; fi
