#!/bin/sh
# What the postgres image's entrypoint does with the variables that compose.yaml sets: at its first start it makes the
# cluster, its superuser and its database; then it is the server. Runs as the user postgres.
set -eu
: "${POSTGRES_PASSWORD:?is not set}"
user="${POSTGRES_USER:-postgres}"
database="${POSTGRES_DB:-$user}"
export LC_ALL=C PGDATA=/var/lib/postgresql/data

if [ ! -s "$PGDATA/PG_VERSION" ]; then
  (umask 077 && printf '%s\n' "$POSTGRES_PASSWORD" >/tmp/password)
  initdb -U "$user" --pwfile=/tmp/password -A scram-sha-256 -E UTF8 --no-sync
  rm /tmp/password
  echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
  if [ "$database" != postgres ]; then
    echo "CREATE DATABASE \"$database\"" | postgres --single -D "$PGDATA" postgres
  fi
fi
exec postgres -D "$PGDATA" -c listen_addresses='*' -c unix_socket_directories=/tmp
