#!/bin/sh
# Both journeys on real input, on a throwaway data directory. The first time it installs dbt Core, into an environment of
# its own. `examples/demo.sh outbound` and `examples/demo.sh inbound` play one of the two.
set -eu

cd "$(dirname "$0")/.."
[ "$*" = outbound ] || examples/dbt/setup.sh
exec .venv/bin/python -m examples.demo "$@"
