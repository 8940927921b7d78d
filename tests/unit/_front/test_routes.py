# Copyright: landfall.django contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What Nginx is told of routes. tests/lab/test_site.py asks a real one."""

from __future__ import annotations

import yaml
from ansible_collections.landfall.django.plugins.module_utils._front.locations import locations
from ansible_collections.landfall.django.plugins.module_utils._front.nginx import Front
from ansible_collections.landfall.django.plugins.module_utils._front.routes import Route, location, routes, server
from ansible_collections.landfall.django.plugins.module_utils._front.upstream import loaded, upstream

from rendered import rendered, variable

GIVEN = {
    "flower": {"process": "flower", "port": "5555", "domain": "flower.example.com", "passwords": {"ann": "secret"}},
    "chat": {"process": "daphne", "port": 9001, "path": "/ws/"},
}
FLOWER = Route("flower", "flower", 5555, domain="flower.example.com", guarded=True)
CHAT = Route("chat", "daphne", 9001, path="/ws/")


def test_a_route_has_no_password() -> None:
    assert routes(GIVEN) == [FLOWER, CHAT]
    shown = variable("stack", "__stack_routes", {"stack_routes": GIVEN})
    assert [one["guarded"] for one in shown] == [True, False]
    assert "secret" not in str(shown)


def test_what_is_not_whole_is_left_to_the_preflight() -> None:
    assert routes({"a": "flower", "b": {"process": "flower"}, "c": {"port": 1}}) == []
    assert routes({"a": {**GIVEN["chat"], "port": "http"}}) == routes("flower") == []


def test_a_path_is_a_location_and_a_host_name_a_server() -> None:
    assert (location("my-shop", FLOWER), server("/srv/nginx", "my-shop", CHAT)) == ("", "")
    assert "location /ws/ {\n    set $backend_my_shop my-shop.chat;\n" in locations("/n", "my-shop", {}, [FLOWER, CHAT])
    text = server("/srv/nginx", "my-shop", FLOWER)
    assert "server_name flower.example.com;" in text
    # After what it changes.
    assert text.index("my-shop.server;") < text.index("set $backend_my_shop my-shop.flower;")
    assert "set $guard_my_shop my-shop.flower;" in text
    assert "$guard" not in location("my-shop", CHAT)


def test_the_file_of_a_site_has_the_containers_of_its_routes() -> None:
    text = upstream("shop", {"shop-web-1": "10.0.0.1"}, 8000, [(CHAT, {"shop-daphne-1": "10.0.0.2"})], "/n")
    _web, _name, chat = text.partition("upstream shop.chat {")
    assert "server shop-daphne-1:9001 resolve" in chat
    assert "server 10.0.0.2:9001 backup" in chat
    said = next(line.split('"')[1] for line in text.splitlines() if "return 200" in line)
    assert loaded("shop", said) == ["shop-daphne-1", "shop-web-1"]


def test_the_passwords_of_a_route_are_in_a_file_of_its_own() -> None:
    (entry,) = variable("nginx", "__nginx_route_entries", {"stack_routes": GIVEN})
    assert (entry["path"], entry["mode"], entry["secret"]) == ("keys/shop.flower.users", "0640", True)
    assert entry["content"].startswith("ann:$6$")
    assert "secret" not in entry["content"]


def test_its_host_name_belongs_to_the_site_and_the_certificate() -> None:
    names = ["shop.example.com", "flower.example.com"]
    assert variable("nginx", "nginx_site_domains", {"stack_routes": GIVEN}) == names
    assert variable("letsencrypt", "letsencrypt_domains", {"stack_routes": GIVEN}) == names
    assert variable("nginx", "nginx_site_domains", {"stack_routes": GIVEN, "stack_domains": names}) == names


def test_its_process_joins_the_network_of_the_front() -> None:
    given = {"stack_routes": GIVEN, "stack_processes": {"daphne": "daphne x", "flower": "flower", "other": "loop"}}
    for mode, network in (("production", "front"), ("development", "default")):
        text = rendered("stack", "templates/compose.yaml.j2", {**given, "stack_mode": mode})
        services = yaml.safe_load(text)["services"]
        assert [services[name]["networks"][0] for name in ("daphne", "flower", "other")] == [
            network,
            network,
            "default",
        ]


def test_its_files_go_with_the_site(tmp_path) -> None:
    (tmp_path / "keys").mkdir()
    for name in ("shop.pem", "shop.flower.users", "shop-2.flower.users"):
        (tmp_path / "keys" / name).touch()
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d/shop.server").touch()
    found = Front(str(tmp_path)).site_files("shop")
    assert found == [f"{tmp_path}/{name}" for name in ("conf.d/shop.server", "keys/shop.pem", "keys/shop.flower.users")]
