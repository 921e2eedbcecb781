#!/bin/sh
# Asks the API server that KUBECONFIG points at whether it would take every overlay, and prod with every component: its own
# schemas, strictly, and Pod Security admission, whose warnings are errors here. A namespace is made for the question and deleted
# afterwards, because a server refuses what is to stand in none; nothing else is kept.
set -eu
cd "$(dirname "$0")"

kubectl version >/dev/null || {
    echo "no API server answers: where does KUBECONFIG point?" >&2
    exit 1
}
namespace=runhook-dry-run-$$
draft=$(mktemp -d .dry-run.XXXXXX)
trap 'rm -rf "$draft"; kubectl delete namespace "$namespace" --wait=false --ignore-not-found' EXIT
trap 'exit 130' INT TERM

sed "s/name: runhook\$/name: $namespace/" base/namespace.yaml | kubectl apply --server-side -f -

# ask OVERLAY [COMPONENT...]: what the server says of them together.
ask() {
    overlay=$1
    shift
    echo "== $overlay${*:+ with $*}"
    {
        echo "apiVersion: kustomize.config.k8s.io/v1beta1"
        echo "kind: Kustomization"
        echo "namespace: $namespace"
        echo "resources: [../overlays/$overlay]"
        echo "components:"
        for component; do echo "  - ../components/$component"; done
    } >"$draft/kustomization.yaml"
    kubectl kustomize "$draft" >"$draft/all.yaml" &&
        kubectl apply --server-side --dry-run=server --validate=strict --warnings-as-errors -f "$draft/all.yaml"
}

# known GROUP...: whether the cluster has the kinds of these API groups.
known() {
    for group; do
        [ -n "$(kubectl api-resources --api-group="$group" --output=name)" ] || return 1
    done
}

failed=0
ask dev || failed=1
ask prod || failed=1
ask prod kubernetes-jobs || failed=1
# maybe COMPONENT GROUP...: the same of a component whose operator the cluster may not have.
maybe() {
    component=$1
    shift
    if known "$@"; then ask prod "$component"; else echo "-- $component: the cluster has no such kinds"; fi
}
maybe keda keda.sh || failed=1
maybe cloudnative-pg postgresql.cnpg.io barmancloud.cnpg.io || failed=1
maybe prometheus-operator monitoring.coreos.com || failed=1
exit "$failed"
