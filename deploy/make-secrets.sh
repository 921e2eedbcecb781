#!/bin/sh
# Prints the two Secrets that deploy/base expects, with values made up now; on stderr, the SQL that gives the services'
# login roles the same passwords. Nothing is kept: whoever loses the key ring loses what it encrypts.
#
#   deploy/make-secrets.sh postgresql://owner:password@host/database 2>roles.sql | kubectl apply -f -
#   psql postgresql://superuser@host/database -f roles.sql -f schema/roles.sql
set -eu

owner=${1:-}
case $owner in
*[\'[:space:]]*) owner= ;;
esac
case $owner in
postgresql://*:*@*/*) ;;
*)
    echo "usage: $0 postgresql://owner:password@host/database" >&2
    exit 2
    ;;
esac

# 256 random bits that need no quoting anywhere.
secret() { head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n'; }

at=${owner##*@}
services=
for name in subscription delivery trigger; do
    password=$(secret)
    echo "create role runhook_$name login password '$password';" >&2
    services="$services
  $name: 'postgresql://runhook_$name:$password@$at'"
done

cat <<EOF
apiVersion: v1
kind: Secret
metadata:
  name: runhook-database
  namespace: runhook
stringData:
  owner: '$owner'$services
---
apiVersion: v1
kind: Secret
metadata:
  name: runhook-secrets
  namespace: runhook
stringData:
  # One key a line: the first encrypts, all decrypt. A new key goes on top, and the old ones stay.
  key-ring: '$(date +%Y%m%d):$(head -c 32 /dev/urandom | base64)'
  service-credential: '$(secret)'
  # The service token of account 1, for its account_admin.
  first-token: 'rhk_$(secret)'
EOF
