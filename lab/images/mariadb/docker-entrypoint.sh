#!/bin/bash
# The official image's contract: first run from MARIADB_* or MYSQL_* variables or *_FILE, then
# /docker-entrypoint-initdb.d; an upgrade of the system tables where MARIADB_AUTO_UPGRADE is set.
set -eo pipefail
shopt -s nullglob
# shellcheck source=/dev/null
. /usr/local/lib/first-run.sh

UNKNOWN=(MARIADB_ROOT_PASSWORD_HASH MARIADB_PASSWORD_HASH MARIADB_REPLICATION_USER MARIADB_MASTER_HOST
  MARIADB_MYSQL_LOCALHOST_USER)

# either NAME [DEFAULT]: MARIADB_NAME or its file, else MYSQL_NAME or its file; both have the value afterwards.
either() {
  local mariadb="MARIADB_$1" mysql="MYSQL_$1"
  from_file "$mysql" "${2:-}"
  from_file "$mariadb" "${!mysql}"
  printf -v "$mysql" %s "${!mariadb}"
}

# Only the table at the end of the help has names in the first column.
setting() { awk -v name="$1" '$1 == name && /^[^ ]/ { print $2; exit }' <<<"$SETTINGS"; }

# SQL from standard input, as root over the socket.
docker_process_sql() {
  MYSQL_PWD="$ROOT_NOW" mariadb --user=root --protocol=socket --socket="$SOCKET" \
    ${MARIADB_DATABASE:+--database="$MARIADB_DATABASE"} "$@"
}

# A string for SQL's single quotes.
quoted() {
  local text="${1//\\/\\\\}"
  text="${text//$'\n'/\\n}"
  printf "'%s'" "${text//\'/\\\'}"
}

random_password() { head -c 24 /dev/urandom | base64 | tr '+/' '-_'; }

check_variables() {
  [[ -n "$MARIADB_ROOT_PASSWORD$MARIADB_ALLOW_EMPTY_ROOT_PASSWORD$MARIADB_RANDOM_ROOT_PASSWORD" ]] || die \
    "Database is uninitialized: set MARIADB_ROOT_PASSWORD, MARIADB_ALLOW_EMPTY_ROOT_PASSWORD" \
    "or MARIADB_RANDOM_ROOT_PASSWORD"
  local name
  for name in "${UNKNOWN[@]}"; do
    [[ -z "${!name}" ]] || die "$name: only the official image knows this variable"
  done
}

# start_temporary [SERVER OPTION...]: a server that nobody reaches by TCP.
start_temporary() {
  note "Starting temporary server"
  "${SERVER[@]}" --skip-networking --default-time-zone=SYSTEM --socket="$SOCKET" --skip-slave-start \
    --expire-logs-days=0 --loose-innodb-buffer-pool-load-at-startup=0 "$@" &
  PID=$!
  local tries=150
  until docker_process_sql --database=mysql <<<'SELECT 1' &>/dev/null; do
    if ! kill -0 "$PID" 2>/dev/null || ((tries-- == 0)); then
      die "Unable to start server."
    fi
    sleep 0.2
  done
}

stop_temporary() {
  note "Stopping temporary server"
  kill "$PID"
  wait "$PID"
}

# For healthcheck.sh, which asks with this account.
healthcheck_accounts() {
  local password host
  password="$(random_password)"
  for host in 127.0.0.1 ::1 localhost; do
    echo "CREATE USER IF NOT EXISTS healthcheck@'$host' IDENTIFIED BY '$password';"
    echo "SET PASSWORD FOR healthcheck@'$host' = PASSWORD('$password');"
    echo "GRANT ${MARIADB_HEALTHCHECK_GRANTS:-USAGE} ON *.* TO healthcheck@'$host';"
  done
  (umask 0077 && printf '[mariadb-client]\nport=%s\nsocket=%s\nuser=healthcheck\npassword=%s\n' \
    "$(setting port)" "$SOCKET" "$password" >"$DATADIR/.my-healthcheck.cnf")
}

accounts() {
  local root
  root="$(quoted "$MARIADB_ROOT_PASSWORD")"
  echo "SET SESSION sql_log_bin = 0;"
  echo "DROP USER IF EXISTS root@'127.0.0.1', root@'::1';"
  echo "EXECUTE IMMEDIATE CONCAT('DROP USER IF EXISTS root@''', @@hostname, '''');"
  echo "SET PASSWORD FOR root@localhost = PASSWORD($root);"
  if [[ "$MARIADB_ROOT_HOST" != localhost ]]; then
    echo "CREATE USER root@'$MARIADB_ROOT_HOST' IDENTIFIED BY $root;"
    echo "GRANT ALL ON *.* TO root@'$MARIADB_ROOT_HOST' WITH GRANT OPTION;"
    echo "GRANT PROXY ON ''@'%' TO root@'$MARIADB_ROOT_HOST' WITH GRANT OPTION;"
  fi
  healthcheck_accounts
  echo "SET SESSION sql_log_bin = 1;"
  [[ -z "$MARIADB_DATABASE" ]] || echo "CREATE DATABASE IF NOT EXISTS \`$MARIADB_DATABASE\`;"
  if [[ -n "$MARIADB_USER" && -n "$MARIADB_PASSWORD" ]]; then
    echo "CREATE USER '$MARIADB_USER'@'%' IDENTIFIED BY $(quoted "$MARIADB_PASSWORD");"
    [[ -z "$MARIADB_DATABASE" ]] || echo "GRANT ALL ON \`${MARIADB_DATABASE//_/\\_}\`.* TO '$MARIADB_USER'@'%';"
  fi
}

