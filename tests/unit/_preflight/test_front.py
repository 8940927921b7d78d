# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What Nginx would refuse, or take for something else, gets one sentence that names the variable."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.landfall.django.plugins.module_utils._preflight import front, stack

GOOD: dict[str, Any] = {
    "nginx_user": "landfall-nginx",
    "nginx_memory_limit": "256m",
    "nginx_site_name": "shop",
    "nginx_site_domains": ["shop.example.com", "*.shop.example.com", "localhost"],
    "nginx_site_passwords": {"ann": "p'a\"ss", "bob@example.com": "secret"},
    "nginx_site_allowed": ["203.0.113.7", "10.0.0.0/8", "2001:db8::/32"],
    "nginx_site_private_media": ["invoices", "/users/letters/", "/"],
    "nginx_site_client_max_body_size": "20m",
    "nginx_site_buffers": "2g",
    "nginx_site_requests": 2,
    "nginx_site_health_path": "/health/",
    "nginx_site_login_paths": ["/admin/login/", "/api/v1/token/", "/accounts/~me/log-in"],
    "nginx_site_logins_per_minute": 1,
    "nginx_site_timeout": 600,
    "nginx_site_websocket_timeout": 86400,
    "nginx_hsts_seconds": 0,
    "nginx_trusted_proxies": ["203.0.113.7", "10.0.0.0/8", "2001:db8::/32"],
    "nginx_trusted_headers": ["Remote-User", "X-Forwarded-Tls-Client-Cert"],
}


@pytest.mark.parametrize(
    "values",
    [
        {},
        GOOD,
        {"nginx_site_name": "", "nginx_site_domains": []},
        {"nginx_site_client_max_body_size": "2g", "nginx_site_buffers": "8g"},
        {"nginx_site_buffers": 1073741824, "nginx_site_health_path": ""},
        {"nginx_hsts_seconds": None, "nginx_site_logins_per_minute": None, "nginx_trusted_proxies": None},
    ],
)
def test_good_values(values: dict[str, Any]) -> None:
    assert front.problems_of(values) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("nginx_user", "root"),
        ("nginx_user", "0"),
        ("nginx_user", "nginx; id"),
        ("nginx_memory_limit", "lots"),
        ("nginx_site_name", "../shop"),
        ("nginx_site_name", "shop; }"),
        ("nginx_site_domains", []),
        ("nginx_site_domains", ["shop.test; return 200"]),
        ("nginx_site_domains", ["~^(.*)$"]),
        ("nginx_site_domains", ["a b.test"]),
        ("nginx_site_domains", ["Shop.example.com"]),
        ("nginx_site_domains", ["shop.*.test"]),
        ("nginx_site_canonical_domain", "www.example.com"),
        ("nginx_site_canonical_domain", "https://shop.example.com"),
        ("nginx_site_canonical_domain", "*.shop.example.com"),
        ("nginx_site_passwords", {"ann:": "secret"}),
        ("nginx_site_passwords", {"-ann": "secret"}),
        ("nginx_site_passwords", {"ann": ""}),
        ("nginx_site_passwords", {"ann": 1234}),
        ("nginx_site_passwords", {"ann": None}),
        ("nginx_site_allowed", ["office.example.com"]),
        ("nginx_site_allowed", ["203.0.113.7/33"]),
        ("nginx_site_allowed", ["all"]),
        ("nginx_site_private_media", ["in voices"]),
        ("nginx_site_private_media", ["a;"]),
        ("nginx_site_private_media", ["../static"]),
        ("nginx_site_private_media", ["a//b"]),
        ("nginx_site_client_max_body_size", "20 MB"),
        ("nginx_site_client_max_body_size", "20m; root /"),
        ("nginx_site_client_max_body_size", "0"),
        ("nginx_site_client_max_body_size", "0m"),
        ("nginx_site_buffers", "lots"),
        ("nginx_site_buffers", "79m"),
        ("nginx_site_buffers", ""),
        ("nginx_site_requests", 1),
        ("nginx_site_requests", -5),
        ("nginx_site_health_path", "health/"),
        ("nginx_site_health_path", "/health/?full=1"),
        ("nginx_site_health_path", "/health/ {"),
        ("nginx_site_login_paths", ["admin/login/"]),
        ("nginx_site_login_paths", ["/login/?next=/"]),
        ("nginx_site_login_paths", ["/login' 1; }"]),
        ("nginx_site_login_paths", ["/$host"]),
        ("nginx_site_login_paths", ["/" + "a" * 400]),
        ("nginx_site_logins_per_minute", 0),
        ("nginx_site_timeout", 0),
        ("nginx_site_websocket_timeout", -1),
        ("nginx_hsts_seconds", -1),
        ("nginx_trusted_proxies", ["proxy.example.com"]),
        ("nginx_trusted_proxies", ["10.0.0.0/33"]),
        ("nginx_trusted_proxies", ["0.0.0.0/0"]),
        ("nginx_trusted_proxies", ["::/0"]),
        ("nginx_trusted_headers", ["Remote_User"]),
        ("nginx_trusted_headers", ["Remote-User; }"]),
        ("nginx_trusted_headers", ["x-forwarded-for"]),
        ("nginx_trusted_headers", ["Upgrade"]),
        ("nginx_trusted_headers", ["Remote-User", "remote-user"]),
    ],
)
def test_bad_values(name: str, value: Any) -> None:
    said = front.problems_of({**GOOD, name: value})
    assert len(said) == 1, said
    assert said[0].startswith(f"{name}: ")
    assert said[0].endswith(".")


