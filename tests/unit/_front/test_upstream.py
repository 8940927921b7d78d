# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest
from ansible_collections.landfall.django.plugins.module_utils._front.upstream import loaded, upstream, without_addresses


def test_an_upstream_names_every_container():
    text = upstream("shop", {"shop-web-1": "172.20.0.3", "shop-web-2": "172.20.0.4"}, 9000)
    assert text.count("resolve") >= 2
    assert "server shop-web-1:9000 resolve" in text
    assert "server shop-web-2:9000 resolve" in text


def test_an_upstream_is_the_same_in_whatever_order_its_containers_come():
    hosts = {"shop-web-2": "172.20.0.3", "shop-web-10": "172.20.0.4"}
    assert upstream("shop", hosts, 8000) == upstream("shop", dict(reversed(hosts.items())), 8000)


def test_an_address_makes_no_other_file_of_it():
    hosts = {"shop-web-1": "172.20.0.3"}
    assert without_addresses(upstream("shop", hosts, 8000)) == upstream("shop", dict.fromkeys(hosts, ""), 8000)


@pytest.mark.parametrize(
    ("answer", "hosts"),
    [
        ("shop: shop-web-1 shop-web-2", ["shop-web-1", "shop-web-2"]),
        ("shop:", []),
        # The first site answers for one that Nginx does not know.
        ("another: another-web-1", None),
        ("shop-staging: shop-staging-web-1", None),
        ("", None),
        ("<html>", None),
    ],
)
def test_what_is_loaded_is_read_of_the_site_alone(answer, hosts):
    assert loaded("shop", answer) == hosts


def test_nginx_is_given_what_it_will_answer():
    text = upstream("shop", dict.fromkeys(["shop-web-2", "shop-web-1"], ""), 8000)
    said = next(line.split('"')[1] for line in text.splitlines() if "return 200" in line)
    assert loaded("shop", said) == ["shop-web-1", "shop-web-2"]
