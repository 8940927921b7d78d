"""The role nginx, used alone: it answers before there is anything behind it."""

from __future__ import annotations

import http.client
import ssl

import pytest
from ansible_collections.landfall.django.plugins.module_utils._front.upstream import upstream


@pytest.fixture
def ask(variables):
    def get(name, port, scheme):
        connection = http.client.HTTPConnection(variables["ansible_host"], port, timeout=10)
        connection.connect()
        if scheme == "https":
            # There is only the temporary certificate, which nobody trusts.
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            connection.sock = context.wrap_socket(connection.sock, server_hostname=name)
        connection.request("GET", "/some/page", headers={"Host": name})
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read().decode()

    return get


@pytest.fixture
def name(variables):
    return f"early.{variables['inventory_hostname']}.test"


def test_a_visitor_gets_a_page_before_the_site_has_a_release(ask, name):
    status, headers, body = ask(name, 8443, "https")
    assert (status, headers["Retry-After"]) == (502, "10")
    assert "Back in a moment" in body


def test_http_leads_to_https_on_its_own_port(ask, name):
    status, headers, _ = ask(name, 8080, "http")
    assert (status, headers["Location"]) == (301, f"https://{name}:8443/some/page")


def test_another_name_is_refused(ask):
    with pytest.raises(ssl.SSLError):
        ask("other.example", 8443, "https")


def test_nginx_has_a_number_of_its_own_and_what_another_one_owned(host):
    with host.sudo():
        user = host.user("landfall-nginx")
        assert (user.uid, user.gid) == (10004, 10004)
        assert host.check_output("docker exec nginx-nginx-1 id -u") == "10004"
        owners = host.check_output("find /srv/nginx/buffers -printf '%U %G\\n' | sort --unique")
        assert owners == "10004 10004"


def test_a_container_is_reached_by_its_address_until_its_name_is_resolved(host, front, until):
    file = "/srv/nginx/upstreams/echo.conf"
    # A name that never comes to be known stands for the first moments after every reload.
    text = upstream("echo", {"echo-web-0": "127.0.0.1"}, 9009)
    text += 'server { listen 127.0.0.1:9009; location / { return 200 "by its address"; } }\n'
    with host.sudo():
        before = host.file(file).content_string
        host.check_output("printf %%s %s >%s && /srv/nginx/reload", text, file)
        try:
            # Workers from before the reload may answer first.
            until(lambda: front.ask("/").body == b"by its address", seconds=10)
        finally:
            host.check_output("printf %%s %s >%s && /srv/nginx/reload", before, file)