def test_a_canonical_domain_is_one_of_the_stack() -> None:
    domains = ["shop.example.com", "www.shop.example.com"]
    assert front.problems_of({"stack_domains": domains, "nginx_site_canonical_domain": domains[1]}) == []
    assert front.problems_of({"stack_domains": domains[:1], "nginx_site_canonical_domain": domains[1]})


def test_a_stack_is_refused_for_them_before_its_host_is_touched() -> None:
    said = stack.problems_of({"nginx_trusted_proxies": ["0.0.0.0/0"]}, Path)
    assert [text for text in said if text.startswith("nginx_trusted_proxies: ")]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("nginx_site_canonical_domain", "shop.example.com"),
        ("nginx_site_passwords", {"ann": "secret"}),
        ("nginx_site_allowed", ["203.0.113.7"]),
    ],
)
def test_a_closed_site_is_open_for_the_health_check(name: str, value: Any) -> None:
    given = {"stack_domains": ["shop.example.com"], name: value}
    for path, count in (("", 1), ("/health/", 0)):
        said = stack.problems_of({**given, "nginx_site_health_path": path}, Path)
        assert len([text for text in said if text.startswith("nginx_site_health_path: ")]) == count
    assert not [text for text in stack.problems_of(given, Path) if "nginx" in text]


def test_no_header_is_believed_of_nobody() -> None:
    (said,) = front.problems_of({**GOOD, "nginx_trusted_proxies": []})
    assert said.startswith("nginx_trusted_headers: ")


@pytest.mark.parametrize(("body", "cure"), [("300m", "1200m"), ("2g", "8192m"), ("1073741825", "4097m")])
def test_what_does_not_fit_together_is_told_with_what_would(body: str, cure: str) -> None:
    (said,) = front.problems_of({"nginx_site_client_max_body_size": body, "nginx_site_buffers": "1g"})
    assert said.startswith("nginx_site_buffers: 1g ")
    assert f" {cure} or more" in said
    assert front.problems_of({"nginx_site_client_max_body_size": body, "nginx_site_buffers": cure}) == []


def test_many_requests_want_room_for_their_answers() -> None:
    (said,) = front.problems_of({"nginx_site_requests": 20000})
    assert " 2500m or more" in said
    assert front.problems_of({"nginx_site_requests": 20000, "nginx_site_buffers": "2500m"}) == []


ANN = {"name": "ann", "id": 10004}
OWN = {"name": "landfall-nginx", "id": 10004}
FORMER = {"name": "landfall-nginx", "id": 998}


@pytest.mark.parametrize(
    ("name", "named", "numbered", "said"),
    [
        ("landfall-nginx", {}, {}, []),
        ("landfall-nginx", {"user": OWN, "group": OWN}, {"user": OWN, "group": OWN}, []),
        ("landfall-nginx", {"user": FORMER, "group": FORMER}, {}, []),
        ("landfall-nginx", {}, {"user": ANN, "group": ANN}, ["which ann on the host has"]),
        ("landfall-nginx", {"user": FORMER}, {"group": ANN}, ["which ann on the host has"]),
        ("front", {}, {"user": OWN, "group": OWN}, ["remove landfall-nginx"]),
        ("www-data", {"user": {"name": "www-data", "id": 33}}, {}, ["the host has a user www-data already"]),
    ],
)
def test_whose_the_account_is(name: str, named: dict[str, Any], numbered: dict[str, Any], said: list[str]) -> None:
    nobody = {"user": None, "group": None}
    accounts = [{"account": name, **nobody, **named}, {"account": "10004", **nobody, **numbered}]
    found = list(front.host_problems({"nginx_user": name}, {"accounts": accounts}))
    assert len(found) == len(said)
    assert all(words in sentence for words, sentence in zip(said, found, strict=True))


def test_the_role_alone_refuses_a_domain_of_another_site() -> None:
    values = {"nginx_root": "/srv/web", "nginx_site_name": "shop", "nginx_site_domains": ["a.test", "b.test"]}
    assert front.asked(values)["front_root"] == "/srv/web"
    probe = {"accounts": [], "sites": {"shop": ["a.test"], "blog": ["b.test", "c.test"]}}
    (said,) = front.role_problems(values, probe)
    assert said.startswith("nginx_site_domains: 'b.test' ")
    assert "blog" in said
    assert list(front.role_problems(values, {"accounts": [], "sites": {}})) == []
