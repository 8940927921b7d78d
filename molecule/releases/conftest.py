"""The project meter, and what is done to it from release to release."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "tests/projects/meter"
CONTAINERS = "docker ps --all --no-trunc --format '{{.ID}} {{.Names}} {{.State}}' | sort"
# What is in force, what releases can be gone back to and what they were dumped into; not what every run renders again.
# An attempt that failed has a folder, which the ledger tells of.
ANEW = ("source/*", "build/*", "next/*", "static/*", "beat/*")
BUT = " ".join(f"-not -path '/srv/meter/{name}'" for name in ANEW)
FILES = f"find /srv/meter /srv/nginx -type f -not -name .lock {BUT} -exec sha256sum {{}} + | sort -k 2"

STAGING = {"stack_name": "meter-staging", "stack_releases_kept": 2}
RECORDS = """
import json, pathlib
folders = sorted(pathlib.Path("/srv/meter/releases").iterdir(), key=lambda folder: int(folder.name))
print(json.dumps([json.loads((folder / "record.json").read_text()) for folder in folders]))
"""

# New ones in every run: a number that was there before may find its image.
numbers = itertools.count(int(time.time()) % 10**7)


@dataclass
class Project:
    """The copy that is deployed."""

    root: Path

    def edit(self, file: str, old: str, new: str) -> None:
        text = (self.root / file).read_text()
        assert old in text
        (self.root / file).write_text(text.replace(old, new))

    def next_release(self) -> str:
        """Change the one line that makes a release of its own; return its name."""
        number = str(next(numbers))
        text = (self.root / "meter/settings.py").read_text()
        (self.root / "meter/settings.py").write_text(re.sub(r'RELEASE = "\d+"', f'RELEASE = "{number}"', text))
        return number

    def restore(self) -> None:
        """As it was at first, but for its release."""
        release = re.search(r'RELEASE = "\d+"', (self.root / "meter/settings.py").read_text()).group()
        subprocess.run(["rsync", "--archive", "--delete", f"{SOURCE}/", f"{self.root}/"], check=True)
        self.edit("meter/settings.py", 'RELEASE = "1"', release)


@pytest.fixture(scope="session")
def project() -> Project:
    return Project(ROOT / ".cache/meter")


@pytest.fixture(scope="module")
def site(visit):
    return visit("meter")


@pytest.fixture(scope="module")
def page(site) -> Callable[[str], dict]:
    """What the site answers, as data."""
    return lambda path="/": json.loads(site.get(path).text)


@pytest.fixture(scope="module")
def play(ansible_playbook) -> Callable[..., str]:
    """Run a playbook of the collection with these variables, which must go well; return what it said."""

    def run(name: str = "deploy", **variables: object) -> str:
        began = time.time()
        done = ansible_playbook(f"landfall.django.{name}", "--extra-vars", json.dumps(variables))
        print(f"{name} {variables or ''}: from {began:.1f} for {time.time() - began:.1f} s")
        assert done.returncode == 0, done.stdout
        return done.stdout

    return run


@pytest.fixture(autouse=True)
def good_project(project) -> None:
    """Whatever the test before has left."""
    project.restore()


@pytest.fixture(scope="module")
def attempts(host) -> Callable[[], list[dict]]:
    """The records of all attempts at a release, oldest first."""

    def read() -> list[dict]:
        return json.loads(host.check_output("python3 -c %s", RECORDS))

    return read


@pytest.fixture(scope="module")
def ledger(attempts) -> Callable[[], list[dict]]:
    """The records of those that came to serve."""
    return lambda: [record for record in attempts() if record["state"] == "serving"]


@pytest.fixture
def refused(host, ansible_playbook, page, ledger, attempts):
    """Run a playbook that must fail: the release of before serves on, in the containers of before, and nothing else is
    there, so that the next run meets what this one met. What was begun is in the ledger, with its end."""

    def run(name: str = "deploy", **variables: object) -> str:
        known = len(attempts())
        before = _state(host, page, ledger, known)
        done = ansible_playbook(f"landfall.django.{name}", "--extra-vars", json.dumps(variables))
        assert done.returncode != 0, done.stdout
        assert _state(host, page, ledger, known) == before
        assert all(record["state"] == "failed" and record["error"] for record in attempts()[known:])
        return " ".join(done.stdout.split())

    return run


def _state(host, page, ledger, known: int) -> dict[str, object]:
    """What may not differ; the folders of attempts after the first `known` may be there or not."""
    old = host.check_output("ls /srv/meter/releases | sort -n").split()[:known]
    files = host.check_output(FILES).splitlines()
    files = [line for line in files if "/releases/" not in line or line.split("/releases/")[1].split("/")[0] in old]
    return {
        "release": page()["release"],
        "containers": host.check_output(CONTAINERS),
        "entries": len(ledger()),
        "files": files,
    }


@pytest.fixture
def converges(play, project, page):
    """A good release follows, whatever came before."""

    def run() -> None:
        project.restore()
        release = project.next_release()
        play()
        assert page()["release"] == release

    return run


@pytest.fixture
def of_staging(variables) -> dict:
    """The variables of a second stack on the same host."""
    return {**STAGING, "stack_domains": [f"meter-staging.{variables['inventory_hostname']}.test"]}
