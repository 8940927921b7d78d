# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Logins to registries in docker's config.json."""

from __future__ import annotations

import base64

import pytest
from ansible_collections.landfall.django.plugins.module_utils._docker import registry

LOGIN = {"registry": "registry.example.test:5000", "username": "deploy", "password": "p:ä s\"s'$"}


def test_a_login_is_what_docker_reads() -> None:
    (name, entry), *_ = registry.with_logins({}, [LOGIN])["auths"].items()
    assert name == "registry.example.test:5000"
    assert base64.b64decode(entry["auth"]).decode() == "deploy:p:ä s\"s'$"


@pytest.mark.parametrize("name", ["docker.io", "index.docker.io", "https://index.docker.io/v1/"])
def test_docker_hub_has_a_name_of_its_own(name: str) -> None:
    assert list(registry.with_logins({}, [{**LOGIN, "registry": name}])["auths"]) == ["https://index.docker.io/v1/"]


def test_all_else_stays() -> None:
    before = {"auths": {"other.test": {"auth": "x"}}, "proxies": {"default": {}}, "credHelpers": {"gcr.io": "gcr"}}
    after = registry.with_logins(before, [LOGIN])
    assert after["auths"]["other.test"] == {"auth": "x"}
    assert {name: after[name] for name in ("proxies", "credHelpers")} == {
        "proxies": {"default": {}},
        "credHelpers": {"gcr.io": "gcr"},
    }
    assert list(before["auths"]) == ["other.test"]
    assert registry.with_logins(after, [LOGIN]) == after


def test_a_token_of_an_earlier_login_goes() -> None:
    before = {"auths": {LOGIN["registry"]: {"identitytoken": "old", "email": "a@b"}}}
    assert set(registry.with_logins(before, [LOGIN])["auths"][LOGIN["registry"]]) == {"auth", "email"}


@pytest.mark.parametrize("config", [{"credsStore": "pass"}, {"credHelpers": {LOGIN["registry"]: "pass"}}])
def test_a_file_that_docker_would_not_look_at_is_refused(config: dict) -> None:
    with pytest.raises(ValueError, match="credential helper 'pass'"):
        registry.with_logins(config, [LOGIN])
