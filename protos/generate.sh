#!/usr/bin/env bash
# Generates the Python stubs under runhook/ from protos/. The generator is kept one protobuf major behind the runtime
# (grpcio-tools 1.80 writes code for protobuf 6.31), so that callers on protobuf 6 and 7 can both import what it writes.
# An argument names another place to write to: `make check` compares that with what is committed.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-.}
venv=.venv-protos
if [ ! -x "$venv/bin/protoc-gen-mypy" ]; then
  python3 -m venv "$venv"
  "$venv/bin/pip" -q install -r protos/requirements.txt
fi
mapfile -t files < <(find protos -name '*.proto' | sort)
PATH="$PWD/$venv/bin:$PATH" "$venv/bin/python" -m grpc_tools.protoc -Iprotos \
  --python_out="$out" --grpc_python_out="$out" --mypy_out="$out" --mypy_grpc_out="$out" "${files[@]}"
