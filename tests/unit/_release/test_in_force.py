# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import contextlib
import resource
import stat

import pytest
from ansible_collections.landfall.django.plugins.module_utils._release import in_force

# No form of text may touch these.
ENV = b'TOKEN="a\rb\r\nc \xe5\xad\x97"\n'


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "2"
    folder.mkdir()
    (folder / "compose.yaml").write_bytes(b"services: {}\n")
    (folder / "compose.override.yaml").write_bytes(b"services: {}\n")
    (folder / ".env").write_bytes(ENV)
    return folder


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "shop"
    folder.mkdir()
    return folder


@pytest.fixture
def serving(root):
    former = {"compose.yaml": b"services: {former: {}}\n", ".env": b'TOKEN="former"\n'}
    for name, text in former.items():
        (root / name).write_bytes(text)
        (root / name).chmod(0o600)
    return former


def content(root):
    return {path.name: path.read_bytes() for path in root.iterdir()}


def test_every_byte_of_a_secret_arrives(files, root):
    in_force.install(files, root)
    assert (root / ".env").read_bytes() == ENV
    assert not in_force.differs(files, root)
    assert stat.S_IMODE((root / ".env").stat().st_mode) == 0o600


def test_a_carriage_return_makes_a_difference(files, root):
    in_force.install(files, root)
    (files / ".env").write_bytes(ENV.replace(b"\r", b"\n"))
    assert in_force.differs(files, root)


def test_what_served_comes_back(files, root, serving):
    with in_force.held(root):
        in_force.install(files, root)
        in_force.put_back(root)
    assert content(root) == serving


def test_of_a_first_release_nothing_stays_in_force(files, root):
    with in_force.held(root):
        in_force.install(files, root)
        in_force.put_back(root)
    assert content(root) == {}
    assert in_force.is_empty(root)


def test_only_what_is_missing_of_the_release_that_serves_is_put_back(files, root):
    in_force.install(files, root)
    (root / ".env").unlink()
    (root / "compose.yaml").write_text("somebody's own\n")
    in_force.complete(root, files)
    assert (root / ".env").read_bytes() == ENV
    assert (root / "compose.yaml").read_text() == "somebody's own\n"


@contextlib.contextmanager
def full_disk():
    """No file can grow any more."""
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))


def test_what_served_comes_back_on_a_disk_that_is_full_by_then(files, root, serving):
    with in_force.held(root):
        in_force.install(files, root)
        with full_disk():
            in_force.put_back(root)
    assert content(root) == serving
    assert stat.S_IMODE((root / ".env").stat().st_mode) == 0o600


def test_what_cannot_be_written_leaves_the_former_file(files, root, serving):
    with full_disk(), pytest.raises(OSError, match="too large"):
        in_force.install(files, root)
    assert content(root) == serving
