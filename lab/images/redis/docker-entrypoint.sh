#!/bin/sh
# The official image's contract: root hands /data to redis and becomes it; other commands run as they are.
set -e

case "$1" in
  -* | *.conf) set -- redis-server "$@" ;;
esac
[ "$1" = redis-server ] || exec "$@"

if [ "$(id -u)" = 0 ]; then
  find . ! -user redis -exec chown redis {} +
  exec setpriv --reuid redis --regid redis --clear-groups --no-new-privs "$0" "$@"
fi
[ "$(umask)" != 0022 ] || umask 0077

# Configuration files come before standard input and options, so the defaults lose against both. Redis takes only one
# file, though, and `-` only as the first or the last word.
shift
defaults=/etc/redis/defaults.conf
case "$1" in
  -) shift; set -- "$defaults" "$@" - ;;
  -v | -h | --version | --help | --test-memory | --check-system) ;;
  '' | --*) set -- "$defaults" "$@" ;;
  *) grep -qs '^ *protected-mode' "$1" || set -- "$@" --protected-mode no ;;
esac
exec redis-server "$@"
