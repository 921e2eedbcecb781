#!/bin/sh
# Prints the two Secrets that deploy/base expects, with values made up now. Nothing is kept: whoever loses the key ring loses
# what it encrypts.
#
# For a Postgres of your own; on stderr stands the SQL that gives the services' login roles the same passwords:
#
#   deploy/make-secrets.sh postgresql://owner:password@host/database 2>roles.sql | kubectl apply -f -
#   psql postgresql://superuser@host/database -f roles.sql -f schema/roles.sql
#
# For deploy/components/cloudnative-pg, which makes the roles itself from Secrets that are printed, too:
#
#   deploy/make-secrets.sh cloudnative-pg | kubectl apply -f -
set -eu

# 256 random bits that need no quoting anywhere.
secret() { head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n'; }

# What CloudNativePG gives a role its password from; a change of it is noticed.
login() {
    cat <<EOS
apiVersion: v1
kind: Secret
type: kubernetes.io/basic-auth
metadata:
  name: postgres-$1
  namespace: runhook
  labels:
    cnpg.io/reload: "true"
stringData:
  username: '$2'
  password: '$3'
---
EOS
}

owner=${1:-}
operated=
case $owner in
cloudnative-pg)
    operated=yes
    password=$(secret)
    login owner runhook "$password"
    owner="postgresql://runhook:$password@postgres-rw:5432/runhook?sslmode=require"
    ;;
*[\'[:space:]]*) owner= ;;
esac
case $owner in
postgresql://*:*@*/*) ;;
*)
    echo "usage: $0 postgresql://owner:password@host/database | cloudnative-pg" >&2
    exit 2
    ;;
esac

at=${owner##*@}
services=
for name in subscription delivery trigger; do
    password=$(secret)
    from=$at
    if [ -n "$operated" ]; then
        login "$name" "runhook_$name" "$password"
        # The Pooler stands before the primary for those who do not work all the time.
        if [ "$name" = subscription ]; then from=postgres-pooler${at#postgres-rw}; fi
    else
        echo "create role runhook_$name login password '$password';" >&2
    fi
    services="$services
  $name: 'postgresql://runhook_$name:$password@$from'"
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
  # The same for the sessions of the console. Without the old keys, whoever is signed in has to do so again: no more.
  console-key: '$(date +%Y%m%d):$(head -c 32 /dev/urandom | base64)'
  service-credential: '$(secret)'
  # The service token of account 1, for its account_admin.
  first-token: 'rhk_$(secret)'
EOF
