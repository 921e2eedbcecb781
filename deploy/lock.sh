#!/bin/sh
# Writes the image's pins, which are those of constraints.txt with the hashes of their files: requirements.txt is what the image
# holds, requirements-build.txt what makes our wheel. pip then takes nothing else, whatever an index offers. Needs uv.
set -eu
cd "$(dirname "$0")/.."
command -v uv >/dev/null || {
    echo "there is no uv here: pip install uv" >&2
    exit 1
}

lock() {
    uv pip compile --quiet --no-cache --universal --python-version 3.11 --only-binary :all: --generate-hashes --no-annotate \
        --custom-compile-command 'make lock' --constraint constraints.txt "$@" >/dev/null
}

lock --extra kubernetes --extra otel pyproject.toml --output-file deploy/requirements.txt
echo hatchling | lock - --output-file deploy/requirements-build.txt
