"""Runs the environment's `ansible-test sanity` on the built artefact, unpacked where ansible-test asks for it.

ansible-test fetches its own pip from a server that is not a package registry. It looks into a cache first, so a
stand-in is put there: the pip of this environment, which then installs the version asked for.
"""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import types
from configparser import RawConfigParser
from pathlib import Path

import pip
from ansible_test._internal.python_requirements import get_venv_packages

from artefact import ROOT, build

# One for each environment: two of them may run at the same time.
SANITY = ROOT / ".cache/sanity" / Path(sys.prefix).name
COLLECTION = SANITY / "ansible_collections/landfall/django"
# ansible-test keeps its environments here; this one is ours, so that nothing is written into the user's.
HOME = SANITY / "home"
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
GET_PIP = """
import runpy
import sys

own_options = ["--no-setuptools", "--no-wheel"]
sys.argv[1:] = ["install", *(argument for argument in sys.argv[1:] if argument not in own_options)]
runpy.run_module("pip", run_name="__main__", alter_sys=True)
"""


def unpack() -> None:
    shutil.rmtree(COLLECTION, ignore_errors=True)
    COLLECTION.mkdir(parents=True)
    shutil.unpack_archive(build(SANITY), COLLECTION)
    # Without a repository of its own it would be the checkout's, where everything under .cache is ignored.
    subprocess.run(["git", "init", "--quiet"], cwd=COLLECTION, check=True)


def put_pip() -> None:
    cache = HOME / ".ansible/test/cache"
    cache.mkdir(parents=True, exist_ok=True)
    version = get_venv_packages(types.SimpleNamespace(version=PYTHON))["pip"]
    link = cache / "pip"
    link.unlink(missing_ok=True)
    link.symlink_to(Path(pip.__file__).parent)
    (cache / f"get_pip_{version.replace('.', '_')}.py").write_text(GET_PIP, encoding="utf-8")


def keep_pip_configuration() -> None:
    """ansible-test drops the environment's variables and we change HOME: write what pip knows into a file there."""
    listed = subprocess.run([sys.executable, "-m", "pip", "config", "list"], check=True, capture_output=True, text=True)
    options: dict[str, dict[str, str]] = {"global": {"quiet": "1"}}
    for line in listed.stdout.splitlines():
        name, _, value = line.partition("=")
        section, _, option = name.rpartition(".")
        options.setdefault("global" if section == ":env:" else section, {})[option] = ast.literal_eval(value)
    proxy = os.environ.get("HTTPS_PROXY") or os.environ.get("https_proxy")
    if proxy:
        options["global"].setdefault("proxy", proxy)
    parser = RawConfigParser()
    parser.read_dict(options)
    target = HOME / ".config/pip/pip.conf"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.touch(mode=0o600)
    with target.open("w", encoding="utf-8") as file:
        parser.write(file)


if __name__ == "__main__":
    unpack()
    put_pip()
    keep_pip_configuration()
    sanity = ["ansible-test", "sanity", "--python", PYTHON, "--color", "no", *sys.argv[1:]]
    sys.exit(subprocess.run(sanity, cwd=COLLECTION, env=os.environ | {"HOME": str(HOME)}, check=False).returncode)
