# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Dump a stack's database into a file, whole or not at all.

Private to this collection.
"""

from __future__ import annotations

import gzip
import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

from ansible_collections.landfall.django.plugins.module_utils._docker import DockerError, last_lines

FOLDER = "backups"
# Consistent without locks on InnoDB; what a restore meets is dropped first, tables of later migrations too.
_DUMP = (
    'MYSQL_PWD="$(cat /run/secrets/root_password)" exec mysqldump --user=root --single-transaction --quick --routines'
    ' --triggers --events --no-tablespaces --set-gtid-purged=OFF --add-drop-database --databases "$MYSQL_DATABASE"'
)
_RESTORE = """'MYSQL_PWD="$(cat /run/secrets/root_password)" exec mysql --user=root'"""
_END = b"-- Dump completed"


def dump(root: str, name: str) -> Path:
    """Write backups/NAME.sql.gz. Raises DockerError, with nothing left behind, where the dump is not complete."""
    folder = Path(root) / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    target = folder / f"{name}.sql.gz"
    partial = folder / f"{name}.partial"
    command = ["docker", "compose", "--project-directory", root, "exec", "-T", "db", "sh", "-c", _DUMP]
    try:
        with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            _stream(command, file.fileno())
            os.fsync(file.fileno())
        os.replace(partial, target)
    except OSError as error:
        raise DockerError(f"the database could not be dumped into {folder}: {error}") from error
    finally:
        partial.unlink(missing_ok=True)
    return target


def _stream(command: list[str], target: int) -> None:
    end = b""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with process, os.fdopen(os.dup(target), "wb") as raw, gzip.open(raw, "wb", compresslevel=3) as packed:
        out, err = process.stdout, process.stderr
        while block := out.read(1 << 20) if out else b"":
            packed.write(block)
            end = (end + block)[-200:]
        said = err.read().decode(errors="replace") if err else ""
    if process.returncode or _END not in end:
        raise DockerError(f"mysqldump ended with code {process.returncode}:\n{last_lines(said, 20)}")


def restore_command(root: str, file: Path) -> str:
    """What somebody types on the host to bring the dump back."""
    return f"zcat {file} | docker compose --project-directory {root} exec -T db sh -c {_RESTORE}"


def forget(root: str, keep: Iterable[str]) -> None:
    """Remove the dumps that releases made, but those named."""
    names = set(keep)
    for file in (Path(root) / FOLDER).glob("before-release-*.sql.gz"):
        if str(file) not in names:
            file.unlink()
