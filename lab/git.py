"""Git repositories for the depot, made out of directory trees."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from lab import services
from lab.network import DOMAIN
from lab.shell import LabError, run, say

# Always the same commit for the same tree: nothing of who and when is in it.
WHO = {"NAME": "Landfall lab", "EMAIL": f"lab@{DOMAIN}", "DATE": "2026-01-01T00:00:00+00:00"}
IDENTITY = {
    **{f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in WHO.items()},
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_SYSTEM": "/dev/null",
}
EXCLUDED = "__pycache__/\n*.pyc\n"
RECEIVE = """
set -eu
cd "/srv/git/$2"
[ -d "$1.git" ] || git init --quiet --bare --initial-branch=main "$1.git"
cat >"$1.git/incoming.bundle"
git -C "$1.git" fetch --quiet incoming.bundle '+refs/heads/main:refs/heads/main'
rm "$1.git/incoming.bundle"
rm -rf "/srv/git/$3/$1.git"
"""


def publish(directory: Path, name: str, *, private: bool = False, submodules: dict[str, str] | None = None) -> str:
    """Put a directory tree into the depot as branch `main` of NAME.git; return the commit."""
    if not directory.is_dir():
        raise LabError(f"{directory} is not a directory.")
    with tempfile.TemporaryDirectory(prefix="landfall-lab-") as scratch:
        commit, bundle = _commit(directory.resolve(), Path(scratch), submodules or {})
        folders = ("private", "public") if private else ("public", "private")
        _depot("sh", "-c", RECEIVE, "sh", name, *folders, stdin=bundle.read_bytes())
    access = f"git@depot.{DOMAIN}:{name}.git" if private else f"http://depot.{DOMAIN}/git/{name}.git"
    say(f"published {directory} as {access} ({commit[:12]})")
    return commit


def _commit(directory: Path, scratch: Path, submodules: dict[str, str]) -> tuple[str, Path]:
    def git(*words: str | Path, stdin: str | None = None) -> str:
        base = ["git", f"--git-dir={scratch / 'repository'}", f"--work-tree={directory}"]
        return run([*base, *words], env=IDENTITY, stdin=stdin, cwd=directory, cure="Install git.").strip()

    git("init", "--quiet", "--initial-branch=main")
    (scratch / "repository" / "info" / "exclude").write_text(EXCLUDED)
    git("add", "--all", ".")
    if submodules:
        modules = "".join(
            f'[submodule "{path}"]\n\tpath = {path}\n\turl = {url}\n' for path, url in sorted(submodules.items())
        )
        blob = git("hash-object", "-w", "--stdin", stdin=modules)
        git("update-index", "--add", "--cacheinfo", f"100644,{blob},.gitmodules")
        for path, url in submodules.items():
            target = url.rpartition("/")[2].rpartition(":")[2]
            head = _depot("sh", "-c", 'git -C /srv/git/*/"$1" rev-parse main', "sh", target).decode().strip()
            git("update-index", "--add", "--cacheinfo", f"160000,{head},{path}")
    git("commit", "--quiet", "--no-verify", "--message", "Published by the lab")
    bundle = scratch / "bundle"
    git("bundle", "create", "--quiet", bundle, "main")
    return git("rev-parse", "main"), bundle


def _depot(*words: str, stdin: bytes = b"") -> bytes:
    container = services.depot().container
    done = subprocess.run(
        ["docker", "exec", "--interactive", container, *words],
        input=stdin,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        raise LabError(f"{words[0]} in the depot: {said}\nIs the lab up? `python -m lab up` starts it.")
    return done.stdout


def submodules(words: list[str]) -> dict[str, str]:
    """Path to address, from PATH=NAME (a neighbour in the depot) or PATH=ADDRESS."""
    found = {}
    for word in words:
        path, _, where = word.partition("=")
        if not path or not where:
            raise LabError(f"--submodule {word}: it must be PATH=NAME or PATH=ADDRESS.")
        found[path] = where if ":" in where or "/" in where else f"../{where}.git"
    return found
