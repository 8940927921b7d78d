# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A site has a certificate before there is a real one, and Nginx gets a copy that root and one group read."""

from __future__ import annotations

import io
import json
import os
import stat
import subprocess
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.landfall.django.plugins.module_utils._files import tree
from ansible_collections.landfall.django.plugins.module_utils._front import give_certificates
from ansible_collections.landfall.django.plugins.modules import front_certificate
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from rendered import variable
from tests.unit.module_arguments import patch_module_args

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
    first = run(root, **site)
    assert (first["temporary"], first["copied"]) == (True, ["shop"])
    folder = root / "tls/temporary/shop"
    leaf = x509.load_pem_x509_certificate((folder / "fullchain.pem").read_bytes())
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == site["domains"]
    key = serialization.load_pem_private_key((folder / "privkey.pem").read_bytes(), None)
    assert key.public_key() == leaf.public_key()
    assert [mode(path) for path in (folder, folder / "privkey.pem")] == [0o700, 0o600]
    assert [mode(path) for path in (root / "keys", root / "keys/shop.pem")] == [0o750, 0o640]
    assert (root / "keys/shop.pem").stat().st_gid == GROUP
    (root / "tls/shop").symlink_to("temporary/shop")
    assert not run(root, **site)["changed"]


def test_a_certificate_of_certbots_is_copied_and_stays_certbots_own(root: Path, tmp_path: Path) -> None:
    live, archive = tmp_path / "live/shop", tmp_path / "archive/shop"
    for folder in (live, archive, root / "tls"):
        folder.mkdir(parents=True)
    for name in ("fullchain", "privkey"):
        (archive / f"{name}1.pem").write_text(f"{name}\n")
        (archive / f"{name}1.pem").chmod(0o600)
        (live / f"{name}.pem").symlink_to(f"../../archive/shop/{name}1.pem")
    (root / "tls/shop").symlink_to(live)
    given = {"site": "shop", "domains": ["shop.test"]}
    copy = root / "keys/shop.pem"
    assert run(root, _ansible_check_mode=True, **given)["changed"]
    assert not copy.exists()
    assert run(root, **given)["copied"] == ["shop"]
    assert (copy.read_text(), mode(copy)) == ("fullchain\nprivkey\n", 0o640)
    assert mode(archive / "privkey1.pem") == 0o600
    assert not (root / "tls/temporary/shop").exists()
    assert not run(root, **given)["changed"]
    copy.chmod(0o644)
    assert run(root, **given)["copied"] == ["shop"]
    (archive / "privkey1.pem").write_text("renewed\n")
    assert run(root)["copied"] == ["shop"]
    assert copy.read_text() == "fullchain\nrenewed\n"


def test_the_users_own_certificate_takes_the_place_of_any_other(root: Path, tmp_path: Path) -> None:
    given = {"site": "shop", "domains": ["shop.test"]}
    run(root, **given)
    (root / "tls/shop").symlink_to("temporary/shop")
    files = {"certificate": tmp_path / "chain.pem", "certificate_key": tmp_path / "key.pem"}
    for name, file in files.items():
        file.write_text(name)  # without a newline, on which the next begins
    entries = variable(
        "nginx", "__nginx_own_certificate", {f"nginx_site_{name}_file": str(file) for name, file in files.items()}
    )
    wanted = [tree.entry({**one, "owner": os.getuid(), "group": GROUP}) for one in entries]
    tree.apply(tree.changes(str(root), wanted))
    assert run(root, **given)["copied"] == ["shop"]
    assert (root / "keys/shop.pem").read_text() == "certificate\ncertificate_key\n"
    assert [mode(root / "tls/own/shop" / name) for name in ("", "privkey.pem")] == [0o700, 0o600]
    assert [one["path"] for one in entries if one.get("secret")] == ["tls/own/shop/privkey.pem"]
    assert tree.changes(str(root), wanted) == []


def test_what_nginx_has_outlives_a_certificate_that_is_gone(root: Path) -> None:
    given = {"site": "shop", "domains": ["shop.test"]}
    run(root, **given)
    before = (root / "keys/shop.pem").read_bytes()
    (root / "tls/other").symlink_to("/nonexistent")
    assert not run(root, site="", domains=[])["changed"]
    assert (root / "keys/shop.pem").read_bytes() == before


def test_an_openssl_that_fails_fails_the_task_and_leaves_nothing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = subprocess.CompletedProcess([], 1, "", "no such curve\n")
    monkeypatch.setattr(give_certificates, "run", lambda _command: failed)
    given = {"root": str(root), "site": "shop", "domains": ["shop.test"], "group": GROUP}
    answer = give_certificates.result(given, check_mode=False)
    assert answer["failed"]
    assert "no such curve" in answer["msg"]
    assert not root.exists()
