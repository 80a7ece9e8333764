#!/bin/sh
# Run once by PostgreSQL's image on an empty volume: the roles of the services, which own nothing.
# `touchline migrate` grants them what they may, and would make them without a password.
set -eu
psql --no-psqlrc --set=ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" \
  --set=fold="$(cat /run/secrets/fold_password)" --set=query="$(cat /run/secrets/query_password)" <<'SQL'
CREATE ROLE touchline_fold LOGIN BYPASSRLS PASSWORD :'fold';
CREATE ROLE touchline_query LOGIN PASSWORD :'query';
SQL
