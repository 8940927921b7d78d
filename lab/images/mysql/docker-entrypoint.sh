#!/bin/bash
# The official image's contract: first run from MYSQL_* variables or *_FILE, then /docker-entrypoint-initdb.d.
set -eo pipefail
shopt -s nullglob
# shellcheck source=/dev/null
. /usr/local/lib/first-run.sh

# Only the table at the end of the help has names in the first column.
setting() { awk -v name="$1" '$1 == name && /^[^ ]/ { print $2; exit }' <<<"$SETTINGS"; }

# SQL from standard input, as root over the socket.
docker_process_sql() {
  mysql --defaults-extra-file=<(printf '[client]\npassword=%s\n' "$ROOT_NOW") --user=root \
    --protocol=socket --socket="$SOCKET" --comments ${MYSQL_DATABASE:+--database="$MYSQL_DATABASE"} "$@"
}

# The official image pastes these into SQL and an option file as they are. What would break there, halfway, is
# refused here, so that nobody comes to rely on more.
check_variables() {
  [[ -n "$MYSQL_ROOT_PASSWORD$MYSQL_ALLOW_EMPTY_PASSWORD$MYSQL_RANDOM_ROOT_PASSWORD" ]] || die \
    "Database is uninitialized: set MYSQL_ROOT_PASSWORD, MYSQL_ALLOW_EMPTY_PASSWORD or MYSQL_RANDOM_ROOT_PASSWORD"
  [[ "$MYSQL_USER" != root ]] || die "MYSQL_USER=root: the root user is set by MYSQL_ROOT_PASSWORD"
  [[ "$MYSQL_ROOT_PASSWORD" != *[\'\"\\\#[:space:]]* ]] || die \
    "MYSQL_ROOT_PASSWORD holds a quote, a backslash, # or white space, which the official image cannot take"
  [[ "$MYSQL_USER$MYSQL_PASSWORD" != *[\'\\]* ]] || die \
    "MYSQL_USER or MYSQL_PASSWORD holds a single quote or a backslash, which the official image cannot take"
}

create_accounts() {
  if [[ -z "$MYSQL_INITDB_SKIP_TZINFO" ]]; then
    mysql_tzinfo_to_sql /usr/share/zoneinfo 2>/dev/null | docker_process_sql --database=mysql
  fi
  if [[ -n "$MYSQL_RANDOM_ROOT_PASSWORD" ]]; then
    MYSQL_ROOT_PASSWORD="$(head -c 24 /dev/urandom | base64 | tr '+/' '-_')"
    note "GENERATED ROOT PASSWORD: $MYSQL_ROOT_PASSWORD"
  fi
  {
    echo "SET autocommit = 1; SET SESSION sql_log_bin = 0;"
    echo "ALTER USER 'root'@'localhost' IDENTIFIED BY '$MYSQL_ROOT_PASSWORD';"
    if [[ "$MYSQL_ROOT_HOST" != localhost ]]; then
      echo "CREATE USER 'root'@'$MYSQL_ROOT_HOST' IDENTIFIED BY '$MYSQL_ROOT_PASSWORD';"
      echo "GRANT ALL ON *.* TO 'root'@'$MYSQL_ROOT_HOST' WITH GRANT OPTION;"
    fi
  } | docker_process_sql --database=mysql
  ROOT_NOW="$MYSQL_ROOT_PASSWORD"
  {
    [[ -z "$MYSQL_DATABASE" ]] || echo "CREATE DATABASE IF NOT EXISTS \`$MYSQL_DATABASE\`;"
    if [[ -n "$MYSQL_USER" && -n "$MYSQL_PASSWORD" ]]; then
      echo "CREATE USER '$MYSQL_USER'@'%' IDENTIFIED BY '$MYSQL_PASSWORD';"
      [[ -z "$MYSQL_DATABASE" ]] || echo "GRANT ALL ON \`${MYSQL_DATABASE//_/\\_}\`.* TO '$MYSQL_USER'@'%';"
    fi
  } | docker_process_sql --database=mysql
}

initialize() {
  check_variables
  note "Initializing database files"
  "$@" --initialize-insecure --default-time-zone=SYSTEM
  note "Starting temporary server"
  "$@" --daemonize --skip-networking --default-time-zone=SYSTEM --socket="$SOCKET" \
    || die "Unable to start server."
  create_accounts
  run_init_files
  note "Stopping temporary server"
  mysqladmin --defaults-extra-file=<(printf '[client]\npassword=%s\n' "$ROOT_NOW") --user=root \
    --socket="$SOCKET" shutdown
  note "MySQL init process done. Ready for start up."
}

[[ "${1:0:1}" != - ]] || set -- mysqld "$@"
case " $* " in
  *" --help "* | *" --version "* | *" -V "* | *" --print-defaults "* | *" -? "*) exec "$@" ;;
esac
[[ "$1" == mysqld ]] || exec "$@"

# A file of its own each time: one that root left in /tmp may not be opened by another user after a restart.
ERRORS="$(mktemp)"
SETTINGS="$("$@" --verbose --help --log-bin-index="$(mktemp -u)" 2>"$ERRORS")" \
  || die "mysqld failed while checking its configuration: $(<"$ERRORS")"
rm -f "$ERRORS"
DATADIR="$(setting datadir)"
SOCKET="$(setting socket)"

if [[ "$(id -u)" == 0 ]]; then
  mkdir -p "$DATADIR" "${SOCKET%/*}"
  find "$DATADIR" "${SOCKET%/*}" ! -user mysql -exec chown --no-dereference mysql {} +
  exec setpriv --reuid mysql --regid mysql --init-groups "$0" "$@"
fi

from_file MYSQL_ROOT_HOST %
from_file MYSQL_DATABASE
from_file MYSQL_USER
from_file MYSQL_PASSWORD
from_file MYSQL_ROOT_PASSWORD
ROOT_NOW=""
[[ -d "$DATADIR/mysql" ]] || initialize "$@"
exec "$@"
