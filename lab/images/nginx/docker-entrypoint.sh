#!/bin/sh
# The official image's contract: before Nginx, everything executable in /docker-entrypoint.d.
set -e

case "$1" in
  nginx | nginx-debug)
    for file in /docker-entrypoint.d/*; do
      # shellcheck source=/dev/null
      case "$file" in
        *.envsh) [ ! -x "$file" ] || . "$file" ;;
        *.sh) [ ! -x "$file" ] || "$file" ;;
      esac
    done
    ;;
esac
exec "$@"
