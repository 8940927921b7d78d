"""What users install is the built artefact: it must hold all that a run needs, found by its full name."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_the_artefact_runs_from_an_empty_collections_path(ansible_playbook, tmp_path):
    build = [sys.executable, str(ROOT / "tools/artefact.py"), str(tmp_path)]
    artefact = subprocess.run(build, check=True, capture_output=True, text=True).stdout.strip()
    collections = str(tmp_path / "collections")
    install = ["ansible-galaxy", "collection", "install", "--no-deps", "--collections-path", collections, artefact]
    # Else the checkout counts as installed already.
    subprocess.run(install, check=True, capture_output=True, env=os.environ | {"ANSIBLE_COLLECTIONS_PATH": collections})

    done = ansible_playbook("landfall.django.site", ANSIBLE_COLLECTIONS_PATH=collections)
    assert done.returncode == 0, done.stdout
    # Everything in it is as in the checkout that deployed the site before.
    assert "changed=0" in done.stdout, done.stdout
