#!/bin/sh
# /etc/nginx/templates/*.template to /etc/nginx/conf.d; only names that exist in the environment are replaced.
set -e

from="${NGINX_ENVSUBST_TEMPLATE_DIR:-/etc/nginx/templates}"
to="${NGINX_ENVSUBST_OUTPUT_DIR:-/etc/nginx/conf.d}"
suffix="${NGINX_ENVSUBST_TEMPLATE_SUFFIX:-.template}"

[ -d "$from" ] || exit 0
[ -w "$to" ] || { echo "$0: ERROR: $from exists, but $to is not writable"; exit 0; }
# shellcheck disable=SC2016
names="$(awk -v keep="${NGINX_ENVSUBST_FILTER:-}" 'BEGIN { for (n in ENVIRON) if (n ~ keep) printf "${%s} ", n }')"
find "$from" -follow -type f -name "*$suffix" | while read -r template; do
  name="${template#"$from"/}"
  target="$to/${name%"$suffix"}"
  mkdir -p "${target%/*}"
  envsubst "$names" <"$template" >"$target"
done
