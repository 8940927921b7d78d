#!/bin/sh
# git clone git@depot.lab.test:NAME.git, whether NAME is public or private; reading only.
set -eu

name="$(printf '%s\n' "${SSH_ORIGINAL_COMMAND:-}" | sed -n "s|^git[- ]upload-pack '\(.*/\)\?\([^/']*\)'\$|\2|p")"
for repository in "public/$name" "private/$name" "public/$name.git" "private/$name.git"; do
  [ ! -f "/srv/git/$repository/HEAD" ] || exec git-upload-pack "/srv/git/$repository"
done
echo "depot: no such repository, or not a git fetch: ${SSH_ORIGINAL_COMMAND:-}" >&2
exit 1
