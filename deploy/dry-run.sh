#!/bin/sh
# Asks the API server that KUBECONFIG points at whether it would take every overlay, and base with every component: its own
# schemas, strictly, and Pod Security admission, whose warnings are errors here. A component whose operator the cluster does not
# have is left out, and named. A namespace is made for the question and deleted afterwards, because a server refuses what is to
# stand in none; nothing else is kept.
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

kubectl api-versions >"$draft/known"
sed "s/name: runhook\$/name: $namespace/" base/namespace.yaml | kubectl apply --server-side -f -

# draw FOLDER [COMPONENT]: both together, in the namespace of the question.
draw() {
    {
        echo "apiVersion: kustomize.config.k8s.io/v1beta1"
        echo "kind: Kustomization"
        echo "namespace: $namespace"
        echo "resources: [../$1]"
        echo "components: [${2:+../components/$2}]"
    } >"$draft/kustomization.yaml"
    kubectl kustomize "$draft" >"$draft/all.yaml"
}

refused=
# ask NAME: what the server says of what was drawn.
ask() {
    kubectl apply --server-side --dry-run=server --validate=strict --warnings-as-errors -f "$draft/all.yaml" ||
        refused="$refused $1"
}

for folder in overlays/*; do
    echo "== $folder"
    draw "$folder"
    ask "$folder"
done
for folder in components/*; do
    component=${folder#components/}
    echo "== base with $component"
    draw base "$component"
    unknown=$(sed -n 's/^apiVersion: //p' "$draft/all.yaml" | sort -u | grep -vxF -f "$draft/known") || unknown=
    if [ -n "$unknown" ]; then
        echo "-- left out: the cluster knows nothing of" $unknown
    else
        ask "$component"
    fi
done
if [ -n "$refused" ]; then
    echo "refused:$refused" >&2
    exit 1
fi
