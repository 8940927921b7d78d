# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The hashes are those of crypt(); tests/lab has Nginx check passwords against them."""

from __future__ import annotations

import pytest
from ansible_collections.landfall.django.plugins.module_utils._front.users import sha512_crypt, user_file

from rendered import variable


@pytest.mark.parametrize(
    ("password", "salt", "hashed"),
    [
        # Of the specification.
        (
            "Hello world!",
            "saltstring",
            "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
        ),
    ],
)
def test_a_known_hash(password: str, salt: str, hashed: str) -> None:
    assert sha512_crypt(password, salt) == hashed


def test_every_user_has_a_salt_of_its_own_and_always_the_same() -> None:
    users = {"ann": "secret", "bob": "secret"}
    lines = [user_file(site, users).splitlines() for site in ("shop", "staging")]
    hashes = {line.partition(":")[2] for line in (*lines[0], *lines[1])}
    assert len(hashes) == 4
    assert user_file("shop", users).splitlines() == lines[0]


def test_the_file_is_hidden_and_only_nginx_reads_it() -> None:
    given = {"nginx_site_passwords": {"ann": "only-in-a-vault"}}
    (entry,) = [one for one in variable("nginx", "__nginx_site_entries", given) if one["path"] == "keys/shop.users"]
    assert (entry["mode"], entry["group"], entry["secret"], entry["state"]) == ("0640", 10004, True, "present")
    assert entry["content"].startswith("ann:$6$")
    assert "only-in-a-vault" not in entry["content"]


def test_without_passwords_the_file_goes() -> None:
    (entry,) = [one for one in variable("nginx", "__nginx_site_entries", {}) if one["path"] == "keys/shop.users"]
    assert entry["state"] == "absent"
