#!/bin/sh
# Makes .venv-dbt at the repository's root: dbt Core with DuckDB, for the example in this directory. An environment of its
# own, because dbt pins another protobuf than Runhook. Run it as often as you like: it works only when something changed.
# Python 3.11 or newer; PYTHON names another one than python3.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
venv=$(cd "$here/../.." && pwd)/.venv-dbt
python=${PYTHON:-python3}

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "dbt environment: $python is not Python 3.11 or newer (PYTHON names another one)" >&2
    exit 1
fi

# The stamp is written last, so an interrupted setup starts afresh.
wanted=$("$python" -c 'import sys; print(sys.version)'; cat "$here/requirements.txt" "$here/constraints.txt")
if [ -x "$venv/bin/dbt" ] && [ -f "$venv/stamp" ] && [ "$(cat "$venv/stamp")" = "$wanted" ]; then
    echo "dbt environment: $venv is up to date"
    exit 0
fi

echo "dbt environment: installing dbt Core and DuckDB into $venv (about half a minute, once)"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# Debian's python3 without python3-venv cannot put pip into an environment: then the pip outside installs into it.
pip() {
    if "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
        "$venv/bin/python" -m pip "$@"
    else
        "$python" -m pip --python "$venv/bin/python" "$@"
    fi
}
if ! { { "$python" -m venv --clear "$venv" || "$python" -m venv --clear --without-pip "$venv"; } &&
    pip install --disable-pip-version-check --only-binary :all: \
        --requirement "$here/requirements.txt" --constraint "$here/constraints.txt"; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    echo "dbt environment: the installation failed, see above" >&2
    exit 1
fi
printf '%s\n' "$wanted" >"$venv/stamp"
echo "dbt environment: ready"
