#!/bin/bash
# The checks of the official image's script that a single server needs, in the order in which they are given.
set -eo pipefail

ask() {
  mariadb --defaults-extra-file=/var/lib/mysql/.my-healthcheck.cnf --skip-ssl --protocol=socket --batch \
    --skip-column-names --execute "$1"
}

# The server of the first run has no network.
connect() { [[ "$(ask 'SELECT @@skip_networking')" == 0 ]]; }

innodb_initialized() {
  [[ "$(ask "SELECT 1 FROM information_schema.ENGINES
    WHERE engine = 'innodb' AND support IN ('YES', 'DEFAULT', 'ENABLED')")" == 1 ]]
}

[[ $# != 0 ]] || { echo "At least one argument required" >&2; exit 1; }
for option; do
  case "$option" in
    --connect) connect ;;
    --innodb_initialized) innodb_initialized ;;
    *) echo "Unknown healthcheck option $option" >&2; exit 1 ;;
  esac || { echo "healthcheck ${option#--} failed" >&2; exit 1; }
done
# As in the official script, which connects unless it has done so.
[[ " $* " == *" --connect "* ]] || connect
