#!/bin/bash
# What the entrypoints of the databases share. They define docker_process_sql, which files in initdb.d may call too.

note() { printf '%s [Note] [Entrypoint]: %s\n' "$(date --rfc-3339=seconds)" "$*"; }
die() { printf '%s [ERROR] [Entrypoint]: %s\n' "$(date --rfc-3339=seconds)" "$*" >&2; exit 1; }

# from_file NAME [DEFAULT]: the variable, else the content of the file that NAME_FILE names.
from_file() {
  local name="$1" file="$1_FILE"
  [[ -z "${!name}" || -z "${!file}" ]] || die "Both $name and $file are set (but are exclusive)"
  if [[ -z "${!name}" && -n "${!file}" ]]; then
    printf -v "$name" %s "$(<"${!file}")"
  fi
  printf -v "$name" %s "${!name:-${2:-}}"
  export "${name?}"
  unset "$file"
}

run_init_files() {
  local file
  for file in /docker-entrypoint-initdb.d/*; do
    note "$file"
    # shellcheck source=/dev/null
    case "$file" in
      *.sh) if [[ -x "$file" ]]; then "$file"; else . "$file"; fi ;;
      *.sql) docker_process_sql <"$file" ;;
      *.sql.gz) gunzip -c "$file" | docker_process_sql ;;
      *.sql.bz2) bunzip2 -c "$file" | docker_process_sql ;;
      *.sql.xz) xzcat "$file" | docker_process_sql ;;
      *.sql.zst) zstd -dc "$file" | docker_process_sql ;;
      *) note "ignoring $file" ;;
    esac
  done
}
