#!/bin/sh
# Prints what deploy/install.yaml holds: the dev overlay, rendered, for `kubectl apply -f`.
set -eu
cat <<'EOF'
# Written by `make render` from deploy/overlays/dev; never edited.
#
# The whole platform for trying out, in one go: kubectl apply -f deploy/install.yaml. It brings a Postgres of its own and
# secrets that everybody knows, so it belongs on a cluster that only you can reach. What serves others is made from
# deploy/base: see deploy/README.md.
EOF
kubectl kustomize "$(dirname "$0")/overlays/dev"
