#!/bin/sh
# Makes the secrets of docker-compose.yml in deploy/secrets: a file each, in a directory that only you may enter.
# What is there stays as it is: a master key that changed can't open what it sealed.
set -eu
cd "$(dirname "$0")"
umask 022
mkdir -p secrets
chmod 700 secrets

keep() { # NAME VALUE: a whole file or none, never over another
  [ -e "secrets/$1" ] || { printf '%s\n' "$2" >"secrets/.$1.new" && mv "secrets/.$1.new" "secrets/$1"; }
}

# Hexadecimal, so that they mean the same in an address, in XML and in SQL.
for name in owner_password fold_password query_password archive_password grafana_password; do
  keep "$name" "$(openssl rand -hex 24)"
done
keep master_key "$(openssl rand -hex 32)"
store() { printf 'postgresql://%s:%s@postgres:5432/touchline' "$1" "$(cat "secrets/$2")"; }
keep store_owner_url "$(store touchline owner_password)"
keep store_fold_url "$(store touchline_fold fold_password)"
keep store_query_url "$(store touchline_query query_password)"
keep archive_url "http://touchline:$(cat secrets/archive_password)@clickhouse:8123/touchline"

echo "Secrets are in deploy/secrets. Keep a copy of master_key elsewhere: without it nothing sealed can be read."
