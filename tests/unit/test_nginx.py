# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What Nginx is given of the host. The scenarios security and reuse ask a real one."""

from __future__ import annotations

import ipaddress
import re

import pytest
import yaml

from rendered import rendered


def test_no_link_is_followed_to_what_is_served() -> None:
    assert "\n    disable_symlinks on;\n" in rendered("nginx", "roles/nginx/templates/nginx.conf.j2", {})
    for kind in ("static", "media"):
        served = rendered("nginx", f"templates/nginx/{kind}.conf.j2", {})
        aliases = re.findall(rf"alias (\S+)/{kind}/;\n(?:#.*\n)*disable_symlinks on from=(\S+);", served)
        assert aliases == [("/srv/nginx/sites/shop",) * 2]


def test_it_sees_folders_of_what_it_serves_and_nothing_else() -> None:
    compose = yaml.safe_load(rendered("nginx", "roles/nginx/templates/compose.yaml.j2", {}))
    mounts = dict(mount.split(":", 1) for mount in compose["services"]["nginx"]["volumes"])
    assert mounts.pop("/srv/nginx/buffers") == "/var/cache/nginx"
    seen = ("conf", "conf.d", "upstreams", "keys", "acme", "sites")
    assert mounts == {f"/srv/nginx/{name}": f"/srv/nginx/{name}:ro" for name in seen}
    assert "volumes" not in compose["services"]["edge"]


def listening(given: dict, *names: str) -> list[str]:
    text = "".join(rendered("nginx", f"templates/nginx/{name}.conf.j2", given) for name in names)
    return sorted(re.findall(r"^ *listen ([^ ;]+)", text, re.MULTILINE))


@pytest.mark.parametrize(
    ("has_ipv6", "network", "ports"),
    [(False, "0_nginx", ["443", "80"]), (True, "0_nginx_ipv6", ["443", "80", "[::]:443", "[::]:80"])],
)
def test_it_listens_on_what_its_network_has(has_ipv6: bool, network: str, ports: list[str]) -> None:
    given = {"__nginx_preflight": {"ipv6": has_ipv6, "engine": "29.0.0"}}
    compose = yaml.safe_load(rendered("nginx", "roles/nginx/templates/compose.yaml.j2", given))
    assert compose["networks"]["default"]["name"] == network
    assert compose["networks"]["default"].get("enable_ipv6", False) is has_ipv6
    # Otherwise Compose leaves the holder in its former network.
    assert ("landfall.nginx.ipv6" in compose["services"]["edge"]["labels"]) is has_ipv6
    assert listening(given, "http") == listening(given, "site", "server") == ports


def test_the_host_itself_is_no_visitor() -> None:
    """Of a network with IPv6 Docker takes the first address."""
    given = {"__nginx_preflight": {"ipv6": True, "engine": "29.0.0"}}
    compose = yaml.safe_load(rendered("nginx", "roles/nginx/templates/compose.yaml.j2", given))
    ((subnet,),) = (one.values() for one in compose["networks"]["default"]["ipam"]["config"])
    gateway = str(next(ipaddress.ip_network(subnet).hosts()))
    text = rendered("nginx", "templates/nginx/http.conf.j2", given)
    (pattern,) = re.findall(r"\"(~ fd[^\"]+)\" '';", text)
    assert re.search(pattern[1:], f"fd6c:616e:6466:1::2 {gateway}")
    assert not re.search(pattern[1:], "fd6c:616e:6466:1::2 2001:db8::1")
