#!/bin/sh
set -eu
echo "atlas: edition $ATLAS_EDITION, running: $*" >&2
export ATLAS_STARTED_BY=entrypoint
exec "$@"