initialize() {
  check_variables
  note "Initializing database files"
  mariadb-install-db --datadir="$DATADIR" --rpm --auth-root-authentication-method=normal "${SERVER[@]:1}" \
    --cross-bootstrap --skip-test-db --default-time-zone=SYSTEM --enforce-storage-engine= --skip-log-bin \
    --expire-logs-days=0 --loose-innodb-buffer-pool-load-at-startup=0 --loose-innodb-buffer-pool-dump-at-shutdown=0
  start_temporary
  if [[ -z "$MARIADB_INITDB_SKIP_TZINFO" ]]; then
    mariadb-tzinfo-to-sql --skip-write-binlog /usr/share/zoneinfo | docker_process_sql --database=mysql
  fi
  if [[ -n "$MARIADB_RANDOM_ROOT_PASSWORD" ]]; then
    MARIADB_ROOT_PASSWORD="$(random_password)"
    note "GENERATED ROOT PASSWORD: $MARIADB_ROOT_PASSWORD"
  fi
  accounts | docker_process_sql --database=mysql --binary-mode
  ROOT_NOW="$MARIADB_ROOT_PASSWORD"
  run_init_files
  stop_temporary
  note "MariaDB init process done. Ready for start up."
}

# Whether the data is of an older version than the server; of a patch release, its tables are the same.
is_older() {
  local was
  [[ -f "$INFO" ]] || return 0
  was="$(cut -d. -f1,2 "$INFO")"
  [[ "$was" != "$VERSION" && "$(printf '%s\n' "$was" "$VERSION" | sort --version-sort | head -n1)" == "$was" ]]
}

upgrade() {
  if [[ "${MARIADB_AUTO_UPGRADE:-0}" == 0 ]]; then
    note "MariaDB upgrade required, but skipped due to \$MARIADB_AUTO_UPGRADE setting"
    return
  fi
  start_temporary --skip-grant-tables --loose-innodb-buffer-pool-dump-at-shutdown=0
  if [[ "$MARIADB_DISABLE_UPGRADE_BACKUP" != 1 ]]; then
    local version
    version="$(cat "$INFO" 2>/dev/null || echo unknown_version)"
    mariadb-dump --skip-lock-tables --replace --databases mysql --socket="$SOCKET" \
      | zstd >"$DATADIR/system_mysql_backup_$version.sql.zst"
  fi
  mariadb-upgrade --upgrade-system-tables --socket="$SOCKET"
  stop_temporary
  note "Finished mariadb-upgrade"
}

[[ "${1:0:1}" != - ]] || set -- mariadbd "$@"
case " $* " in
  *" --help "* | *" --version "* | *" -V "* | *" --print-defaults "* | *" -? "*) exec "$@" ;;
esac
[[ "$1" == mariadbd || "$1" == mysqld ]] || exec "$@"

SERVER=("$@")
ERRORS="$(mktemp)"
SETTINGS="$("$@" --verbose --help 2>"$ERRORS")" \
  || die "mariadbd failed while checking its configuration: $(<"$ERRORS")"
rm -f "$ERRORS"
DATADIR="$(setting datadir)"
SOCKET="$(setting socket)"
VERSION="$(mariadbd --version | sed -E 's/.* ([0-9]+\.[0-9]+)\..*/\1/')"
case "$VERSION" in
  10.*) INFO="$DATADIR/mysql_upgrade_info" ;;
  *) INFO="$DATADIR/mariadb_upgrade_info" ;;
esac

# Still as root, who may be the only one that can read the files.
either ROOT_HOST %
either DATABASE
either USER
either PASSWORD
either ROOT_PASSWORD
export MARIADB_ALLOW_EMPTY_ROOT_PASSWORD="${MARIADB_ALLOW_EMPTY_ROOT_PASSWORD:-$MYSQL_ALLOW_EMPTY_PASSWORD}"
export MARIADB_RANDOM_ROOT_PASSWORD="${MARIADB_RANDOM_ROOT_PASSWORD:-$MYSQL_RANDOM_ROOT_PASSWORD}"
export MARIADB_INITDB_SKIP_TZINFO="${MARIADB_INITDB_SKIP_TZINFO:-$MYSQL_INITDB_SKIP_TZINFO}"

mkdir -p "$DATADIR"
if [[ "$(id -u)" == 0 ]]; then
  find "$DATADIR" "${SOCKET%/*}" ! -user mysql -exec chown mysql: {} +
  exec setpriv --reuid mysql --regid mysql --init-groups "$0" "$@"
fi

ROOT_NOW=""
if [[ ! -d "$DATADIR/mysql" ]]; then
  initialize
elif is_older; then
  upgrade
fi
exec "$@"
