# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A site has a certificate before there is a real one, and its key is read by root and one group."""

from __future__ import annotations

import io
import json
import os
import stat
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.landfall.django.plugins.modules import front_certificate
from cryptography import x509
from cryptography.hazmat.primitives import serialization

GROUP = os.getgid()


def run(root: Path, **given: Any) -> dict[str, Any]:
    said = io.StringIO()
    arguments = {"root": str(root), "group": GROUP, **given}
    with patch_module_args(arguments), redirect_stdout(said), pytest.raises(SystemExit):
        front_certificate.main()
    result = json.loads(said.getvalue())
    assert not result.get("failed"), result
    return dict(result)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "nginx"


def test_a_site_gets_a_certificate_once(root: Path) -> None:
    site = {"site": "shop", "domains": ["shop.example.com", "www.shop.example.com"]}
    assert run(root, _ansible_check_mode=True, **site)["changed"]
    assert not root.exists()
    assert run(root, **site)["temporary"]
    folder = root / "tls/temporary/shop"
    leaf = x509.load_pem_x509_certificate((folder / "fullchain.pem").read_bytes())
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == site["domains"]
    key = serialization.load_pem_private_key((folder / "privkey.pem").read_bytes(), None)
    assert key.public_key() == leaf.public_key()
    assert [mode(path) for path in (folder.parent, folder, folder / "privkey.pem")] == [0o750, 0o750, 0o640]
    (root / "tls/shop").symlink_to("temporary/shop")
    assert not run(root, **site)["changed"]


def test_a_key_of_certbots_becomes_readable_by_the_group_alone(root: Path, tmp_path: Path) -> None:
    live, archive = tmp_path / "live/shop", tmp_path / "archive/shop"
    for folder in (live, archive, root / "tls"):
        folder.mkdir(parents=True)
    for name in ("fullchain", "privkey"):
        (archive / f"{name}1.pem").touch(mode=0o600)
        (live / f"{name}.pem").symlink_to(f"../../archive/shop/{name}1.pem")
    (root / "tls/shop").symlink_to(live)
    given = {"site": "shop", "domains": ["shop.test"], "folders": [str(live.parent), str(archive.parent)]}
    assert run(root, _ansible_check_mode=True, **given)["changed"]
    assert mode(archive / "privkey1.pem") == 0o600
    opened = run(root, **given)["opened"]
    assert {str(live.parent), str(archive.parent), str(archive / "privkey1.pem")} <= set(opened)
    assert [mode(path) for path in (live.parent, archive.parent)] == [0o750, 0o750]
    assert mode(archive / "privkey1.pem") == 0o640
    assert not (root / "tls/temporary/shop").exists()
    assert not run(root, **given)["changed"]
    (archive / "privkey1.pem").chmod(0o644)
    assert run(root, **given)["opened"] == [str(archive / "privkey1.pem")]


def test_former_keys_of_certbots_change_their_group_along(root: Path, tmp_path: Path) -> None:
    archive = tmp_path / "archive/shop"
    for folder in (archive, root / "tls"):
        folder.mkdir(parents=True)
    for number in (1, 2):
        (archive / f"privkey{number}.pem").touch(mode=0o644)
        (archive / f"fullchain{number}.pem").touch(mode=0o644)
    (root / "tls/shop").symlink_to(tmp_path / "live")
    (tmp_path / "live").mkdir()
    for name in ("fullchain", "privkey"):
        (tmp_path / f"live/{name}.pem").symlink_to(archive / f"{name}2.pem")
    run(root, site="shop", domains=["shop.test"])
    assert [mode(archive / f"privkey{number}.pem") for number in (1, 2)] == [0o640, 0o640]
    assert mode(archive / "fullchain1.pem") == 0o644


def test_every_site_opens_to_a_group_that_is_new(root: Path) -> None:
    for site in ("blog", "shop"):
        run(root, site=site, domains=[f"{site}.test"])
        (root / f"tls/{site}").symlink_to(f"temporary/{site}")
        # Modes stand for the group, which only root can change.
        (root / f"tls/temporary/{site}").chmod(0o700)
        (root / f"tls/temporary/{site}/privkey.pem").chmod(0o600)
    run(root, site="shop", domains=["shop.test"])
    for site in ("blog", "shop"):
        assert mode(root / f"tls/temporary/{site}") == 0o750
        assert mode(root / f"tls/temporary/{site}/privkey.pem") == 0o640
    assert not run(root, site="shop", domains=["shop.test"])["changed"]
