#!/bin/sh
# Prints what rules.yaml beside it holds: deploy/observability/rules.yaml as a PrometheusRule.
set -eu
cat <<'HEAD'
# Written by render.sh from deploy/observability/rules.yaml; never edited.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: runhook
spec:
HEAD
sed 's/^\(.\)/  \1/' "$(dirname "$0")/../../observability/rules.yaml"
