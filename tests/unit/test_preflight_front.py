# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What Nginx would refuse, or take for something else, gets one sentence that names the variable."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.landfall.django.plugins.filter.front_problems import front_problems
from ansible_collections.landfall.django.plugins.module_utils import _preflight

GOOD: dict[str, Any] = {
    "nginx_user": "landfall-nginx",
    "nginx_memory_limit": "256m",
    "nginx_site_name": "shop",
    "nginx_site_domains": ["shop.example.com", "*.shop.example.com", "localhost"],
    "nginx_site_client_max_body_size": "20m",
    "nginx_site_login_paths": ["/admin/login/", "/api/v1/token/", "/accounts/~me/log-in"],
    "nginx_site_logins_per_minute": 1,
    "nginx_hsts_seconds": 0,
    "nginx_trusted_proxies": ["203.0.113.7", "10.0.0.0/8", "2001:db8::/32"],
}


@pytest.mark.parametrize(
    "values",
    [
        {},
        GOOD,
        {"nginx_site_name": "", "nginx_site_domains": []},
        {"nginx_hsts_seconds": None, "nginx_site_logins_per_minute": None, "nginx_trusted_proxies": None},
    ],
)
def test_good_values(values: dict[str, Any]) -> None:
    assert front_problems(values) == []


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
        ("nginx_site_client_max_body_size", "20 MB"),
        ("nginx_site_client_max_body_size", "20m; root /"),
        ("nginx_site_login_paths", ["admin/login/"]),
        ("nginx_site_login_paths", ["/login/?next=/"]),
        ("nginx_site_login_paths", ["/login' 1; }"]),
        ("nginx_site_login_paths", ["/$host"]),
        ("nginx_site_logins_per_minute", 0),
        ("nginx_hsts_seconds", -1),
        ("nginx_trusted_proxies", ["proxy.example.com"]),
        ("nginx_trusted_proxies", ["10.0.0.0/33"]),
        ("nginx_trusted_proxies", ["0.0.0.0/0"]),
        ("nginx_trusted_proxies", ["::/0"]),
    ],
)
def test_bad_values(name: str, value: Any) -> None:
    said = front_problems({**GOOD, name: value})
    assert len(said) == 1, said
    assert said[0].startswith(f"{name}: ")
    assert said[0].endswith(".")


def test_a_stack_is_refused_for_them_before_its_host_is_touched() -> None:
    said = _preflight.problems_of({"nginx_trusted_proxies": ["0.0.0.0/0"]}, Path)
    assert [text for text in said if text.startswith("nginx_trusted_proxies: ")]
