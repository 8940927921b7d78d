#!/bin/bash
# The official image's contract: first run from POSTGRES_* variables or *_FILE, then /docker-entrypoint-initdb.d.
set -eo pipefail
shopt -s nullglob
# shellcheck source=/dev/null
. /usr/local/lib/first-run.sh

# SQL from standard input or a file (-f), as the superuser over the socket.
docker_process_sql() {
  PGHOST='' PGHOSTADDR='' psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --no-password --no-psqlrc \
    ${POSTGRES_DB:+--dbname="$POSTGRES_DB"} "$@"
}

check_variables() {
  [[ -n "$POSTGRES_PASSWORD" || "$POSTGRES_HOST_AUTH_METHOD" == trust ]] || die \
    "Database is uninitialized: set POSTGRES_PASSWORD, or POSTGRES_HOST_AUTH_METHOD=trust for access without passwords"
  [[ "$POSTGRES_HOST_AUTH_METHOD" != trust ]] || note \
    "WARNING: POSTGRES_HOST_AUTH_METHOD=trust gives everybody who reaches the port access without a password"
}

# From 18 on one volume holds the data of every major version, each in a folder of its own. Data of an older layout
# would be left aside by an empty new cluster.
refuse_other_data() {
  local folder
  [[ "$PGDATA" == "/var/lib/postgresql/$PG_MAJOR/docker" ]] || return 0
  for folder in /var/lib/postgresql /var/lib/postgresql/data /var/lib/postgresql/*/docker; do
    [[ ! -s "$folder/PG_VERSION" ]] || die \
      "$folder holds the data of another version or layout. From 18 on the data is in $PGDATA: upgrade it," \
      "and mount one volume at /var/lib/postgresql"
  done
  ((PG_MAJOR < 18)) || ! mountpoint --quiet /var/lib/postgresql/data || die \
    "A volume is mounted at /var/lib/postgresql/data and would stay unused. From 18 on: mount it at /var/lib/postgresql"
}

# initdb refuses a user that has no name.
give_a_name() {
  getent passwd "$(id -u)" >/dev/null && return
  NSS_WRAPPER_PASSWD="$(mktemp)"
  NSS_WRAPPER_GROUP="$(mktemp)"
  printf 'postgres:x:%s:%s:PostgreSQL:%s:/bin/false\n' "$(id -u)" "$(id -g)" "$PGDATA" >"$NSS_WRAPPER_PASSWD"
  printf 'postgres:x:%s:\n' "$(id -g)" >"$NSS_WRAPPER_GROUP"
  LD_PRELOAD="$(echo /usr/lib/*/libnss_wrapper.so)"
  export LD_PRELOAD NSS_WRAPPER_PASSWD NSS_WRAPPER_GROUP
}

# The options are one string of shell words.
create_cluster() (
  give_a_name
  eval "options=($POSTGRES_INITDB_ARGS)"
  # shellcheck disable=SC2154  # the line above sets it
  initdb --username="$POSTGRES_USER" --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") \
    ${POSTGRES_INITDB_WALDIR:+--waldir="$POSTGRES_INITDB_WALDIR"} "${options[@]}"
  rm -f "$NSS_WRAPPER_PASSWD" "$NSS_WRAPPER_GROUP"
)

# Asked in the database that there always is: psql takes the last of several names.
create_database() {
  local known
  known="$(docker_process_sql --dbname postgres --tuples-only --set name="$POSTGRES_DB" \
    <<<"SELECT 1 FROM pg_database WHERE datname = :'name';")"
  [[ -n "$known" ]] || docker_process_sql --dbname postgres --set name="$POSTGRES_DB" \
    <<<'CREATE DATABASE :"name";'
}

# initialize [SERVER OPTION...]
initialize() {
  check_variables
  refuse_other_data
  create_cluster
  printf '\nhost all all all %s\n' "${POSTGRES_HOST_AUTH_METHOD:-$(postgres -C password_encryption "$@")}" \
    >>"$PGDATA/pg_hba.conf"
  # For clusters whose options ask for a password at the socket, too.
  export PGPASSWORD="${PGPASSWORD:-$POSTGRES_PASSWORD}"
  PGUSER="${PGUSER:-$POSTGRES_USER}" NOTIFY_SOCKET='' pg_ctl -D "$PGDATA" -w start \
    -o "$(printf '%q ' "$@" -c listen_addresses= -p "${PGPORT:-5432}")"
  create_database
  run_init_files
  PGUSER="${PGUSER:-postgres}" pg_ctl -D "$PGDATA" -m fast -w stop
  unset PGPASSWORD
  note "PostgreSQL init process complete; ready for start up."
}

[[ "${1:0:1}" != - ]] || set -- postgres "$@"
case " $* " in
  *" --help "* | *" --version "* | *" -V "* | *" --describe-config "* | *" -? "*) exec "$@" ;;
esac
[[ "$1" == postgres ]] || exec "$@"

# Still as root, who may be the only one that can read the files.
from_file POSTGRES_PASSWORD
from_file POSTGRES_USER postgres
from_file POSTGRES_DB "$POSTGRES_USER"
from_file POSTGRES_INITDB_ARGS

# A folder that belongs to somebody else keeps its mode; the server says so if that matters.
mkdir -p "$PGDATA" /var/run/postgresql ${POSTGRES_INITDB_WALDIR:+"$POSTGRES_INITDB_WALDIR"}
chmod 0700 "$PGDATA" ${POSTGRES_INITDB_WALDIR:+"$POSTGRES_INITDB_WALDIR"} || true
chmod 3775 /var/run/postgresql || true

if [[ "$(id -u)" == 0 ]]; then
  find "$PGDATA" /var/run/postgresql ${POSTGRES_INITDB_WALDIR:+"$POSTGRES_INITDB_WALDIR"} ! -user postgres \
    -exec chown postgres {} +
  exec setpriv --reuid postgres --regid postgres --init-groups "$0" "$@"
fi

[[ -s "$PGDATA/PG_VERSION" ]] || initialize "${@:2}"
exec "$@"
