# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import contextlib
import resource
import stat

import pytest
from ansible_collections.landfall.django.plugins.module_utils._configuration import differs, installed

# No form of text may touch these.
ENV = b'TOKEN="a\rb\r\nc \xe5\xad\x97"\n'


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "next"
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


def content(root):
    return {path.name: path.read_bytes() for path in root.iterdir()}


def test_every_byte_of_a_secret_arrives(files, root):
    with installed(files, root):
        assert (root / ".env").read_bytes() == ENV
    assert not differs(files, root, ".env")
    assert stat.S_IMODE((root / ".env").stat().st_mode) == 0o600


def test_a_carriage_return_makes_a_difference(files, root):
    with installed(files, root):
        pass
    (files / ".env").write_bytes(ENV.replace(b"\r", b"\n"))
    assert differs(files, root, ".env")


def fail_within(files, root):
    with installed(files, root):
        raise RuntimeError("on the way")


def test_what_served_comes_back_when_the_release_fails(files, root):
    former = {"compose.yaml": b"services: {former: {}}\n", ".env": b'TOKEN="former\r"\n'}
    for name, text in former.items():
        (root / name).write_bytes(text)
    with pytest.raises(RuntimeError):
        fail_within(files, root)
    assert content(root) == former


def test_of_a_first_release_the_secrets_stay(files, root):
    with pytest.raises(RuntimeError):
        fail_within(files, root)
    assert (root / ".env").read_bytes() == ENV


@contextlib.contextmanager
def full_disk():
    """No file can grow any more."""
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))


@pytest.fixture
def serving(root):
    former = {"compose.yaml": b"services: {former: {}}\n", ".env": b'TOKEN="former"\n'}
    for name, text in former.items():
        (root / name).write_bytes(text)
        (root / name).chmod(0o600)
    return former


def test_what_cannot_be_written_leaves_all_as_it_was(files, root, serving):
    with full_disk(), pytest.raises(OSError, match="too large"), installed(files, root):
        pass
    assert content(root) == serving


def fill_the_disk_within(files, root):
    with contextlib.ExitStack() as limit, installed(files, root):
        limit.enter_context(full_disk())
        raise RuntimeError("on the way")


def test_what_served_comes_back_on_a_disk_that_is_full_by_then(files, root, serving):
    with pytest.raises(RuntimeError):
        fill_the_disk_within(files, root)
    assert content(root) == serving
    assert stat.S_IMODE((root / ".env").stat().st_mode) == 0o600
